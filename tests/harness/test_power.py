"""What the README says of the decisions on accuracy is what the rules of today come to; simulations agree with it."""

import numpy as np
import pytest

from fixtures.harness.metrics import change
from fixtures.harness.statistics import FALSE_ALARM
from fixtures.harness.versions import ROOT
from models.tasks import Classification
from tests.power import computed, results, simulated

FOUND = results.read()
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOME = [*computed.SIZES, *(of_kind["samples"] for of_kind in FOUND["worst"].values()), 51, 340, 1058, 2121, 3438, 3500]


@pytest.mark.parametrize("samples", computed.SIZES)
def test_file_has_what_is_computed_today(samples):
    """The figures of each number of samples are those of the rules as they are."""
    now = results.rounded(computed.of_size(samples))
    then = FOUND["sizes"][str(samples)]

    assert now.keys() == then.keys()
    for name, value in now.items():
        assert then[name] == pytest.approx(value, rel=1e-4, abs=1e-12), name


def test_file_was_made_of_todays_budget():
    """It is of the default budget, and of good models as they are defined."""
    expected = computed.settings()

    assert {name: FOUND[name] for name in expected} == results.rounded(expected)


def test_readme_has_the_figures():
    """Table and sentences of the README are made of the file."""
    for text in (results.table(FOUND), *results.sentences(FOUND)):
        assert text in " ".join(README.split()) or text in README


@pytest.mark.parametrize("samples", SOME)
def test_no_size_fails_a_good_model(samples):
    """No decision fails a good model more often than is permitted, nor a run, whatever its decisions share."""
    found = computed.most_false_alarms(samples)

    assert max(found[kind] for kind in computed.DECISIONS) <= FALSE_ALARM * (1 + 1e-9)
    assert found["run"] < 1e-4
    assert all(computed.false_alarms(samples)[kind] <= found[kind] * (1 + 1e-6) + 1e-15 for kind in found)


@pytest.mark.parametrize("kind", [*computed.DECISIONS, "run"])
def test_worst_size_is_as_bad_as_the_file_says(kind):
    """The number of samples that fails a good model most often does so as often as it was found to."""
    worst = FOUND["worst"][kind]

    assert computed.most_false_alarms(worst["samples"])[kind] == pytest.approx(worst["chance"], rel=1e-4)
    assert worst["chance"] <= (1e-4 if kind == "run" else FALSE_ALARM)


def test_half_a_point_passes_seldom():
    """A true drop of half a point passes 10,000 samples in less than 1 of 100 runs."""
    drop = computed.chance(computed.accuracy(10_000), 10_000, 0.005)

    assert 1 - drop < 0.01


@pytest.mark.parametrize(("samples", "gained"), [(50, 0), (500, 1), (500, 30), (3500, 0), (10_000, 3), (10_000, 40)])
def test_gate_falls_short_where_the_rule_says(samples, gained):
    """The gate's own code judges outputs as the computation has it: one lost sample less, and they pass."""
    lost = computed.accuracy(samples)(gained)
    targets = np.zeros(samples, int)
    outputs = np.eye(2, dtype=np.float32)

    def holds(lost):
        before, now = np.zeros((2, samples), int)
        now[:lost], before[samples - gained :] = 1, 1
        found = change(
            outputs[now], outputs[before], targets, Classification(), computed.BUDGET.confidence, computed.ROUNDING
        )
        assert (found.lost, found.gained) == (lost, gained)
        return found.judged(computed.BUDGET.metric_drop).holds

    assert (holds(lost - 1), holds(lost)) == (True, False)


def test_simulation_agrees():
    """What was simulated is explained by what is computed."""
    assert simulated.differences(FOUND, FOUND["simulated"]) == []


def test_simulation_that_differs_is_told():
    """Counts that the computed chances do not explain are named."""
    half = FOUND["simulated"]["500"]
    wrong = {"500": half | {"accuracy": [*half["accuracy"][:-1], 0]}}

    assert len(found := simulated.differences(FOUND, wrong)) == 1
    assert found[0].startswith("500 samples, a drop of 1.5 points: accuracy fell short in 0 of ")


def test_simulation_judges_as_the_gate_does():
    """A few runs now: no small drop of few samples is seen, a large one of many is."""
    random = np.random.default_rng(0)

    assert simulated.red(50, 0.0, random) == (False, False)
    assert simulated.red(10_000, 0.015, random) == (True, True)


def test_rounding_fails_no_bootstrapped_metric():
    """No simulated run of a metric that is bootstrapped fell short."""
    assert {one["fell_short"] for one in FOUND["bootstrap"]} == {0}
