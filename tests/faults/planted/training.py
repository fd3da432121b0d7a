"""The process that trains and converts: `python -m tests.faults.planted.training BUILD SOURCE MODEL OUT`.

BUILD is the folder of a good build, SOURCE the file that declares it, MODEL its name, OUT an empty folder. Written are
files of the model as it was earlier and as it is later, and pairs of files of the same function whose weights are
larger or smaller; `retrained` plants them.
"""

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np

from fixtures.harness import conversion, training
from fixtures.harness.artifacts import KERAS_MODEL
from fixtures.harness.datasets import samples
from fixtures.harness.specs import declared
from models.spec import ModelSpec

CHAINS = {
    "mnist_autoencoder": ("encoder1", "encoder2", ("code",)),
    "mnist_multi": ("strokes", "parts", ("digit", "parity")),
}
"""Convolutions with a RELU behind them, and what takes the second one's output: a factor passes through unchanged."""

LATER = {"later": 1.0, "little_later": 1e-4}
"""At how large a share of its rate the model is trained for one more step, by the name of the file."""

LARGEST = 65504.0
WITH_LARGEST = {"beyond": float(np.nextafter(np.float32(LARGEST), np.float32(np.inf))), "at": LARGEST}
"""The largest weight that the first layer is given, by the name of the pair's folder."""

MULTIPLIED = {"million": 1e6, "small": 2.0**-16, "tiny": 2.0**-24}
"""What the first layer is multiplied by, and the second divided by, by the name of the pair's folder."""

LOST, KEPT = "lost", "kept"
"""The folders of two more, on both sides of the factor at which float16 loses bits or values."""

ROUNDOFF = 2.0**-11


def earlier(spec: ModelSpec) -> keras.Model:
    """Return the model as it was before the last epoch of its training, or before the last half of its only one."""
    recipe = dataclasses.replace(spec.recipe, epochs=max(1, spec.recipe.epochs - 1))
    if spec.recipe.epochs == 1:
        recipe = dataclasses.replace(recipe, prepare=lambda *arrays: _prepared(spec, *(half(one) for one in arrays)))
    return training.with_weights(spec, training.train(dataclasses.replace(spec, recipe=recipe), lambda *_: None), 1)


def half(array: np.ndarray) -> np.ndarray:
    """Return the first half of *array*."""
    return array[: len(array) // 2]


def _prepared(spec: ModelSpec, images: np.ndarray, labels: np.ndarray) -> tuple[object, object]:
    return spec.recipe.prepare(images, labels) if spec.recipe.prepare else (images, labels)


def later(spec: ModelSpec, trained: keras.Model, share: float) -> keras.Model:
    """Return the model after a further step at a *share* of its rate, which moves each weight by about that rate."""
    inputs, targets = samples(spec, "train")
    count = spec.recipe.batch_size
    model = training.with_weights(spec, trained.get_weights(), None)
    names = training.output_names(model)
    by_name = {names[0] if name == "y" else name: array[:count] for name, array in targets.items()}
    losses = training.losses(spec, by_name)
    several = len(names) > 1
    model.compile(
        keras.optimizers.Adam(share * spec.recipe.learning_rate),
        loss=losses if several else losses[names[0]],
        jit_compile=False,
    )
    model.train_on_batch(inputs["x"][:count], by_name if several else by_name[names[0]])
    return training.with_weights(spec, model.get_weights(), 1)


def larger(spec: ModelSpec, trained: keras.Model, largest: float) -> keras.Model:
    """Return a model of the same function whose first layer's largest weight is *largest*.

    The factor is a power of two, but for the channel of that weight, and the two layers behind take it back together:
    in one of them, weights would become so small that float16 loses bits.
    """
    first, second, last = CHAINS[_recipe(spec)]
    model = training.with_weights(spec, trained.get_weights(), 1)
    kernel, bias = (array.astype(np.float64) for array in model.get_layer(first).get_weights())
    place = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)
    power = int(np.floor(np.log2(largest / abs(kernel[place]))))
    factors = np.full(kernel.shape[-1], 2.0**power)
    factors[place[-1]] = largest / abs(kernel[place])
    kernel *= factors
    kernel[place] = np.copysign(largest, kernel[place])
    model.get_layer(first).set_weights([kernel, bias * factors])
    kernel, bias = model.get_layer(second).get_weights()
    kernel = kernel * (2.0**power / factors)[:, None] * 2.0**-8
    model.get_layer(second).set_weights([kernel, bias * 2.0 ** (power - 8)])
    for name in last:
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel * 2.0 ** (8 - power), bias])
    return model


def multiplied(spec: ModelSpec, trained: keras.Model, factor: float) -> keras.Model:
    """Return a model of the same function: the first layer is multiplied by *factor*, which the second takes back."""
    first, second, _ = CHAINS[_recipe(spec)]
    model = training.with_weights(spec, trained.get_weights(), 1)
    model.get_layer(first).set_weights([array * factor for array in model.get_layer(first).get_weights()])
    kernel, bias = model.get_layer(second).get_weights()
    model.get_layer(second).set_weights([kernel / factor, bias])
    return model


def fading(spec: ModelSpec, trained: keras.Model) -> tuple[float, float]:
    """Return two factors, 1 % apart: at one float16 loses bits or values of the first layer, at the other it does not.

    It loses bits where the rounding errors of the kernel are more than a share of 2**-11 of it, and values where one of
    the bias becomes zero.
    """
    kernel, bias = (array.astype(np.float64) for array in trained.get_layer(CHAINS[_recipe(spec)][0]).get_weights())

    def loses(factor: float) -> bool:
        there, held = kernel * factor, (kernel * factor).astype(np.float16).astype(np.float64)
        zeroed = ((bias != 0) & ((bias * factor).astype(np.float16) == 0)).any()
        return bool(zeroed or np.linalg.norm(there - held) > ROUNDOFF * np.linalg.norm(there))

    lost, kept = 2.0**-24, 1.0
    while kept > 1.01 * lost:
        middle = np.sqrt(lost * kept)
        lost, kept = (middle, kept) if loses(middle) else (lost, middle)
    return lost, kept


def _recipe(spec: ModelSpec) -> str:
    return spec.name.partition("_seed")[0]


def main(build: Path, source: Path, name: str, out: Path) -> None:
    """Write every file."""
    (spec,) = (spec for spec in declared(source) if spec.name == name)
    trained = keras.models.load_model(build / KERAS_MODEL)
    (out / "earlier.tflite").write_bytes(conversion.to_float16(earlier(spec)))
    for called, share in LATER.items():
        (out / f"{called}.tflite").write_bytes(conversion.to_float32(later(spec, trained, share)))
    lost, kept = fading(spec, trained)
    factors = MULTIPLIED | {LOST: lost, KEPT: kept}
    pairs = {called: multiplied(spec, trained, factor) for called, factor in factors.items()}
    pairs |= {called: larger(spec, trained, largest) for called, largest in WITH_LARGEST.items()}
    for called, model in pairs.items():
        (out / called).mkdir()
        (out / called / "fp32.tflite").write_bytes(conversion.to_float32(model))
        (out / called / "fp16.tflite").write_bytes(conversion.to_float16(model))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
