"""The process that makes trained model files, and loads and converts them: `python -m tests.harness.modeller OUT`.

Each model is a file or folder of OUT. Beside it are left what `keras_models` makes of it: NAME-fp32.tflite,
NAME-fp16.tflite and NAME.npz, the samples and predictions (`SIGNATURE/in/NAME`, `SIGNATURE/out/NAME`); and in
loaded.json, by name, what it tells, or why the file was refused. Tests read these, and so never import TensorFlow.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow reads it when it is imported

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras import Input, Model, layers

from fixtures.harness import conversion, keras_models
from fixtures.harness.keras_models import KerasModelError

v1 = tf.compat.v1
SAMPLES = 3
TIME = 4
"""The length that a dynamic dimension other than the batch is given."""


def dense() -> Model:
    """Return two dense layers, of which the first is large enough to be quantized to int8 by mistake."""
    return keras.Sequential([Input((16,), name="values"), layers.Dense(80, name="hidden"), layers.Dense(3, name="out")])


def _two() -> tuple[list, list]:
    # Named so that neither the order of the alphabet is theirs, nor a Python argument can be called so.
    inputs = [Input((6,), name="z.left"), Input((4,), name="right")]
    one, other = (layers.Dense(3, name=f"of_{number}")(tensor) for number, tensor in enumerate(inputs))
    return inputs, [layers.Add(name="added")([one, other]), layers.Multiply(name="multiplied")([one, other])]


def two_by_name() -> Model:
    """Return a model with two inputs and a dict of outputs."""
    inputs, (total, product) = _two()
    return Model(inputs, {"total": total, "product": product}, name="two")


def two_in_order() -> Model:
    """Return a model with two inputs and a list of outputs."""
    return Model(*_two(), name="two")


def dict_of_inputs() -> Model:
    """Return a model that takes a dict."""
    inputs, outputs = _two()
    return Model({tensor.name: tensor for tensor in inputs}, outputs, name="two")


def loop() -> Model:
    """Return an LSTM, which does not convert with a batch of any size."""
    return keras.Sequential([Input((5, 3), name="steps"), layers.LSTM(4, name="lstm"), layers.Dense(2, name="out")])


def sequence() -> Model:
    """Return a model of sequences of any length, and of integers."""
    ids = Input((None,), dtype="int32", name="ids")
    return Model(ids, layers.Dense(2, name="out")(layers.Embedding(9, 4, name="table")(ids)), name="sequence")


class Scale(layers.Layer):
    """A layer that Keras has not."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return *inputs*, scaled."""
        return inputs * 2.0


def _with(layer: layers.Layer) -> Model:
    return keras.Sequential([Input((4,), name="values"), layer, layers.Dense(2, name="out")])


