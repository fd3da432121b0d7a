"""How much of a bound is used is 0 where there is all room, 1 at the bound, and more beyond it."""

from math import inf

import pytest

from fixtures.harness.bound_use import largest, share


@pytest.mark.parametrize(
    ("value", "least", "most", "expected"),
    [
        (1.0, None, 4.0, 0.25),
        (8.0, None, 4.0, 2.0),
        (0.0, None, 0.0, 0.0),
        (1e-9, None, 0.0, inf),
        (-1.0, None, 4.0, 0.0),
        (0.98, 0.9, None, pytest.approx(0.2)),
        (0.8, 0.9, None, pytest.approx(2.0)),
        (1.0, 1.0, None, 0.0),
        (0.0, 1.0, None, inf),
        (60.0, 30.0, None, 0.5),
        (0.0, 30.0, None, inf),
        (0.56, 0.54, 0.56, pytest.approx(1.0)),
        (0.55, 0.54, 0.56, pytest.approx(0.0, abs=1e-12)),
        (7.0, 7.0, 7.0, 0.0),
        (8.0, 7.0, 7.0, inf),
        ("NaN", None, 4.0, inf),
        ("Infinity", None, 4.0, inf),
        (3.0, None, None, None),
        (-2.0, -3.0, None, None),
        (-2.0, None, -3.0, None),
        (None, None, 3.0, None),
    ],
)
def test_share_of_a_bound(value, least, most, expected):
    """Each kind of bound has its measure, and one that tells none has none."""
    assert share({"value": value, "at_least": least, "at_most": most}) == expected


def test_largest_names_its_check():
    """The largest share comes with the check and the quantity that use it; without a number there is none."""
    one = {"quantity": "error", "value": 1.0, "at_least": None, "at_most": 4.0}
    checks = [{"name": "a", "measured": [one]}, {"name": "b", "measured": [one, {**one, "value": 3.0}]}]

    assert largest(checks) == (0.75, "b", "error")
    assert largest([{"name": "c", "measured": []}]) is None
