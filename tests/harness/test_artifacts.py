"""An address changes with everything that changes its content, and with nothing else."""

import ast
import dataclasses
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from fixtures.harness import artifacts, versions
from fixtures.harness.artifacts import (
    Build,
    MissingOutputError,
    Outputs,
    build_address,
    content_digest,
    declaration_sources,
    headroom_address,
    outputs_address,
)
from fixtures.harness.specs import find
from fixtures.harness.targets import TARGETS, Presence, external
from models.spec import ModelSpec

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
    budget=Budget(baseline=0.9),
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
    (folder / "parts" / "inner.py").write_text("from . import near\nfrom .deep import far\n\nSTEP = 1\n")
    (folder / "parts" / "near.py").write_text("NEAR = 1\n")
    (folder / "parts" / "deep").mkdir()
    (folder / "parts" / "deep" / "__init__.py").write_text("DEEP = 1\n")
    (folder / "parts" / "deep" / "far.py").write_text("from ..beside import BESIDE\n")
    (folder / "parts" / "beside.py").write_text("BESIDE = 1\n")
    return folder


@pytest.fixture
def spec(folder, monkeypatch):
    """The declared model."""
    monkeypatch.syspath_prepend(folder)
    return the_one(folder)


def the_one(folder):
    """Return the only model that *folder* declares."""
    (spec,), _ = find([folder])
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
        ("parts/near.py", "NEAR = 1", "NEAR = 2"),
        ("parts/deep/__init__.py", "DEEP = 1", "DEEP = 2"),
        ("parts/beside.py", "BESIDE = 1", "BESIDE = 2"),
        ("late.py", "BASE = 10", "BASE = 11"),
    ],
)
def test_build_depends_on_the_code_that_builds(edit, file, old, new):
    """Another builder, or another helper of one's own, in a package or imported late, is another build."""
    assert edit(file, old, new)


def test_build_is_the_same_wherever_its_sources_lie(spec, folder, tmp_path, monkeypatch):
    """Copied to their places beside the declaration, from wherever they are imported, they are the same build."""
    (tmp_path / "library").mkdir()
    (folder / "late.py").rename(tmp_path / "library" / "late.py")
    path = [entry for entry in sys.path if entry != str(folder)]
    monkeypatch.setattr(sys, "path", [str(folder), *path, str(tmp_path / "library")])
    before = build_address(spec)
    sources = [one for one in declaration_sources(spec.source) if not one[0].is_relative_to(versions.ROOT)]
    for source, place in sources:
        (tmp_path / "copy" / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / "copy" / place)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "copy"), *path])

    assert build_address(dataclasses.replace(spec, source=tmp_path / "copy" / "model.py")) == before
    assert {"late.py", "parts/deep/far.py"} <= {str(place) for _, place in sources}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("model.py", "baseline=0.9", "baseline=0.8"),
        ("model.py", "baseline=0.9", "baseline=0.9, flipped=0.5"),
        ("model.py", "baseline=0.9)", "baseline=0.9), example=811"),
        ("model.py", "baseline=0.9)", "baseline=0.9), partly_delegated=frozenset({'xnnpack'})"),
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
    spec = the_one(folder)
    before = build_address(spec)
    (tmp_path / "lib" / "shared" / "layers.py").write_text("def block(): return 2\n")

    assert build_address(spec) != before


def test_build_does_not_depend_on_what_is_installed(edit, folder, tmp_path, monkeypatch):
    """A package of an installation is none of one's own code, also where this one only stands on that installation."""
    packages = tmp_path / "base" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "layers_of_others.py").write_text("def block(): return 1\n")
    monkeypatch.syspath_prepend(packages)
    assert edit("late.py", "from blocks import", "from layers_of_others import")
    spec = the_one(folder)
    before = build_address(spec)
    (packages / "layers_of_others.py").write_text("def block(): return 2\n")

    assert build_address(spec) == before


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


