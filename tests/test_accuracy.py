"""The float16 file is as accurate as the float32 file, and that one as Keras."""

from fixtures.harness import attribution
from fixtures.harness.bounds import arithmetic_bounds, flip_bound
from fixtures.harness.comparison import accuracy, accuracy_change, agreement, difference, worst_class
from fixtures.harness.statistics import share_shown


def test_keras_reaches_the_baseline(model, build, labels, judge, figures):
    """The trained model is as accurate as its budget asks for, before any conversion."""
    figures["keras_accuracy"] = found = accuracy(build.keras_outputs(), labels)

    judge(
        "accuracy of Keras", found, at_least=model.budget.baseline_accuracy, look_at="the training recipe and its data"
    )


def test_float32_file_reaches_the_baseline(model, target, labels, float32_outputs, judge):
    """The float32 file is as accurate as the budget asks for, on each target."""
    found = accuracy(float32_outputs.array(), labels)

    judge("accuracy of the float32 file", found, at_least=model.budget.baseline_accuracy, look_at="Keras' own accuracy")


def test_float32_file_computes_what_keras_does(model, build, float32_file, truth, judge, figures):
    """The float32 file's outputs on reference kernels are those of Keras, up to float32 rounding."""
    found = difference(truth.array(), build.keras_outputs())
    _, most = arithmetic_bounds(float32_file, build.keras_outputs(), "float32", model.budget.roundoff)
    figures["conversion"] = found.share, most

    judge(
        "largest error / largest output",
        found.share,
        at_most=most,
        evidence=found,
        look_at="the conversion: the float32 file is not the model that was trained",
    )


def test_float32_file_predicts_what_keras_does(model, build, truth, judge):
    """The float32 file on reference kernels gives every image the class that Keras gives it."""
    found = agreement(truth.array(), build.keras_outputs())

    judge(
        "predictions that differ from Keras'",
        len(found.flips),
        at_most=model.budget.flipped * found.samples,
        evidence=found,
        look_at="the conversion: the float32 file is not the model that was trained",
    )


def test_float16_accuracy_does_not_drop(model, target, labels, float32_outputs, float16_outputs, judge, figures):
    """On each target, the images exclude that float16 weights cost more accuracy than the budget says."""
    found = accuracy_change(float16_outputs.array(), float32_outputs.array(), labels, model.budget.confidence)
    if target.name == "reference":
        figures |= {"fp32_accuracy": found.baseline, "fp16_accuracy": found.candidate}
        figures |= {"drop": found.drop, "drop_limit": found.most}

    judge(
        *found.judged(sampled=float16_outputs.sampled),
        at_most=model.budget.accuracy_drop,
        evidence=found,
        look_at="tests/test_weights.py; with few test images, a larger data set",
    )


def test_no_class_drops(model, target, labels, float32_outputs, float16_outputs, judge):
    """On each target, float16 weights cost no single class more accuracy than the budget says."""
    sampled = float16_outputs.sampled
    found = worst_class(
        float16_outputs.array(), float32_outputs.array(), labels, model.budget.confidence, sampled=sampled
    )

    quantity, value = found.change.judged(sampled=sampled)
    judge(
        f"one class's {quantity}",
        value,
        at_most=model.budget.class_drop,
        evidence=found,
        look_at="the weights of that class in the last layer",
    )


def test_top_1_agrees_with_the_truth(model, precision, target, presence, file, labels, outputs, truth, judge, figures):
    """Each file, on each target, predicts what the float32 file predicts on reference kernels."""
    found = agreement(outputs.array(), truth.array(), outputs.samples())
    figures[f"{precision} {target}"] = attribution.deviation(
        precision,
        target.name,
        presence.arithmetic,
        file=file,
        roundoff=model.budget.roundoff,
        outputs=outputs.array(),
        truth=truth.array(),
        labels=labels,
        samples=outputs.samples(),
    ).as_dict()

    judge(
        "share of predictions that changed",
        share_shown(len(found.flips), found.samples, model.budget.confidence, sampled=outputs.sampled),
        at_most=flip_bound(model.budget.flipped, presence.arithmetic),
        evidence=found,
        look_at="on reference kernels too: the weights; on this target alone: its kernels or its arithmetic",
    )
