"""Pinned predictions are the same text on every machine, and a change is one readable sentence."""

import numpy as np
import pytest

from fixtures.harness import predictions
from fixtures.harness.comparison import classes
from fixtures.harness.predictions import CloseCall, DamagedPinError, read, write

SAMPLES = 350  # not a multiple of what a line holds


def softmax(logits):
    """Return probabilities, as a model's last layer computes them."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def outputs_of(labels, scale, activation):
    """Return seeded outputs, some of them close calls."""
    logits = np.random.default_rng(labels).normal(scale=scale, size=(SAMPLES, labels))
    logits[::10, 1] = logits[::10, 0] = logits[::10].max(axis=1) + scale
    logits[::10, 1] += scale * np.linspace(1e-3, 2e-2, 35)
    return activation(logits).astype(np.float32)


KINDS = {
    "10 logits": (10, 5.0, np.asarray),
    "10 large logits": (10, 3e4, np.asarray),
    "10 tiny outputs": (10, 1e-6, np.asarray),
    "10 probabilities": (10, 3.0, softmax),
    "2 probabilities": (2, 1.0, softmax),
    "120 logits": (120, 5.0, np.asarray),
    "1000 probabilities": (1000, 2.0, softmax),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def outputs(request):
    """Outputs of several scales and numbers of classes."""
    return outputs_of(*request.param)


@pytest.fixture
def logits():
    """Outputs of the scale of logits."""
    return outputs_of(*KINDS["10 logits"])


def changes(now, text, truth=None):
    """Return how *now*, outputs, are not what *text* pins."""
    return list(predictions.changes(predictions.predictions(now), read(text), truth))


def pin(outputs):
    """Return the pinned text of *outputs*."""
    return write(predictions.predictions(outputs))


def swapped(outputs, sample):
    """Return *outputs* with the two largest of one sample exchanged: another class with the same margin."""
    copy = outputs.copy()
    second, first = outputs[sample].argsort()[-2:]
    copy[sample, [first, second]] = outputs[sample, [second, first]]
    return copy


def test_pinned_text_is_read_as_it_was_written(outputs):
    """What was read from a text is written as the same text."""
    text = pin(outputs)

    assert write(read(text)) == text


def test_pinned_text_holds_every_class(outputs):
    """Reading a text gives the class of every sample, and the number of classes."""
    found = read(pin(outputs))

    assert found.classes.tolist() == classes(outputs).tolist()
    assert found.labels == outputs.shape[1]


def test_pinned_text_holds_the_close_calls(outputs):
    """Reading a text gives the close calls, with their classes, and margins to half a step."""
    margins, found = np.diff(np.sort(outputs.astype(float), axis=1))[:, -1], read(pin(outputs))
    pinned = np.array([call.steps * found.step for call in found.calls.values()])

    assert list(found.calls) == np.flatnonzero(margins < found.close).tolist() != []
    assert np.abs(pinned - margins[list(found.calls)]).max() <= 0.500001 * found.step
    assert all(outputs[call.sample, call.first] == outputs[call.sample].max() for call in found.calls.values())


def test_equal_outputs_give_equal_text(outputs):
    """The same outputs are pinned as the same text."""
    assert pin(outputs) == pin(outputs.copy())


def test_pinned_outputs_have_no_changes(outputs):
    """Outputs agree with the text in which they are pinned."""
    assert changes(outputs, pin(outputs)) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_another_machine_is_no_change(outputs, seed):
    """Outputs that differ by a millionth of the largest, as between machines, agree with the text."""
    noise = np.random.default_rng(seed).uniform(-1e-6, 1e-6, outputs.shape) * np.abs(outputs).max()

    assert changes((outputs + noise).astype(np.float32), pin(outputs)) == []


@pytest.mark.parametrize("sample", [0, 10, 123, SAMPLES - 1], ids=["close", "closer", "clear", "last"])
def test_changed_class_is_one_sentence(logits, sample):
    """One sample with another class is one sentence: sample, true, pinned and current class, with both margins."""
    truth, other = np.arange(SAMPLES) % 10, swapped(logits, sample)
    (told,) = changes(other, pin(logits), truth)

    assert told.startswith(f"sample {sample:06d}: true {sample % 10}, pinned {logits[sample].argmax()} (margin "), told
    assert f", now {other[sample].argmax()} (margin " in told


def test_clear_margins_are_told_as_at_least_the_limit():
    """The margin of a call that was not close is not pinned: the sentence says how large it is at least."""
    pinned = np.array([[0, 10], [10, 0]], np.float32)

    assert changes(pinned[::-1], pin(pinned)) == [
        "sample 000000: pinned 1 (margin at least 0.1), now 0 (margin 10)",
        "sample 000001: pinned 0 (margin at least 0.1), now 1 (margin 10)",
    ]


def test_moved_margin_of_a_close_call_is_a_change(logits):
    """A close call whose class stays, but whose margin moves by more than machines differ, is one sentence."""
    step, other = read(pin(logits)).step, logits.copy()
    other[0, 1] += 5 * step
    (told,) = changes(other, pin(logits))

    assert told.startswith("sample 000000: pinned margin 0.005, now margin 0.01")


def test_margin_that_left_the_close_calls_is_a_change(logits):
    """A close call that is clear now is one sentence, and a clear one that is close now is one too."""
    other = logits.copy()
    other[0, 1] += 5

    assert [told[:13] for told in changes(other, pin(logits))] == ["sample 000000"]
    assert [told[:13] for told in changes(logits, pin(other))] == ["sample 000000"]


@pytest.mark.parametrize(("before", "after"), [(0.0994, 0.1003), (0.1003, 0.0994)], ids=["close before", "close after"])
def test_margin_at_the_limit_may_be_a_close_call_or_not(before, after):
    """A margin that moves by less than a step may be pinned on one machine and not on the other: that is no change."""
    pinned, now = (np.array([[10, 0], [10, 10 - found]], np.float32) for found in (before, after))
    assert list(read(pin(pinned)).calls) != list(read(pin(now)).calls)

    assert changes(now, pin(pinned)) == []


def test_another_number_of_samples_is_one_sentence(logits):
    """Predictions for other data are not compared sample by sample."""
    assert changes(logits[:-1], pin(logits)) == [f"{SAMPLES - 1} samples now, {SAMPLES} pinned"]


def test_text_has_a_line_for_a_hundred_samples(logits):
    """A changed class is one changed line of a review."""
    before, after = pin(logits).splitlines(), pin(swapped(logits, 123)).splitlines()

    assert [line[:6] for line, other in zip(before, after, strict=True) if line != other] == ["000100"]


@pytest.mark.parametrize("labels", [10, 120])
@pytest.mark.parametrize("share", np.linspace(0, 1, 60, endpoint=False).round(4))
def test_truncated_text_is_never_taken_for_the_whole(labels, share):
    """A text that was cut off anywhere is refused, or is seen to hold less."""
    text = pin(outputs_of(labels, 5.0, np.asarray))

    assert reread(text[: int(share * len(text))]) != text


@pytest.mark.parametrize("lines", range(1, 45, 4))
def test_text_that_lost_its_last_lines_is_never_taken_for_the_whole(logits, lines):
    """A text that was cut off between two lines is refused, or is seen to hold less."""
    text = pin(logits)

    assert reread("".join(text.splitlines(keepends=True)[:-lines])) != text


def reread(text):
    """Return *text* as it is written after it was read, or why it is not read."""
    try:
        return write(read(text))
    except DamagedPinError as error:
        return error


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("350 samples", "351 samples"),
        ("350 samples", "many samples"),
        ("10 classes", "classes"),
        ("class of sample\n", ""),
        ("000100  ", "000200  "),
        ("000100  ", ""),
        ("000100  ", "000100  x"),
        ("000000  ", "<<<<<<< HEAD\n000000  "),
        ("close calls: sample, class", "sample, class"),
        ("in steps of 0.001", "in steps of none"),
        ("in steps of 0.001", "in steps of 0.000"),
        ("in steps of 0.001", "in steps of -0.001"),
        ("in steps of 0.001", "in steps of nan"),
        ("in steps of 0.001", "in steps of 1"),
        ("margin under ", "margin under -"),
        ("margin under ", "margin under 9"),
        ("margin under 0.1", "margin under inf"),
        ("margin\n000000 ", "margin\n900000 "),
        ("margin\n000000 ", "margin\n000000  1"),
        ("  0.0", "  inf\n0.0"),
        ("10 classes", "9 classes"),
        ("10 classes", "-10 classes"),
        ("10 classes", "0 classes"),
    ],
)
def test_damaged_text_is_refused(logits, old, new):
    """A text that nobody wrote is an error."""
    text = pin(logits)
    assert old in text

    with pytest.raises(DamagedPinError, match="not a whole pinned text"):
        read(text.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "\n", "sha256 00ff\n", "{}", "\x00\x01"])
def test_other_text_is_refused(text):
    """A text of anything else is an error."""
    with pytest.raises(DamagedPinError, match="not a whole pinned text"):
        read(text)


def unexplained(now, pinned, within):
    """Return what `unexplained` says of *now* and *pinned*, outputs."""
    found = predictions.predictions
    return predictions.unexplained(found(now), read(pin(pinned)), within, np.zeros(SAMPLES, int))


def test_flip_of_a_close_call_is_explained(logits):
    """Another class where the pinned margin is within what the target may move is no surprise."""
    assert unexplained(swapped(logits, 10), logits, within=0.05) == []


def test_flip_beyond_what_the_target_moves_is_not_explained(logits):
    """Another class where the pinned margin is larger than the target may move it is one sentence."""
    (told,) = unexplained(swapped(logits, 10), logits, within=0.001)

    assert told.startswith("sample 000010: true 0, pinned 1 (margin 0.008), now 0 (margin ")


def test_flip_of_a_clear_call_is_never_explained(logits):
    """Another class where the margin is so clear that it was not pinned is a surprise, whatever the target may move."""
    (told,) = unexplained(swapped(logits, 123), logits, within=1e6)

    assert told.startswith("sample 000123")


def test_moved_margin_is_explained(logits):
    """On another target, margins may move as long as the class stays."""
    other = logits.copy()
    other[0, 1] += 5

    assert unexplained(other, logits, within=0) == []


def test_another_number_of_samples_is_not_explained(logits):
    """Predictions for other data are a surprise."""
    assert unexplained(logits[:-1], logits, within=1e6) == [f"{SAMPLES - 1} samples now, {SAMPLES} pinned"]


CHOSEN = np.array([0, 10, 123, 349])
"""Some samples, two of them close calls."""


def test_predictions_of_some_are_those_of_their_rows(logits):
    """The predictions of some samples, pinned or at hand, are what the outputs of these samples predict."""
    for found in (predictions.predictions(logits), read(pin(logits))):
        some = found.of(CHOSEN)
        assert some.classes.tolist() == logits[CHOSEN].argmax(axis=1).tolist()
        assert [some.value(row) for row in range(4)] == [found.value(sample) for sample in CHOSEN]
        assert [some.is_close(row, 1e6) for row in range(4)] == [True, True, False, False]


def unexplained_of_some(now, pinned, within):
    """Return what `unexplained` says where only the samples CHOSEN were run: the sample is its own true class."""
    found = predictions.predictions(now[CHOSEN])
    return predictions.unexplained(found, read(pin(pinned)), within, CHOSEN, CHOSEN)


def test_sampled_predictions_are_compared_with_their_own_pins(logits):
    """Some of the samples agree with what is pinned of them."""
    assert unexplained_of_some(logits, logits, within=0) == []


@pytest.mark.parametrize("sample", [10, 123])
def test_flip_of_a_sampled_call_is_named_by_its_index(logits, sample):
    """Another class of one of some samples is named by its index among all, with its own pinned margin."""
    (whole,) = unexplained(swapped(logits, sample), logits, within=0.001)
    (told,) = unexplained_of_some(swapped(logits, sample), logits, within=0.001)

    assert told == whole.replace("true 0", f"true {sample}")
    assert told.startswith(f"sample {sample:06d}: true {sample}, pinned ")


def test_flip_of_a_close_sampled_call_is_explained(logits):
    """Another class of one of some samples is no surprise where the pinned margin is within what the target moves."""
    assert unexplained_of_some(swapped(logits, 10), logits, within=0.05) == []


def test_flip_of_an_image_that_was_not_run_is_not_seen(logits):
    """What was not run is not compared."""
    assert unexplained_of_some(swapped(logits, 11), logits, within=0) == []


def test_outputs_of_zeros_can_be_pinned():
    """Outputs without a scale are ties, and pinned as such."""
    zeros = np.zeros((3, 2), np.float32)
    found = read(pin(zeros))

    assert found.classes.tolist() == [0, 0, 0]
    assert list(found.calls.values()) == [CloseCall(sample, first=0, second=1, steps=0) for sample in range(3)]
    assert changes(zeros, pin(zeros)) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_broken_outputs_are_not_pinned(logits, value):
    """Outputs that are NaN or infinite predict nothing: they are an error that names the first sample."""
    logits[[5, 9], 3] = value

    with pytest.raises(ValueError, match=r"^the outputs of 2 samples are NaN or infinite \(first: 5\): no prediction$"):
        predictions.predictions(logits)


@pytest.mark.parametrize("row", [[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
def test_tie_is_a_close_call_of_the_predicted_class(row):
    """Of equal outputs the first is predicted; the close call names it as the first class, too."""
    found = predictions.predictions(np.array([row, [0, 1, 0]], np.float32))

    assert found.calls[0].first == found.classes[0] == np.argmax(row)
    assert (found.calls[0].steps, row[found.calls[0].second]) == (0, 1)


def test_noise_does_not_change_the_step(logits):
    """Where the largest output lies between two steps, machines may choose either: that is no change."""
    edge = np.float32(10**1.5)
    scaled = np.clip(logits, -edge, edge)
    scaled[0, 2] = -edge
    others = [(scaled * factor).astype(np.float32) for factor in (1 - 1e-6, 1 + 1e-6)]
    steps = {predictions.predictions(outputs).step for outputs in (scaled, *others)}

    assert len(steps) == 2
    assert [changes(now, pin(pinned)) for now in others for pinned in others] == [[]] * 4
