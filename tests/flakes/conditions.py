"""Under what the gate is run again: everything that should not matter, in a plan that mixes it systematically."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

WORKERS = {
    "-n auto": ["-n", "auto"],
    "-n 1": ["-n", "1"],
    "-n 4": ["-n", "4"],
    "-p no:xdist": ["-p", "no:xdist"],
}
"""How many processes test, by the name of the condition."""

LOADS = {"idle": (0, 0), "busy": (1, 0), "starved": (1, 5)}
"""How many processes a core compute beside the gate, and how nice the gate is to them."""

THREADS = {
    "own threads": {},
    "1 thread": {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"},
    "8 threads": {"OMP_NUM_THREADS": "8", "TF_NUM_INTRAOP_THREADS": "8", "TF_NUM_INTEROP_THREADS": "8"},
    "no oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
}
"""The environment that tells TensorFlow and others how to compute."""

CORES = ("all cores", "one core")

STORES = {
    "warm": (),
    "no outputs": ("outputs",),
    "empty": ("builds", "outputs", "locks", "shaders"),
}
"""Which of its folders the artifact store has lost before the run."""

AXES = {"workers": WORKERS, "load": LOADS, "threads": THREADS, "cores": CORES, "store": STORES}

TIMES = {"-n 1": 1.5, "-p no:xdist": 1.3, "busy": 1.7, "starved": 3, "one core": 1.8, "no outputs": 5.5, "empty": 8.6}
"""How many times longer a run takes, measured roughly; that decides nothing but what the plan prefers."""

PLUGIN = "random_order"
"""Shuffles the tests. It is pytest-random-order: pytest-randomly keeps the tests of a module together, and seeds the
generators of random and NumPy before each, which hides what is random."""


@dataclass(frozen=True)
class Condition:
    """Under what one run takes place: a name of each of `AXES`.

    number: the run's place in the plan, the seed that the tests are shuffled by, and that of Python's hashes. Run 0
        tests in the order in which the tests stand.
    """

    number: int
    workers: str
    load: str
    threads: str
    cores: str
    store: str

    def __str__(self) -> str:
        """Return the condition in a line."""
        return ", ".join([f"seed {self.number}" if self.number else "in order", *self.levels])

    @property
    def levels(self) -> tuple[str, ...]:
        """Its names on the axes, in their order."""
        return tuple(getattr(self, axis) for axis in AXES)

    @property
    def arguments(self) -> list[str]:
        """What the gate's command line says of it."""
        shuffled = ["-p", PLUGIN, "--random-order-bucket=global", f"--random-order-seed={self.number}"]
        return [*WORKERS[self.workers], *(shuffled if self.number else [])]

    @property
    def variables(self) -> dict[str, str]:
        """What the gate's environment says of it."""
        return {**THREADS[self.threads], **({"PYTHONHASHSEED": str(self.number)} if self.number else {})}

    @property
    def busy(self) -> int:
        """How many processes a core compute beside the gate."""
        return LOADS[self.load][0]

    def through(self, core: int) -> list[str]:
        """Return the commands that become the gate: as nice as it is to be, and on *core* where it has but one."""
        _, niceness = LOADS[self.load]
        return [
            *(("nice", "-n", str(niceness)) if niceness else ()),
            *(("taskset", "--cpu-list", str(core)) if self.cores == "one core" else ()),
        ]

    def prepare(self, store: Path) -> None:
        """Take from *store* what the run is not to find there."""
        for folder in STORES[self.store]:
            shutil.rmtree(store / folder, ignore_errors=True)


def plan(runs: int) -> list[Condition]:
    """Return the conditions of so many *runs*, always the same.

    The first is an ordinary run on a fresh machine. Those that follow bring each pair of names of two axes together,
    as soon as can be had for the time; then each pair again that a filled store allows.
    """
    found = []
    for number, levels in zip(range(runs), _mixed(), strict=False):
        found.append(Condition(number, *levels))
    return found


def _mixed() -> Iterator[tuple[str, ...]]:
    first = ("-n auto", "idle", "own threads", "all cores", "empty")
    yield first
    every, left = list(product(*AXES.values())), _pairs(first)
    left = set().union(*map(_pairs, every)) - left
    while True:
        # The fourth root: a run that takes long comes late, but not last, so that a short plan has one of each kind.
        best = max(every, key=lambda levels: len(_pairs(levels) & left) / _time(levels) ** 0.25)
        left -= _pairs(best)
        yield best
        if not left:
            every = [levels for levels in every if "warm" in levels]
            left = set().union(*map(_pairs, every))


def _pairs(levels: tuple[str, ...]) -> set[tuple[str, str]]:
    return set(combinations(levels, 2))


def _time(levels: tuple[str, ...]) -> float:
    found = 1.0
    for level in levels:
        found *= TIMES.get(level, 1)
    return found
