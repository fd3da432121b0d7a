"""Each input is given its own array, in the shape in which it takes it; samples are those that were chosen."""

import numpy as np
import pytest

from fixtures.harness import evaluation_data
from fixtures.harness.evaluation_data import DataError, open_data
from fixtures.harness.feed import Feed, Samples, output_name
from fixtures.harness.tflite_file import Tensor

LEFT = np.arange(60, dtype=np.float32).reshape(10, 6)
RIGHT = -np.arange(40, dtype=np.float32).reshape(10, 4)
FEED = Feed({"left": LEFT, "right": RIGHT}, 10)


def tensor(shape, kind="FLOAT32"):
    """Return an input of that shape."""
    return Tensor(0, 0, 0, "input", kind, shape, False, False, None)


def values(feed):
    """Return the arrays of *feed* as lists."""
    return {name: array.tolist() for name, array in feed.arrays.items()}


@pytest.mark.parametrize("rows", [slice(2, 5), [7, 1], np.array([3]), slice(0, 0)])
def test_some_samples_are_those_of_every_input(rows):
    """Rows are taken of all inputs alike."""
    some = FEED[rows]

    assert values(some) == {"left": LEFT[rows].tolist(), "right": RIGHT[rows].tolist()}
    assert len(some) == len(LEFT[rows])


def test_samples_follow_each_other():
    """Samples of two feeds are one after the other, for all inputs alike."""
    both = FEED[7:].followed_by(FEED[:2])

    assert values(both) == {"left": LEFT[[7, 8, 9, 0, 1]].tolist(), "right": RIGHT[[7, 8, 9, 0, 1]].tolist()}
    assert len(both) == 5


def test_signature_without_inputs_is_called_for_each_sample():
    """What takes no input is fed with nothing, so often as there are samples."""
    nothing = Feed({}, 10)

    assert [len(found) for found in (nothing, nothing[2:5], nothing[[1, 2]], nothing.followed_by(nothing))] == [
        10,
        3,
        2,
        20,
    ]


@pytest.mark.parametrize(
    ("takes", "sample", "fed"),
    [
        ((1, 16), (16,), (10, 1, 16)),
        ((-1, 16), (16,), (10, 1, 16)),
        ((16,), (16,), (10, 16)),
        ((2, 16), (2, 16), (10, 2, 16)),
        ((1, 4, 4), (4, 4), (10, 1, 4, 4)),
        ((1, -1, 8), (5, 8), (10, 1, 5, 8)),
        ((), (), (10,)),
        ((1,), (), (10, 1)),
        ((1,), (1,), (10, 1)),
        ((1, 1), (1,), (10, 1, 1)),
    ],
)
def test_sample_is_a_batch_of_one_where_there_is_a_batch(takes, sample, fed):
    """A tensor of one axis more than a sample takes one sample at a time; one of the same axes takes it as it is."""
    feed = Feed({"x": np.zeros((10, *sample), np.float32)}, 10)

    assert feed.for_tensor("x", tensor(takes)).shape == fed


@pytest.mark.parametrize("words", [["a", "größer", ""], [b"a", "größer".encode(), b""]])
def test_text_is_given_in_utf8(words):
    """Text of either kind is bytes for a runtime."""
    found = Feed({"word": np.array(words)}, 3).for_tensor("word", tensor((1,), "STRING"))

    assert found.tolist() == [[b"a"], ["größer".encode()], [b""]]


@pytest.fixture
def data(saved):
    """Evaluation data for the model "two"."""
    return open_data(saved({"left": LEFT, "right": RIGHT, "y_total": np.arange(10)}))


@pytest.fixture
def bound(files, data):
    """Return how to feed the model "two" with chosen samples, None for all."""

    def bind(chosen=None):
        samples = Samples(data, None if chosen is None else np.array(chosen))
        samples.bind(files["two-fp16"], files["two-fp16"].entry)
        return samples, lambda rows: samples.feed(files["two-fp16"].entry, rows)

    return bind


