"""Metrics are those of an independent computation; what is not finite is never right."""

import numpy as np
import pytest

from fixtures.harness import arrays, comparison
from fixtures.harness.metrics import MetricsError, value
from fixtures.harness.scores import has_outcomes, outcomes, sums_of, unit_sums, user_metric, user_scores
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


@pytest.mark.parametrize(
    ("task", "has"),
    [
        (Classification(), True),
        (Binary(), True),
        (Sequence("whole"), True),
        (Sequence("steps"), False),
        (MultiLabel(), False),
        (Regression(), False),
    ],
)
def test_some_tasks_have_right_and_wrong_samples(task, has):
    """A sample is right or wrong where it has one class, or is a sequence that counts as a whole."""
    assert has_outcomes(task) == has


def test_sequence_is_right_where_each_of_its_steps_is():
    """A sequence is right if all steps that count are; one in which none counts is no sample."""
    outputs = np.eye(3, dtype=np.float32)[[[0, 1], [0, 1], [2, 2], [1, 1]]]
    targets = np.array([[0, 1], [0, 2], [-1, -1], [1, -1]])

    assert outcomes(outputs, targets, Sequence("whole", ignore=-1)).tolist() == [True, False, True]


def shares(targets, classes):
    """Return outputs that give each place its class."""
    return np.eye(classes, dtype=np.float32)[targets]


LABELS = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0]])
STEPS = np.array([[0, 1, 2, -1, 1], [1, -1, -1, -1, 0], [2, 2, 1, 0, 0]])
MAP = np.array([[[0, 0, 0], [1, 1, 2]], [[0, 0, 1], [1, 2, 0]], [[0, 0, 1], [0, 0, 0]]])
VECTORS = np.array([[1.0, 0, 0], [0, 2, 0], [0, 1, 1], [3, 0, 4]])


@pytest.mark.parametrize("block", [1, 1 << 20])
@pytest.mark.parametrize(
    ("task", "targets", "right", "wrong"),
    [
        (MultiLabel(), LABELS, LABELS, 1 - LABELS),
        (Sequence(ignore=-1), STEPS, shares(STEPS, 3), shares((STEPS + 1) % 3, 3)),
        (Embedding(), VECTORS, 5 * VECTORS, -VECTORS),
    ],
    ids=["labels", "steps", "vectors"],
)
def test_best_and_worst_are_those_of_a_usual_sample(monkeypatch, block, task, targets, right, wrong):
    """What a file counts of a usual sample is the mean over the samples, where it has all right and all wrong."""
    monkeypatch.setattr(arrays, "BLOCK", block)
    sums = sums_of(targets, task)

    if not isinstance(task, MultiLabel):
        assert sums.wrong == pytest.approx(sums.count(wrong, targets).mean(axis=0))
    assert sums.right == pytest.approx(sums.count(right, targets).mean(axis=0))
    assert sums.metric(sums.right) == pytest.approx(1)
    assert sums.metric(sums.wrong) == pytest.approx(-1 if isinstance(task, Embedding) else 0)


def test_worst_labels_are_as_many_as_the_best():
    """A usual sample with everything wrong misses as many labels as it has, and finds as many others."""
    sums = sums_of(LABELS, MultiLabel())

    assert (sums.right.tolist(), sums.wrong.tolist()) == ([7 / 3, 0, 0], [0, 7 / 3, 7 / 3])


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_best_and_worst_maps_are_those_of_a_usual_sample(monkeypatch, block):
    """Each class has its share of the places; with all wrong, it is where it is not, and not where it is."""
    monkeypatch.setattr(arrays, "BLOCK", block)
    sums = sums_of(MAP, Segmentation())
    places = np.array([11, 5, 2]) / 3

    assert sums.right == pytest.approx(sums.count(shares(MAP, 3), MAP).mean(axis=0))
    assert sums.right == pytest.approx([*places, *places])
    assert sums.wrong == pytest.approx([0, 0, 0, *(2 * places)])


