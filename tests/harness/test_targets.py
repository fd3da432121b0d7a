"""A target says what it is, and why it is not there."""

import dataclasses
import json
from types import SimpleNamespace

import pytest

from fixtures.harness import versions
from fixtures.harness.targets import REFERENCE, TARGETS, TargetError, as_job, external, of_job
from models.spec import ModelSpec, Recipe

NAMES = list(TARGETS)
MODEL = ModelSpec("model", lambda _: None, Recipe("mnist", epochs=1, seed=0))


PACKAGES = {name: TARGETS[name].needs or TARGETS[name].package for name in NAMES}
"""The package that each target has to itself, or of those that it shares, the one that runs it."""


@pytest.mark.parametrize("name", NAMES)
def test_installed_target_lacks_nothing(name, monkeypatch):
    """A target whose packages are installed in the pinned versions lacks none."""
    monkeypatch.setattr(versions, "installed", lambda package: (versions.pinned() | versions.optional())[package])

    assert TARGETS[name].why_not_installed() is None


@pytest.mark.parametrize("name", NAMES)
def test_absent_target_says_what_to_install(name, monkeypatch):
    """A target whose package is not installed says so, with the command that installs the pinned version."""
    pins = versions.pinned() | versions.optional()
    monkeypatch.setattr(versions, "installed", lambda package: None if package == PACKAGES[name] else pins[package])

    assert TARGETS[name].why_not_installed() == (
        f"{PACKAGES[name]} is not installed (pip install {PACKAGES[name]}=={pins[PACKAGES[name]]})"
    )


@pytest.mark.parametrize("name", NAMES)
def test_runtime_is_asked_for_first(name, monkeypatch):
    """Where nothing is installed, what is named is the runtime, without which the rest is of no use."""
    monkeypatch.setattr(versions, "installed", lambda _: None)
    package = TARGETS[name].package

    assert TARGETS[name].why_not_installed() == (
        f"{package} is not installed (pip install {package}=={versions.pinned()[package]})"
    )


def test_another_openvino_is_not_the_one(monkeypatch):
    """LiteRT loads one version of OpenVINO: another one says so, with the command that installs it."""
    pins = versions.pinned() | {"openvino": "2025.1.0"}
    monkeypatch.setattr(versions, "installed", lambda package: pins[package])
    wanted = versions.optional()["openvino"]

    assert TARGETS["openvino"].why_not_installed() == (
        f"openvino 2025.1.0 is installed, which LiteRT cannot load (pip install openvino=={wanted})"
    )


@pytest.mark.parametrize("name", NAMES)
def test_twin_is_the_same_in_float32(name):
    """A target that is asked for less than float32 has a twin on the same device that is asked for float32."""
    target = TARGETS[name]
    assert (target.twin is not None) == (target.arithmetic != "float32")
    twin = TARGETS[target.twin or name]

    assert (twin.arithmetic, twin.accelerator, twin.package) == ("float32", target.accelerator, target.package)


@pytest.fixture
def library(tmp_path):
    """A file in the place of a delegate library."""
    file = tmp_path / "libnpu.so"
    file.touch()
    return file


def test_library_is_a_target(library):
    """A delegate library is a target that goes by its file's name and says where it lies and what it is told."""
    target = external(f"external:{library}", {"cache": "/tmp", "level": "3"})

    assert (str(target), target.library, target.options) == (
        "external:libnpu.so",
        str(library),
        (("cache", "/tmp"), ("level", "3")),
    )
    assert target.description == f"the delegate library {library}, cache=/tmp, level=3"
    assert (target.delegated, target.accelerator, target.why_not_installed()) == (True, "external", None)


def test_library_is_found_from_here_and_from_home(library, monkeypatch):
    """A path may begin at the working directory, or at the user's."""
    monkeypatch.chdir(library.parent)
    monkeypatch.setenv("HOME", str(library.parent))

    assert [external(f"external:{name}", {}).library for name in ("libnpu.so", "~/libnpu.so")] == [str(library)] * 2


@pytest.mark.parametrize("name", ["missing.so", ".", ""])
def test_path_without_a_file_is_no_target(library, name):
    """A path that leads to nothing, or to a folder, is an error that says which."""
    with pytest.raises(TargetError, match=r"is not a file; external:PATH takes the path of a delegate library"):
        external(f"external:{library.parent / name}", {})


@pytest.mark.parametrize("name", NAMES)
def test_target_is_a_job_and_back(name):
    """A target arrives in another process as it was."""
    assert of_job(json.loads(json.dumps(as_job(TARGETS[name])))) == TARGETS[name]


