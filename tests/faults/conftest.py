"""A good build to plant faults in, and the gate run on what comes of it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.harness import specs
from fixtures.harness.artifacts import PRECISIONS, build_address
from fixtures.harness.scheduler import Leg, Provider
from fixtures.harness.store import Address, Store, file_digest
from fixtures.harness.targets import TARGETS
from fixtures.harness.versions import ROOT
from models.spec import ModelSpec
from tests.faults.planters import Planter
from tests.gate import GateRun, run_gate

DELEGATES = [
    name
    for name, target in TARGETS.items()
    if name != "reference" and target.package != "tensorflow" and not target.accelerator
]
"""What is wrong with a file shows on any target. Loading TensorFlow for each would take longer than all else."""


@pytest.fixture(scope="session")
def spec() -> ModelSpec:
    """The model that faults are planted in."""
    (found,) = specs.declared(ROOT / "models" / "mnist_cnn.py")
    return found


@pytest.fixture(scope="session")
def good_build(spec: ModelSpec, provider: Provider) -> Path:
    """The folder of the model's finished build."""
    return provider.build(spec.name).folder


@pytest.fixture(scope="session")
def converted_files(request: pytest.FixtureRequest, spec: ModelSpec, good_build: Path) -> Path:
    """The folder of faulty files that the real converter made: see `converted`. They are made once for all runs."""
    source = ROOT / "tests" / "faults" / "converted.py"
    determinants = {"build": str(build_address(spec)), "source": file_digest(source)}

    def write(folder: Path) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "tests.faults.converted", good_build, spec.source, folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr[-2000:]

    store = Store(request.config.option.artifacts.absolute())
    return store.once(Address.of("builds", f"faults-{spec.name}", determinants), write)


@pytest.fixture
def gate_on(spec: ModelSpec, good_build: Path, provider: Provider, tmp_path: Path) -> Callable[[Planter], GateRun]:
    """Run the whole gate on the good build with a fault planted in it."""

    def run(plant: Planter) -> GateRun:
        store = Store(tmp_path / "store")
        store.prepare()

        def write(folder: Path) -> None:
            shutil.copytree(good_build, folder, ignore=shutil.ignore_patterns("manifest.json"), dirs_exist_ok=True)
            plant(folder)

        store.once(build_address(spec), write)
        # What the good files compute is known: their evaluations serve wherever the fault left a file as it was.
        for leg in (
            Leg(spec.name, precision, target) for precision in PRECISIONS for target in ["reference", *DELEGATES]
        ):
            outputs = provider.outputs(leg)
            shutil.copytree(outputs, store.root / outputs.parent.name / outputs.name)
        chosen = [argument for name in DELEGATES for argument in ("--delegate", name)]
        return run_gate("-k", spec.name, f"--artifacts={store.root}", *chosen, folder=tmp_path)

    return run
