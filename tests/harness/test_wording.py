"""A run is told in words, on one line."""

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
