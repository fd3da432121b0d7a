"""The bench counts as caught what is, and calls what was not planted by its name."""

import dataclasses
import shutil

import pytest

from tests.faults.bench import (
    PROBLEM,
    SEEDS,
    Fault,
    Named,
    NotPlanted,
    Planting,
    Run,
    Severity,
    matrix,
    outcome,
    outputs_differ,
    verify,
)
from tests.faults.planted import FAULTS
from tests.faults.planted.editing import contents_differ, edit
from tests.faults.scoring import lines, summary
from tests.faults.workshop import ZOO

CHECK = "tests/test_weights.py::test_weights_are_finite"
OTHER = "tests/test_size.py::test_float16_file_is_about_half_the_size"

WORST = Severity("all", print, (Named(CHECK, "NaN"),))
HARMLESS = Severity("none", print)
FAULT = Fault("a fault", "a class", "nowhere", (WORST, dataclasses.replace(WORST, name="one"), HARMLESS), ("a", "b"))


def run_that(verdict, check=CHECK, message="NaN in dense", status="failed", problems=()):
    """Return a run with one check."""
    checks = [{"name": f"{check}[model-fp16]", "status": status, "message": message}]
    return Run({"run": {"verdict": verdict, "problems": list(problems)}, "checks": checks}, "", 1.0)


@pytest.mark.parametrize(
    ("severity", "run", "expected"),
    [
        (WORST, run_that("failed"), "caught"),
        (WORST, run_that("failed", status="error"), "caught"),
        (WORST, run_that("failed", check=OTHER), "misnamed"),
        (WORST, run_that("failed", message="infinity"), "misnamed"),
        (WORST, run_that("failed", status="skipped"), "misnamed"),
        (WORST, run_that("passed", status="passed", message=""), "missed"),
        (WORST, run_that("passed"), "missed"),
        (WORST, run_that("internal error"), "misnamed"),
        (WORST, run_that("unfinished"), "misnamed"),
        (HARMLESS, run_that("passed", status="passed"), "passed"),
        (HARMLESS, run_that("failed"), "false alarm"),
        (HARMLESS, run_that("internal error", status="passed"), "false alarm"),
    ],
)
def test_only_the_check_that_names_a_fault_catches_it(severity, run, expected):
    """Red is not enough, and neither is a check that fell short of something else, or a run that broke."""
    assert outcome(severity, run) == expected


def test_refusal_to_begin_catches_what_it_names():
    """A run that refuses its files has caught what it says is wrong with them."""
    severity = Severity("half", print, (Named(PROBLEM, "truncated"),))
    run = run_that("usage error", status="passed", problems=["fp16.tflite is truncated"])

    assert outcome(severity, run) == "caught"
    assert outcome(Severity("half", print, (Named(PROBLEM, "empty"),)), run) == "misnamed"


@pytest.fixture
def cases(workshop, tmp_path):
    """Two equal good cases."""
    return [workshop.case("mnist_cnn", 0, tmp_path / name, 50) for name in ("good", "bad")]


@pytest.fixture
def of_behaviour():
    """A planting whose evidence is that the outputs differ."""
    return Planting(dataclasses.replace(FAULT, evidence=outputs_differ), WORST, "mnist_cnn", 0)


def test_planter_that_changes_nothing_is_an_error(cases, of_behaviour):
    """Equal cases have no fault, wherever they lie."""
    with pytest.raises(NotPlanted, match="nothing that the gate is given changed"):
        verify(of_behaviour, *cases)


def test_change_without_the_behaviour_is_an_error(cases, of_behaviour):
    """A file that changed and computes what it did has no fault of behaviour."""
    good, bad = cases
    bad.fp16.write_bytes(bad.fp16.read_bytes() + bytes(16))

    with pytest.raises(NotPlanted, match="what they do did not"):
        verify(of_behaviour, good, bad)


def test_file_written_anew_is_no_other(cases):
    """A file of other bytes that holds what it held is no planted fault; one that lacks some of it is."""
    good, bad = cases
    edit(bad.fp16, lambda _: None)
    assert good.digest() != bad.digest()
    assert not contents_differ(good, bad)

    edit(bad.fp16, lambda model: model.metadata.pop())
    assert contents_differ(good, bad)


def test_changed_behaviour_is_planted(cases, of_behaviour):
    """A file that computes something else passes for a fault."""
    good, bad = cases
    shutil.copyfile(bad.fp32, bad.fp16)

    verify(of_behaviour, good, bad)


@pytest.mark.parametrize("severities", [(WORST, HARMLESS), (HARMLESS, WORST, WORST), (WORST, HARMLESS, WORST)])
def test_fault_without_an_order_is_refused(severities):
    """A fault has three severities or more, from the worst to the least."""
    with pytest.raises(ValueError, match="from the worst to the least"):
        Fault("a fault", "a class", "nowhere", severities, ZOO)


def test_matrix_grows_with_its_extent():
    """The quick form has both sides of every other edge, the whole one every severity, the full one all there is."""
    sizes = {extent: len(matrix([FAULT, FAULT], extent)) for extent in ("quick", "whole", "full")}

    assert sizes == {"quick": 2 + 1, "whole": 2 * 3, "full": 2 * 3 * 2 * SEEDS}


def test_whole_matrix_meets_every_model_and_seed():
    """In the whole form, every model of the project and every seed has faults of weights planted in it."""
    plantings = matrix([fault for fault in FAULTS if fault.kind == "weights"], "whole")

    assert {planting.model for planting in plantings} >= set(ZOO)
    assert {planting.seed for planting in plantings} == set(range(SEEDS))


def test_score_counts_what_it_is_told():
    """Faults, good runs and what was not planted are counted apart, and what must not be is marked."""
    record = {"fault": "a fault", "kind": "weights", "edge": "one value", "model": "a", "seconds": 2.0}
    outcomes = [
        ("at the edge", "caught"),
        ("at the edge", "missed"),
        ("above the edge", "misnamed"),
        ("beneath the edge", "passed"),
        ("beneath the edge", "false alarm"),
        ("at the edge", "not planted"),
    ]
    found = summary(record | {"rank": rank, "outcome": outcome} for rank, outcome in outcomes)

    assert (found["planted"], found["caught"], found["good"], found["false_alarms"], found["not_planted"]) == (
        3,
        1,
        2,
        1,
        1,
    )
    assert found["by_severity"] == {
        "above the edge": {"planted": 1, "caught": 0},
        "at the edge": {"planted": 2, "caught": 1},
    }
    assert found["edges"] == {"a fault": {"class": "weights", "edge": "one value"}}
    assert sum("!" in line for line in lines(found)) == 6