@pytest.mark.parametrize("name", ["builder.py", "training.py", "conversion.py", "datasets.py", "arrays.py"])
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
def weights(tmp_path):
    """The files of `built`, and what evaluation data they have."""
    for name in ("fp32", "fp16"):
        (tmp_path / f"{name}.tflite").write_bytes(name.encode())
    return tmp_path


@pytest.fixture
def built(weights):
    """A build whose outputs are stored."""
    return made(weights, "06af")


def made(folder, data_sha256):
    """Return a build whose files are in *folder*, with evaluation data of that digest."""
    (folder / artifacts.FACTS).write_text(json.dumps({"data_sha256": data_sha256}))
    return Build(folder, folder / "fp32.tflite", folder / "fp16.tflite", folder / artifacts.DATA)


def leg(built, spec, target="xnnpack", presence=HERE, samples=None):
    """Return where the outputs of the float16 file on a target, here its default device, live."""
    return outputs_address(built, "fp16", TARGETS[target], spec, presence=presence, samples=samples)


def test_outputs_depend_on_the_files_content(spec, built):
    """Another file of the same name has other outputs."""
    before = leg(built, spec)
    built.fp16.write_bytes(b"other weights")

    assert leg(built, spec) != before


def test_outputs_depend_on_the_evaluation_data(spec, weights):
    """The same file over other data has other outputs."""
    assert leg(made(weights, "06af"), spec) != leg(made(weights, "07b0"), spec)


def test_outputs_depend_on_the_target(spec, built):
    """Every target has outputs of its own."""
    assert len({leg(built, spec, target).digest for target in TARGETS}) == len(TARGETS)


@pytest.mark.parametrize(
    "there",
    [Presence(None, adapter="another adapter"), Presence(None, adapter="an adapter", arithmetic="bfloat16")],
    ids=["adapter", "arithmetic"],
)
def test_outputs_depend_on_the_device(spec, built, there):
    """Another GPU, or another arithmetic of the same one, computes other outputs."""
    assert leg(built, spec, "gpu", there) != leg(built, spec, "gpu")


def test_headroom_depends_on_both_files_and_the_samples(spec, built):
    """Activations are of both files: another one of either is measured anew, and so are other samples."""
    known = [headroom_address(built, spec, samples) for samples in ([1, 2], [1, 3])]
    for file in (built.fp32, built.fp16):
        file.write_bytes(b"other weights of " + file.name.encode())
        known.append(headroom_address(built, spec, [1, 2]))

    assert len({address.digest for address in known}) == 4


@pytest.mark.parametrize("name", ["headroom.py", "layers.py", "pairing.py", "inference.py"])
def test_headroom_depends_on_the_engine(spec, built, engine, name):
    """A change in how activations are measured or paired is another measurement."""
    before = headroom_address(built, spec, [1])
    (engine / name).write_text("# changed\n")

    assert headroom_address(built, spec, [1]) != before


def test_outputs_depend_on_the_samples(spec, built):
    """The outputs for some images are not those for others, or for all."""
    assert len({leg(built, spec, samples=chosen).digest for chosen in (None, [1, 2], [1, 3], [2, 1])}) == 4


def library(built, spec, file, options):
    """Return where the outputs of a delegate library live."""
    return outputs_address(built, "fp16", external(f"external:{file}", options), spec, presence=HERE, samples=None)


def test_outputs_depend_on_the_delegate_library(spec, built, tmp_path):
    """Other bytes of a delegate library, and other options, are another evaluation; another place is none."""

    def at(folder, content, options):
        folder.mkdir(exist_ok=True)
        (folder / "lib.so").write_bytes(content)
        return library(built, spec, folder / "lib.so", options)

    one, other = tmp_path / "one", tmp_path / "other"
    known = at(one, b"code", {"mode": "copy"})

    assert at(other, b"code", {"mode": "copy"}) == known
    assert len({known.digest, at(one, b"other", {"mode": "copy"}).digest, at(one, b"code", {}).digest}) == 3


