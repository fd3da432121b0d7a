"""A target says what it is, and why it is not there."""

import pytest

from fixtures.harness import versions
from fixtures.harness.targets import REFERENCE, TARGETS

NAMES = list(TARGETS)


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
