"""What float16 may have lost is decided on the same samples for both files, with limits that fit the metric."""

import dataclasses
import tracemalloc
from functools import partial

import numpy as np
import pytest

from fixtures.harness import bounds, metrics, scores
from fixtures.harness.metrics import (
    ClassCounts,
    ClassDropLaw,
    DropLaw,
    MetricsError,
    change,
    class_counts,
    value,
    worst_class,
)
from fixtures.harness.statistics import Rounding, paired_accuracy, ratio_limits, upper_limit
from fixtures.harness.verdict import UnrecordedError
from models.spec import Budget
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


def largest_error(outputs, targets):
    """Return a score of each sample, an error."""
    return np.abs(outputs - targets).max(axis=1)


def area(outputs, targets):
    """Return the area under the ROC curve, from ranks; NaN without one of the two classes."""
    ranks = np.empty(len(outputs))
    ranks[np.argsort(outputs, kind="stable")] = np.arange(1, len(outputs) + 1)
    yes = int(targets.sum())
    no = len(targets) - yes
    return (ranks[targets == 1].sum() - yes * (yes + 1) / 2) / (yes * no) if yes and no else np.nan


SCORES = Metric("largest error", largest_error, higher_is_better=False)
SHARES = Metric("largest error", largest_error, higher_is_better=False, relative=True)
AREA = Metric("AUC", area, higher_is_better=True, whole=True)
GOOD = Rounding(moved=0.0005, noise=2.0**-11)
NAMES = [
    # task, name, whether higher is better, whether a loss is a share of the baseline
    (Classification(), "top-1 accuracy", True, False),
    (Classification(top_k=5), "top-5 accuracy", True, False),
    (Binary(), "accuracy", True, False),
    (MultiLabel(), "F1", True, False),
    (Regression(), "MAE", False, True),
    (Regression("rmse"), "RMSE", False, True),
    (Regression("r2"), "R²", True, False),
    (Segmentation(), "mIoU", True, False),
    (Embedding(), "mean cosine similarity", True, False),
    (Sequence(), "step accuracy", True, False),
    (Sequence("whole"), "whole-sequence accuracy", True, False),
    (AREA, "AUC", True, False),
    (SHARES, "largest error", False, True),
]
OUTCOMES = [Classification(), Classification(top_k=3), Binary(0.0), Sequence("whole")]
SHARES_OF_SAMPLES = [MultiLabel(0.0), Segmentation(), Embedding(), Sequence()]
ERRORS = [Regression(), Regression("rmse"), Regression("r2"), SCORES, SHARES]
NOT_A_NUMBER = [np.nan, np.inf, -np.inf]


def data(task, samples, seed=0, noise=0.01):
    """Return outputs of a candidate and of a baseline, that is mostly right, and the targets of *task*."""
    random = np.random.default_rng(seed)
    shape, classes = {
        Classification: ((samples,), 6),
        Binary: ((samples, 1), None),
        MultiLabel: ((samples, 4), None),
        Segmentation: ((samples, 5, 5), 3),
        Sequence: ((samples, 3), 4),
    }.get(type(task), ((samples, 3), 0))
    if classes:
        targets = random.integers(0, classes, shape)
        signal = 2 * np.eye(classes)[targets]
    elif classes is None:
        targets = random.integers(0, 2, shape)
        signal = 2.0 * targets - 1
    else:
        targets = signal = random.normal(size=shape)
    baseline = (signal + 0.8 * random.normal(size=signal.shape)).astype(np.float32)
    return baseline + noise * random.normal(size=baseline.shape).astype(np.float32), baseline, targets


def each_right(outputs, targets, task):
    """Return whether each sample is right, judged by itself."""
    each = range(len(targets))
    return np.array([value(outputs[row : row + 1], targets[row : row + 1], task) for row in each], bool)


@pytest.mark.parametrize(("task", "name", "higher", "relative"), NAMES)
def test_metric_has_its_name_and_direction(task, name, higher, relative):
    """Each task has a metric with a name; errors are better if lower, and their losses are shares."""
    assert (metrics.name(task), metrics.higher_is_better(task), metrics.relative(task)) == (name, higher, relative)


@pytest.mark.parametrize("task", [*OUTCOMES, *SHARES_OF_SAMPLES, *ERRORS])
@pytest.mark.parametrize("samples", [40, 2000])
def test_change_is_between_the_values(task, samples):
    """Both values are what `value` says, the loss is their difference or its share, and lies within the limits."""
    candidate, baseline, targets = data(task, samples, noise=0.3)
    found = change(candidate, baseline, targets, task, 0.99)
    before, now = value(baseline, targets, task), value(candidate, targets, task)
    loss = (before - now if metrics.higher_is_better(task) else now - before) / (before if found.unit == "share" else 1)

    assert (found.baseline, found.candidate, found.samples) == (before, now, samples)
    assert found.loss == pytest.approx(loss)
    assert found.least < found.loss < found.most


UNITS = {
    "points": [*OUTCOMES, MultiLabel(0.0), Segmentation(), Sequence()],
    "share": [Regression(), Regression("rmse"), SHARES],
    "own": [Embedding(), Regression("r2"), SCORES],
}


@pytest.mark.parametrize(("unit", "task"), [(unit, task) for unit, tasks in UNITS.items() for task in tasks])
def test_loss_has_the_unit_of_its_task(unit, task):
    """Shares of samples, labels, places or steps lose points, errors a share of themselves, others what they are."""
    assert change(*data(task, 2), task, 0.99).unit == unit


