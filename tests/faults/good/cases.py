"""The good cases: which model, with which data, as whose files."""

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fixtures.harness.store import Address, Store, file_digest
from fixtures.harness.versions import ROOT
from tests.faults.bench import SEEDS, Case, Extent, NotPlanted
from tests.faults.good import RECIPES
from tests.faults.good.forms import FORMS
from tests.faults.good.recipe import Recipe
from tests.faults.good.variants import biases_left, in_float16, without_metadata
from tests.faults.seeds.zoo import name as seeded
from tests.faults.workshop import ZOO, Workshop, save_samples, write_bounds
from tests.once import run_module

QUICK = 2
"""So many of each class are in the quick form."""

FIRST = {
    (recipe, 0)
    for kind in {one.kind for one in RECIPES}
    for recipe in [one for one in RECIPES if one.kind == kind][:QUICK]
}
"""The small models of the quick form, with their seed."""

COUNTS = 50, 500, 2000, 10_000
MANY = 50_000
CLASSIFIERS = "mnist_cnn", "mnist_attention", "mnist_rows", "mnist_separable"
PINNED = "tests/test_training.py", "tests/test_predictions.py"
"""What looks for pins, which nobody has of a model that was trained today."""


@dataclass(frozen=True)
class Good:
    """A good case. kind: its class. make: makes it in a folder. seed: what it is made from.

    moved: whether rounding changes some of its predictions; a case that says so and does not do it is no such case.
    quick: whether it is the one of its class in the quick form; where none is, some are.
    """

    name: str
    kind: str
    make: Callable[[Workshop, Path], Case]
    model: str
    seed: int
    moved: bool = False
    quick: bool = False

    def __str__(self) -> str:
        """Return it as a test id."""
        return self.name


def declared(workshop: Workshop, folder: Path, *, model: str, seed: int) -> Case:
    """Return a model of the project as a declaration, trained from *seed*, with all of its data and targets.

    Its store is the one of all runs, in which it is trained but once.
    """
    spec = workshop.spec(model, seed)
    arguments = ["-k", spec.name]
    arguments += [f"--deselect={file}" for file in PINNED if seed]
    build = workshop.build(spec)
    folder.mkdir(parents=True)
    return Case(
        spec.name,
        folder,
        build,
        build,
        targets=("xnnpack", "xnnpack_fp16"),
        arguments=arguments,
        declared=True,
        models=spec.source.parent,
        store=workshop.artifacts,
        workshop=workshop,
    )


def paired(workshop: Workshop, folder: Path, *, model: str, seed: int, count: int) -> Case:
    """Return a model of the project as a pair of files, with *count* test images that other seeds do not have."""
    spec = workshop.spec(model, seed)
    case = workshop.case(model, seed, folder)
    case.data = workshop.drawn(spec, count, seed)
    if count < max(COUNTS):  # its baseline is one of all samples, and few of them lie on either side of it
        bounds = folder / "bounds.toml"
        bounds.unlink(missing_ok=True)
        write_bounds(dataclasses.replace(spec, budget=dataclasses.replace(spec.budget, baseline=None)), bounds)
    return case


def with_many(workshop: Workshop, folder: Path, *, model: str, seed: int) -> Case:
    """Return the same with as many images as there are only to train from."""
    case = workshop.case(model, seed, folder)
    case.data = folder / "EVAL"
    case.data.mkdir()
    save_samples(workshop.spec(model, seed), "train", lambda _: slice(MANY), case.data)
    return case


def changed(workshop: Workshop, folder: Path, *, model: str, seed: int, change: Callable[[Case], None]) -> Case:
    """Return the same after a *change* that leaves it good; raise NotPlanted if it changed nothing."""
    case = paired(workshop, folder, model=model, seed=seed, count=2000)
    before = case.digest()
    change(case)
    if case.digest() == before:
        raise NotPlanted(f"{change.__name__}: nothing of {case.name} changed")
    return case


def small(workshop: Workshop, folder: Path, *, recipe: Recipe, seed: int) -> Case:
    """Return a small model of a *recipe*, made from *seed*."""
    made = made_small(workshop, recipe, seed) / f"{recipe.name}-{seed}"
    shutil.copytree(made, folder)
    return Case(f"{recipe.name}-{seed}", folder, folder / "data.npz", made, workshop=workshop)


