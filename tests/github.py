"""What a runner of GitHub takes for commands in what a step prints: ActionCommand.cs of actions/runner."""

import re

_COMMAND = re.compile(r"\s*::([^:\s]+)(?:\s[^:]*)?::(.*)")
_OLD_COMMAND = re.compile(r".*?##\[([^\]\s]+)[^\]]*\](.*)")


def commands(text: str) -> list[str]:
    """Return the lines of *text* that do something, but for those that stop commands and let them be taken again.

    A command begins a line with `::`, or stands anywhere in it as `##[name]`. Fails if commands stay stopped.
    """
    found, end = [], None
    for line in text.splitlines():
        command = _COMMAND.match(line) or _OLD_COMMAND.match(line)
        name, value = command.groups() if command else (None, None)
        if end is not None:
            end = None if name == end else end
        elif name == "stop-commands":
            end = value
        elif command:
            found.append(line.strip())
    assert end is None, "commands stay stopped"
    return found
