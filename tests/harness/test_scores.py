"""Metrics are those of an independent computation; what is not finite is never right."""

import numpy as np
import pytest

from fixtures.harness import comparison
from fixtures.harness.metrics import MetricsError, value
from fixtures.harness.scores import sums_of, unit_sums
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

NOT_A_NUMBER = [np.nan, np.inf, -np.inf]


@pytest.fixture
def random():
    """A generator that gives the same numbers each time."""
    return np.random.default_rng(0)


def floats(random, *shape):
    """Return normally distributed float32 numbers."""
    return random.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("top_k", [1, 2, 5, 9])
def test_top_k_is_that_of_a_sort(random, top_k):
    """A sample is right if its class is among the first of a stable sort; the outputs have many ties."""
    outputs, targets = random.integers(0, 4, (500, 10)).astype(np.float32), random.integers(0, 10, 500)
    first = np.argsort(-outputs, axis=1, kind="stable")[:, :top_k]

    assert value(outputs, targets, Classification(top_k)) == (first == targets[:, None]).any(axis=1).mean()


def test_top_1_is_the_accuracy(random):
    """Top 1 of several is the share of the largest outputs that are those of the true classes."""
    outputs, targets = floats(random, 500, 10), random.integers(0, 10, 500)

    assert value(outputs, targets, Classification()) == (comparison.classes(outputs) == targets).mean()


@pytest.mark.parametrize("top_k", [1, 3])
@pytest.mark.parametrize("broken", NOT_A_NUMBER)
def test_class_of_broken_outputs_is_wrong(broken, top_k):
    """A sample with an output that is not finite is wrong, also if its class is the largest all the same."""
    outputs = np.array([[9, 0, 0, 1], [9, 0, 0, broken]], np.float32)

    assert value(outputs, np.array([0, 0]), Classification(top_k)) == 0.5


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("target_shape", [(4,), (4, 1)])
def test_yes_begins_at_the_threshold(shape, target_shape):
    """An output that is the threshold is a yes; outputs and targets may have an axis of one, or not."""
    outputs = np.array([0.3, 0.29999998, 0.9, 0.0], np.float32).reshape(shape)

    assert value(outputs, np.array([1, 0, 1, 0]).reshape(target_shape), Binary(0.3)) == 1


@pytest.mark.parametrize("broken", NOT_A_NUMBER)
@pytest.mark.parametrize("true", [0, 1])
def test_broken_yes_or_no_is_wrong(broken, true):
    """What is not finite is neither yes nor no."""
    assert value(np.array([broken], np.float32), np.array([true]), Binary()) == 0


def test_f1_is_of_all_samples_and_labels():
    """Of two found labels, one of them wrong, and one that is not found, F1 is 2 / (2 + 1 + 1)."""
    outputs = np.array([[0.9, 0.8, 0.1], [0.2, 0.4, 0.0]], np.float32)

    assert value(outputs, np.array([[1, 0, 0], [0, 1, 0]]), MultiLabel()) == 0.5


@pytest.mark.parametrize("broken", NOT_A_NUMBER)
def test_broken_labels_are_wrong(broken):
    """A label whose output is not finite is not found if it is there, and found if it is not."""
    outputs = np.array([[0.9, broken, broken, 0.9]], np.float32)

    assert value(outputs, np.array([[1, 1, 0, 1]]), MultiLabel()) == 4 / (4 + 1 + 1)


def test_f1_of_no_labels_is_refused():
    """Without a label that holds, F1 says nothing."""
    with pytest.raises(MetricsError, match="F1 of targets without a single 1"):
        value(np.zeros((2, 3), np.float32), np.zeros((2, 3), int), MultiLabel())


@pytest.mark.parametrize("shape", [(300,), (300, 1), (300, 3), (30, 4, 5), (2500, 3)])
def test_errors_are_those_of_all_numbers(random, shape):
    """MAE, RMSE and R² are the usual formulas over all numbers of all samples, however these are grouped."""
    outputs, targets = floats(random, *shape), 1000 + floats(random, *shape)
    errors = outputs.astype(float) - targets.astype(float)
    squares = (targets.astype(float) - targets.astype(float).mean()) ** 2

    assert value(outputs, targets, Regression("mae")) == pytest.approx(np.abs(errors).mean(), rel=1e-12)
    assert value(outputs, targets, Regression("rmse")) == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-12)
    assert value(outputs, targets, Regression("r2")) == pytest.approx(1 - (errors**2).sum() / squares.sum(), rel=1e-9)


@pytest.mark.parametrize("broken", NOT_A_NUMBER)
@pytest.mark.parametrize(("metric", "worst"), [("mae", np.inf), ("rmse", np.inf), ("r2", -np.inf)])
def test_error_of_broken_outputs_is_the_worst(broken, metric, worst):
    """One output that is not finite makes the whole metric the worst that there is."""
    assert value(np.array([[0, broken]], np.float32), np.array([[0.5, 1]]), Regression(metric)) == worst


def test_r2_of_equal_targets_is_refused():
    """Targets that do not vary leave nothing to explain."""
    with pytest.raises(MetricsError, match="R² of targets that are all the same"):
        value(np.zeros((3, 2), np.float32), np.full((3, 2), 7.0), Regression("r2"))


