"""Pinned predictions are the same text on every machine, and a change is one readable sentence."""

import dataclasses

import numpy as np
import pytest

from fixtures.harness import arrays, predictions
from fixtures.harness.bounds import ArithmeticLaw
from fixtures.harness.comparison import classes
from fixtures.harness.predictions import CloseCall, CloseCallsLaw, DamagedPinError, Differences, Predictions, Values
from fixtures.harness.verdict import Ruling, UnrecordedError
from models.spec import Budget
from models.tasks import Binary, Classification, Embedding, Regression, Segmentation

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
    "11 logits": (11, 5.0, np.asarray),
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


def found_in(outputs):
    """Return what is pinned of *outputs*, which are scores of classes where they are (samples, classes)."""
    return predictions.of_output(outputs, Classification())


def changes(now, text, truth=None):
    """Return how *now*, outputs, are not what *text* pins."""
    return list(predictions.changes(found_in(now), read(text), truth))


def pin(outputs):
    """Return the pinned text of *outputs*."""
    return write(found_in(outputs))


def write(found):
    """Return the pinned text of a lone output."""
    return predictions.write({"logits": found})


def read(text):
    """Return what *text* pins of a lone output."""
    return predictions.read(text, ["logits"])["logits"]


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


def test_close_calls_are_pinned_in_whole_steps(outputs):
    """The limit of a close call, and every margin under it, is a whole number of steps; margins on it are clear."""
    for found in (found_in(outputs), read(pin(outputs))):
        assert found.close / found.step == pytest.approx(round(found.close / found.step), abs=1e-9)
        assert all(isinstance(call.steps, int) for call in found.calls.values())


def test_margin_at_the_limit_is_clear():
    """Close calls are those under the limit, which is a hundredth of the largest output."""
    found = found_in(np.array([[100, 99], [100, 99.5]], np.float32))

    assert (found.close, list(found.calls)) == (1, [1])


LAYOUT = {
    10: """23 samples, 10 classes; close calls: margin under 0.01, in steps of 0.0001

class of sample
000000  0123456789 0123456789 012

close calls: sample, class, second class, margin
000002  2 3  0.0050
""",
    11: """23 samples, 11 classes; close calls: margin under 0.01, in steps of 0.0001

class of sample
000000   0  1  2  3  4  5  6  7  8  9 10  0  1  2  3  4  5  6  7  8  9 10  0

close calls: sample, class, second class, margin
000002   2  3  0.0050
""",
}


@pytest.mark.parametrize("labels", LAYOUT)
def test_text_is_laid_out_for_people(labels):
    """Digits are in groups of ten, classes of more digits in columns; margins have the digits of their step."""
    outputs = np.eye(labels)[np.arange(23) % labels]
    outputs[2, 3] = 0.995

    assert pin(outputs) == LAYOUT[labels].replace("under 0.01,", "under 0.0100,")


@pytest.mark.parametrize("scale", [3e4, 3e6])
def test_large_margins_have_no_decimals(scale):
    """Where a step is one or more, margins and means have no decimals, and are whole numbers of steps."""
    outputs = np.array([[1.0, 0.9983], [0.123456, 1]]) * scale
    for text in (pin(outputs), write(predictions.of_output(outputs[:, :1], None))):
        head, _, table = text.partition("\n\n")
        step = round(float(head.split("in steps of ")[1]))
        assert "." not in text
        assert int(table.split()[-1]) % step == 0 < step


def test_tie_among_many_is_a_call_of_the_first_two():
    """Of many equal outputs among a thousand, the first is predicted, and the next one is the second."""
    outputs = np.random.default_rng(0).integers(0, 4, (20, 1000)).astype(np.float32)
    expected = [tuple(np.flatnonzero(row == 3)[:2]) for row in outputs]

    assert [(call.first, call.second) for call in found_in(outputs).calls.values()] == expected


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


