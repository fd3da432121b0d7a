"""Targets that fit a task pass, others are refused with one sentence; a task is inferred only where one fits."""

import numpy as np
import pytest

from fixtures.harness import arrays
from fixtures.harness.labels import MetricsError, infer, verify
from models.tasks import (
    Binary,
    Classification,
    Embedding,
    Metric,
    MultiLabel,
    Regression,
    Segmentation,
    Sequence,
)

FITTING = [
    # task, outputs' shape, targets
    (Classification(), (3, 10), np.array([0, 9, 4])),
    (Classification(top_k=5), (3, 10), np.array([0, 9, 4], np.uint8)),
    (Binary(), (3,), np.array([0, 1, 1])),
    (Binary(), (3, 1), np.array([False, True, True])),
    (Binary(), (3, 1), np.array([[0.0], [1.0], [1.0]])),
    (MultiLabel(), (2, 3), np.array([[0, 1, 1], [0, 0, 0]])),
    (MultiLabel(), (2, 2, 2, 1), np.ones((2, 2, 2, 1), bool)),
    (Regression(), (2, 4, 4), np.zeros((2, 4, 4), np.float32)),
    (Regression(), (2, 1), np.array([1.5, 2])),
    (Segmentation(), (2, 4, 4, 3), np.full((2, 4, 4), 2)),
    (Segmentation(ignore=255), (2, 4, 4, 3), np.array([[[255, 2, 0, 1]] * 4] * 2, np.uint8)),
    (Embedding(), (2, 5), np.eye(2, 5)),
    (Sequence(), (2, 7, 3), np.zeros((2, 7), int)),
    (Sequence(ignore=-1), (2, 2, 3), np.array([[0, -1], [-1, -1]])),
    (Segmentation(), (2, 5, 2), np.array([[0, 1, 0, 1, 1]] * 2)),
    (Segmentation(), (2, 1, 3), np.array([[2], [0]])),
    (Sequence(), (2, 7, 2), np.ones((2, 7), int)),
    (Metric("any", lambda outputs, _: outputs, higher_is_better=True), (2, 5), np.array(["a", "b"])),
]
MISFITS = [
    # task, outputs' shape, targets, a part of the error
    (Classification(), (3, 10), np.array([0.0, 1, 2]), "takes integers (samples,), but they are float64 (samples,)"),
    (Classification(), (3, 10), np.array([[0], [1], [2]]), "but they are int64 (samples, 1)"),
    (Classification(), (3, 10), np.array([0, 10, 11]), "y: 10 in sample 1 is not in 0..9; correct it"),
    (Classification(), (3, 10), np.array(0), "int64 () has no samples"),
    (Classification(), (3, 10), np.array([0, 1, -1]), "-1 in sample 2"),
    (Classification(), (3, 10), np.array([0, 1]), "2 targets for 3 samples"),
    (Classification(), (3, 10), np.array(["a", "b", "c"]), "but they are <U1 (samples,)"),
    (Classification(), (0, 10), np.array([], int), "int64 (0,) has no samples"),
    (Classification(), (3,), np.array([0, 1, 0]), "Classification takes outputs (samples, classes)"),
    (Classification(), (3, 1), np.array([0, 0, 0]), "two or more, but they are (3, 1)"),
    (Classification(), (), np.array(0), "but they are ()"),
    (Classification(top_k=10), (3, 10), np.array([0, 1, 2]), "top_k is 10; of 10 classes, 1 to 9 say something"),
    (Binary(), (3, 2), np.array([0, 1, 0]), "Binary takes outputs (samples,) or (samples, 1)"),
    (Binary(), (3,), np.array([0, 1, 2]), "2 in sample 2 is not in 0..1"),
    (Binary(), (3,), np.array([0, 0.5, 1]), "0.5 in sample 1 is not in 0..1"),
    (Binary(), (3,), np.array([0, np.nan, 1]), "nan in sample 1 is not in 0..1"),
    (MultiLabel(), (2, 3), np.array([[0, 1], [1, 0]]), "takes numbers (samples, 3), but they are int64 (samples, 2)"),
    (MultiLabel(), (2, 3), np.array([[0, 1, 1], [1, 0, 3]]), "3 in sample 1"),
    (Regression(), (2, 3), np.zeros((2, 4)), "takes numbers (samples, 3), but they are float64 (samples, 4)"),
    (Regression(), (2, 3), np.array([1.0, 2.0]), "takes numbers (samples, 3), but they are float64 (samples,)"),
    (Regression(), (2, 1), np.zeros((2, 3)), "takes numbers (samples, 1), but they are float64 (samples, 3)"),
    (Regression(), (2,), np.zeros((2, 1, 1)), "takes numbers (samples,), but they are float64 (samples, 1, 1)"),
    (Regression(), (2, 3), np.array([[0, 1, 2], [np.inf, 1, 2]]), "NaN or infinity in sample 1"),
    (Regression(), (), np.array(0.0), "Regression takes outputs (samples, …), but they are ()"),
    (Segmentation(), (2, 3), np.zeros(2, int), "Segmentation takes outputs (samples, …, classes), two or more"),
    (Segmentation(), (2, 4, 4, 1), np.zeros((2, 4, 4), int), "two or more"),
    (Segmentation(), (2, 4, 4, 3), np.zeros((2, 4, 4, 3), int), "takes integers (samples, 4, 4)"),
    (Segmentation(), (1, 1, 2, 3), np.array([[[0, 255]]]), "or declare what to leave out: ignore=255"),
    (Segmentation(ignore=0), (1, 1, 2, 3), np.array([[[0, 0]]]), "every target is ignored (0)"),
    (Embedding(), (2, 3), np.array([[1, 2, 3], [0, 0, 0.0]]), "no direction, in sample 1"),
    (Sequence(), (2, 7, 1), np.zeros((2, 7), int), "Sequence takes outputs (samples, steps, classes), two or more"),
    (Sequence(), (1, 7, 3), np.array([[0, 1, 2, 3, 2, 1, 0]]), "3 in sample 0 is not in 0..2"),
    (Sequence(), (2, 7, 3, 3), np.zeros((2, 7), int), "Sequence takes outputs (samples, steps, classes)"),
    (Metric("any", lambda outputs, _: outputs, higher_is_better=True), (2,), np.array([1.0]), "1 targets for 2"),
]
INFERRED = [
    # outputs' shape, whether they are probabilities, targets, task
    ((4, 10), True, np.array([3, 9, 0, 0]), Classification()),
    ((4, 2), False, np.array([1, 0, 0, 1]), Classification()),
    ((4, 1), True, np.array([1, 0, 0, 1]), Binary(0.5)),
    ((4, 1), False, np.array([[1], [0], [0], [1]]), Binary(0.0)),
    ((4,), False, np.array([True, False, False, True]), Binary(0.0)),
    ((2, 3), True, np.array([[1, 0, 1], [0, 0, 0]]), MultiLabel(0.5)),
    ((2, 3), False, np.array([[1, 0, 1], [0, 0, 0]], bool), MultiLabel(0.0)),
    ((2, 2, 2, 1), True, np.ones((2, 2, 2, 1), np.uint8), MultiLabel(0.5)),
    ((2, 5, 3), True, np.zeros((2, 5), int), Sequence()),
    ((2, 4, 4, 3), True, np.zeros((2, 4, 4), int), Segmentation()),
    ((2, 4, 4, 4, 3), True, np.zeros((2, 4, 4, 4), int), Segmentation()),
    ((2, 28, 28), True, np.full((2, 28, 28), 0.5, np.float32), Regression()),
    ((2, 28, 28), False, np.zeros((2, 28, 28), np.float32), Regression()),
    ((2, 28, 28), True, np.eye(28, dtype=np.float32)[None].repeat(2, 0), MultiLabel()),
    ((2, 5, 2), True, np.zeros((2, 5), int), Sequence()),
    ((4, 1), True, np.ones((4, 1), int), Binary()),
    ((3, 3), False, 2 * np.eye(3), Regression()),
    ((2, 3), False, np.array([[1.0, 0, 0], [1, 2, 0]]), Regression()),
    ((2, 3), False, np.array([[1.0, 0, 0], [0, 2, 0]]), Regression()),
    ((None, 1), True, np.array([0.0, 1.0]), Binary()),
    ((2, 1), False, np.array([0.0, 1.0]), Regression()),
    ((None, 10), True, np.array([3, 9]), Classification()),
]
UNCLEAR = [
    ((4, 10), np.zeros((4, 3), np.float32), r"targets float32 (4, 3) of outputs (4, 10) fit no task"),
    ((4, 10), np.zeros((4, 1), int), "classes are integers (samples,)"),
    ((4, 1), np.array([0, 1, 2, 3]), "yes or no is 0 or 1"),
    ((4, 1), np.array([0, 1, 2, 2]), "yes or no is 0 or 1"),
    ((4, 1), np.array([0, 1, -1, 1]), "yes or no is 0 or 1"),
    ((4,), np.array([0, 1, 2, 3]), "yes or no is 0 or 1"),
    ((4, 1, 1), np.array([0, 1, 1, 0]), "fit no task"),
    ((4,), np.zeros((4, 1, 1), int), "fit no task"),
    ((4, 2, 3), np.array([0, 1, 1, 0]), "fit no task"),
    ((4, 2, 3), np.zeros((4, 3), int), "fit no task"),
    ((4, 4, 4, 1), np.zeros((4, 4, 4), int), "fit no task"),
    ((3, 3), np.eye(3, dtype=complex), "fit no task"),
    ((4, 10), np.array(["a"] * 4), "fit no task"),
    ((4, 1), np.array([0, 1, 1, 0], complex), "fit no task"),
    ((3, 3), np.eye(3, dtype=int), "a single 1 for each sample"),
    ((3, 3), np.eye(3, dtype=np.float32), "a single 1 for each sample"),
    ((2, 3), np.array([[1, 0, 0], [1, 0, 0]]), "a single 1 for each sample"),
]


