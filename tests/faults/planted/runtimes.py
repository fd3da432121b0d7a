"""Faults of what runs the files: a runtime that does not compute what it says, or a delegate library that goes wrong.

Every file is good here. `python -m tests.faults.planted.runtimes FILE DATA LIBRARY KEY=VALUE…` runs a file through a
library, in a process that may die of it.
"""

import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from fixtures.harness.versions import ROOT
from tests.faults.bench import Case, Fault, Named, Severity, computed
from tests.faults.workshop import ZOO

DELEGATES = "tests/test_delegates.py"
MATCHES = f"{DELEGATES}::test_outputs_match_the_reference_kernels"
WHOLE = f"{DELEGATES}::test_delegate_takes_the_whole_graph"
REDUCED = f"{DELEGATES}::test_reduced_precision_is_what_was_computed_in"
REPEATS = f"{DELEGATES}::test_outputs_repeat"
ALIVE = f"{DELEGATES}::test_outputs_are_alive"
LOADS = "tests/test_interface.py::test_runtime_loads_the_file_as_it_is"

SOURCE = ROOT / "tests" / "harness" / "delegate" / "delegate.c"
TARGET = "external:libdelegate.so"

WITHOUT_LOOP = tuple(model for model in ZOO if model != "mnist_rows")
"""Models that come to each operator once a sample, and that XNNPACK takes the whole of."""


def through_library(case: Case, *, declared: bool = True, timeout: float | None = None, **options: str | float) -> None:
    """Have the gate run *case* through the delegate library of the tests, with its *options*.

    declared: whether it is said that the library takes a part. timeout: seconds for which it may say nothing.
    """
    case.targets = (f"external:{case.workshop.library(SOURCE)}",)
    case.arguments += [f"--delegate-option={key}={value}" for key, value in options.items()]
    case.arguments += [f"--delegate-timeout={timeout}"] if timeout else []
    if declared:
        declare_part(case.folder / "bounds.toml")


def declare_part(bounds: Path) -> None:
    """Say in a file of *bounds* that the library takes a part of the graph."""
    text = bounds.read_text() if bounds.exists() else ""
    if "partly_delegated" not in text:
        text += "partly_delegated = []\n"
    bounds.write_text(re.sub(r"(?<=partly_delegated = \[)", f'"{TARGET}", ', text))


def library_of(case: Case) -> tuple[Path, dict[str, str]]:
    """Return the library that *case* runs through, and its options."""
    given = [argument.partition("=")[2] for argument in case.arguments if argument.startswith("--delegate-option=")]
    return Path(case.targets[0].removeprefix("external:")), dict(option.split("=") for option in given)


NEVER = "2001"
"""The number of a sample that the data do not have."""

UNFELT = "1e-9"
"""Noise that moves no bit of a float32."""


def computes_otherwise(good: Case, bad: Case) -> bool:
    """Return whether the library computes other values than the kernels that it stands in for, unless it never does."""
    library, options = library_of(bad)
    before, now = computed(good.fp16, bad.data), computed(bad.fp16, bad.data, library, **options)
    return differ(before, now) != (options.get("at") == NEVER)


def varies(_: Case, bad: Case) -> bool:
    """Return whether the library computes something else each time, or is one that adds too little for that."""
    library, options = library_of(bad)
    before, now = (computed(bad.fp16, bad.data, library, **options) for _ in range(2))
    return differ(before, now) != (options.get("by") == UNFELT)


def differ(before: list[np.ndarray], now: list[np.ndarray]) -> bool:
    """Return whether any value is another; NaN always is."""
    return any(not np.array_equal(one, other) for one, other in zip(before, now, strict=True))


def dies(_: Case, bad: Case) -> bool:
    """Return whether a process dies that runs the file through the library and ends; or lives, where it should."""
    library, options = library_of(bad)
    command = [sys.executable, "-m", __name__, bad.fp16, bad.data, library]
    done = subprocess.run([*command, *map("=".join, options.items())], cwd=ROOT, capture_output=True, check=False)
    return done.returncode == (0 if options.get("at") == NEVER else -signal.SIGABRT)


FORGETS_THE_FLAG = """
from ai_edge_litert.compiled_model import CompiledModel

opened = CompiledModel.from_file


def forget(path, *, options):
    if path.endswith({file!r}):
        options.cpu_options.xnnpack_flags = None
    return opened(path, options=options)


CompiledModel.from_file = forget
"""
"""A runtime that is asked for float16 arithmetic and computes in float32, all files whose path ends so."""

