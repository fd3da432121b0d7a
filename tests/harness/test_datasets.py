"""The data are the pinned ones, or the run stops; what a recipe makes of them is data, or an error with its line."""

import dataclasses
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fixtures.harness.datasets import DatasetError, TrainingError, dataset, samples
from models.spec import ModelSpec, Recipe


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


def declared(prepare):
    """Return a model, declared in this file, whose recipe prepares its data so."""
    recipe = Recipe(dataset="mnist", epochs=1, seed=0, prepare=prepare)
    return ModelSpec("model", build=lambda _: None, recipe=recipe, source=Path(__file__))


def test_samples_are_the_data_set_where_nothing_is_prepared(mnist):
    """Without `prepare`, the input is the images and the target their classes."""
    inputs, targets = samples(declared(None), "test")

    assert (list(inputs), list(targets)) == (["x"], ["y"])
    np.testing.assert_array_equal(inputs["x"], mnist.images("test"))
    np.testing.assert_array_equal(targets["y"], mnist.labels("test"))


def test_samples_are_what_the_recipe_prepares(mnist):
    """Dicts keep their names, floats become float32, other types stay."""
    spec = declared(lambda x, y: ({"mean": x.mean(axis=(1, 2), dtype=np.float64), "row": y.astype(np.int8)}, y > 4))
    inputs, targets = samples(spec, "test")

    assert {name: array.dtype for name, array in inputs.items()} == {"mean": np.float32, "row": np.int8}
    np.testing.assert_array_equal(inputs["row"], mnist.labels("test"))
    np.testing.assert_array_equal(targets["y"], mnist.labels("test") > 4)


def test_error_in_prepare_is_told_with_its_line():
    """What `prepare` raises is one line, which begins with the line of the declaration."""

    def prepare(images, labels):
        return images.reshape(7, 11), labels  # line

    line = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if text.endswith("# line"))

    with pytest.raises(
        TrainingError, match=rf"test_datasets\.py:{line}: preparing the data of model raised ValueError: "
    ):
        samples(declared(prepare), "test")


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda x, _: x, "an array of float32, not a pair of inputs and targets"),
        (lambda x, y: (x, y, y), "a tuple of 3, not a pair of inputs and targets"),
        (lambda *_: None, "a NoneType, not a pair of inputs and targets"),
        (lambda x, y: (x, y.tolist()), "a list of 10000 for 'y', not an array of numbers"),
        (lambda x, y: ({"image": x.astype(str)}, y), "an array of <U32 for 'image', not an array of numbers"),
        (lambda x, y: (x.astype(object), y), "an array of object for 'x', not an array of numbers"),
        (lambda _, y: ({}, y), "a dict without any array"),
        (lambda x, y: ({1: x}, y), "an array under the name 1, which is no string"),
        (lambda x, y: (x, y[:0]), "an array without samples for 'y'"),
        (lambda x, y: (x.sum(keepdims=False), y), "a float32 for 'x', not an array of numbers"),
        (lambda x, y: (x, y[1:]), "arrays of different numbers of samples: 10000 of x, 9999 of target y"),
        (lambda x, y: (x * np.float32(np.nan), y), "NaN, infinity or a number beyond float32 in 'x'"),
        (lambda x, y: (x, y * 1e300), "NaN, infinity or a number beyond float32 in 'y'"),
    ],
)
def test_what_is_no_data_is_an_error(prepare, told):
    """What `prepare` returns is told, with the line where it is written, where it is no data."""
    place = re.escape(f"{__file__}:{prepare.__code__.co_firstlineno}: `prepare` of model returned {told}")

    with pytest.raises(TrainingError, match=f"^{place}$"):
        samples(declared(prepare), "test")


def test_what_a_partial_function_returns_is_told_with_the_file():
    """Where `prepare` has no line of its own, the error names the file."""
    with pytest.raises(TrainingError, match=r"test_datasets\.py: `prepare` of model returned a NoneType"):
        samples(declared(partial(lambda *_: None, 3)), "test")
