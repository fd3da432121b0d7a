"""Where good cases and faulty files are made: trained, converted and compiled once for all processes of a run."""

import dataclasses
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.adhoc import KINDS
from fixtures.harness.artifacts import DATA, build_address
from fixtures.harness.children import Child
from fixtures.harness.datasets import samples
from fixtures.harness.specs import declared
from fixtures.harness.store import Address, Store, file_digest
from fixtures.harness.versions import ROOT
from fixtures.snapshots import FOLDER as SNAPSHOTS
from models.spec import Budget, ModelSpec
from models.tasks import Regression
from tests.faults.bench import Case
from tests.faults.seeds.zoo import name
from tests.gate import QUICK
from tests.once import once, run_module
from tests.vulkan import compiled

HERE = Path(__file__).parent
ZOO = tuple(file.stem for file in sorted((ROOT / "models").glob("mnist_*.py")))
"""The models of the project, which faults are planted in."""


@dataclasses.dataclass(frozen=True)
class Workshop:
    """Makes what the bench needs.

    artifacts: the store of what is trained and converted, kept from run to run.
    scratch: a folder of this run, which all of its processes share.
    """

    artifacts: Path
    scratch: Path

    def spec(self, model: str, seed: int = 0) -> ModelSpec:
        """Return the declaration of a *model* of the project, trained from *seed*."""
        file = HERE / "seeds" / "zoo.py" if seed else self.source(model)
        (found,) = (spec for spec in declared(file) if spec.name == name(model, seed))
        return found

    def source(self, model: str) -> Path:
        """Return the file that declares a *model*: of the project, of these tests, or one that trains in a moment."""
        ours = HERE / "models" / f"{model}.py"
        if ours.exists():
            return ours
        return QUICK if model == QUICK.stem else ROOT / "models" / f"{model}.py"

    def library(self, source: Path) -> Path:
        """Return the shared library that the C file *source* is compiled to; skip the test where nothing compiles."""
        if not shutil.which("cc"):
            pytest.skip("there is no C compiler, cc, to make a library with")
        folder = once(self.scratch / "libraries" / source.stem, lambda folder: compiled(source, folder))
        return folder / f"lib{source.stem}.so"

    def build(self, spec: ModelSpec) -> Path:
        """Return the folder of the finished build of *spec*, made by the gate's own builder where there is none."""
        store, address = Store(self.artifacts), build_address(spec)
        store.prepare()
        if (found := store.find(address)) is not None:
            return found
        job = {
            "do": "build",
            "source": str(spec.source),
            "model": spec.name,
            "store": str(self.artifacts),
            "address": dataclasses.asdict(address),
            "anew": False,
        }
        builder = Child("fixtures.harness.builder", {})
        try:
            return Path(builder.ask(job, lambda *_: None))
        finally:
            builder.close()

    def case(self, model: str, seed: int, folder: Path, count: int = 2000) -> Case:
        """Return a good case of its own in *folder*: a model of the project, with *count* samples of its data."""
        spec = self.spec(model, seed)
        build = self.build(spec)
        folder.mkdir(parents=True)
        for file in ("fp32.tflite", "fp16.tflite"):
            shutil.copyfile(build / file, folder / file)
        case = Case(spec.name, folder, self.data(spec, count), build, workshop=self)
        write_bounds(with_room(spec, count), folder / "bounds.toml")
        return case

    def declared(self, model: str, folder: Path) -> Case:
        """Return a good case of its own in *folder*: the declaration of a *model*, and what is pinned of it.

        Its store is the one that everybody uses; a planter that changes what is stored copies it first: `pins.stored`.
        """
        source = self.source(model)
        pins = sorted((source.parent / SNAPSHOTS).glob(f"{model}-*.txt"))
        (folder / "models" / SNAPSHOTS).mkdir(parents=True)
        shutil.copyfile(source, folder / "models" / source.name)
        for pin in pins:
            shutil.copyfile(pin, folder / "models" / SNAPSHOTS / pin.name)
        spec = self.spec(model)
        build = self.build(spec)
        return Case(model, folder, build / DATA, build, declared=True, workshop=self, store=self.artifacts)

    def data(self, spec: ModelSpec, count: int, split: str = "test") -> Path:
        """Return a folder of *count* samples from all over a *split* of the model's data set, by its recipe."""

        def spread(length: int) -> slice:
            step = length // count
            return slice(0, count * step, step)

        recipe = spec.name.partition("_seed")[0]  # seeds share their data
        place = self.scratch / DATA / f"{recipe}-{split}-{count}"
        return once(place, lambda folder: save_samples(spec, split, spread, folder))

    def drawn(self, spec: ModelSpec, count: int, seed: int) -> Path:
        """Return a folder of *count* test samples, by the model's recipe: others for each seed, while there are some.

        Of the 10,000 test samples, five draws of up to 2,000 have none in common.
        """

        def draw(length: int) -> np.ndarray:
            return np.roll(np.random.default_rng(0).permutation(length), -seed * count)[:count]

        recipe = spec.name.partition("_seed")[0]
        place = self.scratch / DATA / f"{recipe}-draw{seed}-{count}"
        return once(place, lambda folder: save_samples(spec, "test", draw, folder))

    def converted(self, spec: ModelSpec, module: str, source: Path) -> Path:
        """Return the folder of what `python -m MODULE BUILD DECLARATION MODEL OUT` makes of the build of *spec*.

        source: the file of that module: what was made with another one is made anew. It is kept from run to run.
        """
        build, store = self.build(spec), Store(self.artifacts)
        determinants = {"build": str(build_address(spec)), "source": file_digest(source)}

        def write(folder: Path) -> None:
            run_module(module, build, spec.source, spec.name, folder)

        return store.once(Address.of("builds", f"{module.rpartition('.')[2]}-{spec.name}", determinants), write)


