"""What the gate's decisions on accuracy are worth: `python -m tests.power`, with the extra `docs` installed.

Computes how often they fail a good model and catch a drop, has the gate's own code judge simulated models, and exits
with 1 where the two differ. Writes `power.json` and `power.svg`, and prints the table of the README, which a test
compares with the former. Takes ten minutes.
"""

import sys
from time import perf_counter

from tests.power import computed, simulated
from tests.power.drawing import draw
from tests.power.results import PLOT, RESULTS, table, write


def main() -> int:
    """Compute, simulate, compare, write."""
    start = perf_counter()
    found = computed.all_sizes()
    found["worst"] = computed.worst(computed.SIZES[0], computed.SIZES[-1])
    print(f"computed, {perf_counter() - start:.0f} s", flush=True)
    found["simulated"] = simulated.all_sizes()
    found["bootstrap"] = simulated.bootstrapped()
    print(f"simulated, {perf_counter() - start:.0f} s", flush=True)
    differences = simulated.differences(found, found["simulated"])
    if differences:
        print(*differences, sep="\n")
        return 1
    write(found, RESULTS)
    draw(found, PLOT)
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
