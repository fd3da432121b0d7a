"""A checkout or a machine that is not what the pinned results hold for is refused in a line."""

import shlex
import shutil
import tomllib

import pytest
from packaging.requirements import Requirement

from fixtures.harness.versions import ROOT
from tests.gate import run_gate

ARCHIVE = "fixtures/data/mnist.npz"


@pytest.fixture
def checkout(tmp_path):
    """A copy of the checkout that a test may damage."""
    kept_out = shutil.ignore_patterns(".*", "__pycache__", "reports", "report.html")
    return shutil.copytree(ROOT, tmp_path / "checkout", ignore=kept_out)


def refused(checkout, folder):
    """Return what the gate says in the *checkout*, after seeing that it refused to run."""
    run = run_gate("-n2", folder=folder, checkout=checkout)
    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert "Traceback" not in run.text
    assert not (checkout / ".artifacts").exists()
    return run.text


def test_missing_data_is_refused(checkout, tmp_path):
    """Without its data set the gate names the file and the cure."""
    (checkout / ARCHIVE).unlink()

    assert "mnist.npz cannot be read (No such file or directory); restore it" in refused(checkout, tmp_path)


def test_changed_data_is_refused(checkout, tmp_path):
    """A data set with other content than the pinned one is not used."""
    content = (checkout / ARCHIVE).read_bytes()
    (checkout / ARCHIVE).write_bytes(bytes([content[0] ^ 1]) + content[1:])

    assert "not the pinned 06af5dfe73b70e3b" in refused(checkout, tmp_path)


@pytest.mark.parametrize("package", ["tensorflow", "numpy", "ai-edge-litert"])
def test_other_version_is_refused(checkout, tmp_path, package):
    """A package of another version than the pinned one is named, with the command that installs it."""
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text().replace(f'"{package}==', f'"{package}==1.'))

    assert f"results are pinned for {package} 1." in refused(checkout, tmp_path)


def test_readme_installs_all_but_tensorflow():
    """The README's command for a machine without TensorFlow installs every other dependency, within its bounds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {wanted.name: wanted.specifier for wanted in map(Requirement, project["dependencies"])}
    (line,) = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("pip install numpy")]
    told = {wanted.name: wanted.specifier for wanted in map(Requirement, shlex.split(line)[2:])}

    assert set(told) == set(needed) - {"tensorflow", "keras"}
    assert all(set(map(str, told[name])) <= set(map(str, needed[name])) for name in told)