def test_address_of_a_library_is_a_file_name(spec, built, tmp_path):
    """The colon of a delegate library's name does not get into the store."""
    (tmp_path / "libnpu.so").touch()
    address = library(built, spec, tmp_path / "libnpu.so", {})

    assert str(address).startswith("outputs/model-fp16-external-libnpu.so-")


def test_outputs_depend_on_the_machine(spec, built, monkeypatch):
    """Another CPU may dispatch to other kernels."""
    before = leg(built, spec)
    monkeypatch.setattr(versions, "machine", lambda: "another")

    assert leg(built, spec) != before


@pytest.mark.parametrize(
    "name", ["runner.py", "inference.py", "sessions.py", "feed.py", "evaluation_data.py", "tflite_file.py"]
)
def test_outputs_depend_on_the_engine(spec, built, engine, name):
    """A change in how files are run is another evaluation."""
    before = leg(built, spec)
    (engine / name).write_text("# changed\n")

    assert leg(built, spec) != before


@pytest.mark.parametrize(("package", "moved"), [("tensorflow", ["tf_lite"]), ("openvino", ["openvino"])])
def test_outputs_depend_on_their_runtime_only(spec, built, monkeypatch, package, moved):
    """Another TensorFlow, or OpenVINO, concerns the target that it provides, and no other."""
    legs, installed = {name: leg(built, spec, name) for name in TARGETS}, versions.installed
    monkeypatch.setattr(versions, "installed", lambda name: "0.0" if name == package else installed(name))

    assert [name for name in TARGETS if leg(built, spec, name) != legs[name]] == moved


def test_addresses_name_what_they_hold(spec, built):
    """A person finds the build and the evaluation of a model in the store by their names."""
    assert str(build_address(spec)).startswith("builds/model-")
    assert str(leg(built, spec)).startswith("outputs/model-fp16-xnnpack-")


def test_build_is_read_from_its_folder(tmp_path):
    """A build gives its files, what was written down while it was built, and what Keras computed of each output."""
    for number in range(2):
        np.save(tmp_path / f"keras-{number}.npy", np.full((3, 2), number, np.float32))
    (tmp_path / artifacts.FACTS).write_text(json.dumps({"keras": ["logits", "parity"]}))
    build = Build(tmp_path, tmp_path / "a", tmp_path / "b", tmp_path / "data")

    assert (build.file("fp32"), build.file("fp16")) == (tmp_path / "a", tmp_path / "b")
    assert [build.keras_outputs(name).tolist() for name in ("parity", "logits")] == [[[1, 1]] * 3, [[0, 0]] * 3]
    with pytest.raises(KeyError, match="Keras has no output nonsense; it has logits, parity"):
        build.keras_outputs("nonsense")


def test_build_opens_its_data(tmp_path):
    """The evaluation data are those of the build, opened where they lie."""
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "x.npy", np.ones((7, 2), np.float32))

    assert Build(tmp_path, tmp_path, tmp_path, tmp_path / "data").samples.count == 7


@pytest.fixture
def stored(tmp_path):
    """Return an evaluation that is stored: an output is the number of its sample, of the next output 100 more."""

    def write(count, names=("logits",), unfed=(), folder="outputs", **chosen):
        numbers = np.arange(count) if chosen.get("evaluated") is None else chosen["evaluated"]
        (tmp_path / folder).mkdir(exist_ok=True)
        for place in range(len(names)):
            np.save(tmp_path / folder / f"outputs-{place}.npy", numbers + 100 * place)
            np.save(tmp_path / folder / f"again-{place}.npy", numbers[-1:] + 100 * place)
        np.save(tmp_path / folder / "repeated.npy", np.array([len(numbers) - 1]))
        facts = {"names": list(names), "unfed": list(unfed), "delegated": "whole"}
        (tmp_path / folder / artifacts.FACTS).write_text(json.dumps(facts))
        return Outputs(tmp_path / folder, **chosen)

    return write


