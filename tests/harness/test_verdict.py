"""A verdict holds only if its value is a number within its bounds."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from fixtures.harness.verdict import Ruling, Verdict, number, recorded, under
from models.spec import Budget

BOUNDS = [{"at_least": 0.9}, {"at_most": 0.1}, {"at_least": 0.1, "at_most": 0.9}]


@pytest.mark.parametrize(
    ("value", "bounds"),
    [(0.9, {"at_least": 0.9}), (0.1, {"at_most": 0.1}), (3, {"at_least": 3, "at_most": 3}), (0, {"at_most": 0})],
)
def test_value_on_its_bound_holds(value, bounds):
    """Bounds are inclusive."""
    assert Verdict("share", value, **bounds).holds


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (math.nextafter(0.9, 0), {"at_least": 0.9}),
        (math.nextafter(0.1, 1), {"at_most": 0.1}),
        (2, {"at_least": 3, "at_most": 3}),
        (4, {"at_least": 3, "at_most": 3}),
        (math.inf, {"at_most": 1e300}),
        (-math.inf, {"at_least": -1e300}),
    ],
)
def test_value_beyond_its_bound_does_not_hold(value, bounds):
    """The least step beyond a bound is beyond it, and so is infinity."""
    assert not Verdict("share", value, **bounds).holds


@pytest.mark.parametrize("bounds", [*BOUNDS, {"at_least": math.nan}, {"at_most": math.inf}, {"at_least": -math.inf}])
def test_nan_never_holds(bounds):
    """What is not a number is within no bounds, however wide."""
    assert not Verdict("share", math.nan, **bounds).holds


@pytest.mark.parametrize(
    "bounds", [{"at_least": math.nan}, {"at_most": math.nan}, {"at_least": 0, "at_most": math.nan}]
)
def test_bound_that_is_no_number_never_holds(bounds):
    """A bound that came out as NaN passes nothing."""
    assert not Verdict("share", 0.5, **bounds).holds


def test_verdict_without_bounds_is_refused():
    """A verdict that could not fail is an error that names its quantity."""
    with pytest.raises(ValueError, match="share of zeros: neither a least nor a most"):
        Verdict("share of zeros", 0.5)


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ({"at_least": 0.95}, "at least 0.95"),
        ({"at_most": 1e-5}, "at most 1e-05"),
        ({"at_least": 0.5, "at_most": 0.55}, "0.5 to 0.55"),
        ({"at_least": 7, "at_most": 7}, "exactly 7"),
    ],
)
def test_bounds_are_told(bounds, told):
    """What is allowed reads as a person says it."""
    assert Verdict("share", 0.5, **bounds).allowed == told


def test_message_says_what_where_and_what_next():
    """A verdict reads: measured and allowed, the evidence, where to look."""
    verdict = Verdict("flips", 12, at_most=10, evidence="sample 811: 3 -> 5", look_at="the weights")

    assert str(verdict).splitlines() == [
        "flips: 12 measured, at most 10 allowed",
        "sample 811: 3 -> 5",
        "look at: the weights",
    ]


def test_message_has_no_empty_lines():
    """What there is nothing to say of takes no line."""
    assert str(Verdict("flips", math.nan, at_most=10)) == "flips: nan measured, at most 10 allowed"


@pytest.mark.parametrize(
    ("value", "bounds", "told"),
    [
        (0.949996, {"at_least": 0.95}, "0.949996 measured, at least 0.95 allowed"),
        (0.10000001, {"at_most": 0.1}, "0.10000001 measured, at most 0.1 allowed"),
        (math.nextafter(0.9, 0), {"at_least": 0.9}, f"{math.nextafter(0.9, 0)} measured, at least 0.9 allowed"),
        (0.99999, {"at_least": 1}, "0.99999 measured, at least 1 allowed"),
        (0.95, {"at_least": 0.95}, "0.95 measured, at least 0.95 allowed"),
        (0.123456, {"at_most": 0.654321}, "0.1235 measured, at most 0.6543 allowed"),
        (0.949961234, {"at_least": 0.95}, "0.94996 measured, at least 0.95 allowed"),
        (math.nextafter(1, 2), {"at_most": 1}, "1.0000000000000002 measured, at most 1 allowed"),
        (0.123451, {"at_most": 0.12345}, "0.123451 measured, at most 0.12345 allowed"),
        (0.12345, {"at_least": 0.123451, "at_most": 0.9}, "0.12345 measured, 0.123451 to 0.9 allowed"),
        (0.123451, {"at_least": 0, "at_most": 0.12345}, "0.123451 measured, 0 to 0.12345 allowed"),
        (0.12345, {"at_least": 0.123451}, "0.12345 measured, at least 0.123451 allowed"),
        (0.12345, {"at_least": 0.123451, "at_most": 0.123451}, "0.12345 measured, exactly 0.123451 allowed"),
        (math.nan, {"at_most": math.nan}, "nan measured, at most nan allowed"),
    ],
)
def test_message_does_not_contradict_itself(value, bounds, told):
    """A value that is beyond its bound, and the bound, have as many digits as it takes to read so, and no more."""
    assert str(Verdict("accuracy", value, **bounds)) == f"accuracy: {told}"


def test_report_is_given_all_of_it():
    """A report is given what was measured and allowed, as people read it and as numbers, and all else that was said."""
    found = Verdict("flips", 12, at_most=10, evidence="sample 811", look_at="the weights", samples=(811, 3))

    assert found.as_dict() == {
        "quantity": "flips",
        "measured": "12",
        "allowed": "at most 10",
        "value": 12,
        "at_least": None,
        "at_most": 10,
        "holds": False,
        "evidence": "sample 811",
        "look_at": "the weights",
        "samples": [811, 3],
        "law": None,
    }


def test_report_is_given_plain_values():
    """Numbers of NumPy become Python's: nothing else goes from a worker to the process that writes the report."""
    found = Verdict("class", np.float32(3), at_least=np.int64(3), at_most=np.float64(3)).as_dict()

    assert {type(value) for value in found.values()} == {str, float, bool, list, type(None)}
    assert (found["value"], found["at_least"], found["at_most"], found["holds"]) == (3, 3, 3, True)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0"),
        (-3.0, "-3"),
        (84_512, "84 512"),
        (0.123456, "0.1235"),
        (1.5e-7, "1.5e-07"),
        (999_999_999_999_999, "999 999 999 999 999"),
        (1e15, "1e+15"),
        (1.5e15, "1.5e+15"),
        (1e20, "1e+20"),
        (-1e20, "-1e+20"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
    ],
)
def test_number_is_told_as_people_read_it(value, told):
    """Integers are whole and grouped, others have four digits that count, and what is no number says so."""
    assert number(value) == told