def iou(predicted, targets, counted, classes):
    """Return the mean intersection over union, class by class."""
    both = [(counted & (predicted == label) & (targets == label)).sum() for label in classes]
    either = [(counted & ((predicted == label) | (targets == label))).sum() for label in classes]
    return np.mean(np.divide(both, either))


@pytest.mark.parametrize("ignore", [None, 1, 255])
@pytest.mark.parametrize("samples", [3, 1500])
def test_iou_is_that_of_each_class(random, samples, ignore):
    """MIoU is the mean over the classes of the targets, class 4 is none; what is ignored is neither right nor wrong."""
    outputs, targets = floats(random, samples, 6, 7, 5), random.integers(0, 4, (samples, 6, 7)).astype(np.uint8)
    if ignore is not None:
        targets[random.random(targets.shape) < 0.2] = ignore
    labels = [label for label in range(4) if label != ignore]
    expected = iou(outputs.argmax(axis=-1), targets, targets != (999 if ignore is None else ignore), labels)

    assert value(outputs, targets, Segmentation(ignore)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("broken", NOT_A_NUMBER)
def test_broken_place_is_in_no_class(broken):
    """A place with an output that is not finite is missed by its class, and found by none."""
    outputs = np.array([[[[1, 0], [1, 0], [broken, 0], [0, 1]]]], np.float32)

    assert value(outputs, np.array([[[0, 0, 0, 1]]]), Segmentation()) == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize(("metric", "expected"), [("steps", 4 / 6), ("whole", 1 / 2)])
def test_sequences_are_counted_by_steps_or_whole(metric, expected):
    """Steps that are ignored count nowhere, nor does a sample in which all are; a broken step is wrong."""
    outputs = np.eye(3, dtype=np.float32)[[[0, 1, 2], [0, 1, 1], [2, 2, 2]]]
    outputs[1, 1] = np.nan
    targets = np.array([[0, 1, -1], [0, 1, 2], [-1, -1, -1]])
    targets[0, 2] = 2

    assert value(outputs, targets, Sequence(metric, ignore=-1)) == expected


def test_cosine_is_the_mean_of_all(random):
    """The similarity is the mean of each sample's, whatever the lengths."""
    outputs, targets = floats(random, 50, 8), floats(random, 50, 8)
    unit = [each.astype(float) / np.linalg.norm(each.astype(float), axis=1)[:, None] for each in (outputs, targets)]

    assert value(7 * outputs, targets, Embedding()) == pytest.approx((unit[0] * unit[1]).sum(axis=1).mean(), rel=1e-6)


@pytest.mark.parametrize("broken", NOT_A_NUMBER)
def test_broken_direction_is_the_opposite(broken):
    """A vector that is not finite counts as -1, one of zeros as 0, one of the right direction as 1."""
    outputs = np.array([[1, broken], [0, 0], [0, 3]], np.float32)

    assert value(outputs, np.array([[1, 0], [1, 1], [0, 1.0]]), Embedding()) == 0


def test_scores_are_averaged(random):
    """A metric of the user's own is the mean of its scores."""
    outputs, targets = floats(random, 20, 3), floats(random, 20, 3)
    task = Metric("largest error", lambda found, true: np.abs(found - true).max(axis=1), higher_is_better=False)

    assert value(outputs, targets, task) == pytest.approx(np.abs(outputs - targets).max(axis=1).mean(), rel=1e-6)


def raising(outputs, targets):
    """A metric with a fault."""
    raise KeyError("nothing")


FAULTY = [
    (raising, False, "its function raised KeyError: 'nothing'"),
    (raising, True, "its function raised KeyError: 'nothing'"),
    (lambda *_: "high", True, "its function raised ValueError"),
    (lambda outputs, _: outputs, False, r"of 4 samples, its function returned (4, 2), not a score for each"),
    (lambda *_: 0.5, False, r"returned (), not a score for each; one for all needs `whole=True`"),
    (lambda outputs, _: outputs[:, 0], True, r"returned shape (4,), not one number"),
    (lambda outputs, _: outputs[:, 1], False, "its score of sample 2 is nan"),
    (lambda outputs, _: outputs.mean(), True, "its function returned nan"),
]


@pytest.mark.parametrize(("function", "whole", "told"), FAULTY)
def test_faulty_metric_is_named(function, whole, told):
    """A function of the user's that raises, or returns what is no score, is an error with the metric's name."""
    outputs = np.array([[0, 1], [0, 1], [0, np.nan], [0, 1]], np.float32)

    with pytest.raises(MetricsError) as refused:
        value(outputs, np.zeros(4), Metric("my score", function, higher_is_better=True, whole=whole))

    assert str(refused.value).startswith("metric 'my score': ")
    assert told in str(refused.value)


@pytest.mark.parametrize("samples", [5, 1000, 1001, 5000])
def test_sums_of_units_are_the_sums_of_their_samples(random, samples):
    """Whatever the blocks and the units, each sample is counted once; up to 1,000 each is a unit."""
    outputs, targets = floats(random, samples, 700), floats(random, samples, 700)
    found = unit_sums(outputs, targets, sums_of(targets, Regression("mae")))

    assert len(found) == min(samples, 1000)
    errors, sizes = np.abs(outputs.astype(float) - targets).sum(), np.abs(targets.astype(float)).sum()
    assert found.sum(axis=0) == pytest.approx([errors, 700 * samples, sizes / 10], rel=1e-12)
