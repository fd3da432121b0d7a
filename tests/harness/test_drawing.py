"""The picture of the report shows the image."""

import io

import numpy as np
from PIL import Image

from fixtures.harness.drawing import SCALE, TITLE, picture


def drawn(image, title="True: 7, predicted: 7"):
    """Return the grey values of the picture of *image*."""
    return np.asarray(Image.open(io.BytesIO(picture(image, title))))


def test_picture_is_the_image_enlarged():
    """Each pixel is a square, dark where the image is 1 and white where it is 0."""
    image = np.array([[0, 1, 0], [1, 0, 1]], np.float32)
    squares = drawn(image)[TITLE:]

    np.testing.assert_array_equal(squares, np.kron(255 - 255 * image, np.ones((SCALE, SCALE))))


def test_picture_is_headed_by_its_title():
    """The title stands above the image, and another title is another picture."""
    blank = np.zeros((28, 28), np.float32)

    assert drawn(blank)[:TITLE].min() < 128
    assert not np.array_equal(drawn(blank), drawn(blank, "True: 7, predicted: 2"))