def test_outputs_are_read_from_their_folder(stored):
    """An evaluation gives each output by its name, the second run's, which rows these are, and the runtime's facts."""
    outputs = stored(3, ("logits", "parity"))

    assert outputs.array("parity").tolist() == [100, 101, 102]
    assert [outputs.array(name, "again").tolist() for name in outputs.names] == [[2], [102]]
    assert (outputs.repeated().tolist(), outputs.facts["delegated"]) == ([2], "whole")


def test_outputs_stay_on_disk(stored):
    """An array is a mapping: a model's outputs for many samples need not fit into memory."""
    assert isinstance(stored(3).array("logits"), np.memmap)


def test_unknown_output_is_an_error(stored):
    """An output that was not computed is named with those that were."""
    with pytest.raises(MissingOutputError, match="no output is called nonsense; there are logits, parity"):
        stored(3, ("logits", "parity")).array("nonsense")


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

    assert outputs.array("logits").tolist() == outputs.samples().tolist() == rows
    assert (outputs.sampled, outputs.array("logits", "again").tolist()) == (sampled, [4])
    assert (outputs.chosen is None) == (not chosen)
    assert outputs.whole().array("logits").tolist() == (rows if sampled else [0, 1, 2, 3, 4])


def test_outputs_are_paired_by_name(stored):
    """Two evaluations are compared output by output, whatever order their runtimes give them in."""
    one, other = stored(2, ("logits", "parity")), stored(2, ("parity", "logits"), folder="others")

    assert [(name, here.tolist(), there.tolist()) for name, here, there in one.beside(other)] == [
        ("logits", [0, 1], [100, 101]),
        ("parity", [100, 101], [0, 1]),
    ]


@pytest.mark.parametrize(("here", "there"), [(["logits"], ["logits", "parity"]), (["logits", "parity"], ["logits"])])
def test_output_that_one_of_two_lacks_is_an_error(stored, here, there):
    """An output that only one evaluation has is never left out of a comparison."""
    one, other = stored(2, here), stored(2, there, folder="others")

    with pytest.raises(MissingOutputError, match="no output is called parity; there are logits"):
        list(one.beside(other))


def test_output_is_told_from_others_where_there_are_some(stored):
    """The only output needs no name in a message; one of several does."""
    assert [stored(2, names).called("logits") for names in (["logits"], ["logits", "parity"])] == ["", " of logits"]


def test_outputs_without_an_input_are_told(stored):
    """An output of a signature without inputs is not one that depends on the samples."""
    outputs = stored(2, ("product", "reset/total"), unfed=["reset/total"])

    assert (outputs.names, outputs.fed) == (["product", "reset/total"], ["product"])


@pytest.fixture
def pair(tmp_path):
    """A model that comes as a pair of files, with data; the folder that they lie in."""
    for name in ("a.tflite", "b.tflite", "eval.npz"):
        (tmp_path / name).write_bytes(name.encode())
    spec = ModelSpec("ready", fp32="a.tflite", fp16="b.tflite", data="eval.npz", source=tmp_path / "spec.py")
    return spec, tmp_path


@pytest.mark.parametrize("name", ["a.tflite", "b.tflite", "eval.npz"])
def test_pair_depends_on_its_files_and_data(pair, name):
    """Other bytes of any of what the user brings are looked through again."""
    spec, folder = pair
    before = build_address(spec)
    (folder / name).write_bytes(b"other")

    assert build_address(spec) != before


def test_pair_is_not_its_files_swapped(pair):
    """Which of the files is the float16 one is part of the address; and one that comes alone is no pair."""
    spec, _ = pair
    swapped = dataclasses.replace(spec, fp32=spec.fp16, fp16=spec.fp32)
    alone = dataclasses.replace(spec, fp32=None)

    assert len({build_address(one).digest for one in (spec, swapped, alone)}) == 3


def test_pair_needs_no_tensorflow(pair, monkeypatch):
    """A pair is found without TensorFlow, whatever version of it is pinned."""
    before = build_address(pair[0])
    monkeypatch.setattr(versions, "pinned", dict)

    assert build_address(pair[0]) == before


