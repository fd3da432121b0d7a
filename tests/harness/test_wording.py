"""A run is told in words, on one line."""

import re

import pytest

from fixtures.harness import wording
from tests.harness.runs import check, document

FALLEN = check("tests/test_size.py::test_it[quick]", "failed", "ratio: 0.6 measured\nlook at the weights")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (document(), "Passed: every check held; 1 check of 1 model"),
        (
            document(check(), check("b", model="other"), check("c", "skipped")),
            "Passed: every check held; 2 checks of 2 models, 1 were skipped",
        ),
        (
            document(FALLEN, verdict="failed"),
            "Failed: something fell short; tests/test_size.py::test_it[quick]: ratio: 0.6 measured",
        ),
        (
            document(check("b", "error"), FALLEN, verdict="failed"),
            "Failed: something fell short; b (and 1 more)",
        ),
        (
            document(verdict="failed", problems=["gpu was asked for\nand more"]),
            "Failed: something fell short; gpu was asked for",
        ),
        (document(check(model=None)), "Passed: every check held; 1 check"),
        (document(verdict="of its own"), "of its own; 1 check of 1 model"),
    ],
)
def test_run_is_told_in_words(run, words):
    """The verdict comes first, then the first cause, and of a good run how much was checked."""
    assert wording.in_words(run) == words


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("ratio: 0.6 measured\nlook at it", "ratio: 0.6 measured"),
        (
            "assert [- snapshot] == [+ received]\n  1 of 9 predictions are not as pinned:",
            "1 of 9 predictions are not as pinned:",
        ),
        ("[gw0] linux -- Python 3.11.7 /bin/python\nworker 'gw0' crashed", "worker 'gw0' crashed"),
        ("AssertionError: Traceback (most recent call last):\nKeyError: 3", "KeyError: 3"),
        ("[gw0] linux", "[gw0] linux"),
        ("", ""),
    ],
)
def test_cause_is_the_line_that_says_why(message, why):
    """Where a check ran, and that two texts differ, is no cause."""
    assert wording.cause(message) == why


def test_what_tells_most_comes_first():
    """What could not be carried out, then what is furthest beyond its bound, then what has no number."""
    checks = [
        check("no number", "failed"),
        check("far", "failed", value=9, at_most=1),
        check("beyond all", "failed", value=1, at_most=0),
        check("near", "failed", value=2, at_most=1),
        check("not carried out", "error"),
        check("tests/test_weights.py::test_it", "failed", value=3, at_most=2),
        check("holds"),
    ]

    assert [one["name"] for one in wording.fallen(document(*checks, verdict="failed"))] == [
        "not carried out",
        "tests/test_weights.py::test_it",
        "beyond all",
        "far",
        "near",
        "no number",
    ]


def test_words_of_a_run_are_few_whatever_it_says():
    """Names and causes of any length, and of several lines, are cut in their middle."""
    long, other = "a" * 10_000 + "\n" + "z" * 10_000, "p" * 10_000
    fell = wording.in_words(document(check(long, "failed", other), verdict="failed"))
    problem = wording.in_words(document(verdict="failed", problems=[other]))

    assert re.fullmatch("Failed: something fell short; a+ … z+: p+ … p+", fell)
    assert re.fullmatch("Failed: something fell short; p+ … p+", problem)
    assert (len(fell) < 1100, len(problem) < 600) == (True, True)
