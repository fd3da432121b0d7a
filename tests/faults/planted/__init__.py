"""What is planted: a class of faults a module."""

from tests.faults.bench import Fault
from tests.faults.planted import (
    accuracy,
    arithmetic,
    behaviour,
    declarations,
    effects,
    interface,
    layout,
    pins,
    precision,
    retrained,
    runtimes,
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
    *interface.FAULTS,
    *runtimes.FAULTS,
    *arithmetic.FAULTS,
    *declarations.FAULTS,
    *pins.FAULTS,
)
"""All of them, each under a name of its own."""
