"""A model for tests of the gate's own machinery: one dense layer, one epoch of large batches."""

from models.spec import Budget, ModelSpec, Recipe


def build(batch_size):
    """Return the model: images (28, 28) in 0..1 to 10 logits."""
    from keras import Sequential, layers

    return Sequential(
        [
            layers.Input((28, 28), batch_size=batch_size, name="image"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, name="logits"),
        ],
        name="quick",
    )


QUICK = ModelSpec(
    name="quick",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.8),
    example=0,
)
