"""An address changes with everything that changes its content, and with nothing else."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fixtures.harness import artifacts, versions
from fixtures.harness.artifacts import Build, Outputs, build_address, outputs_address
from fixtures.harness.specs import find
from fixtures.harness.targets import TARGETS, Presence, external

DECLARATION = '''
"""A model."""

from models.blocks import block
from models.spec import Budget, ModelSpec, Recipe


def build(batch_size):
    """Return the model."""
    return block(3, batch_size)


MODEL = ModelSpec(
    name="model",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0),
    budget=Budget(baseline_accuracy=0.9),
)
'''
BLOCKS = """
from parts.inner import STEP


def block(size, batch_size):
    from late import BASE

    return size, batch_size
"""
LATE = """
BASE = 10


def again():
    from blocks import block
"""

HERE = Presence(None, adapter="an adapter")


@pytest.fixture
def folder(tmp_path):
    """A folder with a declaration, and modules of which one imports the next, and the last the first again."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "model.py").write_text(DECLARATION.replace("models.blocks", "blocks"))
    (folder / "blocks.py").write_text(BLOCKS)
    (folder / "late.py").write_text(LATE)
    (folder / "parts").mkdir()
    (folder / "parts" / "__init__.py").write_text("WIDTH = 4\n")
    (folder / "parts" / "inner.py").write_text("STEP = 1\n")
    return folder


@pytest.fixture
def spec(folder, monkeypatch):
    """The declared model."""
    monkeypatch.syspath_prepend(folder)
    (spec,) = find([folder])
    return spec


@pytest.fixture
def edit(spec, folder):
    """Change a file of the folder, or a field of the spec; return whether the build lives elsewhere then."""
    before = build_address(spec)

    def change(file, old, new):
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))
        return build_address(spec) != before

    return change


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("model.py", "block(3, batch_size)", "block(4, batch_size)"),
        ("model.py", 'name="model"', 'name="renamed"'),
        ("blocks.py", "return size, batch_size", "return batch_size, size"),
        ("parts/inner.py", "STEP = 1", "STEP = 2"),
        ("parts/__init__.py", "WIDTH = 4", "WIDTH = 5"),
        ("late.py", "BASE = 10", "BASE = 11"),
    ],
)
def test_build_depends_on_the_code_that_builds(edit, file, old, new):
    """Another builder, or another helper of one's own, in a package or imported late, is another build."""
    assert edit(file, old, new)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("model.py", "baseline_accuracy=0.9", "baseline_accuracy=0.8"),
        ("model.py", "baseline_accuracy=0.9", "baseline_accuracy=0.9, flipped=0.5"),
        ("model.py", "baseline_accuracy=0.9)", "baseline_accuracy=0.9), example=811"),
        ("model.py", "baseline_accuracy=0.9)", "baseline_accuracy=0.9), partly_delegated=frozenset({'xnnpack'})"),
        ("model.py", "block(3, batch_size)", "block(3, batch_size)  # three is enough"),
        ("model.py", "MODEL = ModelSpec(", "\n\n# The model.\nMODEL = ModelSpec("),
        ("blocks.py", "return size, batch_size", "return (size, batch_size)  # a pair"),
    ],
)
def test_build_does_not_depend_on_what_judges_it(edit, file, old, new):
    """Another bound, example, declared delegate, comment or layout is the same build: nobody trains again for it."""
    assert not edit(file, old, new)


def test_build_does_not_depend_on_files_beside_it(edit, folder):
    """A module that the declaration does not import is none of its business."""
    (folder / "other.py").write_text("VALUE = 1\n")

    assert not edit("model.py", "MODEL", "MODEL")


def test_build_depends_on_a_helper_elsewhere_on_the_path(edit, folder, tmp_path, monkeypatch):
    """A module of one's own that is found through the path is part of the build, wherever it lies."""
    monkeypatch.syspath_prepend(tmp_path / "lib")
    (tmp_path / "lib" / "shared").mkdir(parents=True)
    (tmp_path / "lib" / "shared" / "layers.py").write_text("def block(): return 1\n")
    assert edit("late.py", "from blocks import", "from shared.layers import")
    (spec,) = find([folder])
    before = build_address(spec)
    (tmp_path / "lib" / "shared" / "layers.py").write_text("def block(): return 2\n")

    assert build_address(spec) != before


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"epochs": 2}, {"batch_size": 64}, {"learning_rate": 0.01}],
    ids=lambda change: next(iter(change)),
)
def test_build_depends_on_the_recipe(spec, change):
    """Each part of the recipe moves weights, and so is another build."""
    other = dataclasses.replace(spec, recipe=dataclasses.replace(spec.recipe, **change))

    assert build_address(other) != build_address(spec)


