"""The fault bench: what is planted, what it is planted in, and when a run of the gate has caught it.

A case is a good pair of files with its data, as a user has them. A planter makes one thing of it wrong. The gate runs
on it in a process of its own, and says in `--gate-json` what it found. A fault is caught if the run is red *and* a
check that names the property at fault fell short; being red for another reason is as bad as being green.

Each fault comes in several severities, from blatant down to where it is none any more: beneath that edge the gate must
pass. Every planting is verified before the gate sees it: what changed nothing can be neither caught nor missed.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fixtures.harness.store import file_digest
from tests.gate import run_gate

if TYPE_CHECKING:
    from tests.faults.workshop import Workshop

Extent = Literal["quick", "whole", "full"]
EXTENTS: tuple[Extent, ...] = ("quick", "whole", "full")
"""How much of faults x models x seeds is run.

quick: of each fault the least severity, and of every other one what lies beneath its edge, from seed 0. whole: every
severity; models and seeds take turns, so that each of them meets every class of faults. full: all.
"""

SEEDS = 5

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""NumPy's library starts a thread for each other processor, which spins for a while, on one where another run is."""

BROKEN = {"internal error", "unfinished", "interrupted"}
"""Verdicts of runs that did not come to one: they are red, and have caught nothing."""


class NotPlanted(Exception):  # noqa: N818 (it says what happened)
    """A planter that changed nothing."""


@dataclass
class Case:
    """A model as a user has it, and the command that puts it through the gate.

    name: of the model, with its seed. folder: its own; a planter may change everything in it. data: an EVAL.npz or a
    folder of arrays, which others read as well: a planter writes data of its own to `folder`, and names them here.
    build: the folder that the good files come from, with the Keras model in it. targets: what the gate runs on besides
    the reference kernels. arguments, variables: what else is on the command line, and in the environment.
    declared: whether the model comes as a declaration in `folder`/models, rather than as a pair of files.
    models: the folder of that declaration, None for `folder`/models.
    workshop: makes what a planter needs besides. store: the gate's artifact store, None for one that cases share.
    """

    name: str
    folder: Path
    data: Path
    build: Path
    targets: tuple[str, ...] = ("xnnpack",)
    arguments: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    declared: bool = False
    models: Path | None = None
    workshop: "Workshop | None" = None
    store: Path | None = None

    @property
    def fp32(self) -> Path:
        """The float32 file."""
        return self.folder / "fp32.tflite"

    @property
    def fp16(self) -> Path:
        """The float16 file."""
        return self.folder / "fp16.tflite"

    def digest(self) -> str:
        """Return a digest of all that the gate is given."""
        found = hashlib.sha256(repr((self.command(), self.variables)).replace(str(self.folder), "").encode())
        for file in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            found.update(f"{file.relative_to(self.folder)} {file_digest(file)}\n".encode())
        return found.hexdigest()

    def command(self) -> list[str]:
        """Return the arguments of the gate."""
        bounds = self.folder / "bounds.toml"
        given = [f"--models-dir={self.models or self.folder / 'models'}"]
        if not self.declared:
            given = [f"--fp32={self.fp32}", f"--fp16={self.fp16}", f"--data={self.data}"]
            given += [f"--bounds={bounds}"] if bounds.exists() else []
        return [*given, *self.arguments, *(word for name in self.targets for word in ("--delegate", name))]


Planter = Callable[[Case], None]
Evidence = Callable[[Case, Case], bool]


@dataclass(frozen=True)
class Named:
    """A check that names the property at fault, `tests/test_….py::test_…`, and what its message has to say.

    PROBLEM stands for what a run says that refuses to begin.
    """

    check: str
    says: str = ""


PROBLEM = "problem"


