"""What differs is found, and named by its sample; what is not a number never passes as agreement."""

import numpy as np
import pytest

from fixtures.harness import arrays, comparison
from fixtures.harness.comparison import (
    agreement,
    class_scores,
    classes,
    difference,
    has_classes,
    liveliness,
    margin,
    repetition,
)
from models.tasks import Binary, Classification, Embedding, Regression, Segmentation

NOT_A_NUMBER = [np.nan, np.inf, -np.inf]
CLASSES = Classification()


def logits(*rows):
    """Return outputs, one row a sample."""
    return np.array(rows, np.float32)


@pytest.fixture
def outputs():
    """Outputs of 50 samples and 10 classes, of the scale of logits."""
    return np.random.default_rng(0).normal(scale=5, size=(50, 10)).astype(np.float32)


def changed(outputs, sample, element, value):
    """Return *outputs* with one value changed."""
    copy = outputs.copy()
    copy[sample, element] = value
    return copy


def test_equal_outputs_do_not_differ(outputs):
    """Of equal outputs, the difference is 0 and the signal to noise ratio infinite."""
    found = difference(outputs, outputs.copy())

    assert (found.share, found.largest, found.sample, found.noise, found.sqnr) == (0, 0, 0, 0, np.inf)
    assert found.broken == ()


def test_difference_is_measured_at_the_worst_sample(outputs):
    """The largest difference is found, with its sample, in the outputs' unit and as a share of the largest output."""
    found = difference(changed(outputs, 37, 4, outputs[37, 4] + 0.5), outputs)

    assert found.sample == 37
    assert found.largest == pytest.approx(0.5, rel=1e-6)
    assert found.share == pytest.approx(0.5 / np.abs(outputs).max(), rel=1e-6)


def test_difference_is_the_same_both_ways_of_sign(outputs):
    """An output that is too small counts as one that is too large."""
    found = difference(changed(outputs, 12, 0, outputs[12, 0] - 0.5), outputs)

    assert (found.sample, found.largest) == (12, pytest.approx(0.5, rel=1e-6))


def test_difference_does_not_overflow():
    """Outputs are subtracted in float64: a difference that float32 cannot hold is measured all the same."""
    found = difference(logits([3e38, 0]), logits([-3e38, 0]))

    assert (found.largest, found.share) == (pytest.approx(6e38), pytest.approx(2))


def test_signal_to_noise_ratio_is_in_decibels():
    """An error of a thousandth of every output is 60 dB."""
    truth = np.ones((4, 3))

    assert difference(truth * 1.001, truth).sqnr == pytest.approx(60, abs=1e-6)


def test_difference_from_zeros_is_infinite():
    """Where the truth is zero everywhere, any difference is infinitely large a share, and equality is none."""
    zeros = np.zeros((3, 2), np.float32)

    same, other = difference(zeros, zeros), difference(changed(zeros, 1, 1, 1e-9), zeros)

    assert (same.share, same.noise, same.sqnr) == (0, 0, np.inf)
    assert (other.share, other.noise, other.sqnr) == (np.inf, np.inf, -np.inf)


@pytest.mark.parametrize("value", NOT_A_NUMBER)
def test_broken_output_is_infinitely_far(outputs, value):
    """An output that is NaN or infinite is infinitely far from the truth, and its sample is named."""
    found = difference(changed(outputs, 8, 3, value), outputs)

    assert (found.share, found.largest, found.noise, found.scale, found.sqnr) == (np.inf,) * 4 + (-np.inf,)
    assert (found.sample, found.broken) == (8, (8,))
    assert str(found) == "NaN or infinity in what is compared: 1 samples (first: 8)"


@pytest.mark.parametrize("value", NOT_A_NUMBER)
def test_broken_output_does_not_equal_a_broken_truth(outputs, value):
    """Outputs that are broken in the same place do not agree."""
    broken = changed(outputs, 8, 3, value)

    assert difference(broken, broken.copy()).share == np.inf


