"""The tutorial's model: one convolution and one dense layer on MNIST."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return the CNN of the TensorFlow tutorial: images (28, 28) in 0..1 to 10 logits."""
    from keras import Sequential, layers

    return Sequential(
        [
            layers.Input((28, 28), batch_size=batch_size, name="image"),
            layers.Reshape((28, 28, 1), name="channel"),
            layers.Conv2D(12, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, name="logits"),
        ],
        name="mnist_cnn",
    )


MNIST_CNN = ModelSpec(
    name="mnist_cnn",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0),
    budget=Budget(
        baseline=0.95,  # the tutorial reports about 96 %
    ),
    example=0,
)