@dataclass(frozen=True)
class Severity:
    """How much of a fault is planted.

    named_by: checks of which one has to fall short. Empty beneath the edge: this is no fault, and the gate must pass.
    """

    name: str
    plant: Planter
    named_by: tuple[Named, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with models.

    kind: its class. edge: where it stops being a fault, in words. severities: from the worst to the least. models: in
    which models it can be planted. evidence: takes the good and the faulty case, and returns whether the fault is
    there, beyond that what the gate is given changed.
    seeds: from how many seeds each is trained. samples: how many of the data the gate is given.
    declared: whether it is planted in a declared model, with its pins and all of its data, rather than in a pair of
    files; these are of seed 0.
    """

    name: str
    kind: str
    edge: str
    severities: tuple[Severity, ...]
    models: tuple[str, ...]
    evidence: Evidence = lambda *_: True
    seeds: int = SEEDS
    samples: int = 2000
    declared: bool = False

    def __post_init__(self) -> None:
        """Refuse a fault without an edge, and severities out of order."""
        above = [bool(severity.named_by) for severity in self.severities]
        if len(above) < 3 or not above[0] or sorted(above, reverse=True) != above or not self.edge:
            raise ValueError(f"{self.name}: three severities or more, from the worst to the least, and an edge")

    def rank(self, severity: Severity) -> str:
        """Return where *severity* stands: the least that is still a fault, above that, or beneath the edge."""
        if not severity.named_by:
            return "beneath the edge"
        least = [one for one in self.severities if one.named_by][-1]
        return "at the edge" if severity is least else "above the edge"


@dataclass(frozen=True)
class Planting:
    """One fault in one model."""

    fault: Fault
    severity: Severity
    model: str
    seed: int

    def __str__(self) -> str:
        """Return it as a test id."""
        words = f"{self.fault.name}-{self.severity.name}-{self.model}-{self.seed}"
        return words.replace(" ", "_")


def matrix(faults: Iterable[Fault], extent: Extent) -> list[Planting]:
    """Return what is planted, in the order of the faults."""
    found = []
    triples = [(number, fault, severity) for number, fault in enumerate(faults) for severity in fault.severities]
    for turn, (number, fault, severity) in enumerate(triples):
        rank = fault.rank(severity)
        seeds = 1 if fault.declared else fault.seeds
        if extent == "full":
            places = [(model, seed) for model in fault.models for seed in range(seeds)]
        elif extent == "whole":
            places = [_place(fault, turn, seeds)]
        elif rank == "above the edge" or (rank == "beneath the edge" and number % 2):
            places = []
        else:
            places = [(_place(fault, turn, seeds)[0], 0)]
        found += [Planting(fault, severity, model, seed) for model, seed in places]
    return found


def _place(fault: Fault, turn: int, seeds: int) -> tuple[str, int]:
    """Return the model and the seed whose turn it is: they step at different rates, so that all pairs come to meet."""
    return fault.models[turn % len(fault.models)], (turn + turn // len(fault.models)) % seeds


@dataclass(frozen=True)
class Run:
    """A finished run of the gate: what it wrote for programs, what it printed, and the seconds that it took."""

    document: dict[str, Any]
    text: str
    seconds: float

    @property
    def verdict(self) -> str:
        """The run's verdict in a word or two."""
        return self.document["run"]["verdict"]

    @property
    def fallen(self) -> dict[str, str]:
        """The messages of the checks that fell short, by test id, and the run's problems."""
        found = {
            check["name"]: check["message"]
            for check in self.document["checks"]
            if check["status"] in {"failed", "error"}
        }
        problems = "\n".join(self.document["run"]["problems"])
        return found | ({PROBLEM: problems} if problems else {})

    def names(self, wanted: Named) -> bool:
        """Return whether the check fell short, and says what it has to."""
        return any(
            name.partition("[")[0] == wanted.check and wanted.says in message for name, message in self.fallen.items()
        )


def put_through(case: Case, folder: Path, store: Path) -> Run:
    """Run the gate on *case*, as a user does; what it writes goes to *folder*, what it keeps to *store*."""
    file = folder / "gate.json"
    where = f"--gate-json={file}", f"--artifacts={case.store or store}"
    done = run_gate(*case.command(), *where, folder=folder, **ONE_THREAD, **case.variables)
    if not file.exists():
        raise AssertionError(f"the gate ended with {done.code} and left no verdict:\n{done.text}")
    return Run(json.loads(file.read_text()), done.text, done.seconds)


def catchers(severity: Severity, run: Run) -> list[str]:
    """Return the checks that name the fault, and fell short."""
    return [wanted.check for wanted in severity.named_by if run.names(wanted)]


def outcome(severity: Severity, run: Run) -> str:
    """Return what *run* makes of a planted *severity*: "caught", "misnamed" or "missed"; "passed" or "false alarm"."""
    if not severity.named_by:
        return "passed" if run.verdict == "passed" else "false alarm"
    if run.verdict == "passed":
        return "missed"
    return "caught" if run.verdict not in BROKEN and catchers(severity, run) else "misnamed"


def verify(planting: Planting, good: Case, bad: Case) -> None:
    """Raise NotPlanted unless *bad* is another case than *good*, and differs from it as the fault says."""
    if good.digest() == bad.digest():
        raise NotPlanted(f"{planting}: nothing that the gate is given changed")
    if not planting.fault.evidence(good, bad):
        raise NotPlanted(f"{planting}: the files changed, and what they do did not")


def outputs_differ(good: Case, bad: Case) -> bool:
    """Return whether the float16 files compute other values from the data of *bad*: evidence of behaviour."""
    return any(
        not np.array_equal(one, other, equal_nan=True)
        for before, now in zip(_computed(good.fp16, bad.data), _computed(bad.fp16, bad.data), strict=True)
        for one, other in zip(before, now, strict=True)
    )


def computed(file: Path, data: Path, library: Path | None = None, **options: str) -> list[np.ndarray]:
    """Return what the float16 or float32 *file* of one signature computes, its outputs by their names' order.

    Of LiteRT's builtin kernels, asked directly: evidence does not come from what it is to judge.
    library: of a delegate that takes its part, with its *options*.
    """
    return [np.concatenate(rows) for rows in zip(*_computed(file, data, library, **options), strict=True)]


def _computed(file: Path, data: Path, library: Path | None = None, **options: str) -> Iterator[list[np.ndarray]]:
    """Yield the same for each sample, as one asks for it."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType, load_delegate

    runtime = Interpreter(
        str(file),
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_delegates=[load_delegate(str(library), options)] if library else [],
    )
    runner = runtime.get_signature_runner(next(iter(runtime.get_signature_list())))
    details = runner.get_input_details()
    columns = arrays(data)
    fed = {name: columns["x" if len(details) == 1 and "x" in columns else name] for name in details}
    fed = {name: array.astype(details[name]["dtype"], copy=False) for name, array in fed.items()}
    for row in range(len(next(iter(fed.values())))):
        outputs = runner(**{name: array[row : row + 1] for name, array in fed.items()})
        yield [outputs[name] for name in sorted(outputs)]


def arrays(data: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an EVAL.npz, or of a folder of `.npy` files, by name."""
    if data.is_dir():
        return {file.stem: np.load(file, mmap_mode="r") for file in sorted(data.glob("*.npy"))}
    with np.load(data) as archive:
        return dict(archive)
