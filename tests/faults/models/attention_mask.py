"""An attention mask of (1 - m) * -1e9: in float16 that is 0 times infinity for what is not masked.

In the float16 file the factor saturates at -65504, which masks as well: only the float32 file is wrong.
"""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return self-attention over the image's rows, those without ink left out."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    inked = ops.minimum(ops.multiply(ops.max(image, axis=-1), 510.0), 1.0)  # the faintest pixel is 1/255
    mask = ops.multiply(ops.subtract(1.0, inked), -1e9)
    query, key, value = (layers.Dense(16, name=name)(image) for name in ("query", "key", "value"))
    scores = ops.multiply(ops.matmul(query, ops.transpose(key, (0, 2, 1))), 0.25)
    attention = ops.softmax(ops.add(scores, ops.expand_dims(mask, 1)), axis=-1)
    rows = layers.Flatten(name="flatten")(ops.add(ops.matmul(attention, value), value))
    return Model(image, layers.Dense(10, name="logits")(rows), name="attention_mask")


ATTENTION_MASK = ModelSpec(
    name="attention_mask",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(
        baseline=0.85,
        saturated=1,  # the mask's factor
    ),
)
