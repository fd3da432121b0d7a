"""Which samples are right is kept one by one, and read again as it was."""

import base64

import numpy as np
import pytest

from fixtures.harness.right_samples import read, recorded
from models.tasks import Classification, Regression, Sequence


@pytest.mark.parametrize("samples", [1, 7, 8, 9, 1000])
def test_what_is_kept_is_what_is_read(samples):
    """Each sample keeps its place, whatever their number is."""
    outputs = np.random.default_rng(samples).normal(size=(samples, 3)).astype(np.float32)
    targets = np.arange(samples) % 3
    kept = recorded(outputs, targets, Classification())

    assert kept["samples"] == samples
    assert (read(kept) == (outputs.argmax(axis=1) == targets)).all()


def test_first_sample_is_the_highest_bit():
    """The text is what its description in the schema says."""
    outputs = np.eye(2)[[0, 1, 0, 0, 0, 0, 0, 0, 0]]

    assert recorded(outputs, np.zeros(9, int), Classification()) == {
        "samples": 9,
        "bits": base64.b64encode(bytes([0b10111111, 0b10000000])).decode(),
    }


def test_sample_that_is_not_judged_is_left_out():
    """Of sequences, those in which every step is ignored do not count."""
    outputs, targets = np.eye(2)[[[0, 0], [1, 1], [0, 1]]], np.array([[0, 0], [-1, -1], [0, 0]])

    assert read(recorded(outputs, targets, Sequence(metric="whole", ignore=-1))).tolist() == [True, False]


def test_error_is_neither_right_nor_wrong():
    """A task whose samples are not right or wrong has none."""
    assert recorded(np.ones((3, 1)), np.ones((3, 1)), Regression()) is None


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"samples": 9, "bits": "AAA"}, "'AAA' is not in base64"),
        ({"samples": 9, "bits": "/w=="}, "1 bytes do not hold a bit for each of 9 samples"),
        ({"samples": -8, "bits": ""}, "0 bytes do not hold a bit for each of -8 samples"),
        ({"samples": 0, "bits": ""}, "0 bytes do not hold a bit for each of 0 samples"),
        ({"samples": 8, "bits": "é"}, "'é' is not in base64"),
    ],
)
def test_what_holds_no_bits_is_refused(record, says):
    """A text that is damaged is an error, and never taken for samples."""
    with pytest.raises(ValueError, match=says):
        read(record)