SCALES_ALL_OUTPUTS = """
from ai_edge_litert import tensor_buffer

read = tensor_buffer.TensorBuffer.read
tensor_buffer.TensorBuffer.read = lambda self, *arguments: read(self, *arguments) * {factor}
"""
"""A runtime whose outputs are all a little too small, which the largest error does not show in float16 arithmetic."""


def in_runtime(case: Case, code: str) -> None:
    """Run *code* at the start of every process of the gate, and have it compute in float16 arithmetic."""
    folder = case.folder / "runtime"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    case.variables["PYTHONPATH"] = str(folder)
    case.targets = ("xnnpack_fp16",)
    case.store = case.folder / "store"  # what a good runtime computed is of the same address


FAULTS = (
    Fault(
        "partial delegation",
        "runtime",
        "as much as is declared of the target, and no less: without a declaration that is the whole graph",
        (
            Severity("nothing", partial(through_library, declared=False, take="none"), (Named(WHOLE, "none"),)),
            Severity("a part", partial(through_library, declared=False), (Named(WHOLE, "delegated: part"),)),
            Severity(
                "nothing where a part is declared", partial(through_library, take="none"), (Named(WHOLE, "none"),)
            ),
            Severity("a part as declared", through_library),
        ),
        ZOO,
    ),
    Fault(
        "crash",
        "runtime",
        "at any time, also when all outputs are there and the process ends; one that no sample leads to is none",
        (
            Severity("at creation", partial(through_library, mode="create_abort"), (Named(LOADS, "SIGABRT"),)),
            Severity("at load", partial(through_library, mode="prepare_abort"), (Named(LOADS, "SIGABRT"),)),
            Severity("at the first sample", partial(through_library, mode="invoke_abort"), (Named(LOADS, "SIGABRT"),)),
            Severity(
                "at the last sample",
                partial(through_library, mode="invoke_abort", at="2000"),
                (Named(LOADS, "SIGABRT"),),
            ),
            Severity("at unloading", partial(through_library, mode="unload_abort"), (Named(LOADS, "SIGABRT"),)),
            Severity(
                "at the end of the process",
                partial(through_library, mode="exit_abort"),
                (Named(LOADS, "SIGABRT as it ended"),),
            ),
            Severity("at a sample too many", partial(through_library, mode="invoke_abort", at=NEVER)),
        ),
        WITHOUT_LOOP,
        evidence=dies,
    ),
    Fault(
        "hang",
        "runtime",
        "as long as --delegate-timeout, over any sample or at the end; what takes less is slow, and no fault",
        (
            Severity(
                "at creation",
                partial(through_library, mode="create_hang", timeout=2),
                (Named(LOADS, "said nothing for 2 s"),),
            ),
            Severity(
                "at the last sample",
                partial(through_library, mode="invoke_hang", at="2000", timeout=4),
                (Named(LOADS, "said nothing for 4 s"),),
            ),
            Severity(
                "at the end of the process",
                partial(through_library, mode="exit_hang", timeout=4),
                (Named(LOADS, "4 s after its work was done"),),
            ),
            Severity("of two seconds", partial(through_library, mode="invoke_hang", by="2", at="2000", timeout=120)),
        ),
        WITHOUT_LOOP,
    ),
    Fault(
        "wrong results",
        "runtime",
        "2^-17 of the largest output, which no user of float16 weights can tell; kernels of float32 may differ by it",
        (
            Severity("all zero", partial(through_library, take="all"), (Named(LOADS, "computes wrongly"),)),
            Severity("half zero", partial(through_library, mode="wrong", by="0"), (Named(MATCHES, TARGET),)),
            Severity("half too much", partial(through_library, mode="wrong"), (Named(MATCHES, TARGET),)),
            Severity("1 % too much", partial(through_library, mode="wrong", by="1.01"), (Named(MATCHES, TARGET),)),
            Severity(
                "2^-16 too much", partial(through_library, mode="wrong", by=1 + 2**-16), (Named(MATCHES, TARGET),)
            ),
            Severity("2^-20 too much", partial(through_library, mode="wrong", by=1 + 2**-20)),
        ),
        ZOO,
        evidence=computes_otherwise,
    ),
    Fault(
        "coarse rounding",
        "runtime",
        "rounding to 14 to 18 bits inside, depending on the model: 2^-17 of the largest output",
        (
            Severity("bfloat16's 8 bits", partial(through_library, mode="coarse", by=16), (Named(MATCHES, TARGET),)),
            Severity("float16's 11 bits", partial(through_library, mode="coarse"), (Named(MATCHES, TARGET),)),
            Severity("14 bits", partial(through_library, mode="coarse", by=10), (Named(MATCHES, TARGET),)),
            Severity("19 bits", partial(through_library, mode="coarse", by=5)),
        ),
        ZOO,
        evidence=computes_otherwise,
    ),
    Fault(
        "NaN at run time",
        "runtime",
        "one value of one sample",
        (
            Severity("for every sample", partial(through_library, mode="nan"), (Named(ALIVE, "NaN"),)),
            Severity("for every hundredth", partial(through_library, mode="nan", at="100"), (Named(ALIVE, "NaN"),)),
            Severity("for the last", partial(through_library, mode="nan", at="2000"), (Named(ALIVE, "NaN"),)),
            Severity("for one too many", partial(through_library, mode="nan", at=NEVER)),
        ),
        WITHOUT_LOOP,
        evidence=computes_otherwise,
    ),
    Fault(
        "outputs that do not repeat",
        "runtime",
        "any bit of one of the 200 samples that are run twice",
        (
            Severity("by 1 %", partial(through_library, mode="noise"), (Named(REPEATS, "other bits"),)),
            Severity("by 1e-4", partial(through_library, mode="noise", by="1e-4"), (Named(REPEATS, "other bits"),)),
            Severity("by 1e-6", partial(through_library, mode="noise", by="1e-6"), (Named(REPEATS, "other bits"),)),
            Severity(
                "by 1e-6 now and then",
                partial(through_library, mode="noise", by="1e-6", at="150"),
                (Named(REPEATS, "other bits"),),
            ),
            Severity("by 1e-9", partial(through_library, mode="noise", by=UNFELT)),
        ),
        ZOO,
        evidence=varies,
    ),
    Fault(
        "float32 sold as float16",
        "runtime",
        "a file of which no sample has other bits than in float32; one sample that has is taken for float16 arithmetic",
        (
            Severity(
                "of every file",
                partial(in_runtime, code=FORGETS_THE_FLAG.format(file="")),
                (Named(REDUCED, "computed in float32"),),
            ),
            Severity(
                "of the float32 file",
                partial(in_runtime, code=FORGETS_THE_FLAG.format(file="fp32.tflite")),
                (Named(REDUCED, "200 of 200 samples"),),
            ),
            Severity(
                "of the float16 file",
                partial(in_runtime, code=FORGETS_THE_FLAG.format(file="fp16.tflite")),
                (Named(REDUCED, "200 of 200 samples"),),
            ),
            Severity("of no file", partial(in_runtime, code=FORGETS_THE_FLAG.format(file="neither.tflite"))),
        ),
        WITHOUT_LOOP,
    ),
    Fault(
        "scale of all outputs",
        "runtime",
        "1 % to 1.3 % of the rms output, which float16 arithmetic explains of these models",
        (
            Severity(
                "a half", partial(in_runtime, code=SCALES_ALL_OUTPUTS.format(factor=0.5)), (Named(MATCHES, "error /"),)
            ),
            Severity(
                "0.95",
                partial(in_runtime, code=SCALES_ALL_OUTPUTS.format(factor=0.95)),
                (Named(MATCHES, "largest error"),),
            ),
            Severity(
                "0.98",
                partial(in_runtime, code=SCALES_ALL_OUTPUTS.format(factor=0.98)),
                (Named(MATCHES, "a scale, an offset, a rounding too many"),),
            ),
            Severity(
                "0.986",
                partial(in_runtime, code=SCALES_ALL_OUTPUTS.format(factor=0.986)),
                (Named(MATCHES, "rms error"),),
            ),
            Severity("0.992", partial(in_runtime, code=SCALES_ALL_OUTPUTS.format(factor=0.992))),
        ),
        ("mnist_cnn", "mnist_pair"),  # the largest error of which may be over 2 %, so that it hides a scale
    ),
)

if __name__ == "__main__":
    file, data, library, *given = sys.argv[1:]
    computed(Path(file), Path(data), Path(library), **dict(option.split("=") for option in given))
