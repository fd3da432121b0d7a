"""A machine whose packages are not the pinned ones is told so before anything runs."""

import pytest

from fixtures.harness import versions
from fixtures.harness.versions import VersionError, installed, pinned, verify

PACKAGES = ["tensorflow", "keras", "numpy", "ai-edge-litert"]


@pytest.fixture
def install(monkeypatch):
    """Pretend that a package is installed in another version, None: not at all."""

    def pretend(package, version):
        found = {name: version if name == package else wanted for name, wanted in pinned().items()}
        monkeypatch.setattr(versions, "installed", found.get)

    return pretend


def test_packages_that_determine_bits_are_pinned():
    """The four packages that decide what a build and its outputs are have exact versions, others have ranges."""
    assert sorted(pinned()) == sorted(PACKAGES)
    assert all(version[0].isdigit() for version in pinned().values())


def test_this_machine_is_accepted():
    """The tests run with the pinned packages."""
    verify()


@pytest.mark.parametrize("package", PACKAGES)
def test_wrong_version_is_an_error(install, package):
    """Another version is named, with the pinned one and the command that installs it."""
    install(package, "1.2.3")

    with pytest.raises(
        VersionError, match=rf"^{package} 1\.2\.3 installed, but results are pinned for {package} "
    ) as told:
        verify()
    assert str(told.value).endswith(f"run `pip install {package}=={pinned()[package]}`")


@pytest.mark.parametrize("package", ["tensorflow", "keras"])
def test_machine_that_only_judges_needs_no_tensorflow(install, package):
    """TensorFlow and Keras may be absent: stored builds are judged without them."""
    install(package, None)

    verify()


@pytest.mark.parametrize("package", ["numpy", "ai-edge-litert"])
def test_missing_runtime_is_an_error(install, package):
    """Without NumPy or LiteRT nothing can be judged: the message says what to install."""
    install(package, None)

    with pytest.raises(VersionError, match=f"{package} is not installed.*`pip install {package}=={pinned()[package]}`"):
        verify()


def test_installed_version_is_known_without_importing(request):
    """The version of an installed package is known, that of another is None."""
    request.addfinalizer(installed.cache_clear)

    assert installed("pytest") == pytest.__version__
    assert installed("nonsense-that-nobody-installed") is None


def test_machine_is_the_same_each_time():
    """What outputs are stored under does not change while the machine does not."""
    assert versions.machine() == versions.machine()


def test_processors_are_those_that_this_process_may_use():
    """There is at least one processor, or nothing would run."""
    assert versions.processors() >= 1


def test_cpu_has_a_name():
    """A report can name the CPU."""
    assert versions.cpu()