@pytest.mark.parametrize(("steps", "told"), [(-2.2, 1), (-0.9, 0), (0.9, 0), (2.2, 1)])
def test_margin_may_move_by_a_step(logits, steps, told):
    """A margin that grows or shrinks by a step is one of another machine, one that moves by two is not."""
    step, other = read(pin(logits)).step, logits.astype(np.float64)
    other[0, 1] += steps * step

    assert len(changes(other, pin(logits))) == told


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
        ("margin\n000000 ", "margin\n000350 "),
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


@pytest.mark.parametrize(("of_largest", "refused"), [(0.002, True), (0.0025, True), (0.006, False), (0.043, True)])
def test_limit_that_fits_no_outputs_is_refused(logits, of_largest, refused):
    """The limit of close calls is from 32 to 316 steps: another was not written for such a step."""
    text = pin(logits)
    limit, step = read(text).close, read(text).step
    other = reread(text.replace(f"margin under {limit:.3f}", f"margin under {of_largest / 1e-4 * step:.3f}"))

    assert isinstance(other, DamagedPinError) == refused


def test_negative_class_is_refused():
    """A class is a number from 0 on, in columns as well."""
    text = pin(outputs_of(120, 5.0, np.asarray))
    line = text.splitlines()[3]

    with pytest.raises(DamagedPinError, match="classes under 120 are not those"):
        read(text.replace(line, " ".join([*line.split()[:-1], "-1"])))


@pytest.mark.parametrize("text", ["", "\n", "sha256 00ff\n", "{}", "\x00\x01"])
def test_other_text_is_refused(text):
    """A text of anything else is an error."""
    with pytest.raises(DamagedPinError, match="not a whole pinned text"):
        read(text)


def unexplained_of(now, pinned, error, *told):
    """Return a sentence for each difference that an *error* does not explain."""
    return predictions.differences(now, pinned, *told).unexplained(error)


def unexplained(now, pinned, error):
    """Return what `Differences.unexplained` says of *now* and *pinned*, outputs, where each may be off by *error*."""
    return unexplained_of(found_in(now), read(pin(pinned)), error, np.zeros(SAMPLES, int))


@pytest.mark.parametrize("error", [0.005, 0.025])
def test_flip_of_a_close_call_is_explained(logits, error):
    """Another class where the pinned margin is within twice what the target may move an output is no surprise."""
    assert unexplained(swapped(logits, 10), logits, error) == []


def test_margin_that_is_twice_the_error_is_close(logits):
    """A pinned margin of just as much as asked for is close."""
    error = read(pin(logits)).value(10) / 2

    assert unexplained(swapped(logits, 10), logits, error) == []
    assert unexplained(swapped(logits, 10), logits, np.nextafter(error, 0)) != []


@pytest.mark.parametrize("error", [0.0005, 0.003])
def test_flip_beyond_what_the_target_moves_is_not_explained(logits, error):
    """Another class where the pinned margin is larger than the target may move it is one sentence."""
    (told,) = unexplained(swapped(logits, 10), logits, error)

    assert told.startswith("sample 000010: true 0, pinned 1 (margin 0.008), now 0 (margin ")


def test_flip_of_a_clear_call_is_never_explained(logits):
    """Another class where the margin is so clear that it was not pinned is a surprise, whatever the target may move."""
    (told,) = unexplained(swapped(logits, 123), logits, error=1e6)

    assert told.startswith("sample 000123")


def test_moved_margin_is_explained(logits):
    """On another target, margins may move as long as the class stays."""
    other = logits.copy()
    other[0, 1] += 5

    assert unexplained(other, logits, error=0) == []


def test_another_number_of_samples_is_not_explained(logits):
    """Predictions for other data are a surprise."""
    assert unexplained(logits[:-1], logits, error=1e6) == [f"{SAMPLES - 1} samples now, {SAMPLES} pinned"]


CHOSEN = np.array([0, 10, 123, 349])
"""Some samples, two of them close calls."""


