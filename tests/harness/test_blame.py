"""The samples to blame are those that a result names, or that outputs get wrong."""

import numpy as np
import pytest

from fixtures.harness import blame
from fixtures.harness.comparison import agreement, difference, liveliness, repetition
from models.tasks import Classification, Regression, Sequence

SCORES = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]]
SAMPLES = np.array([10, 20, 30, 40, 50, 60])
TARGETS = np.array([0, 1, 2, 3, 0, 1])


def changed(*rows):
    """Return scores of which these *rows* predict the last class, the later ones by more."""
    found = SCORES.copy()
    for count, row in enumerate(rows, 1):
        found[row] = [0, 0, 0, count + 1]
    return found


def test_difference_blames_its_largest():
    """It is where outputs are furthest from the truth."""
    assert blame.samples(difference(changed(1, 4), SCORES, SAMPLES)) == (50,)


def test_difference_blames_what_is_broken():
    """Samples with NaN go before all else."""
    broken = changed(1)
    broken[[2, 5], 0] = np.nan

    assert blame.samples(difference(broken, SCORES, SAMPLES)) == (30, 60)


def test_agreement_blames_flips_the_worst_first():
    """Those of the largest margins are the least excusable."""
    truth = SCORES * np.array([1, 1, 5, 1, 1, 1], np.float32)[:, None]

    assert blame.samples(agreement(changed(1, 2), truth, SAMPLES)) == (30, 20)


def test_repetition_blames_what_moved():
    """It is what has other bits the second time."""
    assert blame.samples(repetition(SCORES, changed(3), np.arange(6), SAMPLES)) == (40,)


def test_liveliness_blames_broken_and_flat_samples():
    """Output elements, which it names too, are no samples."""
    dead = SCORES.copy()
    dead[1], dead[2, 0] = 0.5, np.inf

    assert blame.samples(liveliness(dead, Classification(), SAMPLES)) == (30, 20)


@pytest.mark.parametrize(
    ("found", "samples"),
    [
        ("largest difference 0.1, sample 841; samples 3", (841,)),
        (["sample 000007: pinned 3, now 4", "output b, sample 000001: pinned mean 1"], (7, 1)),
        ([3, 3, 1], (3, 1)),
        ("", ()),
        (None, ()),
        (list(range(100)), tuple(range(32))),
    ],
)
def test_sentences_and_indices_blame_what_they_name(found, samples):
    """Each sample once, and not more than an engineer looks at."""
    assert blame.samples(found) == samples


def test_wrong_samples_are_those_that_were_right_before():
    """Of a task where a sample is right or wrong; without outputs before, all that are wrong."""
    before = changed(1)

    assert blame.wrong(changed(1, 4), TARGETS, Classification(), SAMPLES, before) == [50]
    assert blame.wrong(changed(1, 4), TARGETS, Classification()) == [1, 4]


def test_other_tasks_blame_what_is_furthest_off():
    """From what was before, or from the targets where they have the same shape; NaN is the furthest."""
    outputs = np.array([[0.0], [3.0], [-5.0], [np.nan]])
    targets, before = np.zeros((4, 1)), np.array([[0.0], [4.0], [-5.0], [np.nan]])

    assert blame.wrong(outputs, targets, Regression()) == [3, 2, 1, 0]
    assert blame.wrong(outputs, np.zeros(4), Regression(), SAMPLES[:4], before)[:2] == [40, 20]
    assert blame.wrong(outputs, np.zeros(4), Regression()) == []


def test_infinity_is_compared_without_a_warning():
    """A file that overflows is what is looked into: infinity less infinity is as far off as can be."""
    outputs = np.array([[1.0], [np.inf], [-np.inf]], np.float32)

    assert blame.wrong(outputs, np.zeros(3), Regression(), before=outputs)[-1] == 0


def test_samples_that_do_not_count_are_not_mistaken_for_others():
    """Where some samples are ignored as a whole, what is wrong of the others has no index."""
    task = Sequence(metric="whole", ignore=-1)
    outputs = np.zeros((2, 3, 4), np.float32)

    assert blame.wrong(outputs, np.array([[-1, -1, -1], [1, 1, 1]]), task) == []