@pytest.mark.parametrize("task", OUTCOMES)
def test_right_or_wrong_is_decided_exactly(task):
    """Where a sample is right or wrong, the figures are those of `paired_accuracy`."""
    candidate, baseline, targets = data(task, 300, noise=0.5)
    expected = paired_accuracy(*(each_right(outputs, targets, task) for outputs in (baseline, candidate)), 0.95)
    found = change(candidate, baseline, targets, task, 0.95)

    assert (found.method, found.loss) == ("exact McNemar", expected.drop)
    for name in ("baseline", "candidate", "lost", "gained", "most", "least", "p_value", "samples", "confidence"):
        assert getattr(found, name) == getattr(expected, name)
    assert expected.lost > 0 < expected.gained


@pytest.mark.parametrize("task", [*SHARES_OF_SAMPLES, *ERRORS])
def test_other_metrics_are_bootstrapped(task):
    """Where nothing is right or wrong, there is no p-value; the limits are the same each time."""
    found, again = (change(*data(task, 60), task, 0.99) for _ in range(2))

    assert (found.method, found.p_value, found.lost, found.gained) == ("paired bootstrap", None, None, None)
    assert found == again


@pytest.mark.parametrize("task", ERRORS)
@pytest.mark.parametrize("samples", [2, 50, 3000])
def test_equal_errors_have_no_loss(task, samples):
    """Where no sample shows any difference of the errors, nothing says how large a loss might be: it counts as none."""
    _, baseline, targets = data(task, samples)
    found = change(baseline.copy(), baseline, targets, task, 0.99)

    assert (found.loss, found.least, found.most) == (0, 0, 0)


@pytest.mark.parametrize("task", SHARES_OF_SAMPLES)
@pytest.mark.parametrize("samples", [20, 500, 5000])
def test_equal_counts_leave_possible_what_the_samples_cannot_exclude(task, samples):
    """Samples without any loss leave that a share of all others is lost, as with right and wrong, at the least."""
    _, baseline, targets = data(task, samples)
    found = change(baseline.copy(), baseline, targets, task, 0.99)
    unseen = upper_limit(0, samples, 0.01)

    assert found.loss == 0
    assert 0.7 * unseen < found.most < 2.1 * unseen
    assert found.least == pytest.approx(-found.most, rel=0.3)


@pytest.mark.parametrize("task", [*ERRORS, AREA])
def test_one_sample_proves_nothing_about_errors(task):
    """From one sample any loss is possible, and any gain."""
    candidate, baseline, targets = data(task, 1)
    if task is AREA:
        candidate, baseline, targets = candidate[:, 0], baseline[:, 0], targets[:, 0]
        task = Metric("error", lambda outputs, true: np.abs(outputs - true).mean(), higher_is_better=False, whole=True)
    found = change(candidate, baseline, targets, task, 0.99)

    assert (found.least, found.most) == (-np.inf, np.inf)
    assert "is excluded at 99% confidence" in str(found)


@pytest.mark.parametrize("task", [*OUTCOMES, *SHARES_OF_SAMPLES])
def test_one_sample_proves_nothing_about_shares(task):
    """From one sample nearly all may be lost."""
    found = change(*data(task, 1, noise=0), task, 0.99)

    assert found.most > 0.95


@pytest.mark.parametrize("task", [*SHARES_OF_SAMPLES, *ERRORS])
def test_more_samples_exclude_more(task):
    """The limits close in on the loss."""
    few, many = (change(*data(task, samples), task, 0.99) for samples in (50, 5000))

    assert many.most - many.least < 0.3 * (few.most - few.least)


@pytest.mark.parametrize("task", [*SHARES_OF_SAMPLES, *ERRORS])
def test_more_confidence_excludes_less(task):
    """With higher confidence, more remains possible on both sides."""
    low, high = (change(*data(task, 60), task, confidence) for confidence in (0.9, 0.99))

    assert high.least < low.least < low.most < high.most


@pytest.mark.parametrize("task", [*SHARES_OF_SAMPLES, *ERRORS])
def test_order_of_files_turns_the_loss_around(task):
    """What the one has lost, the other has gained."""
    candidate, baseline, targets = data(task, 2000, noise=0.3)
    loss, gain = (change(*pair, targets, task, 0.99) for pair in ((candidate, baseline), (baseline, candidate)))

    assert gain.loss == pytest.approx(-loss.loss / (1 + loss.loss if loss.unit == "share" else 1), abs=1e-12)
    assert loss.most > 0 > gain.least


@pytest.mark.parametrize("task", ERRORS[:2])
def test_worse_errors_are_proved(task):
    """A tenth more error in each sample is a loss of a tenth, and the samples prove it."""
    _, baseline, targets = data(task, 200)
    found = change((targets + 1.1 * (baseline - targets)).astype(np.float32), baseline, targets, task, 0.99)

    assert found.least == pytest.approx(0.1, rel=1e-3) == pytest.approx(found.most, rel=1e-3)


def test_share_of_no_error_is_none_or_infinite():
    """A baseline without any error can be kept; nothing else is within any bound."""
    targets = np.arange(30.0).reshape(10, 3)
    perfect = targets.astype(np.float32)
    same, worse = (change(outputs, perfect, targets, SHARES, 0.99) for outputs in (perfect, perfect + 1))

    assert (same.loss, same.least, same.most) == (0, 0, 0)
    assert (worse.loss, worse.least, worse.most) == (np.inf, np.inf, np.inf)


