"""What a run says that another did not: two documents of `--gate-json`, compared fact by fact."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fixtures.harness.record import UNFINISHED
from fixtures.harness.targets import EXTERNAL, TARGETS

RUN = "the run"
"""What a change is of that is of no check, model or target."""

ABSENT = "absent"
"""What stands for the fact that one of two runs does not have."""

VERDICTS = {"status", "availability", "verdict", "exit code", "holds"}
"""The last word of the facts that say what something is worth; all else is what was measured, or told of it."""

KERAS = "keras"
"""What the names of checks hold that judge the outputs of Keras. It computes them in float32, with other bits where
oneDNN is off; training, in float64, gives the same weights there."""

OF_KERAS = re.compile(r"conversion|metrics\..*\.keras(_right\.bits)?")
"""The figures of a model that come of the same: how far conversion moved its outputs, and of each output the metric and
which samples are right."""

TOLD = 120
"""How many characters of a value are printed."""

Facts = dict[tuple[str, str], Any]
"""What a document says: a JSON value by what it is of (a test id, "model mnist_cnn", "target gpu", `RUN`), and name."""


@dataclass(frozen=True)
class Change:
    """One fact that is not as in the first run.

    subject, quantity: which it is, see `Facts`.
    before, now: JSON values, `ABSENT` for none.
    fails: whether it must not be: a verdict changed, or a number moved that is bit for bit the same on every run.
    """

    subject: str
    quantity: str
    before: Any
    now: Any
    fails: bool

    def __str__(self) -> str:
        """Return the change in a line."""
        return f"{self.subject}: {self.quantity}: {self.values}"

    @property
    def values(self) -> str:
        """Both values in a line."""
        return f"{_short(self.before)} -> {_short(self.now)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the change as JSON has it."""
        return dict(vars(self))


def facts(document: Mapping[str, Any]) -> Facts:
    """Return what *document*, of a run of the gate, says of its checks, models and targets; no times and machines."""
    run = document["run"]
    found: Facts = {
        (RUN, "verdict"): run["verdict"],
        (RUN, "exit code"): run["exit_code"],
        (RUN, "problems"): run["problems"],
    }
    for check in document["checks"]:
        found |= {(check["name"], name): check[name] for name in ("status", "message", "requirement")}
        for quantity, one in _named(check["measured"], "quantity"):
            found |= {(check["name"], f"{quantity}{name}"): value for name, value in _leaves(one)}
    for model in document["models"]:
        told = {name: value for name, value in model.items() if name not in {"name", "verdict", "counts"}}
        found[f"model {model['name']}", "status"] = model["counts"]
        found |= {(f"model {model['name']}", name.strip(" .")): value for name, value in _leaves(told)}
    for target in document["targets"]:
        subject = f"target {target['name']}"
        found |= {(subject, name.strip(" .")): value for name, value in _leaves({**target, "files": None})}
        for file in target["files"]:
            place = " ".join(filter(None, (file["model"], file["precision"], file.get("output"))))
            told = {name: value for name, value in file.items() if name != "latency"}
            found |= {(subject, f"{place}{name}"): value for name, value in _leaves(told)}
    return found


def compare(first: Mapping[str, Any] | None, now: Mapping[str, Any] | None, code: int | None) -> list[Change]:
    """Return what *now*, the document of a run that ended with exit *code*, says that the *first* one did not.

    None: there is no document. That fails, also where the first run has none either, and so does one that was begun and
    not finished, or that names another exit code than its process had.
    """
    changes = []
    if now is None:
        changes.append(Change(RUN, "document", ABSENT if first is None else "written", ABSENT, fails=True))
    elif now["run"]["verdict"] == UNFINISHED:
        changes.append(Change(RUN, "document", "finished", UNFINISHED, fails=True))
    elif now["run"]["exit_code"] != code:
        changes.append(Change(RUN, "exit code", f"{now['run']['exit_code']} in the document", code, fails=True))
    if first is None or now is None:
        return changes
    before, after = facts(first), facts(now)
    moving = {f"target {target['name']}" for target in now["targets"] if _accelerated(target["name"])}
    for check in (*first["checks"], *now["checks"]):
        if _accelerated(check["target"]) or KERAS in check["name"].partition("[")[0]:
            moving.add(check["name"])
    gone = {subject for subject, _ in before} ^ {subject for subject, _ in after}
    for subject, quantity in {**before, **after}:
        if subject in gone and quantity not in {"status", "availability"}:
            continue  # it is said once that the check is missing or new
        old, new = before.get((subject, quantity), ABSENT), after.get((subject, quantity), ABSENT)
        if repr(old) != repr(new):  # 1 is not 1.0, nor 0.0 the -0.0 that it is equal to
            may_move = subject in moving or OF_KERAS.fullmatch(quantity)
            fails = quantity.rpartition(".")[2] in VERDICTS or not may_move
            changes.append(Change(subject, quantity, old, new, fails=fails))
    return changes


def _accelerated(target: str | None) -> bool:
    """Return whether *target* computes outside the CPU's kernels: nothing says that such a device repeats its bits."""
    return target is not None and (target.startswith(EXTERNAL) or TARGETS[target].accelerator is not None)


def _named(measured: list[Mapping[str, Any]], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each of *measured* with its *key*, numbered on where several have the same."""
    seen = Counter()
    for one in measured:
        seen[one[key]] += 1
        yield f"{one[key]} {seen[one[key]]}" if seen[one[key]] > 1 else one[key], one


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each JSON value in *value* that is no object, with its path."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, f"{path}.{name}")
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for number, one in enumerate(value):
            yield from _leaves(one, f"{path}.{number}")
    else:
        yield path, value


def _short(value: Any) -> str:
    told = str(value).replace("\n", "; ")
    return told[:TOLD] + "…" * (len(told) > TOLD)
