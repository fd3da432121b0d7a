"""Models and data of a kind that few people have, each of them right."""

import numpy as np

from tests.faults.good.recipe import Made, digits, fitted, one_hot, recipes, trained


def _dense(
    seed: int, x: np.ndarray, y: np.ndarray, after, *, units: int, hidden: int = 48, name: str = "unusual"
) -> Made:
    """Return a dense layer of random features and one fitted to *y*, and what *after* makes of its outputs."""

    def build(batch_size):
        from keras import Model, layers, ops

        given = layers.Input(x.shape[1:], batch_size, name="x")
        here = layers.Flatten(name="flatten")(given)
        here = layers.Dense(hidden, activation="relu", name="hidden")(here)
        return Model(given, after(ops, layers.Dense(units, name="last")(here), here), name=name)

    return Made(fitted(build, seed, x, y, last="last"), {"x": x})


def chosen_class(seed: int) -> Made:
    """Return the class itself, a whole number, beside its score and all logits."""
    x, labels = digits(seed, 2000, 14)

    def after(ops, last, _):
        values, best = ops.top_k(last, 3)
        return {"class": best[:, 0], "score": values[:, 0], "logits": last}

    return _dense(seed, x, one_hot(labels, 10), after, units=10)


def masked_shares(seed: int) -> Made:
    """Return probabilities of actions, of which a mask of -1e9 forbids some."""
    x, labels = digits(seed, 2000, 14)
    y = labels % 7

    def after(ops, last, _):
        mask = np.zeros((1, 10), np.float32)
        mask[0, 7:] = -1e9
        return ops.softmax(last + mask)

    return _dense(seed, x, one_hot(y, 10), after, units=10)


def log_shares(seed: int) -> Made:
    """Return logarithms of probabilities, of which none is 0 for an epsilon that float16 has."""
    x, labels = digits(seed, 2000, 14)
    made = _dense(seed, x, one_hot(labels, 10, 3.0), lambda ops, last, _: ops.log(ops.softmax(last) + 1e-4), units=10)
    made.data["y"] = labels
    return made


def log_softmax(seed: int) -> Made:
    """Return the logarithms of probabilities, as they are trained with."""
    x, labels = digits(seed, 2000, 14)
    made = _dense(seed, x, one_hot(labels, 10, 4.0), lambda ops, last, _: ops.log_softmax(last), units=10)
    made.data["y"] = labels
    return made


def features_among_outputs(seed: int) -> Made:
    """Return scores, and beside them what they are made of, and the largest of both, a scalar a sample."""
    x, labels = digits(seed, 1000, 7)

    def after(ops, last, here):
        return {"scores": last, "features": here, "most": ops.max(ops.concatenate([last, here], axis=-1), axis=-1)}

    return _dense(seed, x, one_hot(labels, 10), after, units=10)


def squeezed(seed: int) -> Made:
    """Return a number a sample, without an axis of its own."""
    x, _ = digits(seed, 2000, 14)
    y = x.mean((1, 2)).astype(np.float32)
    made = _dense(seed, x, y[:, None], lambda ops, last, _: ops.squeeze(last, -1), units=1)
    made.data["y"] = y
    made.bounds["task"] = {"kind": "regression"}
    return made


def many_classes_50(seed: int) -> Made:
    """Return 400 classes, and 50 samples to judge them by."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 400, 3000)
    x = (random.normal(size=(400, 16))[y] + 0.3 * random.normal(size=(3000, 16))).astype(np.float32)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((16,), batch_size, name="x"),
                layers.Dense(64, activation="relu", name="hidden"),
                layers.Dense(400, activation="softmax", name="shares"),
            ],
            name="many_classes_50",
        )

    model = trained(build, seed, (x, y), "sparse_categorical_crossentropy", steps=300)
    return Made(model, {"x": x[:50], "y": y[:50]})


def rare_event(seed: int) -> Made:
    """Return two scores, of which one is hardly ever the larger; 50 samples have one such event."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(4000, 8)).astype(np.float32)
    y = (x @ random.normal(size=8) + 2 * random.normal(size=4000) > 6).astype(np.int64)
    made = _dense(seed, x, one_hot(y, 2), lambda _, last, __: last, units=2)
    rows = np.r_[np.flatnonzero(y == 0)[:49], np.flatnonzero(y == 1)[:1]]
    made.data = {"x": x[rows], "y": y[rows]}
    return made


def few_events(seed: int) -> Made:
    """Return labels of which hardly any holds in the few samples that there are."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(2000, 8)).astype(np.float32)
    y = (x @ random.normal(size=(8, 3)) > 4).astype(np.int64)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((8,), batch_size, name="x"),
                layers.Dense(16, activation="relu", name="hidden"),
                layers.Dense(3, activation="sigmoid", name="labels"),
            ],
            name="few_events",
        )

    few = np.r_[np.flatnonzero(y.sum(1) == 0)[:40], np.flatnonzero(y.sum(1) == 1)[:3]]
    model = trained(build, seed, (x, y), "binary_crossentropy")
    return Made(model, {"x": x[few], "y": y[few]}, {"task": {"kind": "multi_label"}})


def padded(seed: int) -> Made:
    """Return a class for each step of sequences of several lengths, whose ends are filled up and ignored."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(400, 20, 4)).astype(np.float32)
    y = (x[:, :, 0] > x[:, :, 1]).astype(np.int64)
    for row, length in enumerate(random.integers(1, 21, 400)):
        x[row, length:], y[row, length:] = 0, -1

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((20, 4), batch_size, name="x"),
                layers.Dense(32, activation="tanh", name="hidden"),
                layers.Dense(2, name="classes"),
            ],
            name="padded",
        )

    model = fitted(build, seed, x, one_hot(np.maximum(y, 0), 2), last="classes")
    return Made(model, {"x": x, "y": y}, {"task": {"kind": "sequence", "ignore": -1}})