@pytest.mark.parametrize(("samples", "certain"), [(1, False), (2, True)])
def test_share_of_no_error_of_one_sample_may_be_any(samples, certain):
    """One sample without an error says nothing of others; two and more are taken to be without any."""
    targets = np.ones((samples, 1))
    found = change(targets.copy(), targets, targets, SHARES, 0.99)

    assert (found.least, found.most) == ((0, 0) if certain else (-np.inf, np.inf))


def test_loss_that_is_no_share_of_no_error_is_weighed():
    """Where the baseline is perfect and a loss no share of it, the samples leave more possible, and less."""
    targets = np.zeros((50, 1))
    candidate = targets + np.linspace(0, 1, 50)[:, None]
    found = change(candidate, targets, targets, SCORES, 0.99)

    assert found.least < found.loss == 0.5 < found.most < 1


@pytest.mark.parametrize("task", ERRORS[:2])
def test_error_is_a_share_of_what_float16_can_tell_at_least(task):
    """Beside a baseline without any error, a loss counts as a share of what float16 loses of the targets."""
    targets = np.linspace(1, 2, 3000).reshape(1000, 3)
    perfect = targets.copy()
    same, rounded, worse = (
        change(outputs, perfect, targets, task, 0.99) for outputs in (perfect, targets.astype(np.float16), targets + 1)
    )

    assert (same.loss, same.least, same.most) == (0, 0, 0)
    assert 0 < rounded.loss < rounded.most < 0.005
    assert worse.least > 1


@pytest.mark.parametrize("broken", NOT_A_NUMBER)
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("task", ERRORS[:3])
def test_no_bound_holds_for_broken_errors(task, side, broken):
    """Where an output of either file is not finite, the loss is infinite, for all samples and for some of them."""
    pair = data(task, 50)
    pair[side][7, 1] = broken
    found = change(*pair, task, 0.99)

    assert (found.loss, found.least, found.most) == (np.inf, np.inf, np.inf)


@pytest.mark.parametrize("task", [*OUTCOMES, *SHARES_OF_SAMPLES])
def test_broken_outputs_lose_everything(task):
    """A candidate that is NaN all over has lost all or more of what the baseline had, and the samples prove most."""
    _, baseline, targets = data(task, 400)
    found = change(baseline * np.nan, baseline, targets, task, 0.99)

    assert found.candidate == (-1 if isinstance(task, Embedding) else 0)
    assert found.least > 0.8 * found.loss


def test_rare_class_counts_in_miou():
    """Losing a class that a hundredth of the places have costs its share of the classes."""
    targets = np.zeros((50, 2, 50), int)
    targets[:, 0, 0] = 1
    baseline = np.eye(2, dtype=np.float32)[targets]
    candidate = baseline.copy()
    candidate[:, 0, 0] = [1, 0]

    assert change(candidate, baseline, targets, Segmentation(), 0.99).loss == pytest.approx((1 + 0.01) / 2)


def test_value_is_that_of_the_task():
    """A metric of all samples is what its function returns; targets that do not fit are refused, before it is asked."""
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 40)
    outputs = targets + random.normal(size=40)

    assert value(outputs, targets, AREA) == area(outputs, targets)
    with pytest.raises(MetricsError, match="39 targets for 40 samples"):
        value(outputs, targets[1:], AREA)
    with pytest.raises(MetricsError, match="2 targets for 3 samples"):
        value(np.zeros((3, 4)), np.zeros(2, int), Classification())


@pytest.mark.parametrize(("task", "worst"), [(Regression(), np.inf), (Regression("r2"), -np.inf)])
def test_value_that_is_not_finite_is_the_worst(task, worst):
    """An error is infinite, and R² as far below as can be."""
    _, baseline, targets = data(task, 50)
    baseline[3] = np.nan

    assert value(baseline, targets, task) == worst


@pytest.mark.parametrize(
    ("now", "before"), [([0, 1] * 20, [0, 0.5] * 20), ([0, 0.5] * 20, [0, 1] * 20), ([0.5] * 40, [0, 1] * 20)]
)
def test_scores_between_0_and_1_are_no_outcomes(now, before):
    """Where a single score of either file is another number, no sample is right or wrong."""
    task = Metric("hits", lambda outputs, _: outputs, higher_is_better=True)

    assert change(np.array(now), np.array(before), np.zeros(40), task, 0.99).method == "paired bootstrap"


def test_relative_scores_of_0_and_1_are_no_outcomes():
    """A share of them is no share of samples."""
    task = Metric("misses", lambda outputs, _: outputs, higher_is_better=False, relative=True)
    found = change(np.array([0, 1, 1, 1] * 10), np.array([0, 1, 0, 1] * 10), np.zeros(40), task, 0.99)

    assert (found.method, found.loss) == ("paired bootstrap", 0.5)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("higher", [False, True])