def test_build_depends_on_the_data(spec, monkeypatch):
    """The same name with other data is another build."""
    before = build_address(spec)
    other = dataclasses.replace(artifacts.dataset("mnist"), sha256="06af")
    monkeypatch.setattr(artifacts, "dataset", lambda _: other)

    assert build_address(spec) != before


@pytest.mark.parametrize("package", ["tensorflow", "keras", "numpy"])
def test_build_depends_on_the_versions(spec, monkeypatch, package):
    """Another version of what trains and converts is another build."""
    before, pins = build_address(spec), versions.pinned() | {package: "0.0"}
    monkeypatch.setattr(versions, "pinned", lambda: pins)

    assert build_address(spec) != before


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A copy of the engine's sources, of which addresses are made."""
    copy = tmp_path / "harness"
    shutil.copytree(Path(artifacts.__file__).parent, copy)
    monkeypatch.setattr(artifacts, "_HERE", copy)
    return copy


@pytest.mark.parametrize("name", ["builder.py", "training.py", "conversion.py", "datasets.py"])
def test_build_depends_on_the_engine(spec, engine, name):
    """A change in how models are trained or converted is another build."""
    before = build_address(spec)
    (engine / name).write_text("# changed\n")

    assert build_address(spec) != before


@pytest.mark.parametrize("name", ["comparison.py", "verdict.py", "inference.py"])
def test_build_does_not_depend_on_what_runs_and_judges(spec, engine, name):
    """A change in how files are run and judged costs no training."""
    before = build_address(spec)
    (engine / name).write_text("# changed\n")

    assert build_address(spec) == before


@pytest.fixture
def model_file(tmp_path):
    """A file whose outputs are stored."""
    file = tmp_path / "fp16.tflite"
    file.write_bytes(b"weights")
    return file


def leg(file, spec, target="xnnpack", presence=HERE, samples=None):
    """Return where the outputs of *file* on a target, here its default device, live."""
    return outputs_address(file, TARGETS[target], spec, presence, samples)


def test_outputs_depend_on_the_files_content(spec, model_file):
    """Another file of the same name has other outputs."""
    before = leg(model_file, spec)
    model_file.write_bytes(b"other weights")

    assert leg(model_file, spec) != before


def test_outputs_depend_on_the_target(spec, model_file):
    """Every target has outputs of its own."""
    assert len({leg(model_file, spec, target).digest for target in TARGETS}) == len(TARGETS)


@pytest.mark.parametrize(
    "there",
    [Presence(None, adapter="another adapter"), Presence(None, adapter="an adapter", arithmetic="bfloat16")],
    ids=["adapter", "arithmetic"],
)
def test_outputs_depend_on_the_device(spec, model_file, there):
    """Another GPU, or another arithmetic of the same one, computes other outputs."""
    assert leg(model_file, spec, "gpu", there) != leg(model_file, spec, "gpu")


def test_outputs_depend_on_the_samples(spec, model_file):
    """The outputs for some images are not those for others, or for all."""
    assert len({leg(model_file, spec, samples=chosen).digest for chosen in (None, [1, 2], [1, 3], [2, 1])}) == 4


def test_outputs_depend_on_the_delegate_library(spec, model_file, tmp_path):
    """Other bytes of a delegate library, and other options, are another evaluation; another place is none."""

    def at(folder, content, options):
        folder.mkdir(exist_ok=True)
        (folder / "lib.so").write_bytes(content)
        return outputs_address(model_file, external(f"external:{folder / 'lib.so'}", options), spec, HERE, None)

    one, other = tmp_path / "one", tmp_path / "other"
    known = at(one, b"code", {"mode": "copy"})

    assert at(other, b"code", {"mode": "copy"}) == known
    assert len({known.digest, at(one, b"other", {"mode": "copy"}).digest, at(one, b"code", {}).digest}) == 3