def test_pair_depends_on_the_place_of_its_data(pair):
    """Data that can be mapped where they lie are not copied: elsewhere they are other data."""
    spec, folder = pair
    (folder / "moved.npz").write_bytes((folder / "eval.npz").read_bytes())

    assert build_address(dataclasses.replace(spec, data="moved.npz")) != build_address(spec)


@pytest.mark.parametrize("name", ["a.tflite", "b.tflite", "eval.npz"])
def test_missing_file_is_an_error_that_names_it(pair, name):
    """What cannot be read has no address: the error has the file."""
    spec, folder = pair
    (folder / name).unlink()

    with pytest.raises(FileNotFoundError) as error:
        build_address(spec)
    assert Path(error.value.filename) == folder / name


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "variables" / "index").write_bytes(b"other"),
        lambda folder: (folder / "variables" / "index").rename(folder / "variables" / "other"),
        lambda folder: (folder / "assets").write_bytes(b""),
    ],
    ids=["content", "name", "another file"],
)
def test_folder_is_all_of_its_files(tmp_path, change):
    """A SavedModel is its files at their places, whatever folder they are in."""
    for name in ("one", "same"):
        (tmp_path / name / "variables").mkdir(parents=True)
        (tmp_path / name / "saved_model.pb").write_bytes(b"graph")
        (tmp_path / name / "variables" / "index").write_bytes(b"weights")
    before = content_digest(tmp_path / "one")
    assert before == content_digest(tmp_path / "same")
    change(tmp_path / "one")

    assert content_digest(tmp_path / "one") != before


@pytest.mark.parametrize("change", [{"data": "eval.npz"}, {"keras_model": "b.tflite"}])
def test_keras_model_depends_on_its_file_and_data(pair, monkeypatch, change):
    """Another model file, other data and another TensorFlow are another conversion."""
    _, folder = pair
    spec = ModelSpec("ready", keras_model="a.tflite", data="b.tflite", source=folder / "spec.py")
    before, pins = build_address(spec), versions.pinned() | {"tensorflow": "0.0"}

    assert build_address(dataclasses.replace(spec, **change)) != before
    monkeypatch.setattr(versions, "pinned", lambda: pins)
    assert build_address(spec) != before


PROCESSES = {"artifacts", "chatter", "children", "libraries", "runner", "specs", "store", "versions"}
"""Modules that start, ask and keep; what is kept is not of their making."""

ELSEWHERE = {
    "_TRAINING": {"evaluation_data", "feed", "keras_models", "preparing", "tflite_file"},  # other jobs
    "_CONVERTING": {"datasets", "escaping", "twin"},
    "_PREPARING": {"escaping", "pairing"},  # judge the file, and refuse it
    "_RUNNING": {"headroom", "layers", "localisation", "preparing", "probing", "twin"},  # jobs with addresses if any
    "_LOOKING_INSIDE": {"localisation", "preparing", "probing", "twin"},
}
"""Modules that one of an entry's sources imports for something else."""


def imported(name):
    """Return the engine's modules that one of them imports when it runs."""
    tree = ast.parse((Path(artifacts.__file__).parent / name).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", None) == "TYPE_CHECKING":
            node.body = []
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    whole = {alias.name for node in nodes if node.module == "fixtures.harness" for alias in node.names}
    parts = {node.module.rpartition(".")[2] for node in nodes if node.module.startswith("fixtures.harness.")}
    return whole | parts


@pytest.mark.parametrize("sources", ELSEWHERE)
def test_entry_depends_on_all_modules_that_make_it(sources):
    """What a source of an entry imports is a source of it as well, or is known to make nothing of what is kept."""
    names = getattr(artifacts, sources)
    of_it = {name.removesuffix(".py") for name in names}
    others = {module for name in names for module in imported(name)} - of_it

    assert others - PROCESSES == ELSEWHERE[sources]