def made_small(workshop: Workshop, recipe: Recipe, seed: int) -> Path:
    """Return the folder of all models that are made in one process with that of *seed*: TensorFlow takes long to load.

    What the quick form needs is made together, and so is what else comes from a module of recipes.
    """
    together = [(one, other) for one in RECIPES for other in range(one.seeds)]
    if (recipe, seed) in FIRST:
        batch, name = [one for one in together if one in FIRST], "first"
    else:
        batch = [one for one in together if one not in FIRST and one[0].module == recipe.module]
        name = recipe.module.rpartition(".")[2]
    modules = {one.module for one, _ in batch} | {"tests.faults.good.recipe", "tests.faults.good.making"}
    sources = [ROOT / f"{module.replace('.', '/')}.py" for module in sorted(modules)]
    sources.append(ROOT / "fixtures" / "harness" / "conversion.py")
    names = [f"{one.name}-{other}" for one, other in batch]
    address = Address.of("builds", f"good-{name}", {"names": names, "sources": [file_digest(file) for file in sources]})
    store = Store(workshop.artifacts)
    store.prepare()
    return store.once(address, lambda out: run_module("tests.faults.good.making", out, *names))


ALL: tuple[Good, ...] = (
    *(
        Good(
            f"declared-{seeded(model, seed)}",
            "declared and trained",
            partial(declared, model=model, seed=seed),
            model,
            seed,
        )
        for model in ZOO
        for seed in range(SEEDS)
    ),
    *(
        Good(
            f"pair-{seeded(model, seed)}-{count}",
            f"pair, {count} samples",
            partial(paired, model=model, seed=seed, count=count),
            model,
            seed,
        )
        for number, model in enumerate(ZOO)
        for seed in range(SEEDS)
        for count in (COUNTS[(number + seed) % len(COUNTS)],)
    ),
    *(
        Good(
            f"pair-{seeded(model, seed)}-{MANY}",
            f"pair, {MANY} samples",
            partial(with_many, model=model, seed=seed),
            model,
            seed,
        )
        for seed, model in enumerate(("mnist_cnn", "mnist_multi"))
    ),
    *(
        Good(
            f"{change.__name__}-{seeded(model, seed)}",
            kind,
            partial(changed, model=model, seed=seed, change=change),
            model,
            seed,
        )
        for change, kind, seeds in (
            (in_float16, "weights that float16 has", (0, 3)),
            (without_metadata, "files of other producers", (1,)),
            (biases_left, "files of other producers", (0,)),
        )
        for model in ZOO
        for seed in seeds
    ),
    *(
        Good(
            f"{change.__name__}-{seeded(model, seed)}",
            "forms of data",
            partial(changed, model=model, seed=seed, change=change),
            model,
            seed,
        )
        for number, change in enumerate(FORMS)
        for model, seed in (
            (CLASSIFIERS[number % len(CLASSIFIERS)], number % SEEDS),
            (CLASSIFIERS[(number + 2) % len(CLASSIFIERS)], (number + 3) % SEEDS),
        )
    ),
    *(
        Good(
            f"{recipe.name}-{seed}",
            recipe.kind,
            partial(small, recipe=recipe, seed=seed),
            recipe.name,
            seed,
            recipe.moved,
            (recipe, seed) in FIRST,
        )
        for recipe in RECIPES
        for seed in range(recipe.seeds)
    ),
)


def cases(extent: Extent) -> list[Good]:
    """Return the cases that are run.

    quick: some of each class, of seed 0. whole: all of the project's models, and small ones of every third seed, which
    share what is made for all. full: all.
    """
    if extent == "full":
        return list(ALL)
    if extent == "whole":
        return [case for case in ALL if case.model in ZOO or case.seed % 3 == 0]
    found = []
    for kind in dict.fromkeys(case.kind for case in ALL):
        of_kind = [case for case in ALL if case.kind == kind and not case.seed]
        small_ones = [case for case in of_kind if case.quick]
        found += small_ones or of_kind[:: max(1, len(of_kind) // QUICK)][:QUICK]
    return [case for case in found if str(MANY) not in case.kind]
