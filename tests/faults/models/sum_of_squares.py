"""An L2 normalisation of pixels in 0..1000: their squares add up to some 1e8, beyond float16's 65504."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on images that are brought to length 10, from pixels in 0..1000."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    pixels = layers.Rescaling(1000, name="pixels")(layers.Flatten(name="flatten")(image))
    squares = ops.sum(ops.square(pixels), axis=-1, keepdims=True)
    direction = ops.multiply(pixels, ops.rsqrt(ops.add(squares, 1e-3)))
    logits = layers.Dense(10, name="logits")(layers.Rescaling(10, name="length")(direction))
    return Model(image, logits, name="sum_of_squares")


SUM_OF_SQUARES = ModelSpec(
    name="sum_of_squares",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
)
