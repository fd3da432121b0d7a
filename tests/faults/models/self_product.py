"""The products of an image's rows with each other: BATCH_MATMUL of a tensor with itself.

The GPU accelerator ends the process while it compiles that: "Check failed: !IsInput(consumer, value)".
"""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on the Gram matrix of linear features of the rows."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    rows = layers.Dense(16, name="rows")(image)
    products = ops.matmul(rows, ops.transpose(rows, (0, 2, 1)))
    logits = layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(products))
    return Model(image, logits, name="self_product")


SELF_PRODUCT = ModelSpec(
    name="self_product",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.8),
)
