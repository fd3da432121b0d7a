"""What is planted: a class of faults a module."""

from tests.faults.bench import Fault
from tests.faults.planted import behaviour, declarations, pins, weights

FAULTS: tuple[Fault, ...] = (*weights.FAULTS, *pins.FAULTS, *declarations.FAULTS, *behaviour.FAULTS)
"""All of them, each under a name of its own."""