def test_predictions_of_some_are_those_of_their_rows(logits):
    """The predictions of some samples, pinned or at hand, are what the outputs of these samples predict."""
    for found in (found_in(logits), read(pin(logits))):
        some = found.of(CHOSEN)
        assert some.classes.tolist() == logits[CHOSEN].argmax(axis=1).tolist()
        assert [some.value(row) for row in range(4)] == [found.value(sample) for sample in CHOSEN]
        assert [row in some.calls for row in range(4)] == [True, True, False, False]


def unexplained_of_some(now, pinned, error):
    """Return what `Differences.unexplained` says of the samples CHOSEN alone: each is its own true class."""
    return unexplained_of(found_in(now[CHOSEN]), read(pin(pinned)), error, CHOSEN, CHOSEN)


def test_sampled_predictions_are_compared_with_their_own_pins(logits):
    """Some of the samples agree with what is pinned of them."""
    assert unexplained_of_some(logits, logits, error=0) == []


@pytest.mark.parametrize("sample", [10, 123])
def test_flip_of_a_sampled_call_is_named_by_its_index(logits, sample):
    """Another class of one of some samples is named by its index among all, with its own pinned margin."""
    (whole,) = unexplained(swapped(logits, sample), logits, error=0.0005)
    (told,) = unexplained_of_some(swapped(logits, sample), logits, error=0.0005)

    assert told == whole.replace("true 0", f"true {sample}")
    assert told.startswith(f"sample {sample:06d}: true {sample}, pinned ")


def test_flip_of_a_close_sampled_call_is_explained(logits):
    """Another class of one of some samples is no surprise where the pinned margin is within what the target moves."""
    assert unexplained_of_some(swapped(logits, 10), logits, error=0.025) == []


def test_flip_of_an_image_that_was_not_run_is_not_seen(logits):
    """What was not run is not compared."""
    assert unexplained_of_some(swapped(logits, 11), logits, error=0) == []


def test_outputs_of_zeros_can_be_pinned():
    """Outputs without a scale are ties, and pinned as such."""
    zeros = np.zeros((3, 2), np.float32)
    found = read(pin(zeros))

    assert found.classes.tolist() == [0, 0, 0]
    assert list(found.calls.values()) == [CloseCall(sample, first=0, second=1, steps=0) for sample in range(3)]
    assert changes(zeros, pin(zeros)) == []
    assert (found.step, found.close) == (1e-4, 0.01)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_broken_outputs_are_not_pinned(logits, value):
    """Outputs that are NaN or infinite predict nothing: they are an error that names the first sample."""
    logits[[5, 9], 3] = value

    with pytest.raises(ValueError, match=r"^the outputs of 2 samples are NaN or infinite \(first: 5\): no prediction$"):
        found_in(logits)


