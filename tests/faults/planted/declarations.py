"""Faults of what is declared of a model: a file that cannot be read, an example, a baseline that is not reached."""

from collections.abc import Callable
from functools import partial

import numpy as np

from fixtures.harness.artifacts import DATA, array_file
from tests.faults.bench import PROBLEM, Case, Fault, Named, NotPlanted, Severity, arrays, computed
from tests.faults.workshop import ZOO

READ = "tests/test_declarations.py::test_every_declaration_can_be_read"
EXAMPLE = "tests/test_one_image.py::test_one_image_is_recognized"
BASELINE = "tests/test_accuracy.py::test_float32_file_reaches_the_baseline"

CLASSIFIERS = ("mnist_cnn", "mnist_separable", "mnist_rows", "mnist_attention")
"""Models of one output that gives ten classes, and of one input."""


def declaration_beside(case: Case, text: str) -> None:
    """Put a further declaration beside the good one."""
    (case.folder / "models" / "other.py").write_text(f'"""Another model."""\n\n{text}\n')


def example_moved(case: Case, chosen: Callable[[np.ndarray], int]) -> None:
    """Make another sample the model's example: *chosen* among whether each is right, bool, (samples,)."""
    file = case.folder / "models" / f"{case.name}.py"
    predicted = np.load(case.build / array_file("keras", 0)).argmax(axis=1)
    right = predicted == np.load(case.build / DATA / "y.npy")
    text = file.read_text()
    if "example=0," not in text:
        raise NotPlanted(f"{file} has no example 0")
    file.write_text(text.replace("example=0,", f"example={chosen(right)},"))


def baseline_above(case: Case, samples: float) -> None:
    """Ask for an accuracy that the float32 file misses by so many samples; for none, that which it has."""
    (logits,), targets = computed(case.fp32, case.data), arrays(case.data)["y"]
    reached = float((logits.argmax(axis=1) == targets).mean())
    case.arguments += ["--bound", f"baseline={reached + samples / len(targets)!r}"]


FAULTS = (
    Fault(
        "declaration unreadable",
        "declaration",
        "any file among the declarations that cannot be imported; one that declares nothing can",
        (
            Severity("no Python", partial(declaration_beside, text="def build(:"), (Named(READ, "SyntaxError"),)),
            Severity("a missing module", partial(declaration_beside, text="import absent"), (Named(READ, "absent"),)),
            Severity(
                "an unknown bound",
                partial(
                    declaration_beside, text="from models.spec import Budget\n\nBUDGET = Budget(accuracy_drop=0.01)"
                ),
                (Named(READ, "accuracy_drop"),),
            ),
            Severity("nothing declared", partial(declaration_beside, text="BATCH = 1")),
        ),
        ZOO,
        declared=True,
    ),
    Fault(
        "example",
        "declaration",
        "an example that the model gets wrong, or that the data lack",
        (
            Severity(
                "beyond the data",
                partial(example_moved, chosen=len),
                (Named(EXAMPLE, "10000"), Named(PROBLEM, "10000")),
            ),
            Severity(
                "the last that is wrong",
                partial(example_moved, chosen=lambda right: len(right) - 1 - int(right[::-1].argmin())),
                (Named(EXAMPLE, "predicted"),),
            ),
            Severity(
                "the first that is wrong",
                partial(example_moved, chosen=lambda right: int(right.argmin())),
                (Named(EXAMPLE, "predicted"),),
            ),
            Severity("one that is right", partial(example_moved, chosen=lambda right: 1 + int(right[1:].argmax()))),
        ),
        CLASSIFIERS,
        declared=True,
    ),
    Fault(
        "baseline not reached",
        "declaration",
        "one sample too few: the bound is on the metric that was measured",
        (
            Severity("by a hundred samples", partial(baseline_above, samples=100), (Named(BASELINE, "accuracy"),)),
            Severity("by a sample", partial(baseline_above, samples=1), (Named(BASELINE, "accuracy"),)),
            Severity("by less than a sample", partial(baseline_above, samples=0.5), (Named(BASELINE, "accuracy"),)),
            Severity("reached exactly", partial(baseline_above, samples=0)),
        ),
        CLASSIFIERS,
    ),
)
