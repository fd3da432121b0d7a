"""A process that reads an entry: `python -m tests.harness.reader ROOT`. It prints the entry's folder, and lives on."""

import sys
from pathlib import Path

from fixtures.harness.store import Store
from tests.harness.writer import ADDRESS

if __name__ == "__main__":
    print(Store(Path(sys.argv[1])).find(ADDRESS), flush=True)
    sys.stdin.read()