@pytest.mark.parametrize("value", NOT_A_NUMBER)
def test_broken_truth_is_within_no_bound(outputs, value):
    """Nothing is close to a truth that is NaN or infinite."""
    found = difference(outputs, changed(outputs, 8, 3, value))

    assert not found.share <= 1e300
    assert found.sample == 8


def test_broken_samples_of_both_are_listed_in_order(outputs):
    """Samples that are broken in the outputs or in the truth are listed together, the first one first."""
    found = difference(changed(outputs, 40, 1, np.nan), changed(outputs, 2, 5, np.inf))

    assert (found.sample, found.broken) == (2, (2, 40))


@pytest.mark.parametrize("block", [8 * 10 * 3, 8 * 10 * 50])
def test_first_of_the_worst_samples_is_named(monkeypatch, outputs, block):
    """Of samples that are equally far off, the first is named, in whichever blocks they are."""
    monkeypatch.setattr(arrays, "BLOCK", block)
    outputs[[12, 37]] = 0

    assert difference(changed(changed(outputs, 12, 0, 99), 37, 4, -99), outputs).sample == 12


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_nothing_differs_in_nothing(shape, dtype):
    """Outputs without a sample, or without an element, do not differ."""
    found = difference(np.zeros(shape, dtype), np.zeros(shape, dtype))

    assert (found.share, found.largest, found.noise, found.broken) == (0, 0, 0, ())


def test_lone_whole_number_differs_wholly():
    """Where there is one value, and it is another one, all of them are."""
    assert difference(np.array([[3]]), np.array([[4]])).share == 1


def test_sentence_of_a_difference_names_the_sample(outputs):
    """The sentence says how much and where."""
    told = str(difference(changed(outputs, 37, 4, outputs[37, 4] + 0.5), outputs))

    assert told.startswith("largest difference 0.5, sample 37; SQNR ")


def test_sentence_names_the_first_samples_only():
    """Of many broken samples, five are named, and that there are more."""
    broken = np.full((9, 2), np.nan)

    assert str(difference(broken, broken)).endswith(" compared: 9 samples (first: 0, 1, 2, 3, 4, …)")
    assert str(difference(broken[:5], broken[:5])).endswith(" compared: 5 samples (first: 0, 1, 2, 3, 4)")


@pytest.mark.parametrize("measure", [difference, agreement])
@pytest.mark.parametrize("shape", [(3, 10), (4, 9), (4, 10, 1), (40,)])
def test_outputs_of_another_shape_are_refused(measure, shape):
    """Outputs that are not of the truth's shape are an error with both; they are never broadcast."""
    with pytest.raises(ValueError, match=r"shape \(.*\), but are compared with outputs of shape \(4, 10\)"):
        measure(np.zeros(shape), np.zeros((4, 10)))


def test_equal_outputs_agree(outputs):
    """Equal outputs predict the same."""
    found = agreement(outputs, outputs.copy())

    assert (found.flips, found.share, str(found)) == ((), 1, "0 of 50 predictions changed")


def test_flip_is_found_with_its_margins():
    """A sample that is given another class is found, with both classes and how close each call was."""
    (flip,) = agreement(logits([0, 2, 1], [5, 1, 4.5]), logits([0, 2, 1], [5, 1, 6])).flips

    assert (flip.sample, flip.expected, flip.now) == (1, 2, 0)
    assert (flip.expected_margin, flip.margin) == (1, 0.5)
    assert str(flip) == "sample 1: 2 (margin 1) -> 0 (margin 0.5)"


def test_agreement_is_a_share_of_the_samples():
    """Of four samples, one flip is an agreement of three quarters."""
    truth = logits([1, 0], [1, 0], [0, 1], [0, 1])

    assert agreement(logits([1, 0], [1, 0], [0, 1], [1, 0]), truth).share == 0.75