def test_scores_have_the_limits_of_their_losses(sign, relative, higher):
    """Limits are of how much worse each score is, or of the share that this is of all, also of scores below 0."""
    random = np.random.default_rng(0)
    before = sign * (1 + random.random(40))
    now = 3 * random.normal(size=40) - before
    task = Metric("score", lambda outputs, _: outputs, higher_is_better=higher, relative=relative)
    worse = before - now if higher else now - before
    scale = sign * before if relative else np.ones(40)

    found = change(now, before, np.zeros(40), task, 0.99)

    assert (found.least, found.most) == ratio_limits(worse, scale, np.positive, 0.99)
    assert found.loss == pytest.approx(worse.sum() / scale.sum())


def test_share_of_many_scores_has_the_limits_of_single_ones():
    """Grouped scores, too, are divided by what they were before."""
    random = np.random.default_rng(0)
    before = 1 + random.random(5000)
    now = before * (1.1 + 0.1 * random.normal(size=5000))
    task = Metric("score", lambda outputs, _: outputs, higher_is_better=False, relative=True)
    found = change(now, before, np.zeros(5000), task, 0.99)

    assert found.least < found.loss < found.most
    assert found.most - found.least < 0.02


def test_score_of_all_samples_may_be_missing_of_one_file():
    """Where choices have a value for one of the files alone, any loss is possible."""
    task = Metric(
        "score", lambda outputs, _: outputs.mean() if 7 in outputs else np.nan, higher_is_better=True, whole=True
    )
    baseline, candidate = np.full(50, 7), np.arange(50)

    for pair in ((candidate, baseline), (baseline, candidate)):
        found = change(*pair, np.zeros(50), task, 0.99)
        assert (found.least, found.most) == (-np.inf, np.inf)


def test_share_of_no_score_is_infinite():
    """A metric of all samples that is 0 has no shares: any other value is infinitely worse, or better."""
    task = Metric("error", lambda outputs, _: outputs.mean(), higher_is_better=False, relative=True, whole=True)
    same, worse, better = (change(np.full(50, now), np.zeros(50), np.zeros(50), task, 0.99) for now in (0.0, 1.0, -1.0))

    for found, loss in ((same, 0), (worse, np.inf), (better, -np.inf)):
        assert (found.loss, found.least, found.most) == (loss, loss, loss)


@pytest.mark.parametrize("higher", [True, False])
def test_scores_of_0_and_1_are_outcomes(higher):
    """Scores that are all 0 or 1 are decided exactly, 1 is right where higher is better."""
    task = Metric("hits", lambda outputs, _: outputs > 0, higher_is_better=higher)
    baseline, candidate = np.array([1, 1, 1, 0] * 25), np.array([1, 1, 0, 0] * 25)
    found = change(candidate, baseline, np.zeros(100), task, 0.99)

    assert (found.baseline, found.candidate, found.method) == (0.75, 0.5, "exact McNemar")
    assert (found.lost, found.gained) == ((25, 0) if higher else (0, 25))
    assert found.loss == (0.25 if higher else -0.25)


def test_area_is_resampled():
    """A metric of all samples is computed anew of random choices: equal ranks show no loss, worse ones one that is."""
    random = np.random.default_rng(0)
    targets = random.integers(0, 2, 400)
    baseline, candidate = targets + random.normal(size=400), targets + 2 * random.normal(size=400)
    same, worse = (change(outputs, baseline, targets, AREA, 0.99) for outputs in (2 * baseline, candidate))

    assert (same.loss, same.least, same.most, same.method) == (0, 0, 0, "paired bootstrap")
    assert worse.loss == area(baseline, targets) - area(candidate, targets)
    assert 0 < worse.least < worse.loss < worse.most < 0.5


def test_area_of_a_single_positive_proves_nothing():
    """Choices without the only positive sample have no value: they might have had any."""
    random = np.random.default_rng(0)
    found = change(random.random(50), random.random(50), np.arange(50) == 7, AREA, 0.99)

    assert (found.least, found.most) == (-np.inf, np.inf)


def test_sentence_of_outcomes_says_all_of_it():
    """The sentence of outcomes is that of `PairedAccuracy`, with the metric's name."""
    targets = np.zeros(200, int)
    outputs = np.eye(3, dtype=np.float32)[[0] * 200]
    candidate = np.eye(3, dtype=np.float32)[[0] * 198 + [1] * 2]
    found = change(candidate, outputs, targets, Classification(), 0.99)

    assert str(found) == (
        "top-1 accuracy 100.0000% -> 99.0000% on 200 samples (2 lost, 0 gained, exact McNemar p = 0.25); "
        f"a drop of {found.most * 100:.3f} points is not excluded at 99% confidence"
    )


@pytest.mark.parametrize(
    ("task", "told", "judged"),
    [
        (Regression(), "an increase of 0.0", "relative MAE increase"),
        (Regression("r2"), "a drop of 0.0", "R² drop"),
        (MultiLabel(0.0), "points is not excluded", "F1 drop"),
        (SCORES, "an increase of 0.0", "largest error increase"),
    ],
)
def test_sentence_names_direction_and_unit(task, told, judged):
    """What is judged is called a drop or an increase, relative where it is; of a sample it is what that proves."""
    found = change(*data(task, 3000), task, 0.99)

    assert told in str(found)
    assert "on 3000 samples (paired bootstrap); " in str(found)
    assert found.judged(1.0).quantity == f"{judged} that cannot be excluded"
    assert found.judged(1.0).says.startswith("3000 samples exclude a")
    few = dataclasses.replace(found, most=0.9, explained=None if task is SCORES else 0.5).judged(0.5, sampled=True)
    how = "the samples prove" if task is SCORES else "was measured"
    assert few.quantity.startswith(f"{judged} that {how}, of too few samples to exclude the ")
    assert few.value == (found.least if task is SCORES else found.loss)
    assert (few.few, few.holds, few.at_most) == (True, True, 0.5)
    assert "cannot exclude a" in few.says


