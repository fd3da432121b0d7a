"""A process that replaces an entry again and again: `python -m tests.harness.replacer ROOT TIMES`."""

import sys
from pathlib import Path

from fixtures.harness.store import Store
from tests.harness.writer import ADDRESS


def write(folder: Path) -> None:
    """Write an entry that is like the one before."""
    (folder / "weights").write_bytes(b"0123")
    (folder / "other").write_bytes(bytes(1 << 20))


def main(root: str, times: str) -> None:
    """Replace the entry, and say so before and after."""
    print("replacing", flush=True)
    for _ in range(int(times)):
        Store(Path(root)).once(ADDRESS, write, anew=True)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