@pytest.mark.parametrize(("task", "shape", "targets"), FITTING)
def test_fitting_targets_pass(task, shape, targets):
    """Targets in the shape, type and range of their task are taken, whether the number of samples is known or not."""
    verify(shape, targets, task, "y")
    verify((None, *shape[1:]), targets, task, "y")


@pytest.mark.parametrize(("task", "shape", "targets", "told"), MISFITS)
def test_targets_that_do_not_fit_are_refused(task, shape, targets, told):
    """Targets that do not fit are an error that begins with what they are called and says what was expected."""
    with pytest.raises(MetricsError) as refused:
        verify(shape, targets, task, "EVAL.npz: y")

    assert str(refused.value).startswith("EVAL.npz: y: ")
    assert told in str(refused.value)


@pytest.mark.parametrize(("shape", "probabilities", "targets", "task"), INFERRED)
def test_task_is_inferred(shape, probabilities, targets, task):
    """Shape and type of the targets tell the task, the activation tells where yes begins; it then fits."""
    found = infer(shape, probabilities, targets)

    assert found == task
    verify(shape, targets, found, "y")


@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize(("shape", "targets", "told"), UNCLEAR)
def test_unclear_targets_are_not_guessed(shape, probabilities, targets, told):
    """Where no task fits, or two do, the error says what is there and that a declaration settles it."""
    with pytest.raises(MetricsError) as refused:
        infer(shape, probabilities, targets)

    assert told in str(refused.value)
    assert "`task=` in a declaration, `--task` on the command line" in str(refused.value)


def test_wrong_target_is_found_far_back():
    """Targets are looked at in blocks, all of them, and the sample is counted from the first."""
    targets = np.zeros(9_000_000, np.uint8)
    targets[8_999_999] = 77

    with pytest.raises(MetricsError, match="77 in sample 8999999 is not in"):
        verify((9_000_000, 10), targets, Classification(), "y")


def test_targets_of_which_some_are_ignored_fit(monkeypatch):
    """Where a whole block of samples is ignored, the others still have something to be right about."""
    monkeypatch.setattr(arrays, "BLOCK", 1)

    verify((2, 1, 2, 3), np.array([[[0, 0]], [[0, 1]]]), Segmentation(ignore=0), "y")


@pytest.mark.parametrize("top_k", [0, -1, 1.5, True, "5"])
def test_top_of_no_number_of_classes_is_refused(top_k):
    """A declaration says how many classes count as right in a whole number."""
    with pytest.raises(ValueError, match="a whole number from 1 on was expected"):
        Classification(top_k=top_k)
