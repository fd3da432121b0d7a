"""Good models of many kinds, which the gate must pass."""

from tests.faults.good import close_calls, integers, kinds, tasks, tiny, unusual
from tests.faults.good.recipe import Recipe

RECIPES: tuple[Recipe, ...] = (
    *tiny.RECIPES,
    *close_calls.RECIPES,
    *integers.RECIPES,
    *tasks.RECIPES,
    *kinds.RECIPES,
    *unusual.RECIPES,
)