@pytest.mark.parametrize("samples", [20, 50, 200])
@pytest.mark.parametrize("metric", ["mae", "rmse", "r2"])
def test_noise_of_rounding_fails_no_regression(samples, metric):
    """Of few samples, the noise of rounding may leave a larger increase possible than is allowed: it explains it."""
    random = np.random.default_rng(0)
    targets = random.normal(size=(samples, 1))
    baseline = targets + 0.1 * random.normal(size=targets.shape)
    candidates = [baseline + GOOD.noise * random.normal(size=targets.shape) for _ in range(100)]
    judged = [change(one, baseline, targets, Regression(metric), 0.99, GOOD).judged(0.005) for one in candidates]

    assert all(one.holds for one in judged)
    assert any(one.few for one in judged) == ((samples == 20 and metric != "r2") or (samples, metric) == (50, "mae"))
    assert not change(baseline * 1.1, baseline, targets, Regression("rmse"), 0.99, GOOD).judged(0.005).holds


def test_noisy_errors_have_to_exclude_the_bound():
    """Samples of which rounding explains little have to exclude the bound, also where no loss was measured."""
    random = np.random.default_rng(0)
    targets = random.normal(size=(1000, 1))
    baseline = targets + 0.1 * random.normal(size=targets.shape)
    candidate = targets + 0.1 * random.normal(size=targets.shape) * 0.99
    judged = change(candidate, baseline, targets, Regression("rmse"), 0.99, GOOD).judged(0.005)

    assert (judged.few, judged.holds) == (False, False)


@pytest.mark.parametrize("metric", ["mae", "rmse", "r2"])
def test_rounding_explains_noise_in_each_output(metric):
    """By it an error grows by a share, and R² falls by twice that share of what it leaves unexplained."""
    random = np.random.default_rng(0)
    targets = 5 + 3 * random.normal(size=(400, 2))
    baseline = targets + 2 * random.normal(size=targets.shape)
    rms = np.sqrt((baseline**2).mean())
    errors = np.abs(baseline - targets)
    error = errors.mean() if metric == "mae" else np.sqrt((errors**2).mean())
    explained = GOOD.share(400, error / rms)
    if metric == "r2":
        explained *= 2 * (errors**2).sum() / ((targets - targets.mean()) ** 2).sum()

    found = change(baseline - 0.001, baseline, targets, Regression(metric), 0.99, GOOD)

    assert found.explained == pytest.approx(explained, rel=1e-9)


def test_rounding_explains_lost_samples_of_a_share():
    """A sample that is lost has none of its labels, and as many that it should not have."""
    samples = 3000
    targets = np.zeros((samples, 2), int)
    targets[:, 0] = 1
    found = change(targets * 1.0, targets * 1.0, targets, MultiLabel(), 0.99, GOOD)
    share = GOOD.lost(samples) / samples

    assert share > 0
    assert found.explained == pytest.approx(share)
    targets[0] = 0, 1
    found = change(targets * 1.0, np.tile([1.0, 0.0], (samples, 1)), targets, MultiLabel(), 0.99, GOOD)
    assert found.explained == pytest.approx(found.baseline * share)


