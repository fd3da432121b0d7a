"""The pictures of the report show the samples."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from fixtures.harness.drawing import LARGEST, is_picture, picture


def drawn(sample):
    """Return the pixels of the picture of *sample*."""
    head, _, data = picture(sample).partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.fixture
def image():
    """An image of shape (5, 6) with all of 0 to 1."""
    return np.linspace(0, 1, 30, dtype=np.float32).reshape(5, 6)


@pytest.mark.parametrize("channel", [(), (1,)], ids=["without a channel", "with one"])
def test_picture_is_the_sample(image, channel):
    """Each value from 0 to 1 is a grey pixel."""
    np.testing.assert_array_equal(drawn(image.reshape(5, 6, *channel)), np.round(255 * image))


def test_picture_of_bytes_is_as_it_is():
    """Bytes are pixels already, in three channels too."""
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)

    np.testing.assert_array_equal(drawn(pixels), pixels)


@pytest.mark.parametrize(("scale", "offset"), [(255, 0), (2, -1), (0.1, 3)])
def test_picture_of_another_range_is_stretched(image, scale, offset):
    """Values beyond 0 to 1 are shown from the smallest to the largest."""
    found = drawn(image * scale + offset)

    assert (found.min(), found.max()) == (0, 255)
    assert np.abs(found - 255.0 * image).max() <= 1


def test_sample_of_one_value_is_shown(image):
    """A sample without contrast, or with values that are no numbers, stops no report."""
    assert not drawn(np.full((5, 6), -3.0)).any()
    assert not drawn(np.full((5, 6), np.nan)).any()
    assert drawn(np.where(image == 1, np.nan, image)).flat[-1] == 0


def test_large_picture_is_made_smaller():
    """A photograph does not make the report heavy, and keeps its shape."""
    assert drawn(np.zeros((1000, 500, 3), np.uint8)).shape == (LARGEST, LARGEST // 2, 3)


@pytest.mark.parametrize("shape", [(28,), (3, 28), (28, 28, 2), (1, 28, 28, 1), ()])
def test_what_is_no_picture_is_not_drawn(shape):
    """Lists of numbers, and images of two channels, are no pictures."""
    assert not is_picture(shape)
    with pytest.raises(ValueError, match="is no picture"):
        picture(np.zeros(shape))