def save_samples(spec: ModelSpec, split: str, chosen: Callable[[int], slice | np.ndarray], folder: Path) -> None:
    """Write samples of a *split*, by the recipe of *spec*, to *folder*; *chosen* takes their number, and picks rows."""
    inputs, targets = samples(spec, split)
    for key, array in (inputs | {key if key == "y" else f"y_{key}": array for key, array in targets.items()}).items():
        np.save(folder / f"{key}.npy", array[chosen(len(array))])


def with_room(spec: ModelSpec, count: int) -> ModelSpec:
    """Return *spec* with the baseline that so many samples reach wherever all of them reach its own.

    An accuracy of some samples is off from that of all by a standard error or two, and a third is for other seeds.
    """
    whole = spec.budget.baseline
    if whole is None or isinstance(spec.task, Regression):
        return spec
    some = whole - 3 * math.sqrt(whole * (1 - whole) / count)
    return dataclasses.replace(spec, budget=dataclasses.replace(spec.budget, baseline=round(some, 4)))


def write_bounds(spec: ModelSpec, file: Path) -> None:
    """Write what *spec* says of its judgement as a bounds file of the command line."""
    told: dict[str, Any] = {
        field.name: value
        for field in dataclasses.fields(Budget)
        if (value := getattr(spec.budget, field.name)) != field.default
    }
    if spec.task is not None:
        named = isinstance(spec.task, Mapping)
        told["task"] = {key: _kind(task) for key, task in spec.task.items()} if named else _kind(spec.task)
    for field in ("partly_delegated", "not_meant_for"):
        if getattr(spec, field):
            told[field] = sorted(getattr(spec, field))
    if told:
        file.write_text(toml(told))


def toml(told: Mapping[str, Any]) -> str:
    """Return a bounds file that says so."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in told.items())


def _kind(task: object) -> dict[str, Any]:
    (kind,) = (word for word, known in KINDS.items() if type(task) is known)
    return {"kind": kind} | {key: value for key, value in vars(task).items() if value is not None}


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