def test_metric_is_that_of_each_of_several_sums():
    """Of several sums at once, as of resampled units, each has its own metric."""
    segmentation, labels = sums_of(MAP, Segmentation()), sums_of(LABELS, MultiLabel())
    several = np.array([[1.0, 1, 1, 2, 4, 1], [3, 0, 1, 3, 2, 4]])

    assert segmentation.metric(several) == pytest.approx([(1 / 2 + 1 / 4 + 1) / 3, (1 + 0 + 1 / 4) / 3])
    assert labels.metric(np.array([[3.0, 1, 5], [2, 0, 2]])) == pytest.approx([6 / 12, 4 / 6])


def test_label_at_the_threshold_is_found():
    """An output that is the threshold says yes."""
    assert value(np.array([[0.5, 0.4]], np.float32), np.array([[1, 0]]), MultiLabel(0.5)) == 1


def test_class_that_the_last_samples_lack_is_counted():
    """A class that is in the first sample alone counts there, and in the others with none."""
    targets = np.array([[[2, 0]], [[0, 0]]])

    assert value(shares(targets, 4), targets, Segmentation()) == 1
    assert sums_of(targets, Segmentation()).count(shares(targets, 4), targets).tolist() == [[1, 1, 1, 1], [2, 0, 2, 0]]


def test_task_without_sums_is_refused():
    """A task that is right or wrong has no sums to ask for."""
    with pytest.raises(AssertionError, match="has no sums"):
        sums_of(np.array([0, 1]), Classification())


@pytest.mark.parametrize(("metric", "power"), [("mae", 1), ("rmse", 2)])
def test_rounding_is_the_error_of_a_tenth(random, metric, power):
    """What an error is a share of is what it would be if each target were off by a tenth of it."""
    targets = np.float64([[1, -2], [30, 4]])
    counted = sums_of(targets, Regression(metric)).count(1.1 * targets, targets)

    assert counted[:, 0] == pytest.approx(counted[:, 2])
    assert counted[:, 2] == pytest.approx([0.1**power + 0.2**power, 3**power + 0.4**power])


def test_targets_that_vary_between_blocks_leave_something_to_explain(monkeypatch):
    """Targets that are the same within each block, but not in all, have an R²."""
    targets = np.array([[1.0], [1], [2], [2]])
    monkeypatch.setattr(arrays, "BLOCK", 16)

    assert value(targets, targets, Regression("r2")) == 1


def test_mean_of_many_halves_does_not_overflow():
    """Targets of float16 are summed up in float64."""
    targets = np.full((1000, 100), 100, np.float16)
    targets[0] = 0

    assert value(targets.astype(np.float32), targets, Regression("r2")) == 1


def test_number_that_signals_is_the_worst_error():
    """A NaN that signals makes the error NaN, without a warning, and the metric the worst that there is."""
    outputs = np.array([[0x7F800001, 0]], np.uint32).view(np.float32)

    assert value(outputs, np.array([[0.5, 1]]), Regression("mae")) == np.inf


def test_short_vectors_have_a_direction():
    """A vector points somewhere however short it is."""
    assert value(1e-4 * VECTORS.astype(np.float32), 1e-4 * VECTORS, Embedding()) == pytest.approx(1)


def test_scores_of_all_blocks_are_those_of_the_samples(monkeypatch, random):
    """A function of the user's is given some samples at a time, and scores each."""
    outputs = floats(random, 50, 3)
    monkeypatch.setattr(arrays, "BLOCK", 8 * 3 * 7)
    task = Metric("sum", lambda found, _: found.sum(axis=1), higher_is_better=True)

    np.testing.assert_array_equal(user_scores(outputs, outputs, task), outputs.sum(axis=1))
    outputs[30] = np.inf
    with pytest.raises(MetricsError, match="its score of sample 30 is inf"):
        user_scores(outputs, outputs, task)


def test_metric_of_all_may_be_undefined_where_that_is_said():
    """What a function returns for all samples is the metric; NaN is refused unless it may be undefined."""
    of = {one: Metric("one", lambda *_, one=one: one, higher_is_better=True, whole=True) for one in (0.5, np.nan)}

    assert [user_metric(np.ones(2), np.ones(2), of[0.5], defined=defined) for defined in (True, False)] == [0.5, 0.5]
    assert np.isnan(user_metric(np.ones(2), np.ones(2), of[np.nan], defined=False))
    assert type(user_metric(np.ones(2), np.ones(2), of[0.5])) is float
    with pytest.raises(MetricsError, match="its function returned nan"):
        user_metric(np.ones(2), np.ones(2), of[np.nan])
