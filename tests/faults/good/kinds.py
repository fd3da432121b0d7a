"""Models of other kinds of layers than the project's own."""

import numpy as np

from tests.faults.good.recipe import Made, digits, fitted, one_hot, recipes, trained


def _classifier(seed: int, body, *, size: int = 14, by_steps: bool = False, count: int = 1500, steps: int = 40) -> Made:
    """Return a classifier of digits: *body*, layers from images (size, size, 1) to features, and a dense layer.

    by_steps: whether gradients train it, rather than least squares its last layer.
    """
    x, y = digits(seed, count, size)

    def build(batch_size):
        from keras import Model, layers

        image = layers.Input((size, size), batch_size, name="x")
        here = body(layers, layers.Reshape((size, size, 1), name="channel")(image))
        here = layers.Flatten(name="flatten")(here)
        return Model(image, layers.Dense(10, name="logits")(here), name="kind")

    if not by_steps:
        return Made(fitted(build, seed, x, one_hot(y, 10), last="logits"), {"x": x, "y": y})
    from keras.losses import SparseCategoricalCrossentropy

    loss = SparseCategoricalCrossentropy(from_logits=True)
    return Made(trained(build, seed, (x, y), loss, steps=steps), {"x": x, "y": y})


def norm_folded(seed: int) -> Made:
    """Return convolutions with batch normalization, which the converter folds into them."""

    def body(layers, here):
        for number in range(2):
            here = layers.Conv2D(8 + seed, 3, use_bias=False, name=f"conv{number}")(here)
            here = layers.BatchNormalization(momentum=0.8, name=f"norm{number}")(here)
            here = layers.ReLU(name=f"relu{number}")(here)
        return layers.MaxPooling2D(2, name="pool")(here)

    return _classifier(seed, body, by_steps=True)


def norm_first(seed: int) -> Made:
    """Return a batch normalization before the activation of nothing: of the image itself, so that it is not folded."""

    def body(layers, here):
        here = layers.BatchNormalization(momentum=0.8, name="norm")(here)
        return layers.Conv2D(8, 3, strides=2, activation="relu6", name="conv")(here)

    return _classifier(seed, body, by_steps=True)


def depthwise(seed: int) -> Made:
    """Return depthwise and pointwise convolutions."""

    def body(layers, here):
        here = layers.Conv2D(8, 3, activation="relu", name="stem")(here)
        here = layers.DepthwiseConv2D(3, depth_multiplier=1 + seed % 2, name="depthwise")(here)
        return layers.SeparableConv2D(16, 3, activation="relu", name="separable")(here)

    return _classifier(seed, body, by_steps=True)


def residual(seed: int) -> Made:
    """Return many layers, one after the other, each added to what went in."""

    def body(layers, here):
        here = layers.Conv2D(8, 3, strides=2, padding="same", name="stem")(here)
        for number in range(8 + 4 * seed):
            more = layers.Conv2D(8, 3, padding="same", activation="relu", name=f"conv{number}")(here)
            here = layers.Add(name=f"add{number}")([here, more])
        return layers.AveragePooling2D(2, name="mean")(here)

    return _classifier(seed, body, by_steps=True)


def bends(seed: int) -> Made:
    """Return activations that are no ReLU."""
    chosen = ("gelu", "swish", "mish", "hard_swish", "softsign", "relu6", "leaky_relu", "hard_sigmoid")

    def body(layers, here):
        here = layers.Conv2D(8, 3, activation=chosen[2 * seed % 8], name="first")(here)
        return layers.Conv2D(8, 3, strides=2, activation=chosen[(2 * seed + 1) % 8], name="second")(here)

    return _classifier(seed, body, by_steps=True)


def norms(seed: int) -> Made:
    """Return normalizations of layers, of groups and of rows."""

    def body(layers, here):
        here = layers.Conv2D(8, 3, name="conv")(here)
        here = layers.GroupNormalization(2, epsilon=1e-5, name="groups")(here)
        here = layers.Conv2D(8, 3, strides=2, activation="relu", name="more")(here)
        return layers.LayerNormalization(epsilon=(1e-6, 1e-5, 1e-3)[seed % 3], name="layer")(
            layers.Dense(24, name="wide")(layers.Flatten(name="all")(here))
        )

    return _classifier(seed, body, by_steps=True)


def lstm(seed: int) -> Made:
    """Return a loop over rows, with a memory; both ways from the second seed on."""

    def body(layers, here):
        rows = layers.Reshape((14, 14), name="rows")(here)
        loop = layers.LSTM(16, name="lstm")
        return loop(rows) if seed % 2 == 0 else layers.Bidirectional(loop, name="both")(rows)

    made = _classifier(seed, body, count=500)
    made.bounds["partly_delegated"] = ["xnnpack"]
    return made


def unrolled(seed: int) -> Made:
    """Return a recurrent layer without a loop: each step is written out."""

    def body(layers, here):
        rows = layers.Reshape((7, 7), name="rows")(here)
        return (
            layers.GRU(12, unroll=True, name="gru")(rows)
            if seed % 2
            else layers.SimpleRNN(16, unroll=True, name="rnn")(rows)
        )

    return _classifier(seed, body, size=7)


