"""A sample has as many samples of each class as of any other, and is the same on every machine."""

import numpy as np
import pytest

from fixtures.harness.datasets import dataset
from fixtures.harness.evaluation_data import open_data
from fixtures.harness.sampling import balanced, chosen

EVEN = np.arange(10_000) % 10
RARE = np.repeat([0, 1, 2], [6000, 3997, 3])


@pytest.fixture(scope="session")
def mnist():
    """The classes of MNIST's test images, of which no two are equally many."""
    return dataset("mnist").labels("test")


@pytest.mark.parametrize("size", [1, 7, 10, 1000, 1003, 9999])
@pytest.mark.parametrize("always", [0, 811, 9999])
def test_sample_has_its_size_and_the_example(mnist, size, always):
    """So many different images are chosen, in order, and the one that must be among them is."""
    chosen = balanced(mnist, size, always)

    assert (chosen.dtype, len(chosen)) == (np.int64, size)
    assert (np.diff(chosen) > 0).all()
    assert always in chosen


@pytest.mark.parametrize("size", [10, 100, 1000, 1003, 5000])
def test_classes_are_balanced(mnist, size):
    """No class has more than one image more than another."""
    assert np.ptp(np.bincount(mnist[balanced(mnist, size, 0)], minlength=10)) <= 1


def test_rare_class_gives_all_that_it_has():
    """A class with too few images gives them all, and the others make up for it evenly."""
    assert np.bincount(RARE[balanced(RARE, 1000, 0)]).tolist() == [499, 498, 3]


@pytest.mark.parametrize("size", [10_000, 10_001])
def test_small_data_is_taken_whole(size):
    """Where there are no more images than are wanted, all are chosen."""
    assert balanced(EVEN, size, 3).tolist() == list(range(10_000))


def test_choice_is_the_same_everywhere(mnist):
    """The choice is pinned: another one would make another address of every output, and other figures."""
    assert balanced(mnist, 1000, 0)[:12].tolist() == [0, 1, 27, 36, 38, 40, 42, 47, 53, 66, 86, 91]


def test_choice_is_not_the_first_images(mnist):
    """The images are from all over the data, which may be ordered."""
    chosen = balanced(mnist, 1000, 0)

    assert np.histogram(chosen, bins=10, range=(0, 10_000))[0].min() > 50


@pytest.fixture
def choose(files, saved):
    """Return the samples that are chosen of data with these targets."""

    def choice(size, always=0, file="dense-fp32", **targets):
        data = open_data(saved({"x": np.zeros((400, 16), np.float32), **targets}))
        return chosen(data, size, always, files[file])

    return choice


RARELY = np.repeat([0, 1], [380, 20])


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_data_are_balanced_over_their_classes(choose, dtype):
    """Of classes, whatever type they have, each has as many samples as another."""
    assert np.bincount(RARELY[choose(40, y=RARELY.astype(dtype))]).tolist() == [20, 20]


def test_data_of_several_outputs_are_balanced_over_the_first_classes(choose):
    """Where outputs have targets of several kinds, the first that are classes tell; numbers and masks do not."""
    found = choose(
        40,
        y_age=np.linspace(0, 1, 400),
        y_mask=np.zeros((400, 3), np.int64),
        y_rare=RARELY,
        y_tenth=np.arange(400) % 10,
    )

    assert np.bincount(RARELY[found]).tolist() == [20, 20]


@pytest.mark.parametrize("targets", [{}, {"y": np.linspace(0, 1, 400)}], ids=["none", "numbers"])
def test_data_without_classes_are_chosen_from_all_over(choose, targets):
    """Without classes, samples are from all over the data, the one that must be among them is, and none comes twice."""
    found = choose(100, always=399, **targets)

    assert (len(set(found.tolist())), 399 in found) == (100, True)
    assert np.histogram(found, bins=4, range=(0, 400))[0].min() > 10
    assert (np.diff(found) > 0).all()


def test_first_samples_of_a_state_are_chosen(choose):
    """Where a sample's outputs depend on those before it, only the first samples are what they are among all."""
    assert choose(40, always=399, file="state-fp32", y=RARELY).tolist() == list(range(40))


@pytest.mark.parametrize("file", ["dense-fp32", "state-fp32"])
def test_few_data_are_chosen_whole(choose, file):
    """Where there are no more samples than are wanted, all are chosen."""
    assert choose(401, file=file, y=RARELY).tolist() == list(range(400))
