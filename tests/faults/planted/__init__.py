"""What is planted: a class of faults a module."""

from tests.faults.bench import Fault
from tests.faults.planted import (
    accuracy,
    behaviour,
    declarations,
    effects,
    layout,
    pins,
    precision,
    retrained,
    weights,
)

FAULTS: tuple[Fault, ...] = (
    *precision.FAULTS,
    *layout.FAULTS,
    *weights.FAULTS,
    *effects.FAULTS,
    *retrained.FAULTS,
    *behaviour.FAULTS,
    *accuracy.FAULTS,
    *declarations.FAULTS,
    *pins.FAULTS,
)
"""All of them, each under a name of its own."""
