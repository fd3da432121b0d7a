"""A process that writes an entry: `python -m tests.harness.writer ROOT [LIMIT]`.

It prints "writing" with half of the entry written and goes on when it reads a line, prints "waiting" while another
process writes, and in the end prints "done", or why it could not write. No file may grow beyond LIMIT bytes.
"""

import resource
import sys
from pathlib import Path

import numpy as np

from fixtures.harness.store import Address, Store, StoreError

ADDRESS = Address.of("builds", "model", {"recipe": 1})


def write(folder: Path) -> None:
    """Write half of the entry, then the other."""
    np.save(folder / "half.npy", np.zeros(1000))
    print("writing", flush=True)
    sys.stdin.readline()
    np.save(folder / "other half.npy", np.zeros(1000))


def main(root: str, *limit: str) -> None:
    """Write the entry once."""
    for most in map(int, limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        Store(Path(root)).once(ADDRESS, write, waiting=lambda: print("waiting", flush=True))
    except StoreError as error:
        print(error, flush=True)
    else:
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