def test_errors_are_raised_to_what_is_felt():
    """Of an error that is half of what is felt, a loss is a share of what is, and so is what rounding explains."""
    targets = np.ones((200, 1))
    _, _, felt = scores.sums_of(targets, Regression()).count(targets, targets)[0]
    baseline, candidate = (targets + share * felt for share in (0.5, 0.75))
    found = change(candidate, baseline, targets, Regression(), 0.99, GOOD)

    assert felt > 0
    assert found.loss == pytest.approx(0.25)
    assert found.explained == pytest.approx(GOOD.share(200, felt / (1 + 0.5 * felt)))
    larger = change(targets + 3 * felt, targets + 2 * felt, targets, Regression(), 0.99)
    assert larger.loss == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("error", "outputs", "expected"),
    [
        (3.0, [3.0, 4.0, 5.0, 5.0, 5.0], 3 / np.sqrt(20)),
        (1e30, [1e30, 1e30], 1.0),
        (1.0, [0.0, 0.0], 0),
        (np.inf, [1.0, 1.0], 0),
        (1.0, [np.nan, 1.0], 0),
        (np.inf, [np.inf, 1.0], 0),
    ],
)
def test_error_is_a_share_of_the_rms_output(error, outputs, expected):
    """That is 0 where it says nothing, and does not overflow in float32."""
    assert metrics._of_rms(error, np.array(outputs, np.float32)[:, None]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("samples", [50, 1850, 3000])
def test_few_lost_samples_fail_no_bootstrapped_share(samples):
    """As many samples as a good model may lose may be lost where they are few, and not many more."""
    targets = np.arange(samples)[:, None] % 2
    baseline, few, many = (targets.astype(np.float32) for _ in range(3))
    few[: GOOD.lost(samples) // 2] = 1
    many[: 10 * GOOD.lost(samples)] = 1
    small, large = (change(one, baseline, targets, MultiLabel(), 0.99, GOOD).judged(0.005) for one in (few, many))

    assert (small.holds, large.holds) == (True, False)


def counted(samples, lost, gained=0, classes=3):
    """Return how a classifier changes that loses and gains so many samples."""
    targets = np.arange(samples) % classes
    before, now = targets.copy(), targets.copy()
    now[:lost] = (targets[:lost] + 1) % classes
    before[samples - gained :] = (targets[samples - gained :] + 1) % classes
    outputs = np.eye(classes, dtype=np.float32)
    return change(outputs[now], outputs[before], targets, Classification(), 0.99, GOOD)


def test_many_samples_have_to_exclude_the_bound():
    """Where the samples can exclude the bound, they have to; they say which drop they exclude, or cannot."""
    good, bad = counted(10_000, 12, 3).judged(0.005), counted(10_000, 60, 3).judged(0.005)

    assert good.quantity == bad.quantity == "top-1 accuracy drop that cannot be excluded"
    assert (good.holds, bad.holds, good.at_most, bad.at_most) == (True, False, 0.005, 0.005)
    assert good.says == f"10000 samples exclude a drop of more than {good.value * 100:.3f} points, 0.500 points allowed"
    assert bad.says == f"10000 samples cannot exclude a drop of {bad.value * 100:.3f} points, 0.500 points allowed"
    assert not good.few
    assert not bad.few


def test_all_classes_share_nothing_of_what_is_permitted():
    """What all samples may lose is what rounding explains of them, in one decision."""
    assert counted(2000, 0).explained == GOOD.lost(2000) < GOOD.lost(2000, 2)


@pytest.mark.parametrize("samples", [50, 500, 3000])
def test_few_samples_say_what_they_cannot_exclude(samples):
    """Few samples pass a model that loses what rounding explains, fail one that loses more, and say what they prove."""
    most = GOOD.lost(samples)
    good, bad = (counted(samples, lost).judged(0.005) for lost in (most, most + 1))
    drop = upper_limit(most, samples, 0.005) * 100

    assert good.quantity == "lost samples (top-1 accuracy drop), of too few samples to exclude the drop that is allowed"
    assert (good.value, good.at_most, good.few, good.holds) == (most, most, True, True)
    assert (bad.value, bad.at_most, bad.few, bad.holds) == (most + 1, most, True, False)
    assert good.says == (
        f"{samples} samples cannot exclude a drop of {drop:.3f} points, 0.500 points allowed: "
        f"too few to fail a model that loses {most} or less of them"
    )
    assert good.proof == {"bound": 0.005, "few": True, "says": good.says}


def test_few_samples_may_exclude_the_bound():
    """Samples without a loss may be few for a good model that has some, and exclude the bound all the same."""
    judged = counted(2000, 0).judged(0.005)

    assert (judged.quantity, judged.few, judged.holds) == ("top-1 accuracy drop that cannot be excluded", False, True)
    assert counted(2000, 3).judged(0.005).few


def test_loss_as_large_as_the_bound_is_excluded():
    """A bound is what is allowed, also of few samples: it need not be more than what remains possible."""
    found = counted(500, 0)
    judged = found.judged(found.most)

    assert (judged.few, judged.holds, judged.value) == (False, True, judged.bound)
    assert judged.says.startswith("500 samples exclude a drop of more than ")


def test_samples_are_few_where_a_good_model_may_leave_the_bound_possible():
    """What rounding explains to be lost leaves a drop possible: at half of the permitted error, that is the limit."""
    found = dataclasses.replace(counted(3000, 0), most=1.0)
    possible = upper_limit(found.explained, 3000, 0.005)

    assert [found.judged(possible + off).few for off in (-1e-9, 0, 1e-9)] == [True, False, False]


def test_samples_are_few_where_noise_may_leave_the_bound_possible():
    """A bootstrapped loss has twice what rounding explains, and what equal outputs leave possible."""
    found = change(*data(Regression(), 50), Regression(), 0.99, GOOD)
    found = dataclasses.replace(found, most=1.0, unchanged=2.0**-10, explained=2.0**-10)

    assert [found.judged(bound * 2.0**-10).few for bound in (2.5, 3.0, 3.5)] == [True, False, False]


@pytest.mark.parametrize(("samples", "few"), [(9, True), (10, False)])
def test_custom_metric_has_few_samples_where_they_prove_nothing(samples, few):
    """Of a metric of the user's own nothing is explained: fewer than ten samples are few, and so is a sample of all."""
    candidate, baseline, targets = data(SCORES, samples, noise=0.3)
    found = dataclasses.replace(change(candidate, baseline, targets, SCORES, 0.99), most=np.inf)

    assert (found.explained, found.unchanged) == (None, np.inf if few else 0)
    assert found.judged(0.005).few == few
    assert found.judged(0.005, sampled=True).few
    assert found.judged(0.005).says.startswith(f"{samples} samples cannot exclude any increase, 0.005 allowed")


@pytest.mark.parametrize(
    ("task", "bound"),
    [(Regression(), "0.500% allowed"), (Regression("r2"), "0.005 allowed"), (Binary(), "0.500 points")],
)
def test_bound_is_told_in_the_unit_of_the_loss(task, bound):
    """Errors have a share, what lies between 0 and 1 for all samples points, and others what they are."""
    assert bound in change(*data(task, 50), task, 0.99).judged(0.005).says


def test_gains_do_not_hide_what_is_lost():
    """Of few samples, as many gained as lost are no close calls if they are more than rounding moves."""
    assert not counted(500, 20, 20).judged(0.005).holds


def compare_classes(candidate, baseline, targets, task, confidence, **told):
    """Return which class of *targets* fares worst."""
    return worst_class(metrics.name(task), class_counts(candidate, baseline, targets, task), confidence, **told)


def test_classes_are_counted():
    """Of each class, in the order of their labels, it counts how many there are, are right, and are lost and gained."""
    targets = np.array([7, 2, 2, 2, 2, 7, 7])
    before, now = np.array([7, 2, 2, 2, 0, 0, 7]), np.array([7, 0, 0, 2, 2, 0, 7])
    outputs = np.eye(8, dtype=np.float32)

    assert class_counts(outputs[now], outputs[before], targets, Classification()) == (
        ClassCounts(2, samples=4, right=3, lost=2, gained=1),
        ClassCounts(7, samples=3, right=2, lost=0, gained=0),
    )


def test_worst_class_is_the_one_that_falls_short():
    """A class that loses more than rounding explains is named before one that has lost a larger share."""
    targets = np.repeat([0, 1], [5, 1000])
    outputs = np.eye(2, dtype=np.float32)[targets]
    candidate = outputs.copy()
    candidate[:1], candidate[5:105] = [0, 1], [1, 0]
    found = compare_classes(candidate, outputs, targets, Classification(), 0.99, bound=0.02, rounding=GOOD)

    assert (found.label, found.change.lost, found.judgement.holds) == (1, 100, False)
    assert str(found).startswith("class 1: top-1 accuracy ")


def test_worst_class_is_the_one_that_lost_most():
    """Where none falls short, the class that lost the largest share is named, or that of which fewest are known."""
    targets = np.repeat([0, 1, 2], [1000, 900, 900])
    outputs = np.eye(3, dtype=np.float32)[targets]
    candidate = outputs.copy()
    compare = partial(compare_classes, task=Classification(), confidence=0.99, bound=0.02, rounding=GOOD)

    assert compare(candidate, outputs, targets).label == 1
    candidate[1000 + 900 :][:2] = [1, 0, 0]
    found = compare(candidate, outputs, targets)
    assert (found.label, found.change.lost, found.change.samples, found.judgement.holds) == (2, 2, 900, True)


def test_classes_share_what_is_permitted():
    """The more classes there are, the more one may lose of so few: each might be the one to raise a false alarm."""
    targets = np.arange(2000) % 50
    outputs = np.eye(50, dtype=np.float32)[targets]
    found = compare_classes(outputs, outputs, targets, Classification(), 0.99, bound=0.02, rounding=GOOD)

    assert found.judgement.at_most == GOOD.lost(40, 50) > GOOD.lost(40)


@pytest.mark.parametrize("samples", [20, 300, 10_000])
@pytest.mark.parametrize("task", [MultiLabel(0.0), Embedding(), Sequence("steps")])
def test_equal_outputs_are_within_any_bound(task, samples):
    """Outputs that did not change are no drop, however few samples there are: few prove none, many exclude one."""
    _, baseline, targets = data(task, samples)
    found = change(baseline, baseline, targets, task, 0.99)

    assert found.judged(0.005).value <= 0.005
    assert found.most == found.unchanged


def test_yes_and_no_have_a_worst_class():
    """Of yes and no, the one that lost most is named; targets may have an axis of one."""
    targets = np.repeat([0, 1], 50)[:, None]
    baseline = targets.astype(np.float32)
    candidate = baseline.copy()
    candidate[90:] = 0

    assert compare_classes(candidate, baseline, targets, Binary(), 0.99, bound=0.02, rounding=GOOD).change.lost == 10


@pytest.mark.parametrize("compare", [change, partial(compare_classes, bound=0.02, rounding=GOOD)])
def test_outputs_of_other_shapes_are_not_compared(compare):
    """Outputs that are not of one shape, and targets that do not fit, are errors that say so."""
    with pytest.raises(MetricsError, match=r"shape \(3, 4\) are compared with outputs of shape \(3, 5\)"):
        compare(np.zeros((3, 4)), np.zeros((3, 5)), np.zeros(3, int), Classification(), 0.99)
    with pytest.raises(MetricsError, match="2 targets for 3 samples"):
        compare(np.zeros((3, 4)), np.zeros((3, 4)), np.zeros(2, int), Classification(), 0.99)


STRICT = Budget(metric_drop=0.0625, class_drop=0.125, confidence=0.9, flipped=0.0002)


@pytest.mark.parametrize("arithmetic", ["float32", "bfloat16"])
def test_drop_of_outcomes_is_judged_again_as_it_would_have_been(arithmetic):
    """Another confidence and another share of flips make of counted samples what they make of the outputs."""
    outputs, targets = np.eye(3, dtype=np.float32), np.arange(600) % 3
    now, before = targets.copy(), targets.copy()
    now[:4], before[-2:] = (targets[:4] + 1) % 3, (targets[-2:] + 1) % 3
    compare = partial(change, outputs[now], outputs[before], targets, Classification())
    found = compare(0.99, bounds.rounding(Budget(), arithmetic))
    expected = compare(0.9, bounds.rounding(STRICT, arithmetic))
    law = DropLaw(found, arithmetic, sampled=False, called=" of digit")
    judged, ruling = expected.judged(0.0625), law.ruling(STRICT)

    assert law.under(STRICT) == expected != found == law.under(Budget())
    assert found.moved == bounds.rounding(Budget(), arithmetic).moved
    assert law.judged(STRICT) == judged
    assert (ruling.quantity, ruling.value) == (f"{judged.quantity} of digit", judged.value)
    assert (ruling.at_least, ruling.at_most, ruling.evidence) == (None, judged.at_most, str(expected))


@pytest.mark.parametrize("sampled", [True, False])
def test_law_of_a_drop_knows_whether_samples_are_all(sampled):
    """Of a metric of the user's own, a sample of all samples counts as few."""
    found = dataclasses.replace(change(*data(SCORES, 300, noise=0.3), SCORES, 0.99), most=np.inf)

    assert DropLaw(found, "float32", sampled, "").judged(Budget()).few == sampled


@pytest.mark.parametrize("task", [*SHARES_OF_SAMPLES, Regression(), Regression("r2"), SCORES])
def test_drop_of_a_bootstrap_keeps_its_limits(task):
    """What the samples left possible stays, under another bound on it; at another confidence it is not known."""
    found = change(*data(task, 300), task, 0.99, bounds.rounding(Budget(), "float32"))
    law = DropLaw(found, "float32", sampled=False, called="")

    assert law.judged(Budget(metric_drop=0.5)) == found.judged(0.5)
    with pytest.raises(UnrecordedError, match=rf"^confidence: what the samples prove of {found.metric} "):
        law.ruling(Budget(confidence=0.9))


@pytest.mark.parametrize("task", SHARES_OF_SAMPLES)
def test_loss_that_counts_explain_takes_the_outputs(task):
    """How much of such a metric lost samples cost is not kept: it is explained by as many flips, or not known."""
    law = DropLaw(change(*data(task, 300), task, 0.99, GOOD), "float32", sampled=False, called="")

    assert law.change.moved == GOOD.moved == 0.0005
    assert law.under(Budget(flipped=0.1)) == law.change
    with pytest.raises(UnrecordedError, match=r"^flipped: "):
        law.ruling(Budget(flipped=0.0001))


@pytest.mark.parametrize("task", [Regression(), Regression("r2"), SCORES])
def test_noise_explains_the_same_whatever_may_flip(task):
    """What noise explains of an error has nothing to do with classes."""
    law = DropLaw(change(*data(task, 300), task, 0.99, GOOD), "float32", sampled=False, called="")

    assert law.under(Budget(flipped=0)) == law.change


@pytest.mark.parametrize("arithmetic", ["float32", "bfloat16"])
@pytest.mark.parametrize(("lost", "worst"), [((0, 1, 3), 2), ((0, 70, 3), 1)])
def test_drop_of_classes_is_judged_again_as_it_would_have_been(arithmetic, lost, worst):
    """The class that fares worst by other bounds is named, with what it comes to by them."""
    classes = tuple(ClassCounts(i, 100 * (1 + i), 100 * (1 + i), lost[i], 0) for i in range(3))
    ruling = ClassDropLaw("top-1 accuracy", classes, arithmetic, " of digit").ruling(STRICT)
    rounding = bounds.rounding(STRICT, arithmetic)
    found = worst_class("top-1 accuracy", classes, 0.9, bound=0.125, rounding=rounding)
    judged = found.judgement

    assert found.label == worst
    assert (ruling.quantity, ruling.value) == (f"one class's {judged.quantity} of digit", judged.value)
    assert (ruling.at_least, ruling.at_most, ruling.evidence) == (None, judged.at_most, str(found))


def test_drop_of_few_samples_of_a_class_is_held_against_what_rounding_explains():
    """Of 50 samples of a class a good model may lose two, and the class is still one that should lose none."""
    ruling = ClassDropLaw("top-1 accuracy", (ClassCounts(0, 50, 50, 1, 0),), "float32", "").ruling(Budget())

    assert (ruling.value, ruling.at_most) == (1, 2)
    assert ruling.quantity.startswith("one class's lost samples (top-1 accuracy drop), of too few samples")
    assert worst_class("top-1 accuracy", (ClassCounts(0, 50, 50, 1, 0),), 0.99, bound=0.02).change.higher_is_better


def peak(folder, task, samples, shape, target_shape):
    """Return how many bytes comparing files of so many samples takes, at its most."""
    arrays = [
        np.lib.format.open_memmap(folder / f"{samples}{kind}.npy", "w+", dtype, (samples, *of_sample))
        for kind, dtype, of_sample in (
            ("a", np.float32, shape),
            ("b", np.float32, shape),
            ("y", np.uint8, target_shape),
        )
    ]
    tracemalloc.start()
    try:
        change(*arrays, task, 0.99)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("task", "shape", "target_shape"),
    [
        (Regression(), (28, 28), (28, 28)),
        (Segmentation(), (14, 14, 4), (14, 14)),
        (Classification(top_k=5), (784,), ()),
        (SCORES, (784,), (784,)),
    ],
)
def test_memory_is_flat_in_the_samples(tmp_path, task, shape, target_shape):
    """Six times the samples take a few numbers more for each, not its outputs: here these are 3 kB."""
    few, many = (peak(tmp_path, task, samples, shape, target_shape) for samples in (6000, 36_000))

    assert many - few < 100 * 30_000
