"""The tutorial's check by eye: one test image, its picture, its class and the prediction."""

from fixtures.harness.comparison import classes
from fixtures.harness.datasets import dataset


def test_one_image_is_recognized(model, precision, target, labels, outputs, judge, show):
    """Each file, on each target, gives the model's example image its true class."""
    row = outputs.samples().tolist().index(model.example)
    true, predicted = labels[row], classes(outputs.array()[[row]])[0]
    show(dataset(model.recipe.dataset).images("test")[model.example], f"True: {true}, predicted: {predicted}")

    judge(
        "predicted class of the example",
        predicted,
        at_least=true,
        at_most=true,
        evidence=f"test image {model.example}: true {true}, predicted {predicted}",
        look_at="the picture in the HTML report; if Keras errs too, another example in the model's declaration",
    )
