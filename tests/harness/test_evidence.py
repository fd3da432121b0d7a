"""What a reviewer is shown of an output: which predictions changed, and how the differences are spread."""

import json

import numpy as np
import pytest

from fixtures.harness.evidence import BINS, CELLS, CLOSEST, FLIPS, VALUES, confusion, evidence, histogram
from models.tasks import Binary, Classification, Regression

SAMPLES = np.arange(40) * 10


@pytest.fixture
def truth():
    """Outputs of 40 samples for 4 classes, of which each is sure by another margin."""
    scores = np.zeros((40, 4), np.float32)
    scores[np.arange(40), np.arange(40) % 4] = 1 + np.arange(40)
    return scores


@pytest.fixture
def right():
    """The true classes: those of the truth."""
    return np.arange(40) % 4


def flipped(truth, *rows):
    """Return outputs that give *rows* the class after the true one, by a margin of 0.5."""
    outputs = truth.copy()
    for row in rows:
        outputs[row, (row + 1) % 4] = outputs[row].max() + 0.5
    return outputs


def test_flips_are_told_with_their_margins(truth, right):
    """Each changed prediction is there with its classes and margins, the surest of the truth first."""
    found = evidence(flipped(truth, 2, 9), truth, Classification(), right, SAMPLES)

    assert found["flips"] == [
        {"sample": 90, "true": 1, "expected": 1, "now": 2, "expected_margin": 10.0, "margin": 0.5},
        {"sample": 20, "true": 2, "expected": 2, "now": 3, "expected_margin": 3.0, "margin": 0.5},
    ]
    assert "closest" not in found


def test_flips_of_unknown_classes_are_told(truth):
    """Without targets the true class is not known, and there is no confusion."""
    found = evidence(flipped(truth, 2), truth, Classification(), None, SAMPLES)

    assert found["flips"][0]["true"] is None
    assert "confusion" not in found


def test_most_flips_are_left_out(truth, right):
    """A broken model changes all predictions: those of the largest margins are told."""
    found = evidence(flipped(truth, *range(40)), truth, Classification(), right, SAMPLES)["flips"]

    assert [flip["sample"] for flip in found] == [10 * row for row in range(39, 39 - FLIPS, -1)]


def test_output_that_is_no_number_predicts_no_class(truth, right):
    """NaN is told as no class, without a margin, and stops no report."""
    outputs = truth.copy()
    outputs[3] = np.nan
    found = evidence(outputs, truth, Classification(), right, SAMPLES, closest=True)

    assert found["flips"] == [
        {"sample": 30, "true": 3, "expected": 3, "now": -1, "expected_margin": 4.0, "margin": None}
    ]
    assert found["histogram"]["broken"] == 4
    assert 30 not in [call["sample"] for call in found["closest"]]
    assert json.dumps(found)


def test_closest_calls_are_those_of_the_smallest_margins(truth, right):
    """The closest calls come with what is predicted and what comes second."""
    found = evidence(truth, truth, Classification(), right, SAMPLES, closest=True)["closest"]

    assert [call["sample"] for call in found] == [10 * row for row in range(CLOSEST)]
    assert found[5] == {"sample": 50, "true": 1, "now": 1, "second": 0, "margin": 6.0}


def test_yes_or_no_is_two_classes():
    """A binary output flips where it crosses the threshold."""
    truth, now = np.float32([[0.2], [0.9]]), np.float32([[0.6], [0.9]])
    (flip,) = evidence(now, truth, Binary(), np.array([[0], [1]]), np.array([7, 8]))["flips"]

    assert (flip["sample"], flip["true"], flip["expected"], flip["now"]) == (7, 0, 0, 1)


def test_output_without_classes_has_a_histogram_alone(truth):
    """Of numbers only the differences are told."""
    assert list(evidence(truth + 1, truth, Regression(), truth, SAMPLES)) == ["histogram"]


def test_confusion_has_what_changed():
    """A sample that moved is one less in the cell that it left, and one more in the cell that it came to."""
    right, before, now = np.array([1, 1, 2, 0]), np.array([1, 1, 1, 1]), np.array([2, 2, 2, 0])

    assert sorted(confusion(right, before, now)) == [
        [0, 0, 1],
        [0, 1, -1],
        [1, 1, -2],
        [1, 2, 2],
        [2, 1, -1],
        [2, 2, 1],
    ]
    assert confusion(right, before, now)[0] == [1, 1, -2]
    assert confusion(right[:0], before[:0], now[:0]) == []


def test_confusion_leaves_out_what_evens_out():
    """Two samples that change places change no cell; of a thousand classes only the largest changes are told."""
    assert confusion(np.array([3, 3]), np.array([1, 2]), np.array([2, 1])) == []
    classes = np.arange(1000)
    assert len(confusion(classes, classes, (classes + 1) % 1000)) == CELLS


def test_histogram_counts_every_difference():
    """All differences are in a bin, that of none in the middle one, the largest in the outer ones."""
    truth = np.zeros((5, 2), np.float32)
    found = histogram(np.float32([[-2, 2], [0, 0], [1, 0], [0, 0], [0, 0.01]]), truth)

    assert (found["limit"], found["every"], found["broken"]) == (2.0, 1, 0)
    assert len(found["counts"]) == BINS
    assert (found["counts"][0], found["counts"][BINS // 2], found["counts"][-1]) == (1, 7, 1)
    assert sum(found["counts"]) == 10


def test_histogram_of_equal_outputs_is_one_bar():
    """Where nothing differs, all is in the middle, and the limit is 0."""
    found = histogram(np.ones((3, 2)), np.ones((3, 2)))

    assert (found["limit"], found["counts"][BINS // 2], sum(found["counts"])) == (0, 6, 6)


def test_histogram_of_many_values_is_of_some_samples():
    """Of outputs as large as images every n-th sample is taken, so that a report costs no time."""
    truth = np.zeros((40, VALUES // 10), np.float32)
    found = histogram(truth + 1, truth)

    assert found["every"] == 4
    assert sum(found["counts"]) == VALUES


@pytest.mark.parametrize("truth", [np.array([["a"]]), np.zeros((0, 3)), np.full((2, 2), np.inf)])
def test_histogram_of_what_has_no_differences_is_none(truth):
    """Texts, no samples, and infinities have none that could be drawn."""
    with np.errstate(invalid="ignore"):
        assert histogram(truth, truth) is None
