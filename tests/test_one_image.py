"""The tutorial's check by eye: one sample, its picture, its class and the prediction."""

from fixtures.harness.comparison import class_scores, classes


def test_one_image_is_recognized(model, precision, target, example, graded_classes, outputs, judge, show):
    """Each file, on each target, gives the model's example its true class."""
    row = outputs.samples().tolist().index(example)
    for part in graded_classes:
        true = int(part.targets.ravel()[row])
        predicted = int(classes(class_scores(outputs.array(part.output)[[row]], part.task))[0])
        show(example, f"True{part.called}: {true}, predicted: {predicted}")

        judge(
            f"predicted class of the example{part.called}",
            predicted,
            at_least=true,
            at_most=true,
            evidence=f"sample {example}: true {true}, predicted {predicted}",
            look_at="the picture in the HTML report; if Keras errs too, another example in the model's declaration",
        )