@pytest.mark.parametrize("rows", [slice(0, 10), slice(3, 7), np.array([8, 2])])
def test_all_samples_are_fed(bound, rows):
    """Where none are chosen, rows are those of the data."""
    samples, feed = bound()

    assert values(feed(rows)) == {"left": LEFT[rows].tolist(), "right": RIGHT[rows].tolist()}
    assert len(samples) == 10


@pytest.mark.parametrize(
    ("rows", "of_data"), [(slice(0, 3), [1, 4, 9]), (slice(1, 3), [4, 9]), (np.array([2, 0]), [9, 1])]
)
def test_chosen_samples_are_fed(bound, rows, of_data):
    """Where some are chosen, rows are counted among them."""
    samples, feed = bound([1, 4, 9])

    assert values(feed(rows)) == {"left": LEFT[of_data].tolist(), "right": RIGHT[of_data].tolist()}
    assert (len(samples), len(feed(rows))) == (3, len(of_data))


@pytest.mark.parametrize("chosen", [None, [0, 1, 2, 5, 6, 9]])
def test_blocks_go_through_the_samples(bound, monkeypatch, chosen):
    """Blocks cover all samples once, in order, each of some bytes of all arrays."""
    samples, feed = bound(chosen)
    row_bytes = (6 + 4) * 4 + 8
    monkeypatch.setattr(evaluation_data.EvaluationData.blocks, "__defaults__", (4 * row_bytes,))
    sizes = [rows.stop - rows.start for rows in samples.blocks()]
    fed = [row for rows in samples.blocks() for row in feed(rows).arrays["left"].tolist()]

    assert fed == (LEFT if chosen is None else LEFT[chosen]).tolist()
    assert sizes == ([4, 4, 2] if chosen is None else [4, 2])


def test_data_that_lack_an_input_are_an_error(files, saved):
    """An input without data is named, with what there is."""
    samples = Samples(open_data(saved({"left": LEFT})))

    with pytest.raises(DataError, match=r"does not fit two-fp16\.tflite: no array for right; its arrays are left"):
        samples.bind(files["two-fp16"], files["two-fp16"].entry)


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("entries-fp16", {"values": (4,), "others": (5,)}),
        ("state-fp16", {"values": (8,)}),
        ("state-fp16", {"x": (8,)}),
    ],
    ids=["two inputs", "no input", "a lone input"],
)
def test_each_signature_is_bound_to_its_own_arrays(files, saved, name, arrays):
    """What one signature takes is no surplus of another one that does not."""
    samples = Samples(open_data(saved({called: np.ones((3, *shape), np.float32) for called, shape in arrays.items()})))
    for signature in files[name].signatures:
        samples.bind(files[name], signature)
    fed = [samples.feed(signature, slice(0, 2)) for signature in files[name].signatures]

    assert [list(feed.arrays) for feed in fed] == [list(signature.inputs) for signature in files[name].signatures]
    assert [len(feed) for feed in fed] == [2, 2]


def test_array_that_no_signature_takes_is_an_error(files, saved):
    """What nothing takes is named, whichever signature is bound."""
    arrays = {"values": np.ones((3, 4), np.float32), "others": np.ones((3, 5), np.float32), "more": np.ones(3)}
    samples = Samples(open_data(saved(arrays)))

    for signature in files["entries-fp16"].signatures:
        with pytest.raises(DataError, match="no input for the array more;"):
            samples.bind(files["entries-fp16"], signature)


def test_output_of_another_signature_is_told_by_it(files):
    """Outputs of the first signature have their own names; of the others, which may share them, the signature's too."""
    file = files["entries-fp16"]

    assert [output_name(file, signature, name) for signature in file.signatures for name in signature.outputs] == [
        "product",
        "second/product",
        "second/sum",
    ]
