"""A process that goes through evaluation data: `python -m tests.harness.streamer PATH [FOLDER]`.

It unpacks them to FOLDER first, if that is given, and prints how much memory it needed at most, in bytes.
"""

import re
import sys
from pathlib import Path

import numpy as np

from fixtures.harness.evaluation_data import open_data, unpack

if __name__ == "__main__":
    path, *folder = map(Path, sys.argv[1:])
    if folder:
        unpack(path, *folder)
    data = open_data(*folder or [path])
    data.digest()
    data.verify()
    total = sum(data.rows("x", start, stop).sum(dtype=np.float64) for start, stop in data.blocks())
    assert total == data.take("x", [data.count - 1, 0]).sum(dtype=np.float64)
    # Of this program alone: getrusage counts what its parent had when it started it.
    print(1024 * int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]))
