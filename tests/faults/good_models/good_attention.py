"""Self-attention with two heads, the image's rows being the tokens."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a residual block of attention over 28 rows, and a dense layer."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    rows = layers.Dense(16, name="rows")(image)
    heads = []
    for head in ("first", "second"):
        query, key, value = (layers.Dense(8, name=f"{head}_{part}")(rows) for part in ("query", "key", "value"))
        scores = ops.multiply(ops.matmul(query, ops.transpose(key, (0, 2, 1))), 8**-0.5)
        heads.append(ops.matmul(ops.softmax(scores, axis=-1), value))
    attended = layers.Add(name="residual")([rows, layers.Concatenate(name="heads")(heads)])
    logits = layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(attended))
    return Model(image, logits, name="good_attention")


GOOD_ATTENTION = ModelSpec(
    name="good_attention",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
)