def test_sentence_names_the_least_excusable_flips_first():
    """The flips whose expected margin was largest come first."""
    truth = logits([1, 0], [9, 0], [5, 0], [0, 1])

    assert str(agreement(logits([0, 1], [0, 1], [0, 1], [0, 1]), truth)) == (
        "3 of 4 predictions changed; sample 1: 0 (margin 9) -> 1 (margin 1); "
        "sample 2: 0 (margin 5) -> 1 (margin 1); sample 0: 0 (margin 1) -> 1 (margin 1)"
    )


@pytest.mark.parametrize("value", NOT_A_NUMBER)
def test_broken_output_does_not_agree_with_itself(outputs, value):
    """Outputs that are NaN or infinite in the same place do not agree."""
    broken = changed(outputs, 8, 3, value)

    assert [flip.sample for flip in agreement(broken, broken).flips] == [8]


@pytest.mark.parametrize("value", NOT_A_NUMBER)
def test_broken_output_agrees_with_nothing(outputs, value):
    """An output that is not finite predicts no class, also where it makes the expected class the largest."""
    (flip,) = agreement(changed(outputs, 8, int(outputs[8].argmax()), value), outputs).flips

    assert (flip.sample, flip.now) == (8, -1)
    assert np.isnan(flip.margin)


def test_sample_with_two_infinities_is_measured():
    """A sample whose margin would be infinity less infinity is a flip without a margin, not a warning."""
    (flip,) = agreement(logits([np.inf, np.inf, 0]), logits([3, 0, 1])).flips

    assert str(flip) == "sample 0: 0 (margin 2) -> -1 (margin nan)"


@pytest.mark.parametrize("value", NOT_A_NUMBER)
def test_class_is_the_largest_output(outputs, value):
    """The predicted class is the index of the largest output; where any is NaN or infinite, there is none."""
    broken = changed(outputs, 8, 3, value)

    assert classes(outputs).tolist() == outputs.argmax(axis=1).tolist()
    assert np.flatnonzero(classes(broken) < 0).tolist() == [8]


def test_margin_is_between_the_two_largest():
    """The margin is how far the largest output is above the second; 0 for a tie."""
    assert margin(logits([1, 5, 3], [-1, -2, -9], [4, 4, 0])).tolist() == [2, 1, 0]


def test_margin_of_many_classes_is_between_the_two_largest():
    """However many outputs there are, in whatever order, the two largest are told."""
    outputs = np.random.default_rng(0).normal(size=(20, 1000))
    ordered = np.sort(outputs, axis=1)

    np.testing.assert_array_equal(margin(outputs), ordered[:, -1] - ordered[:, -2])


def test_no_samples_have_no_classes():
    """Of no samples there are no classes, no margins, and none that is not finite; classes are whole numbers."""
    none = np.zeros((0, 10), np.float32)

    assert (classes(none).shape, margin(none).shape, comparison.not_finite(none)) == ((0,), (0,), ())
    assert classes(none).dtype == classes(np.ones((3, 10))).dtype == np.int64
    assert liveliness(none, CLASSES).flat == ()


def test_largest_score_is_the_class():
    """Of scores of classes, the largest is the class; NaN predicts none."""
    outputs = logits([1, 0], [1, 0], [0, 1], [np.nan, 0])

    assert classes(class_scores(outputs, CLASSES)).tolist() == [0, 0, 1, -1]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize(
    ("outputs", "threshold", "said"),
    [
        (np.float32([0.5, 0.49999997, 0.9, np.nan]), 0.5, [1, 0, 1, -1]),
        (np.float32([0, -1e-45, 3, np.inf]), 0.0, [1, 0, 1, -1]),
        (np.float16([0.3, 0.2998, 1, 0]), np.float16(0.3), [1, 0, 1, 0]),
        (np.array([True, False, True, False]), 0.5, [1, 0, 1, 0]),
        (np.array([0, 1, 2, -1]), 0.5, [0, 1, 1, 0]),
        (np.uint8([0, 127, 128, 255]), 128, [0, 0, 1, 1]),
    ],
    ids=["share", "logit", "float16", "bool", "int64", "uint8"],
)
def test_yes_or_no_is_two_classes(outputs, threshold, said, shape):
    """An output from the threshold on is class 1, whatever type it has, and one that is not finite is none."""
    scores = class_scores(outputs.reshape(shape), Binary(float(threshold)))

    assert scores.shape == (4, 2)
    assert classes(scores).tolist() == said


