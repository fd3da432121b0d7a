"""A constant row that is appended to the image: CONCATENATION of a float16 constant, which the GPU has to widen.

Told to compute in float32, the accelerator writes a shader that assigns float16 to float32; it does not compile.
"""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on the differences between an image's rows, its last one compared with a ramp."""
    import numpy as np
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    ramp = ops.add(ops.zeros_like(image[:, :1]), np.linspace(0, 1, 28, dtype="float32"))
    rows = layers.Concatenate(axis=1, name="rows")([image, ramp])
    logits = layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(rows))
    return Model(image, logits, name="shader_error")


SHADER_ERROR = ModelSpec(
    name="shader_error",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
)