def pruned(seed: int) -> Made:
    """Return a model of whose weights nine in ten are zero, and the others of very different sizes."""
    x, labels = digits(seed, 2000, 14)
    made = _dense(seed, x, one_hot(labels, 10), lambda _, last, __: last, units=10, hidden=128)
    layer = made.model.get_layer("hidden")
    kernel, bias = layer.get_weights()
    random = np.random.default_rng(seed)
    kernel *= np.where(random.random(kernel.shape) < 0.9, 0, np.exp(random.normal(size=kernel.shape)))
    layer.set_weights([kernel.astype(np.float32), bias])
    made.data["y"] = labels
    return made


def tied(seed: int) -> Made:
    """Return a language model that looks its words up in the table that it scores them with."""
    words, size = 60 + 10 * seed, 16
    random = np.random.default_rng(seed)
    x = random.integers(0, words, (600, 8)).astype(np.int32)

    def build(batch_size):
        from keras import Model, layers, ops

        table = layers.Embedding(words, size, "normal", name="table")
        given = layers.Input((8,), batch_size, dtype="int32", name="words")
        here = layers.Dense(size, activation="tanh", name="mixed")(table(given))
        return Model(given, ops.matmul(here, ops.transpose(table.embeddings)), name="tied")

    import keras

    keras.utils.set_random_seed(seed)
    return Made(build(1), {"x": x})


def long_loop(seed: int) -> Made:
    """Return a recurrence of 100 steps."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(200, 100, 2)).astype(np.float32)
    y = (x[:, :, 0].mean(1) > 0).astype(np.int64)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((100, 2), batch_size, name="x"),
                layers.GRU(12, name="loop"),
                layers.Dense(2, name="logits"),
            ],
            name="long_loop",
        )

    made = Made(fitted(build, seed, x, one_hot(y, 2), last="logits"), {"x": x, "y": y})
    made.bounds["partly_delegated"] = ["xnnpack"]
    return made


def volumes(seed: int) -> Made:
    """Return a convolution of three dimensions, which XNNPACK does not take."""
    x, labels = digits(seed, 500, 14)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((14, 14), batch_size, name="x"),
                layers.Reshape((7, 4, 7, 1), name="volume"),
                layers.Conv3D(8, 3, activation="relu", name="conv"),
                layers.Flatten(name="flatten"),
                layers.Dense(10, activation="softmax", name="shares"),
            ],
            name="volumes",
        )

    loss = "sparse_categorical_crossentropy"
    return Made(trained(build, seed, (x, labels), loss), {"x": x, "y": labels})


def layer_scale(seed: int) -> Made:
    """Return residual blocks that each begin with a scale of 1e-6, as ConvNeXt's do, and have learned little."""
    x, labels = digits(seed, 1500, 14)

    def build(batch_size):
        from keras import Model, layers

        image = layers.Input((14, 14), batch_size, name="x")
        here = layers.Dense(32, name="stem")(layers.Flatten(name="flatten")(image))
        for number in range(3):
            more = layers.LayerNormalization(epsilon=1e-6, name=f"norm{number}")(here)
            more = layers.Dense(64, activation="gelu", name=f"wide{number}")(more)
            more = layers.Dense(32, name=f"narrow{number}")(more)
            scale = layers.EinsumDense("bc,c->bc", (32,), kernel_initializer="ones", name=f"scale{number}")
            here = layers.Add(name=f"add{number}")([here, scale(more)])
        return Model(image, layers.Dense(10, name="logits")(here), name="layer_scale")

    made = Made(fitted(build, seed, x, one_hot(labels, 10), last="logits"), {"x": x, "y": labels})
    for number in range(3):
        random = np.random.default_rng(seed + number)
        scale = 1e-6 * (1 + random.normal(size=32)) + 1e-4 * (random.random(32) < 0.2)
        made.model.get_layer(f"scale{number}").set_weights([scale.astype(np.float32)])
    return made


def unlike_features(seed: int) -> Made:
    """Return a decision by features of very different sizes, as tables have them, which a layer brings to one size."""
    random = np.random.default_rng(seed)
    sizes = np.array([1, 10, 0.01, 300, 5, 0.2], np.float32)
    x = (random.normal(size=(2000, 6)) * sizes + sizes).astype(np.float32)
    y = (((x / sizes) @ random.normal(size=6)) > 0).astype(np.int64)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((6,), batch_size, name="x"),
                layers.Normalization(mean=sizes, variance=sizes**2, name="norm"),
                layers.Dense(32, activation="relu", name="hidden"),
                layers.Dense(1, name="logit"),
            ],
            name="unlike_features",
        )

    model = fitted(build, seed, x, 2.0 * y[:, None] - 1, last="logit")
    return Made(model, {"x": x, "y": y}, {"task": {"kind": "binary", "threshold": 0.0}})


RECIPES = recipes(
    "unusual models",
    2,
    chosen_class,
    masked_shares,
    log_shares,
    log_softmax,
    features_among_outputs,
    squeezed,
    many_classes_50,
    rare_event,
    few_events,
    padded,
    pruned,
    tied,
    long_loop,
    volumes,
    layer_scale,
    unlike_features,
)