@pytest.mark.parametrize("task", [None, Regression(), Embedding(), Segmentation()])
def test_other_outputs_are_no_scores_of_classes(task):
    """What predicts no class for each sample has no scores."""
    assert class_scores(np.ones((4, 3, 2), np.float32), task) is None
    assert not has_classes(task)


@pytest.mark.parametrize("task", [Classification(), Binary()])
def test_outputs_of_these_tasks_have_classes(task):
    """One of several classes, and yes or no, is predicted for each sample."""
    assert has_classes(task)


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint8"])
def test_difference_of_whole_numbers_is_a_share_of_the_values(dtype):
    """Of outputs that are no floats, those that are others count, however far off, and their error has no noise."""
    truth = np.array([[0, 1, 1, 0]] * 5).astype(dtype)
    other = truth.copy()
    other[2, 1], other[4, 0] = 0, 1
    found = difference(other, truth)

    assert (found.share, found.sample, found.noise, found.sqnr, found.broken) == (2 / 20, 2, 0, np.inf, ())


def test_difference_has_the_scale_of_the_truth(outputs):
    """The largest true output, of which a share is one, is there for who needs a difference in the outputs' unit."""
    found = difference(outputs + np.float32(0.25), outputs)

    assert found.scale == np.abs(outputs).max()
    assert found.share * found.scale == pytest.approx(found.largest)


def test_differences_of_many_samples_are_those_of_all(monkeypatch, outputs):
    """Outputs that are looked at block by block differ as they do at once."""
    far = changed(outputs, 37, 4, outputs[37, 4] + 0.5)
    whole = difference(far, outputs, CALLED), agreement(far, outputs, CALLED), liveliness(far, CLASSES, CALLED)
    monkeypatch.setattr(arrays, "BLOCK", 8 * 10 * 3)
    some = difference(far, outputs, CALLED), agreement(far, outputs, CALLED), liveliness(far, CLASSES, CALLED)

    assert [rows.stop - rows.start for rows in comparison.row_blocks(outputs)] == [3] * 16 + [2]
    monkeypatch.setattr(arrays, "BLOCK", 8 * 10 * 7)
    assert [rows.stop - rows.start for rows in comparison.row_blocks(outputs)] == [7] * 7 + [1]
    assert whole[1:] == some[1:]
    assert (whole[0].sample, whole[0].largest, whole[0].scale) == (some[0].sample, some[0].largest, some[0].scale)
    assert some[0].noise == pytest.approx(whole[0].noise)


def test_scalar_outputs_differ():
    """One number a sample, without a further axis, is compared like any other."""
    truth = np.float32([1, 2, 4])

    assert difference(truth + np.float32([0, 0, 1]), truth).share == 0.25
    assert repetition(truth, -truth[[1]], np.array([1])).moved == (1,)


def test_outputs_that_are_not_finite_are_listed(outputs):
    """Samples with any output that is NaN or infinite are listed, in order."""
    broken = changed(changed(changed(outputs, 40, 1, np.nan), 2, 0, np.inf), 30, 9, -np.inf)

    assert comparison.not_finite(broken) == (2, 30, 40)


def test_equal_bits_repeat(outputs):
    """The same bits, NaN included, are a repetition."""
    broken = changed(outputs, 8, 3, np.nan)
    found = repetition(broken, broken[[8, 20]], np.array([8, 20]))

    assert (found.moved, str(found)) == ((), "0 of 2 repeated samples gave other bits")