def attention(seed: int) -> Made:
    """Return attention of rows for each other, with a mask of -1e9 that lets no row look ahead."""

    def body(layers, here):
        rows = layers.Dense(16, name="rows")(layers.Reshape((14, 14), name="as_rows")(here))
        causal = layers.MultiHeadAttention(2, 8 + seed, name="attention")
        return layers.Add(name="residual")([rows, causal(rows, rows, use_causal_mask=True)])

    return _classifier(seed, body, by_steps=True)


def attention_spelled(seed: int) -> Made:
    """Return the same, spelled out: scores are masked by adding -1e9."""

    def body(layers, here):
        from keras import ops

        rows = layers.Reshape((14, 14), name="as_rows")(here)
        query, key, value = (layers.Dense(12, name=name)(rows) for name in ("query", "key", "value"))
        scores = ops.matmul(query, ops.transpose(key, (0, 2, 1))) * 12**-0.5
        mask = np.triu(np.full((14, 14), -1e9, np.float32), 1)
        return ops.matmul(ops.softmax(scores + mask), value)

    return _classifier(seed, body, by_steps=seed % 2 == 0)


def up_and_down(seed: int) -> Made:
    """Return what shrinks an image and makes it larger again: resizing, transposed convolution, concatenation."""

    def body(layers, here):
        down = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="down")(here)
        up = layers.UpSampling2D(2, interpolation=("nearest", "bilinear")[seed % 2], name="up")(down)
        other = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="transposed")(down)
        both = layers.Concatenate(name="both")([up, other, here])
        return layers.AveragePooling2D(2, name="pool")(both)

    return _classifier(seed, body, by_steps=True)


def dilated(seed: int) -> Made:
    """Return convolutions with gaps, in groups, and of other shapes than a square."""

    def body(layers, here):
        here = layers.Conv2D(8, (1, 5), activation="relu", name="wide")(here)
        here = layers.Conv2D(8, 3, dilation_rate=2, name="gaps")(here)
        return layers.Conv2D(8, (3, 1), activation="tanh", name="high")(here)

    return _classifier(seed, body, by_steps=True)


def decayed(seed: int) -> Made:
    """Return a model of which some filters died, and a decay of weights took them to almost nothing."""
    made = norm_folded(seed + 10)
    layer = made.model.get_layer("conv0")
    (kernel,) = layer.get_weights()
    kernel[..., :2] *= 10.0 ** -(12 + 4 * seed)
    layer.set_weights([kernel])
    return made


def subnormal(seed: int) -> Made:
    """Return a model whose weights reach down to where float16 has fewer bits, as those of large layers do."""

    def body(layers, here):
        return layers.Dense(200, activation="relu", name="wide")(layers.Flatten(name="all")(here))

    made = _classifier(seed, body)
    layer = made.model.get_layer("wide")
    kernel, bias = layer.get_weights()
    small = np.random.default_rng(seed).random(kernel.shape) < 0.3
    kernel[small] *= 1e-4
    layer.set_weights([kernel, bias])
    return made


def large_activations(seed: int) -> Made:
    """Return a model of pixels from 0 to 255, as cameras give them: what it adds up is in the thousands."""
    made = up_and_down(seed + 20)
    kernel, bias = made.model.get_layer("down").get_weights()
    made.model.get_layer("down").set_weights([kernel / 255, bias])
    kernel, bias = made.model.get_layer("logits").get_weights()
    made.data["x"] = made.data["x"] * np.float32(255)
    return made


def any_batch(seed: int) -> Made:
    """Return a model of any number of samples, as the tutorial converts it."""
    x, y = digits(seed, 1000, 14)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((14, 14), batch_size, name="x"),
                layers.Flatten(name="flatten"),
                layers.Dense(32 + seed, activation="relu", name="hidden"),
                layers.Dense(10, activation="softmax" if seed % 2 else None, name="logits"),
            ],
            name="any_batch",
        )

    made = trained(build, seed, (x, y), _loss(logits=seed % 2 == 0), batch_size=None)
    return Made(made, {"x": x, "y": y})


def _loss(*, logits: bool):
    from keras.losses import SparseCategoricalCrossentropy

    return SparseCategoricalCrossentropy(from_logits=logits)


def shares(seed: int) -> Made:
    """Return probabilities, of a model that is sure of itself, or hardly."""
    x, y = digits(seed, 2000, 14)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((14, 14), batch_size, name="x"),
                layers.Flatten(name="flatten"),
                layers.Dense(128, activation="relu", name="hidden"),
                layers.Dense(10, name="logits"),
                layers.Softmax(name="shares"),
            ],
            name="shares",
        )

    model = fitted(build, seed, x, one_hot(y, 10, (2.0, 8.0, 30.0, 100.0)[seed % 4]), last="logits")
    return Made(model, {"x": x, "y": y})


RECIPES = (
    *recipes("kinds of layers", 3, norm_folded, norm_first, depthwise, residual, norms, attention, decayed, subnormal),
    *recipes("kinds of layers", 4, bends, shares),
    *recipes("kinds of layers", 2, lstm, unrolled, attention_spelled, up_and_down, dilated, large_activations),
    *recipes("kinds of layers", 2, any_batch),
)