NOTHING = Ruling()


@dataclass(frozen=True)
class Part:
    """A term of a law that has terms of its own."""

    share: float


@dataclass(frozen=True)
class Law:
    """A law that allows as many times *share* as the budget has a roundoff, and knows what it is given."""

    parts: tuple[Part, ...]
    told: Ruling = NOTHING

    def ruling(self, budget):
        """Return the bounds, and what is known besides."""
        most = budget.roundoff * self.parts[0].share
        return Ruling(1, most, self.told.value, self.told.quantity, self.told.evidence)


def test_verdict_under_a_law_has_its_bounds():
    """What was measured is judged by what the law allows under the budget, and keeps the law."""
    law = Law((Part(0.25),))

    assert under(law, Budget(roundoff=8), "share", 1.5, evidence="sample 811", look_at="the weights") == Verdict(
        "share", 1.5, 1, 2, "sample 811", "the weights", law=law
    )


def test_law_may_know_what_was_measured():
    """What the law says of the quantity, its value and the evidence goes before what was measured."""
    law = Law((Part(0.25),), Ruling(value=0.0, quantity="", evidence=""))
    found = under(law, Budget(roundoff=8), "share", 1.5, evidence="sample 811")

    assert (found.quantity, found.value, found.evidence) == ("", 0, "")
    assert math.isnan(under(Law((Part(0.25),)), Budget()).value)
    assert not under(Law((Part(0.25),)), Budget()).holds


def test_law_is_recorded_as_json_values():
    """A verdict's report has the law's name and its terms, all of them plain."""
    law = Law((Part(np.float64(0.25)), Part(1)))

    terms = {"parts": [{"share": 0.25}, {"share": 1}], "told": recorded(Ruling())["terms"]}
    assert under(law, Budget(), "share", 1).as_dict()["law"] == {"name": "Law", "terms": terms}
    assert type(recorded(law)["terms"]["parts"][0]["share"]) is float
    assert recorded(Ruling(1, 2)) == {
        "name": "Ruling",
        "terms": {"at_least": 1, "at_most": 2, "value": None, "quantity": None, "evidence": None},
    }
