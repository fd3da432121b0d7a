"""The data are the pinned ones, or the run stops."""

import dataclasses

import numpy as np
import pytest

from fixtures.harness.datasets import DatasetError, dataset


@pytest.fixture
def mnist():
    """The data set that ships with the gate."""
    return dataset("mnist")


@pytest.fixture
def copy(mnist, tmp_path):
    """A copy of it that a test may damage."""
    file = tmp_path / "mnist.npz"
    file.write_bytes(mnist.file.read_bytes())
    return dataclasses.replace(mnist, file=file)


@pytest.mark.parametrize(("split", "samples"), [("train", 60_000), ("test", 10_000)])
def test_images_are_those_of_the_tutorial(mnist, split, samples):
    """Images are float32 in 0..1, with the bits that the tutorial's division by 255.0 gives them."""
    images = mnist.images(split)
    with np.load(mnist.file) as archive:
        expected = (archive[f"x_{split}"][:500] / 255.0).astype(np.float32)

    assert (images.shape, images.dtype, images.min(), images.max()) == ((samples, 28, 28), np.float32, 0, 1)
    np.testing.assert_array_equal(images[:500], expected)


@pytest.mark.parametrize(("split", "samples"), [("train", 60_000), ("test", 10_000)])
def test_labels_are_classes(mnist, split, samples):
    """Every image has one of ten classes."""
    labels = mnist.labels(split)

    assert (labels.shape, labels.dtype, np.unique(labels).tolist()) == ((samples,), np.int64, list(range(10)))


def test_every_pixel_value_has_the_tutorials_bits():
    """Dividing in float32 gives every one of the 256 pixel values the bits of dividing in float64 and casting."""
    pixels = np.arange(256, dtype=np.uint8)

    np.testing.assert_array_equal(pixels / np.float32(255), (pixels / 255.0).astype(np.float32))


def test_unknown_data_set_is_an_error():
    """A name that is not known is told with those that are."""
    with pytest.raises(DatasetError, match="data set 'cifar' is unknown; known: mnist"):
        dataset("cifar")


def test_whole_copy_is_accepted(copy):
    """The content counts, not the place."""
    copy.verify()


def test_damaged_archive_is_an_error(copy):
    """One changed byte is an error that names the file, both digests and what to do."""
    content = bytearray(copy.file.read_bytes())
    content[len(content) // 2] ^= 1
    copy.file.write_bytes(content)

    with pytest.raises(DatasetError, match=rf"{copy.file} has SHA-256 .*, not the pinned {copy.sha256}; restore it"):
        copy.verify()


def test_truncated_archive_is_an_error(copy):
    """An archive that was cut off is not the pinned one."""
    copy.file.write_bytes(copy.file.read_bytes()[:-1])

    with pytest.raises(DatasetError, match="not the pinned"):
        copy.verify()


def test_missing_archive_is_an_error(copy):
    """An archive that is gone is an error that names it and says what to do."""
    copy.file.unlink()

    with pytest.raises(DatasetError, match=rf"{copy.file} cannot be read \(No such file or directory\); restore it"):
        copy.verify()