@pytest.mark.parametrize("value", [np.nextafter(np.float32(1), np.float32(2)), np.nan, -1])
def test_other_bits_do_not_repeat(outputs, value):
    """A change of one bit is named by the sample that was repeated, not by its place among the repeated."""
    ones = np.ones((50, 10), np.float32)
    found = repetition(ones, changed(ones, 20, 5, value)[[8, 20]], np.array([8, 20]))

    assert (found.moved, str(found)) == ((20,), "1 of 2 repeated samples gave other bits (first: 20)")


def test_repetition_of_another_shape_is_refused():
    """A second run whose outputs have another shape, even one that NumPy would stretch, is an error."""
    with pytest.raises(ValueError, match="but are compared with outputs of shape"):
        repetition(np.ones((50, 10)), np.ones((2, 1)), np.array([8, 20]))


def test_sign_of_zero_is_a_bit():
    """Zero and minus zero are other bits."""
    assert repetition(np.zeros((1, 1), np.float32), -np.zeros((1, 1), np.float32), np.array([0])).moved == (0,)


CALLED = np.arange(50) * 100 + 7
"""What the samples are called, where they are some of many."""


def test_difference_names_the_sample_as_it_is_called(outputs):
    """Of some samples, the worst is named by its index among all, and so are the broken ones."""
    far, broken = changed(outputs, 37, 4, 99), changed(outputs, 8, 3, np.nan)

    assert difference(far, outputs, CALLED).sample == 3707
    assert difference(broken, outputs, CALLED).broken == difference(outputs, broken, CALLED).broken == (807,)


def test_flips_are_called_by_their_names(outputs):
    """Of some samples, those that changed are named by their indices among all."""
    other = changed(changed(outputs, 37, 4, 99), 8, 3, np.nan)

    assert [flip.sample for flip in agreement(other, outputs, CALLED).flips] == [807, 3707]


def test_repeated_rows_are_called_by_their_names():
    """Of some samples, a row that did not repeat is named by its index among all."""
    ones = np.ones((50, 10), np.float32)

    assert repetition(ones, changed(ones, 20, 5, 2)[[8, 20]], np.array([8, 20]), CALLED).moved == (2007,)


def test_lifeless_samples_are_called_by_their_names(outputs):
    """Of some samples, those that are broken or flat are named by their indices among all; elements by their own."""
    outputs[31], outputs[:, 7] = 0.25, 0.25
    found = liveliness(changed(outputs, 8, 3, np.nan), CLASSES, CALLED)

    assert (found.broken, found.flat, found.dead) == ((807,), (3107,), (7,))


def test_not_finite_samples_are_called_by_their_names(outputs):
    """Of some samples, those that are not finite are named by their indices among all."""
    assert comparison.not_finite(changed(outputs, 40, 1, np.inf), CALLED) == (4007,)


def test_worst_flips_come_first():
    """The flips are in the order of the expected margins; of equal ones, as the samples are."""
    truth = logits([1, 0], [9, 0], [5, 0], [9, 0])

    assert [flip.sample for flip in agreement(truth[:, ::-1], truth).worst] == [1, 3, 2, 0]


def test_noise_is_the_rms_error_as_a_share(outputs):
    """A scale that all outputs share shows as noise, though no single one is far off; its decibels are the SQNR."""
    found = difference(1.01 * outputs, outputs)

    assert found.noise == pytest.approx(0.01, rel=1e-3)
    assert found.sqnr == pytest.approx(40, rel=1e-3) == pytest.approx(comparison.decibels(found.noise))
    assert difference(outputs, outputs).noise == 0


def test_lively_outputs_have_no_faults(outputs):
    """Outputs that are finite and differ are alive."""
    found = liveliness(outputs, CLASSES)

    assert found.faults == 0
    assert str(found) == f"all outputs are finite, {len(set(outputs.argmax(axis=1)))} classes are predicted"


def test_dead_output_is_found(outputs):
    """An output element that is the same for every sample is named."""
    outputs[:, 7] = 0.25

    assert liveliness(outputs, CLASSES).dead == (7,)
    assert "1 output elements are the same for every sample (first: 7)" in str(liveliness(outputs, CLASSES))


