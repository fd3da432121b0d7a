"""The published score is that of a whole bench, of the faults that there are, and what is said of it is true."""

import ast
import json

import pytest

from fixtures.harness.versions import ROOT
from tests.faults import publish
from tests.faults.bench import matrix
from tests.faults.planted import FAULTS
from tests.readme import README


@pytest.fixture(scope="module")
def score():
    """The published score."""
    return json.loads(publish.SCORE.read_text())


def test_score_is_that_of_a_whole_bench(score):
    """It has every planting, caught or passed, and at least 200 good runs without a false alarm."""
    planted = {one["test"]: one["outcome"] for one in score["runs"] if one.get("edge")}
    expected = {f"test_planted_fault_is_caught[{planting}]" for planting in matrix(FAULTS, "whole")}

    assert score["extent"] == "whole"
    assert set(planted) == expected
    assert set(planted.values()) <= {"caught", "passed"}
    assert score["caught"] == score["planted"]
    assert score["good"] >= 200
    assert (score["false_alarms"], score["not_planted"]) == (0, 0)


def test_readme_says_what_the_score_does(score):
    """README.md has the score's figures, and the list of edges is the score's; `python -m tests.faults.publish`."""
    text = README.read_text()

    assert publish.readme(text, score) == text
    assert publish.EDGES.read_text() == publish.edges(score)


def test_every_check_has_caught_a_fault(score):
    """No check of the gate is without a planted fault that it named: it could not fail for all that is known."""
    checks = {
        f"tests/{file.name}::{found.name}"
        for file in (ROOT / "tests").glob("test_*.py")
        for found in ast.parse(file.read_text()).body
        if isinstance(found, ast.FunctionDef) and found.name.startswith("test_")
    }
    caught = {check for one in score["runs"] for check in one.get("caught_by", ())}

    assert len(checks) > 30
    assert not checks - caught


def test_faults_have_names_of_their_own():
    """No two faults share a name, and no two plantings a test id."""
    names = [str(planting) for planting in matrix(FAULTS, "full")]

    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert len(set(names)) == len(names)
