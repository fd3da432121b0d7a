"""The parts of README.md that commands write, each between two marks."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def with_part(text: str, name: str, command: str, content: str) -> str:
    """Return the *text* of a README with *content* for the part *name*, which *command* writes.

    Raises ValueError where the text has no such part.
    """
    begin, end = f"<!-- {name}: written by {command} -->\n", f"<!-- end of {name} -->\n"
    found, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: f"{begin}{content}{end}", text, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"README.md has {count} parts that begin with {begin.strip()!r} and end with {end.strip()!r}")
    return found
