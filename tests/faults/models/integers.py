"""Numbers of tokens, from 2048 on, in a float tensor: float16 has only the even ones."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on how far each pixel's token is from that of the pixel in the upper left corner."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    shades = ops.floor(layers.Rescaling(3, offset=0.5, name="shades")(layers.Flatten(name="flatten")(image)))
    tokens = ops.add(shades, 2048.0)
    relative = ops.subtract(tokens, tokens[:, :1])
    return Model(image, layers.Dense(10, name="logits")(relative), name="integers")


INTEGERS = ModelSpec(
    name="integers",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
)
