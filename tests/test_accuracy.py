"""The float16 file is as accurate as the float32 file, and that one as Keras."""

from functools import partial

from fixtures.harness import blame, metrics, model_lines, right_samples
from fixtures.harness.bounds import ChangedPredictionsLaw, ChangedShareLaw, ConversionLaw, rounding, route
from fixtures.harness.comparison import agreement, class_scores, difference


def test_keras_reaches_the_baseline(model, keras, baselines, judge, figures):
    """The trained model is as good as its budget asks for, before any conversion."""
    for part, law in baselines:
        outputs = keras.keras_outputs(part.output)
        found = metrics.value(outputs, part.targets, part.task)
        figures[f"{model_lines.KERAS_METRIC}{part.called}"] = {
            "metric": metrics.name(part.task),
            "keras": found,
            "keras_right": right_samples.recorded(outputs, part.targets, part.task),
        }

        judge(
            f"{metrics.name(part.task)} of Keras{part.called}",
            found,
            law=law,
            look_at="the training recipe and its data",
            blame=partial(blame.wrong, outputs, part.targets, part.task),
        )


def test_float32_file_reaches_the_baseline(model, target, baselines, float32_outputs, judge):
    """The float32 file is as good as the budget asks for, on each target."""
    for part, law in baselines:
        outputs = float32_outputs.array(part.output)
        found = metrics.value(outputs, part.targets, part.task)

        judge(
            f"{metrics.name(part.task)} of the float32 file{part.called}",
            found,
            law=law,
            look_at="the metric of Keras; without a Keras model, the training and the conversion",
            blame=partial(blame.wrong, outputs, part.targets, part.task, float32_outputs.samples()),
        )


def test_float32_file_computes_what_keras_does(model, keras, float32_file, truth, judge, figures):
    """The float32 file's outputs on reference kernels are those of Keras, up to float32 rounding."""
    for output in truth.names:
        now, true = truth.array(output), keras.keras_outputs(output)
        found = difference(now, true)
        law = ConversionLaw.of(route(float32_file, output, len(now)), true, "float32")
        most = law.ruling(model.budget).at_most
        figures["conversion"] = max(figures.get("conversion", (0.0, most)), (found.share, most))

        judge(
            f"largest error / largest output{truth.called(output)}",
            found.share,
            law=law,
            evidence=found,
            look_at="the conversion: the float32 file is not the model that was trained",
        )


def test_float32_file_predicts_what_keras_does(model, keras, class_outputs, truth, judge):
    """The float32 file on reference kernels gives every sample the class that Keras gives it."""
    for output, task in class_outputs.items():
        found = agreement(class_scores(truth.array(output), task), class_scores(keras.keras_outputs(output), task))

        judge(
            f"predictions that differ from Keras'{truth.called(output)}",
            len(found.flips),
            law=ChangedPredictionsLaw(found.samples),
            evidence=found,
            look_at="the conversion: the float32 file is not the model that was trained",
        )


def test_float16_accuracy_does_not_drop(
    model, target, presence, graded, float32_outputs, float16_outputs, judge, figures
):
    """On each target, the samples exclude that float16 weights cost more of the metric than the budget says."""
    for part in graded:
        before, now = float32_outputs.array(part.output), float16_outputs.array(part.output)
        explained = rounding(model.budget, presence.arithmetic)
        found = metrics.change(now, before, part.targets, part.task, model.budget.confidence, explained)
        law = metrics.DropLaw(found, presence.arithmetic, float16_outputs.sampled, part.called)
        if target.name == "reference":
            right = {
                f"{file}_right": right_samples.recorded(outputs, part.targets, part.task)
                for file, outputs in (("baseline", before), ("candidate", now))
            }
            figures[f"{model_lines.METRIC}{part.called}"] = vars(found) | law.judged(model.budget).proof | right

        judge(
            law=law,
            look_at="tests/test_weights.py; with few samples, a larger data set",
            blame=partial(blame.wrong, now, part.targets, part.task, float16_outputs.samples(), before),
        )


def test_no_class_drops(model, target, presence, graded_classes, float32_outputs, float16_outputs, judge):
    """On each target, float16 weights cost no single class more accuracy than the budget says."""
    for part in graded_classes:
        now, before = (outputs.array(part.output) for outputs in (float16_outputs, float32_outputs))
        classes = metrics.class_counts(now, before, part.targets, part.task)

        judge(
            law=metrics.ClassDropLaw(metrics.name(part.task), classes, presence.arithmetic, part.called),
            look_at="the weights of that class in the last layer",
            blame=partial(blame.wrong, now, part.targets, part.task, float16_outputs.samples(), before),
        )


def test_top_1_agrees_with_the_truth(model, precision, target, presence, class_outputs, outputs, truth, judge):
    """Each file, on each target, predicts what the float32 file predicts on reference kernels."""
    for output, task in class_outputs.items():
        now, true = class_scores(outputs.array(output), task), class_scores(truth.array(output), task)
        found = agreement(now, true, outputs.samples())

        judge(
            f"share of predictions that changed{outputs.called(output)}",
            len(found.flips) / found.samples,
            law=ChangedShareLaw(found.samples, presence.arithmetic),
            evidence=found,
            look_at="on reference kernels too: the weights; on this target alone: its kernels or its arithmetic",
        )
