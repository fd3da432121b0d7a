"""A process with a child: `python -m tests.harness.parent`. It prints the child's id, and waits for its answer."""

import sys

from fixtures.harness.children import Child


def main(*jobs: str) -> None:
    """Have a child do one job after another."""
    child = Child("tests.harness.echo")
    child.ask({"do": "say", "say": "ready"}, print)
    print(child.process.pid, flush=True)
    for job in jobs:
        child.ask({"do": job}, lambda text, _: print(text, flush=True))
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
