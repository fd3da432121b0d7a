"""A target says what it is, and why it is not there."""

import dataclasses

import pytest

from fixtures.harness import versions
from fixtures.harness.targets import REFERENCE, TARGETS
from models.spec import Budget, ModelSpec, Recipe

NAMES = list(TARGETS)
MODEL = ModelSpec("model", lambda _: None, Recipe("mnist", epochs=1, seed=0), Budget(baseline_accuracy=0.9))


@pytest.mark.parametrize("name", NAMES)
def test_installed_target_is_available(name):
    """A target whose package is installed can run."""
    assert TARGETS[name].why_unavailable() is None


@pytest.mark.parametrize("name", NAMES)
def test_absent_target_says_what_to_install(name, monkeypatch):
    """A target whose package is not installed says so, with the command that installs the pinned version."""
    monkeypatch.setattr(versions, "installed", lambda _: None)
    package = TARGETS[name].package

    assert TARGETS[name].why_unavailable() == (
        f"{package} is not installed (pip install {package}=={versions.pinned()[package]})"
    )


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