def test_address_of_a_library_is_a_file_name(spec, model_file, tmp_path):
    """The colon of a delegate library's name does not get into the store."""
    (tmp_path / "libnpu.so").touch()
    address = outputs_address(model_file, external(f"external:{tmp_path / 'libnpu.so'}", {}), spec, HERE, None)

    assert str(address).startswith("outputs/model-fp16-external-libnpu.so-")


def test_outputs_depend_on_the_machine(spec, model_file, monkeypatch):
    """Another CPU may dispatch to other kernels."""
    before = leg(model_file, spec)
    monkeypatch.setattr(versions, "machine", lambda: "another")

    assert leg(model_file, spec) != before


@pytest.mark.parametrize("name", ["runner.py", "inference.py", "targets.py", "tflite_file.py", "datasets.py"])
def test_outputs_depend_on_the_engine(spec, model_file, engine, name):
    """A change in how files are run is another evaluation."""
    before = leg(model_file, spec)
    (engine / name).write_text("# changed\n")

    assert leg(model_file, spec) != before


@pytest.mark.parametrize(("package", "moved"), [("tensorflow", ["tf_lite"]), ("openvino", ["openvino"])])
def test_outputs_depend_on_their_runtime_only(spec, model_file, monkeypatch, package, moved):
    """Another TensorFlow, or OpenVINO, concerns the target that it provides, and no other."""
    legs, installed = {name: leg(model_file, spec, name) for name in TARGETS}, versions.installed
    monkeypatch.setattr(versions, "installed", lambda name: "0.0" if name == package else installed(name))

    assert [name for name in TARGETS if leg(model_file, spec, name) != legs[name]] == moved


def test_addresses_name_what_they_hold(spec, model_file):
    """A person finds the build and the evaluation of a model in the store by their names."""
    assert str(build_address(spec)).startswith("builds/model-")
    assert str(leg(model_file, spec)).startswith("outputs/model-fp16-xnnpack-")


def test_build_is_read_from_its_folder(tmp_path):
    """A build gives its files, what was written down while it was built, and what Keras computed."""
    np.save(tmp_path / artifacts.KERAS_OUTPUTS, np.ones((3, 2), np.float32))
    (tmp_path / artifacts.FACTS).write_text(json.dumps({"weights_sha256": "06af"}))
    build = Build(tmp_path)

    assert (build.file("fp16"), build.facts) == (tmp_path / "fp16.tflite", {"weights_sha256": "06af"})
    assert build.keras_outputs().tolist() == [[1, 1]] * 3


def test_outputs_are_read_from_their_folder(tmp_path):
    """An evaluation gives its outputs, those of the second run, which samples these are, and the runtime's facts."""
    for number, name in enumerate(("outputs-0", "again-0", "repeated")):
        np.save(tmp_path / f"{name}.npy", np.full(2, number))
    (tmp_path / artifacts.FACTS).write_text(json.dumps({"delegated": "whole"}))
    outputs = Outputs(tmp_path)

    assert [values[0] for values in (outputs.array(), outputs.array("again"), outputs.repeated())] == [0, 1, 2]
    assert outputs.facts == {"delegated": "whole"}


@pytest.fixture
def stored(tmp_path):
    """Return an evaluation of so many images in the store: each image's output is its number."""

    def write(count, **chosen):
        numbers = np.arange(count) if chosen.get("evaluated") is None else chosen["evaluated"]
        np.save(tmp_path / "outputs-0.npy", numbers)
        np.save(tmp_path / "again-0.npy", numbers[-1:])
        return Outputs(tmp_path, **chosen)

    return write


@pytest.mark.parametrize(
    ("chosen", "rows", "sampled"),
    [
        ({}, [0, 1, 2, 3, 4], False),
        ({"wanted": np.array([1, 3])}, [1, 3], False),
        ({"evaluated": np.array([0, 2, 4])}, [0, 2, 4], True),
        ({"evaluated": np.array([0, 2, 4]), "wanted": np.array([0, 2, 4])}, [0, 2, 4], True),
    ],
    ids=["all", "wanted of all", "sampled", "wanted as sampled"],
)
def test_rows_are_those_of_their_samples(stored, chosen, rows, sampled):
    """Of all that were run, those that are wanted are given; of a sample, all; and `samples` names each row."""
    outputs = stored(5, **chosen)

    assert outputs.array().tolist() == outputs.samples().tolist() == rows
    assert (outputs.sampled, outputs.array("again").tolist()) == (sampled, [4])