@pytest.mark.parametrize("row", [[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
def test_tie_is_a_close_call_of_the_predicted_class(row):
    """Of equal outputs the first is predicted; the close call names it as the first class, too."""
    found = found_in(np.array([row, [0, 1, 0]], np.float32))

    assert found.calls[0].first == found.classes[0] == np.argmax(row)
    assert (found.calls[0].steps, row[found.calls[0].second]) == (0, 1)


def test_noise_does_not_change_the_step(logits):
    """Where the largest output lies between two steps, machines may choose either: that is no change."""
    edge = np.float32(10**1.5)
    scaled = np.clip(logits, -edge, edge)
    scaled[0, 2] = -edge
    others = [(scaled * factor).astype(np.float32) for factor in (1 - 1e-6, 1 + 1e-6)]
    steps = {found_in(outputs).step for outputs in (scaled, *others)}

    assert len(steps) == 2
    assert [changes(now, pin(pinned)) for now in others for pinned in others] == [[]] * 4


MEANS = {
    "a number": (SAMPLES,),
    "numbers": (SAMPLES, 3),
    "pictures": (SAMPLES, 4, 5, 1),
}
SCALES = [1.0, 3e4, 1e-6]


@pytest.fixture(params=MEANS.values(), ids=MEANS)
def numbers(request):
    """Outputs that predict no class."""
    return np.random.default_rng(0).normal(2, 5, request.param).astype(np.float32)


@pytest.mark.parametrize("task", [None, Regression(), Embedding(), Segmentation()])
def test_numbers_are_pinned_by_their_means(numbers, task):
    """Of an output that predicts no class, the mean of each sample's values is pinned."""
    found = predictions.of_output(numbers, task)

    assert isinstance(found, Values)
    np.testing.assert_allclose(found.means, numbers.reshape(SAMPLES, -1).mean(axis=1), rtol=1e-5, atol=1e-5)


def test_means_are_those_of_all_blocks(numbers, monkeypatch):
    """Outputs that are looked at block by block have the means that they have at once."""
    whole = predictions.of_output(numbers, None)
    monkeypatch.setattr(arrays, "BLOCK", 8 * 7 * numbers[0].size)

    assert predictions.of_output(numbers, None).means.tolist() == whole.means.tolist()


def test_means_are_exact():
    """Small values are not lost beside large ones that cancel out."""
    assert predictions.of_output(np.float32([[1e9, 3, -1e9]]), None).means.tolist() == [1]


def test_negative_numbers_have_a_step():
    """The step follows from how large the means are, whatever their sign."""
    one, other = (predictions.of_output(sign * np.float32([[3], [1]]), None) for sign in (1, -1))

    assert one.step == other.step == 1e-4


@pytest.mark.parametrize("largest", [1.0, 3.1, 3.2, 9.9])
def test_step_fits_any_scale(largest):
    """A step is the power of ten that is nearest to its share of the largest mean, which is read again."""
    found = predictions.of_output(np.array([[largest], [0]]), None)

    assert read(write(found)).step == found.step


@pytest.mark.parametrize("step", ["0.00114", "0.0256"])
def test_step_that_fits_no_means_is_refused(step):
    """A step that is no tenth-thousandth of the largest mean, by more than rounding to a power of ten, is damage."""
    text = write(means_of(count=57))

    with pytest.raises(DamagedPinError, match="is not that of such values"):
        read(text.replace("steps of 0.01", f"steps of {step}"))


@pytest.mark.parametrize("task", [Classification(), Binary()])
def test_classes_are_pinned_as_predictions(task):
    """Of an output that predicts a class, yes or no among them, the classes are pinned."""
    outputs = np.float32([[0.9], [0.1], [0.49], [0.5]] if task == Binary() else [[0, 1], [1, 0], [2, 1], [0, 1]])
    found = predictions.of_output(outputs, task)

    assert isinstance(found, Predictions)
    assert (found.classes.tolist(), found.labels) == ([1, 0, 0, 1], 2)


@pytest.mark.parametrize("scale", SCALES)
def test_pinned_means_are_read_as_they_were_written(numbers, scale):
    """What was read is written as the same text, holds every mean to half a step, and agrees with the outputs."""
    found = predictions.of_output(numbers * np.float32(scale), None)
    again = read(write(found))

    assert write(again) == write(found)
    assert np.abs(again.means - found.means).max() <= 0.500001 * found.step
    assert list(predictions.changes(found, again)) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", SCALES)
def test_noise_of_another_machine_moves_no_mean(numbers, scale, seed):
    """Means that differ by a millionth of the largest output agree with the text."""
    outputs = numbers * np.float32(scale)
    noise = np.random.default_rng(seed).uniform(-1e-6, 1e-6, outputs.shape) * np.abs(outputs).max()
    now = predictions.of_output((outputs + noise).astype(np.float32), None)

    assert list(predictions.changes(now, read(write(predictions.of_output(outputs, None))))) == []


@pytest.mark.parametrize("count", [1, 9, 10, 11, 100])
def test_ten_means_are_a_line(count):
    """A line holds ten means, after the number of its first sample; a moved mean is one changed line."""
    means = np.arange(count, dtype=np.float32)
    before, after = (write(predictions.of_output(found, None)) for found in (means, means + (means == count - 1)))
    changed = [
        line for line, other in zip(before.splitlines()[2:], after.splitlines()[2:], strict=True) if line != other
    ]

    assert len(before.splitlines()) == 2 + -(-count // 10)
    assert [line[:6] for line in changed] == [f"{(count - 1) // 10 * 10:06d}"]


def means_of(moved=None, by=0.0, count=20):
    """Return the pin of so many means, 1, 2, …, of which one *moved*."""
    means = np.arange(1.0, count + 1)
    if moved is not None:
        means[moved] += by
    return predictions.of_output(means[:, None], None)


def test_moved_mean_is_one_sentence():
    """A mean that moved by more than machines differ is named by its sample, with both values."""
    pinned = read(write(means_of()))

    assert list(predictions.changes(means_of(7, 0.01), pinned)) == ["sample 000007: pinned mean 8, now 8.01"]
    assert list(predictions.changes(means_of(7, -0.01), pinned)) == ["sample 000007: pinned mean 8, now 7.99"]
    assert len(list(predictions.changes(means_of(7, 2 * pinned.step), pinned))) == 1
    assert list(predictions.changes(means_of(7, pinned.step), pinned)) == []
    assert list(predictions.changes(means_of(7, -pinned.step), pinned)) == []


@pytest.mark.parametrize(("error", "told"), [(0.0, 1), (0.4, 1), (0.6, 0)])
def test_mean_may_move_by_the_error(error, told):
    """On another target, a mean may be off by what an output may."""
    assert len(unexplained_of(means_of(7, 0.5), read(write(means_of())), error, None)) == told


def test_mean_that_moved_by_just_the_error_is_explained():
    """What is explained is a mean that moved by the error, and by one and a half steps, and not a bit more."""
    found = predictions.differences(means_of(7, 0.5), means_of(), None)

    assert found.slack == 1.5 * means_of().step
    assert Differences(np.array([3.25]), str, slack=1.25).unexplained(2.0) == []
    assert Differences(np.array([3.25]), str, slack=1.25).unexplained(2.0 - 2.0**-50) == ["0"]


FLOAT16 = ArithmeticLaw("float16", 0.0, 2.0**-6, 1.0, None)
"""By this law an output may be off by 2**-5 of the largest one, where a budget has a roundoff of 2."""


def test_law_of_close_calls_counts_what_is_not_explained():
    """A budget that explains larger errors leaves fewer samples; what no error explains stays."""
    found = Differences(np.array([3.0, np.inf, 9.0, 0.5, 8.0]), str, times=2.0, slack=1.0)
    law = CloseCallsLaw.of(FLOAT16, 32.0, found, Budget())

    assert law == CloseCallsLaw(FLOAT16, 32.0, 2.0, 1.0, (0.5, 3.0, 8.0, 9.0, np.inf), untold=0, told_from=0.0)
    assert [law.off(Budget(roundoff=times)) for times in (2, 8)] == [1, 32 / 8]
    assert [law.ruling(Budget(roundoff=times)) for times in (2, 6.9, 7, 8, 1000)] == [
        Ruling(at_most=0, value=value) for value in (3, 3, 2, 1, 1)
    ]


@pytest.mark.parametrize(
    ("distances", "told", "told_from"),
    [
        (np.arange(103) / 128, np.arange(3, 103) / 128, 2 / 128),
        ([*[2.0] * 150, 1.5, 0.5], [2.0] * 150, 1.5),
        ([*[2.0] * 40, *[1.25] * 70], [*[1.25] * 60, *[2.0] * 40], 1.25),
        ([2.0] * 100, [2.0] * 100, 0),
        ([], [], 0),
    ],
)
def test_law_of_close_calls_keeps_the_largest_distances(distances, told, told_from):
    """A hundred are kept, and all over half of what was explained, 3 here; of the others, how many and how far."""
    found = Differences(np.array(distances), str, times=2.0, slack=1.0)
    law = CloseCallsLaw.of(FLOAT16, 32.0, found, Budget())

    assert law.distances == tuple(told)
    assert (law.untold, law.told_from) == (len(distances) - len(told), told_from)


def test_law_of_close_calls_says_where_it_does_not_tell():
    """Bounds that what was not kept might be beyond are refused, and others are not."""
    law = CloseCallsLaw(FLOAT16, 32.0, 2.0, 1.0, (3.5,), untold=2, told_from=1.5)

    assert [law.ruling(Budget(roundoff=times)).value for times in (0.5, 2.5)] == [1, 0]
    with pytest.raises(UnrecordedError, match=r"^roundoff: how far 2 samples are "):
        law.ruling(Budget(roundoff=0.4375))
    assert dataclasses.replace(law, untold=0).ruling(Budget(roundoff=0)).value == 1


def test_sampled_means_are_compared_with_their_own_pins():
    """Of some samples, each is held to its own pin, and named by its index among all."""
    chosen, pinned = np.array([3, 7, 19]), read(write(means_of()))
    some, moved = (Values(pin.means[chosen], pin.step) for pin in (means_of(), means_of(7, 0.5)))

    assert unexplained_of(some, pinned, 0.0, None, chosen) == []
    assert unexplained_of(moved, pinned, 0.0, None, chosen) == ["sample 000007: pinned mean 8, now 8.5"]


def test_another_number_of_means_is_one_sentence():
    """Means of other data are not compared one by one."""
    told = ["19 samples now, 20 pinned"]

    assert list(predictions.changes(means_of(count=19), means_of())) == told
    assert unexplained_of(means_of(count=19), means_of(), 1e6, None) == told


@pytest.mark.parametrize("beyond", [0, 5])
@pytest.mark.parametrize(
    "pin_of", [means_of, lambda: found_in(outputs_of(10, 5.0, np.asarray))], ids=["means", "classes"]
)
def test_sample_that_is_not_pinned_is_not_explained(pin_of, beyond):
    """Where the data have more samples than are pinned, what was run beyond them is told, not looked up."""
    pinned = pin_of()
    chosen, count = np.array([0, len(pinned) + beyond]), len(pinned)
    now = Values(np.ones(2), 1.0) if isinstance(pinned, Values) else pinned.of(np.array([0, 1]))

    assert unexplained_of(now, pinned, 1e6, None, chosen) == [
        f"sample {count + beyond:06d} was run, {count} are pinned"
    ]


def test_classes_are_not_compared_with_means():
    """An output that was pinned as classes, and predicts none now, is one sentence, and so is the other way round."""
    of_classes, of_means = found_in(outputs_of(10, 5.0, np.asarray)[:20]), means_of()

    now, then = (
        ["classes are pinned, and no class is predicted now"],
        ["no classes are pinned, and classes are predicted now"],
    )

    assert list(predictions.changes(of_means, of_classes)) == now
    assert list(predictions.changes(of_classes, of_means)) == then
    assert unexplained_of(of_means, of_classes, 1e6, None) == now
    assert unexplained_of(of_classes, of_means, 1e6, None) == then


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_broken_numbers_are_not_pinned(numbers, value):
    """A mean over NaN or infinity is no value: it is an error that names the first sample."""
    numbers[[5, 9]] = value

    with pytest.raises(ValueError, match=r"^the outputs of 2 samples are NaN or infinite \(first: 5\)"):
        predictions.of_output(numbers, None)


def test_numbers_that_are_all_zero_can_be_pinned():
    """Outputs without a scale are pinned as zeros."""
    zeros = predictions.of_output(np.zeros((3, 2), np.float32), None)

    assert read(write(zeros)).means.tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", ["bool", "int64", "uint8"])
def test_whole_numbers_can_be_pinned(dtype):
    """The mean of whole numbers and of booleans is a number like any other."""
    found = predictions.of_output(np.array([[1, 0], [1, 1], [0, 0]]).astype(dtype), None)

    assert read(write(found)).means.tolist() == [0.5, 1, 0]


@pytest.mark.parametrize("share", np.linspace(0, 1, 30, endpoint=False).round(4))
def test_truncated_means_are_never_taken_for_the_whole(share):
    """A text of means that was cut off anywhere is refused, or is seen to hold less."""
    text = write(means_of(count=57))

    assert reread(text[: int(share * len(text))]) != text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("57 samples", "58 samples"),
        ("57 samples", "many samples"),
        ("000020  ", "000030  "),
        ("000020  ", ""),
        ("000020  ", "000020  x "),
        ("000020  ", "000020  nan "),
        ("000000  ", "<<<<<<< HEAD\n000000  "),
        ("21.00", "inf"),
        ("steps of 0.01", "steps of 0"),
        ("steps of 0.01", "steps of -0.01"),
        ("steps of 0.01", "steps of nan"),
        ("steps of 0.01", "steps of 1"),
        ("steps of 0.01", "steps of 0.0001"),
        ("steps of 0.01", "steps of"),
        ("mean of each", "mean"),
    ],
)
def test_damaged_means_are_refused(old, new):
    """A text of means that nobody wrote is an error."""
    text = write(means_of(count=57))
    assert old in text

    with pytest.raises(DamagedPinError, match="not a whole pinned text"):
        read(text.replace(old, new, 1))


BOTH = {"class": found_in(outputs_of(10, 5.0, np.asarray)), "age/mean": means_of(), "third": means_of(3, 0.5)}


@pytest.mark.parametrize("names", [["class", "age/mean"], ["age/mean", "class"], ["third", "age/mean", "class"]])
def test_several_outputs_are_pinned_in_one_text(names):
    """What is pinned of several outputs is read by their names, in whatever order they are asked for."""
    text = predictions.write({name: BOTH[name] for name in names})
    found = predictions.read(text, sorted(names, reverse=True))

    assert set(found) == set(names)
    assert all(write(found[name]) == write(BOTH[name]) for name in names)
    assert [line for line in text.splitlines() if line.startswith("==")] == [f"== output {name}" for name in names]


def test_lone_output_needs_no_name():
    """The text of a lone output is that of its classes alone, whatever it is called."""
    assert predictions.write({"class": BOTH["class"]}) == predictions.write({"output_0": BOTH["class"]})
    assert predictions.OUTPUT not in predictions.write({"class": BOTH["class"]})


TWO = predictions.write({name: BOTH[name] for name in ("class", "age/mean")})


@pytest.mark.parametrize(
    "text",
    [
        write(BOTH["class"]),
        TWO.replace("age/mean", "other"),
        TWO[: TWO.index("== output age/mean")],
        f"{TWO}\n== output third\n{write(BOTH['third'])}",
        f"{TWO}\n== output class\n{write(BOTH['class'])}",
        f"<<<<<<< HEAD\n{TWO}",
        f"{write(BOTH['class'])}\n{TWO}",
        TWO.replace("== output age/mean\n", ""),
        TWO.replace("== output class\n", "== output class"),
        "",
    ],
    ids=["one", "renamed", "lost", "one more", "twice", "conflict", "before", "unnamed", "in one line", "empty"],
)
def test_text_of_other_outputs_is_refused(text):
    """A text that is not of exactly these outputs is an error, and so is one with anything else in it."""
    with pytest.raises(DamagedPinError):
        predictions.read(text, ["class", "age/mean"])


def test_text_of_several_outputs_is_not_that_of_one():
    """Where a model has lost all outputs but one, its text is not read for that one."""
    with pytest.raises(DamagedPinError, match="not a whole pinned text"):
        predictions.read(TWO, ["class"])


def test_other_outputs_are_named():
    """The error says which outputs are pinned, and which there are."""
    with pytest.raises(DamagedPinError, match="it is of the outputs class, age/mean, not of class, third"):
        predictions.read(TWO, ["class", "third"])
