"""What is refused of a model file before TensorFlow is started: each with the file and the cure in one sentence."""

import json
import subprocess
import sys
import zipfile

import pytest

from fixtures.harness.model_files import KerasModelError, verify
from fixtures.harness.versions import ROOT

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "out", "units": 3}}


def _archive(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_json", ".json").replace("_h5", ".weights.h5"), content)
    return path


def _model(path, *layers, **more):
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "model", "layers": layers}, **more}
    return _archive(path, config_json=json.dumps(config), model_h5="")


def _cut(path):
    content = _model(path, DENSE).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _damaged(path):
    content = bytearray(_model(path, DENSE).read_bytes())
    content[content.index(b"keras.layers")] ^= 1
    path.write_bytes(content)


def _folder(path, *files):
    path.mkdir()
    for file in files:
        (path / file).parent.mkdir(exist_ok=True)
        (path / file).write_bytes(b"")


UNFIT = {
    "empty.keras": (lambda path: path.touch(), "is no .keras archive, or a damaged one"),
    "text.keras": (lambda path: path.write_text("no model"), "is no .keras archive, or a damaged one"),
    "cut.keras": (_cut, "is no .keras archive, or a damaged one"),
    "damaged.keras": (_damaged, "is no .keras archive, or a damaged one"),
    "other.keras": (lambda path: _archive(path, model_h5=""), "holds no config.json, so it is no Keras model"),
    "weightless.keras": (lambda path: _archive(path, config_json="{}"), "holds no weights (model.weights.h5)"),
    "garbled.keras": (lambda path: _archive(path, config_json="{", model_h5=""), "its config.json is no JSON"),
    "list.keras": (lambda path: _archive(path, config_json="[]", model_h5=""), "does not describe a model"),
    "empty.h5": (lambda path: path.touch(), "is no HDF5 file: it begins with b''"),
    "text.h5": (lambda path: path.write_text("no model"), "is no HDF5 file: it begins with b'no model'"),
    "text.hdf5": (lambda path: path.write_text("no model"), "is no HDF5 file"),
    "model.tflite": (lambda path: path.touch(), "was expected; a .tflite file goes to --fp32 and --fp16"),
    "model.onnx": (lambda path: path.touch(), "a .keras or .h5 file or a SavedModel folder was expected"),
    "no_model": (_folder, "is no SavedModel: it holds no saved_model.pb or saved_model.pbtxt"),
    "served": (lambda path: _folder(path, "1/saved_model.pb"), "served/1?"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_file_is_refused(name, tmp_path):
    """What is no model is refused, with its path and what was expected."""
    make, says = UNFIT[name]
    make(tmp_path / name)

    with pytest.raises(KerasModelError) as refused:
        verify(tmp_path / name)

    assert str(tmp_path / name) in str(refused.value)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["absent.keras", "absent.h5", "absent"])
def test_absent_model_is_refused(name, tmp_path):
    """A path that leads nowhere is refused."""
    with pytest.raises(KerasModelError, match=f"{name} is not there"):
        verify(tmp_path / name)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"module": "keras.layers", "class_name": "Lambda", "config": {"name": "adds"}}, "the Lambda layer 'adds'"),
        ({**DENSE, "config": {"activation": {"class_name": "__lambda__", "config": {}}}}, "a lambda"),
        ({"module": "mine.layers", "class_name": "Scale", "config": {"name": "twice"}}, "mine.layers.Scale of layer"),
        ({"module": None, "class_name": "Scale", "config": {}, "registered_name": "Scale"}, "the class Scale"),
        ({**DENSE, "class_name": "Own>Scale"}, "the class Own>Scale of layer 'out'"),
        ({**DENSE, "registered_name": "Own>Dense"}, "the class Own>Dense of layer 'out'"),
        ({**DENSE, "config": {"layer": {"module": "os", "class_name": "system", "config": "ls"}}}, "os.system"),
    ],
)
def test_code_is_refused_wherever_it_is(part, says, tmp_path):
    """A lambda, and a class that is not Keras' own, are found at any depth, and named with their layer."""
    file = _model(tmp_path / "model.keras", DENSE, {"class_name": "TimeDistributed", "config": {"layer": part}})

    with pytest.raises(KerasModelError, match="no code from a model file is run") as refused:
        verify(file)

    assert says in str(refused.value)
    assert "--fp32 and --fp16" in str(refused.value)


def test_what_only_training_needs_is_not_refused(tmp_path):
    """A loss or metric of one's own plays no part in a prediction."""
    own = {"loss": {"module": "mine", "class_name": "function", "config": "own", "registered_name": "function"}}

    verify(_model(tmp_path / "model.keras", DENSE, compile_config=own))


def test_verifying_imports_no_tensorflow(tmp_path):
    """The process that starts the run verifies a model without TensorFlow, Keras, h5py or NumPy."""
    file = _model(tmp_path / "model.keras", DENSE)
    code = f"""
import pathlib, sys
from fixtures.harness.model_files import verify
verify(pathlib.Path({str(file)!r}))
print(*{{"tensorflow", "keras", "h5py", "numpy"}} & {{*sys.modules}})
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert not done.stdout.split()