def test_flat_sample_is_found(outputs):
    """A sample whose outputs are all equal is named."""
    outputs[31] = 0.25

    assert liveliness(outputs, CLASSES).flat == (31,)
    assert "1 samples have outputs that are all equal (first: 31)" in str(liveliness(outputs, CLASSES))


@pytest.mark.parametrize("value", NOT_A_NUMBER)
def test_broken_sample_is_a_fault(outputs, value):
    """A sample with an output that is NaN or infinite is named."""
    found = liveliness(changed(outputs, 8, 3, value), CLASSES)

    assert (found.broken, found.faults) == ((8,), 1)
    assert "1 samples have outputs that are NaN or infinite (first: 8)" in str(found)


def test_one_class_for_all_is_a_fault(outputs):
    """Outputs that vary, but give every sample the same class, carry no prediction."""
    outputs[:, 4] += 100

    assert liveliness(outputs, CLASSES).faults == 1
    assert "every sample is given the same class" in str(liveliness(outputs, CLASSES))


def test_two_classes_are_enough():
    """Outputs that predict two classes carry a prediction, however few samples there are; one class carries none."""
    assert liveliness(logits([1, 0], [0, 2]), CLASSES).faults == 0
    assert liveliness(logits([1, 0], [3, 2]), CLASSES).faults == 1
    assert liveliness(logits([1, 0], [0, 2]), CLASSES, None, np.array([0, 1])).classes == 2


def test_one_true_class_excuses_one_that_is_predicted(outputs):
    """Of samples that are all of one class, another one for all is no dead model: its accuracy tells what it is."""
    outputs[:, 4] += 100

    assert liveliness(outputs, CLASSES, None, np.full(len(outputs), 2)).faults == 0


def test_two_samples_tell_a_dead_output():
    """An output element that two samples share is dead."""
    assert liveliness(logits([1, 0.5], [0, 0.5]), CLASSES).dead == (1,)


@pytest.mark.parametrize(("others", "faults"), [(0, 0), (1, 0), (6, 0), (7, 1), (20, 1)])
def test_one_class_where_there_is_hardly_another_is_no_fault(outputs, others, faults):
    """A few samples of rare classes may all be missed, as by who looks for fraud; that all of many are is a fault."""
    outputs[:, 4] += 100
    targets = np.full(len(outputs), 4)
    targets[:others] = 2

    assert liveliness(outputs, CLASSES, None, targets).faults == faults


@pytest.mark.parametrize("task", [None, Regression(), Binary(), Segmentation()])
def test_still_corner_of_other_outputs_is_no_fault(outputs, task):
    """Where elements are no scores of classes, some may be the same for every sample, as a picture's corner is."""
    outputs[:, 7] = outputs[31] = 0.25
    found = liveliness(outputs, task)

    assert (found.faults, found.classes, str(found)) == (0, None, "all outputs are finite")


@pytest.mark.parametrize("shape", [(150,), (150, 1), (150, 4, 3)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_outputs_that_never_change_are_dead(shape, dtype):
    """Outputs that are the same for every sample in all elements are dead, whatever they mean."""
    found = liveliness(np.ones(shape, dtype), Regression())

    assert len(found.dead) == found.faults == np.prod(shape[1:])


def test_one_sample_is_not_dead():
    """Of one sample, nothing can be said to be the same for all."""
    assert liveliness(np.float32([[1, 2, 3]]), CLASSES).faults == 0


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_constant_outputs_are_faults_all_over(value):
    """Outputs that are all zeros, all NaN or all infinite are faults in every sample."""
    assert liveliness(np.full((50, 10), value, np.float32), CLASSES).faults >= 50


@pytest.mark.parametrize(("samples", "dead"), [(100, ()), (101, (0,))])
def test_few_whole_numbers_may_be_the_same(samples, dead):
    """A class or a count that all samples share is dead only where there are many of them."""
    assert comparison.liveliness(np.full((samples, 1), 7), None).dead == dead
    assert comparison.liveliness(np.full((samples, 1), 7.0), None).dead == (0,)