class Signatures(tf.Module):
    """Functions to be exported, with weights that they share."""

    def __init__(self) -> None:
        """Make the weights."""
        super().__init__()
        self.left = tf.Variable(tf.random.stateless_normal((6, 3), (1, 2)))
        self.right = tf.Variable(tf.random.stateless_normal((4, 3), (3, 4)))
        self.count = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec((None, 6), name="zeta"), tf.TensorSpec((None, 4), name="alpha")])
    def both(self, zeta: tf.Tensor, alpha: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the sum and the difference."""
        return {"sum": zeta @ self.left + alpha @ self.right, "difference": zeta @ self.left - alpha @ self.right}

    @tf.function(input_signature=[tf.TensorSpec((None, 6), name="values")])
    def one(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return an output of one sample, and one of all samples."""
        return {"each": tf.nn.relu(values @ self.left), "all": tf.reduce_sum(values)}

    @tf.function(input_signature=[tf.TensorSpec((6,), name="values"), tf.TensorSpec((), name="scale")])
    def unbatched(self, values: tf.Tensor, scale: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what has no batch: a vector times a scalar."""
        return {"scaled": values * scale * self.left[:, 0]}

    @tf.function(input_signature=[tf.TensorSpec((None, 6), name="values")])
    def counting(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what depends on how often it was computed."""
        self.count.assign_add(1.0)
        return {"counted": values @ self.left + self.count}

    @tf.function(input_signature=[tf.TensorSpec(None, name="values")])
    def shapeless(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what says nothing of its shape."""
        return {"doubled": values * 2.0}

    @tf.function(input_signature=[tf.TensorSpec((None, 6), name="values")])
    def python(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what Python computes."""
        return {"more": tf.py_function(lambda value: value + 1.0, [values], tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec((None, 6), name="values")])
    def inverse(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return what TensorFlow Lite has no operator for."""
        return {"inverse": tf.math.erfinv(values)}

    @tf.function(input_signature=[tf.TensorSpec((None, 6), name="values")])
    def writing(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Write a file."""
        tf.io.write_file("written_by_a_model", "it ran")
        return {"doubled": values * 2.0}


def exported(*names: str, default: str = "") -> Callable[[Path], None]:
    """Return what exports those functions of `Signatures` under their names, one of them as the default."""

    def export(path: Path) -> None:
        source, held = Signatures(), tf.Module()
        held.weights = [source.left, source.right, source.count]  # not its other functions, which would be saved too
        functions = {
            keras_models.DEFAULT if name == default else name: getattr(source, name).get_concrete_function()
            for name in names
        }
        tf.saved_model.save(held, str(path), signatures=functions)

    return export


def with_optimizer(path: Path) -> None:
    """Export a model with its optimizer, as Keras 2 does: TensorFlow does not load it without Keras 2."""
    module = tf.Module()
    source = Signatures()
    module.weights, module.optimizer = [source.left, source.right], v1.train.MomentumOptimizer(0.1, 0.9)
    module.optimizer.apply_gradients([(tf.ones_like(weight), weight) for weight in module.weights])
    tf.saved_model.save(module, str(path), signatures=source.both.get_concrete_function())


def of_tf1(*, resource: bool, counting: bool = False) -> Callable[[Path], None]:
    """Return what exports a graph of TensorFlow 1, with variables of its old kind or *resource* ones."""

    def export(path: Path) -> None:
        with tf.Graph().as_default(), v1.Session() as session:
            v1.set_random_seed(0)
            pixels = v1.placeholder(tf.float32, (None, 6), "x")
            weights = [
                v1.get_variable(name, shape, use_resource=resource) for name, shape in (("a", (6, 80)), ("b", (80, 3)))
            ]
            logits = tf.nn.relu(pixels @ weights[0]) @ weights[1]
            if counting:
                count = v1.get_variable("count", (), initializer=v1.zeros_initializer(), use_resource=True)
                with tf.control_dependencies([count.assign_add(1.0)]):
                    logits += count.read_value()
            session.run(v1.global_variables_initializer())
            outputs = {"logits": logits, "shares": tf.nn.softmax(logits)}
            v1.saved_model.simple_save(session, str(path), {"pixels": pixels}, outputs)

    return export


def of_keras_2(path: Path, *, nameless: bool = False) -> None:
    """Save a model in the form of early Keras 2, or of Keras 1, which left Sequential models without a name."""
    keras.Sequential([Input((4,), name="values"), layers.Dense(3, name="out")]).save(path)
    glorot, zeros = ({"class_name": name, "config": {}} for name in ("GlorotUniform", "Zeros"))
    dense_layer = {
        "name": "out", "trainable": True, "batch_input_shape": [None, 4], "dtype": "float32", "units": 3,
        "activation": "linear", "use_bias": True, "kernel_initializer": glorot, "bias_initializer": zeros,
        "kernel_regularizer": None, "bias_regularizer": None, "activity_regularizer": None,
        "kernel_constraint": None, "bias_constraint": None,
    }  # fmt: skip
    described = [{"class_name": "Dense", "config": dense_layer}]
    config = {"class_name": "Sequential", "config": described if nameless else {"name": "old", "layers": described}}
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.3.1"


def writing(path: Path) -> None:
    """Save a model with a lambda that writes a file, `PATH.ran`, when it is called."""
    target = f"{path}.ran"

    # Keras stores the bytecode of a lambda, but of a function with a name no more than that.
    layer = layers.Lambda(lambda inputs: (open(target, "w").close(), inputs)[1], name="writes")  # noqa: PTH123
    _with(layer).save(path)
    Path(target).unlink()  # it ran while the model was made


def saved(build: Callable[[], Model]) -> Callable[[Path], None]:
    """Return what saves the model that *build* makes."""
    return lambda path: build().save(path)


def reexported(build: Callable[[], Model]) -> Callable[[Path], None]:
    """Return what exports the model that *build* makes as Keras exports a SavedModel."""
    return lambda path: build().export(path, verbose=False)


def custom(path: Path) -> None:
    """Save a model with a layer that Keras has not."""
    _with(Scale(name="scale")).save(path)


def registered(path: Path) -> None:
    """Save a model with such a layer that was made known to Keras, in this very process."""
    made_known = keras.saving.register_keras_serializable("Mine")(type("Known", (Scale,), {}))
    _with(made_known(name="scale")).save(path)


def other_loss(path: Path) -> None:
    """Save a model that was trained with a loss of somebody's own, which no prediction needs."""
    model = dense()

    def own_loss(truth: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        return keras.ops.mean(keras.ops.abs(truth - found))

    model.compile(loss=own_loss)
    model.fit(np.zeros((2, 16), np.float32), np.zeros((2, 3), np.float32), verbose=0)
    model.save(path)


def with_lambda_operator(path: Path) -> None:
    """Save a model with a layer that Keras 2 made of a TensorFlow function, and Keras 3 does not know."""
    of_keras_2(path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"].replace('"Dense"', '"TFOpLambda"')


GOOD: dict[str, Callable[[Path], None]] = {
    "dense.keras": saved(dense),
    "dense.h5": saved(dense),
    "dense.hdf5": saved(dense),
    "two_by_name.keras": saved(two_by_name),
    "two_in_order.keras": saved(two_in_order),
    "dict_of_inputs.keras": saved(dict_of_inputs),
    "loop.keras": saved(loop),
    "sequence.keras": saved(sequence),
    "other_loss.keras": other_loss,
    "of_keras_1.h5": lambda path: of_keras_2(path, nameless=True),
    "of_keras_2.h5": of_keras_2,
    "exported": reexported(two_by_name),
    "exported_sequence": reexported(sequence),
    "both": exported("both", default="both"),
    "several": exported("both", "one", default="both"),
    "lone": exported("one"),
    "unbatched": exported("unbatched"),
    "counting": exported("counting"),
    "with_optimizer": with_optimizer,
    "tf1": of_tf1(resource=False),
    "tf1_resource": of_tf1(resource=True),
    "tf1_counting": of_tf1(resource=True, counting=True),
}

BAD: dict[str, Callable[[Path], None]] = {
    "lambda.keras": writing,
    "lambda.h5": writing,
    "custom.keras": custom,
    "custom.h5": custom,
    "registered.keras": registered,
    "registered.h5": registered,
    "operator.h5": with_lambda_operator,
    "weights.h5": lambda path: dense().save_weights(path.with_suffix(".weights.h5")) or _renamed(path),
    "exported_loop": reexported(loop),
    "nameless": exported("both", "one"),
    "shapeless": exported("shapeless"),
    "python": exported("python"),
    "inverse": exported("inverse"),
    "writing": exported("writing"),
}


def _renamed(path: Path) -> None:
    path.with_suffix(".weights.h5").rename(path)


def told(loaded: keras_models.Loaded, beside: Path) -> dict:
    """Write what *loaded* makes *beside* it, and return what it tells."""
    arrays = {}
    for key, signature in loaded.signatures.items():
        numbers = np.random.default_rng(0)
        feed = {}
        for name, port in sorted(signature.inputs.items()):
            # The first dimension of an input that has none of its own is that of the batch.
            one = port.shape[1:] if port.shape[:1] in {(1,), (None,)} else port.shape
            shape = (SAMPLES, *(size or TIME for size in one))
            whole = np.issubdtype(port.dtype, np.integer)
            feed[name] = (numbers.integers(0, 9, shape) if whole else numbers.normal(size=shape)).astype(port.dtype)
        arrays |= {f"{key}/in/{name}": array for name, array in feed.items()}
        arrays |= {f"{key}/out/{name}": array for name, array in loaded.predict(feed, key).items()}
    np.savez(f"{beside}.npz", **arrays)
    for form, made in (("fp32", loaded.to_float32()), ("fp16", loaded.to_float16())):
        Path(f"{beside}-{form}.tflite").write_bytes(made)
    signatures = {
        key: {
            kind: {name: [port.dtype, port.shape] for name, port in sorted(ports.items())}
            for kind, ports in (("inputs", signature.inputs), ("outputs", signature.outputs))
        }
        for key, signature in loaded.signatures.items()
    }
    return {"signatures": signatures, "note": loaded.note, "digest": loaded.weights_digest()}


def main(out: Path) -> None:
    """Make every model, load it and write what was found."""
    os.chdir(out)
    found = {}
    for name, make in {**GOOD, **BAD}.items():
        keras.utils.set_random_seed(0)
        make(out / name)
        try:
            loaded = keras_models.load(out / name)
        except KerasModelError as error:
            found[name] = {"refused": str(error)}
        else:
            found[name] = told(loaded, out / name)
    for name in ("dense", "two_by_name", "two_in_order"):
        model = keras.models.load_model(out / f"{name}.keras")
        (out / f"{name}-plain.tflite").write_bytes(conversion.to_float32(model))
    for name in ("both", "several", "exported", "tf1"):
        converter = tf.lite.TFLiteConverter.from_saved_model(str(out / name))
        (out / f"{name}-plain.tflite").write_bytes(converter.convert())
    (out / "loaded.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
