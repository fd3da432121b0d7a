"""A target says what it is, and why it is not there."""

import dataclasses
import json

import pytest

from fixtures.harness import versions
from fixtures.harness.targets import REFERENCE, TARGETS, TargetError, as_job, external, of_job
from models.spec import Budget, ModelSpec, Recipe

NAMES = list(TARGETS)
MODEL = ModelSpec("model", lambda _: None, Recipe("mnist", epochs=1, seed=0), Budget(baseline_accuracy=0.9))


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
