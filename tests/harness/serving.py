"""A process that holds a scheduler and its server: `python -m tests.harness.serving STORE MODELS`.

It prints the server's address as JSON, then what the scheduler announces.
"""

import json
import sys
from pathlib import Path

from fixtures.harness import scheduler, specs
from fixtures.harness.store import Store


def announce(subject: str, text: str | None, share: float | None) -> None:
    """Print what is announced."""
    print(subject, text, flush=True)


def main(store: str, models: str) -> None:
    """Serve until standard input closes."""
    scheduler.BUILDER = scheduler.RUNNER = "tests.harness.stand_in"
    serving = scheduler.Scheduler(Store(Path(store)), specs.find([Path(models)])[0], anew=False, announce=announce)
    socket, key = scheduler.Server(serving).address
    print(json.dumps([socket, key.hex()]), flush=True)
    sys.stdin.read()
    serving.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
