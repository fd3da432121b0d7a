"""Every model of the project, trained from other seeds: as good, and of other weights."""

import dataclasses
from pathlib import Path

from fixtures.harness.specs import declared

SEEDS = 1, 2, 3, 4
"""Besides 0, which the project's own declarations have."""


def name(model: str, seed: int) -> str:
    """Return what *model* is called where it is trained from *seed*."""
    return f"{model}_seed{seed}" if seed else model


MODELS = [
    dataclasses.replace(
        spec, name=name(spec.name, seed), recipe=dataclasses.replace(spec.recipe, seed=seed), example=None
    )
    for file in sorted((Path(__file__).parents[3] / "models").glob("mnist_*.py"))
    for spec in declared(file)
    for seed in SEEDS
]
