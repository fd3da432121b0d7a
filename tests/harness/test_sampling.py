"""A sample has as many images of each class as of any other, and is the same on every machine."""

import numpy as np
import pytest

from fixtures.harness.datasets import dataset
from fixtures.harness.sampling import balanced

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
