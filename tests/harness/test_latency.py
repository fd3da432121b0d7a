"""What is told of how long runs took is what they took, the first one apart from those after it."""

import json

import numpy as np
import pytest

from fixtures.harness.latency import Latency


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ([9.0], (9.0, None, None, 0)),
        ([9.0, 2.0], (9.0, 2.0, 2.0, 1)),
        ([9.0, 1.0, 4.0, 2.0], (9.0, 2.0, 3.8, 3)),
        ([1.0, *range(101)], (1.0, 50.0, 95.0, 101)),
    ],
)
def test_first_run_is_told_apart(seconds, told):
    """Median and p95 are of all runs but the first, whatever their order; without any there are none."""
    found = Latency.of(0.5, np.array(seconds))

    assert found.load == 0.5
    assert (found.first, found.median, found.p95, found.runs) == pytest.approx(told)


def test_latency_is_kept_as_it_is():
    """What is written to the store is read back the same: plain numbers."""
    found = Latency.of(0.5, np.float64([0.1, 0.2, 0.3]))

    assert Latency(**json.loads(json.dumps(found.as_dict()))) == found
