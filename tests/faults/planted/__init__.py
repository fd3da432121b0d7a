"""What is planted: a class of faults a module."""

from tests.faults.bench import Fault
from tests.faults.planted import accuracy, behaviour, declarations, layout, pins, precision, weights

FAULTS: tuple[Fault, ...] = (
    *weights.FAULTS,
    *pins.FAULTS,
    *declarations.FAULTS,
    *behaviour.FAULTS,
    *accuracy.FAULTS,
    *precision.FAULTS,
    *layout.FAULTS,
)
"""All of them, each under a name of its own."""