def test_library_is_a_job_and_back(library):
    """A delegate library arrives there with its options, in their order."""
    target = external(f"external:{library}", {"b": "1", "a": "2"})

    assert of_job(json.loads(json.dumps(as_job(target)))) == target


@pytest.mark.parametrize("name", NAMES)
def test_target_goes_by_its_name(name):
    """Test ids and messages show the name under which the command line knows a target."""
    assert str(TARGETS[name]) == TARGETS[name].name == name


def test_reference_is_float32_without_a_delegate():
    """What everything is compared with is computed in float32, by the runtime's own kernels."""
    assert (TARGETS[REFERENCE].arithmetic, TARGETS[REFERENCE].delegated) == ("float32", False)


@pytest.mark.parametrize("name", NAMES)
def test_delegates_take_the_whole_graph(name):
    """Of a model that declares nothing else, a delegate is to take all, and other targets nothing."""
    assert TARGETS[name].share_of(MODEL) == {True: "whole", False: "none"}[TARGETS[name].delegated]


@pytest.mark.parametrize("name", [name for name in NAMES if TARGETS[name].delegated])
def test_declared_delegate_takes_a_part(name):
    """A delegate that a model declares is to take a part of its graph; the others still take all of it."""
    model = dataclasses.replace(MODEL, partly_delegated=frozenset({name}))
    shares = {target.name: target.share_of(model) for target in TARGETS.values() if target.delegated}

    assert shares == dict.fromkeys(shares, "whole") | {name: "part"}


def test_target_without_a_delegate_takes_no_part():
    """A declaration cannot give a delegate to a target that has none."""
    model = dataclasses.replace(MODEL, partly_delegated=frozenset(NAMES))

    assert TARGETS[REFERENCE].share_of(model) == "none"


COMPILED = ["xnnpack_fp16", "gpu", "gpu_fp16", "openvino"]


def test_compiled_models_are_told_from_interpreters(library):
    """CompiledModel takes less than an interpreter does: who runs in it is known."""
    of_library = external(f"external:{library}", {})

    assert [target.name for target in (*TARGETS.values(), of_library) if target.compiled] == COMPILED


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", ["dense-fp32", "two-fp32", "typed-fp32", "entries-fp32", "state-fp32"])
def test_file_of_fixed_shapes_is_for_every_target(files, name, file):
    """Nothing is said against a file of fixed shapes, whatever the number and the types of its inputs."""
    assert TARGETS[name].why_not_for(files[file]) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("file", "unfit", "told"),
    [
        (
            "dynamic-fp32",
            ["gpu", "gpu_fp16", "openvino"],
            "values:0 float32[-1, 16] has a dynamic shape, which no GPU ",
        ),
        ("lengths-fp32", COMPILED, "steps:0 float32[-1, -1, 8] has a dynamic shape, which "),
        ("lstm-fp32", ["gpu", "gpu_fp16", "openvino"], "the graph has WHILE, and LiteRT's accelerators take no graph"),
        ("words-fp32", COMPILED, "words_word:0 string[1] is text, which LiteRT's CompiledModel does not take"),
        ("kept-fp32", COMPILED, "float32[-1] is of a size that the values decide, which LiteRT's CompiledModel"),
    ],
)
def test_file_that_a_target_does_not_take_is_told(files, name, file, unfit, told):
    """What no runtime of a kind takes is told before it is tried, with the tensor that is to blame."""
    why_not = TARGETS[name].why_not_for(files[file])

    assert (why_not is not None) == (name in unfit)
    assert told in (why_not or told)


def test_loop_runs_where_a_part_may_run_elsewhere(files):
    """A declaration may let the CPU run the loop that an accelerator does not take."""
    partly = SimpleNamespace(partly_delegated=frozenset({"gpu"}))

    assert TARGETS["gpu"].why_not_for(files["lstm-fp32"], partly) is None
    assert TARGETS["gpu_fp16"].why_not_for(files["lstm-fp32"], partly)


@pytest.mark.parametrize("name", NAMES)
def test_every_signature_is_looked_at(edited, name):
    """An input of a second signature counts like one of the first."""

    def dynamic(model):
        (number,) = model.subgraphs[1].inputs
        model.subgraphs[1].tensors[number].shapeSignature = [-1, 5]

    why_not = TARGETS[name].why_not_for(edited("entries-fp32", dynamic))

    assert (why_not is not None) == (TARGETS[name].accelerator is not None)
