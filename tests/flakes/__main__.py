"""Whether a verdict ever changes that should not: `python -m tests.flakes [--runs N] [--json FILE] [-- ARGUMENTS]`.

Runs the whole gate again and again, each time under another condition that should not matter (see `conditions.py`), and
compares what each run says with the first. Exits with 1 where a check, a verdict or a number that has to stay changed,
where a check is missing or new, or where a run left no verdict; with 130 after Ctrl-C.
"""

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from fixtures.harness import record, versions
from tests.flakes.comparison import Change, compare
from tests.flakes.conditions import AXES, PLUGIN, Condition, plan
from tests.flakes.load import busy
from tests.gate import run_gate

LIMIT = 3600.0
"""Seconds after which a run is ended: it hangs, for the slowest takes some minutes."""

PATIENCE = 100
"""How many times the folder of a hunt is removed, 0.1 s apart, while there is something left of it."""

SHOWN = 20
"""How many of the facts that moved without harm are printed; the JSON document has all."""


@dataclass(frozen=True)
class Run:
    """One run of the gate that has ended.

    seconds: how long it took; code: its exit code, None where it was ended after `LIMIT`.
    document: what it wrote as `--gate-json`, None if nothing; text: what it printed.
    changes: what it says that the first run did not.
    """

    condition: Condition
    seconds: float
    code: int | None
    document: dict[str, Any] | None
    text: str
    changes: list[Change]

    @property
    def failures(self) -> list[Change]:
        """The changes that must not be."""
        return [change for change in self.changes if change.fails]

    @property
    def green(self) -> bool:
        """Whether the run passed, and ended well."""
        return not self.failures and self.document["run"]["verdict"] == "passed"

    @property
    def worth(self) -> str:
        """What the run came to, in words."""
        if self.document is None:
            return "NO VERDICT"
        counts = self.document["run"]["counts"]
        return ", ".join(
            [self.document["run"]["verdict"], *(f"{count} {name}" for name, count in counts.items() if count)]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the run as JSON has it; what it printed is there where it fails."""
        return {
            **asdict(self.condition),
            "condition": str(self.condition),
            "seconds": round(self.seconds, 3),
            "exit_code": self.code,
            "verdict": self.document and self.document["run"]["verdict"],
            "counts": self.document and self.document["run"]["counts"],
            "changes": [change.as_dict() for change in self.changes],
            "output": self.text if self.failures else None,
        }


def hunt(conditions: list[Condition], arguments: list[str], scratch: Path) -> Iterator[Run]:
    """Run the gate with *arguments* under each of *conditions*, with a store in *scratch*, and yield what came of it.

    Nothing is yielded that was not run to its end.
    """
    first = None
    for condition in conditions:
        run = _once(condition, arguments, scratch, first)
        first = first or run
        yield run


def _once(condition: Condition, arguments: list[str], scratch: Path, first: Run | None) -> Run:
    file, store = scratch / "verdict.json", scratch / "store"
    file.unlink(missing_ok=True)
    condition.prepare(store)
    own = (f"--artifacts={store}", f"--gate-json={file}", *condition.arguments)
    cores = sorted(os.sched_getaffinity(0))
    start = time.perf_counter()
    with busy(condition.busy * len(cores)):
        try:
            done = run_gate(
                *own,
                *arguments,
                folder=scratch,
                through=condition.through(cores[0]),
                limit=LIMIT,
                **condition.variables,
            )
            code, text = done.code, done.text
        except subprocess.TimeoutExpired as expired:
            told = expired.output or b""  # Python has it as bytes, also where text was asked for
            code, text = None, told if isinstance(told, str) else told.decode(errors="replace")
    seconds = time.perf_counter() - start
    document = json.loads(file.read_text()) if file.exists() else None
    before = first.document if first else document
    return Run(condition, seconds, code, document, text, compare(before, document, code))


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder that is removed in the end.

    A run that is killed takes its processes along, but not at once: they may write while the folder is removed.
    """
    folder = Path(tempfile.mkdtemp(prefix="flakes-"))
    try:
        yield folder
    finally:
        for _ in range(PATIENCE):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)


def report(runs: list[Run], *, whole: bool) -> dict[str, Any]:
    """Return the document of a hunt of which so many *runs* have ended; *whole*: all that were asked for."""
    return {
        "version": 1,
        "whole": whole,
        "failures": sum(len(run.failures) for run in runs),
        "moved": len(_by_fact(runs, fails=False)),
        "seconds": round(sum(run.seconds for run in runs), 3),
        "checks": len(runs[0].document["checks"]) if runs and runs[0].document else None,
        "machine": {"cpu": versions.cpu(), "processors": versions.processors()},
        "runs": [run.as_dict() for run in runs],
    }


def table(runs: list[Run]) -> list[str]:
    """Return the lines that say how *runs* went, by each name of each axis, and what changed."""
    lines = [f"{'condition':12} {'runs':>5} {'fell short':>11} {'moved':>7} {'seconds':>8}"]
    for axis, levels in AXES.items():
        lines.append(f"{axis}:")
        for level in levels:
            found = [run for run in runs if getattr(run.condition, axis) == level]
            failures, changes = (sum(map(len, of)) for of in ([r.failures for r in found], [r.changes for r in found]))
            seconds = sum(run.seconds for run in found)
            lines.append(f"  {level:12} {len(found):3} {failures:11} {changes - failures:7} {seconds:8.0f}")
    for fails, heading in ((True, "must not change, and did"), (False, "moved, which changes no verdict")):
        found = _by_fact(runs, fails=fails)
        lines += [f"{heading}:"] * bool(found)
        for (subject, quantity), changes in list(found.items())[: None if fails else SHOWN]:
            lines += [f"  {subject}: {quantity}"]
            lines += [f"    {run.condition}: {change.values}" for run, change in changes[:3]]
            lines += [f"    and in {len(changes) - 3} more runs"] * (len(changes) > 3)
        if len(found) > SHOWN and not fails:
            lines.append(f"  and {len(found) - SHOWN} more: see --json")
    return lines


def _by_fact(runs: list[Run], *, fails: bool) -> dict[tuple[str, str], list[tuple[Run, Change]]]:
    found = defaultdict(list)
    for run in runs:
        for change in run.changes:
            if change.fails == fails:
                found[change.subject, change.quantity].append((run, change))
    return found


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text}: at least 2 runs are needed, of which one is compared with the other")
    return int(text)


def _verify(parser: argparse.ArgumentParser) -> None:
    if importlib.util.find_spec(PLUGIN) is None:
        parser.error("pytest-random-order is not installed, which shuffles the tests; run `pip install '.[dev]'`")
    if missing := [program for program in ("nice", "taskset") if shutil.which(program) is None]:
        parser.error(f"{' and '.join(missing)} not found, which set the conditions; install coreutils and util-linux")


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Hunt, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.flakes", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=_number, default=30, help="how many runs of the gate, default 30")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that changed to FILE, after each run")
    parser.add_argument("arguments", nargs="*", help="after --: what else the gate is given, such as -k mnist_cnn")
    options = parser.parse_args()
    _verify(parser)
    for number in (signal.SIGINT, signal.SIGTERM):  # the first is ignored where a shell starts us in the background
        signal.signal(number, _end)
    conditions, runs = plan(options.runs), []

    def keep(*, whole: bool) -> None:
        if options.json:
            try:
                record.write(report(runs, whole=whole), options.json)
            except OSError as error:
                parser.error(f"--json={options.json} cannot be written: {error.strerror}; give another path")

    keep(whole=False)
    interrupted = False
    try:
        with scratch_folder() as scratch:
            for run in hunt(conditions, options.arguments, scratch):
                runs.append(run)
                keep(whole=len(runs) == len(conditions))
                told = (
                    f"{len(run.failures)} FELL SHORT" if run.failures else "as the first" if len(runs) > 1 else "first"
                )
                moved = len(run.changes) - len(run.failures)
                what = f"run {len(runs)} of {len(conditions)} ({run.condition}): {run.worth}"
                print(f"{what}; {told}, {moved} values moved; {run.seconds:.0f} s", flush=True)
                for change in run.failures[:SHOWN]:
                    print(f"  {change}", flush=True)
                if run.document is None or (len(runs) == 1 and not run.green):
                    print(run.text, file=sys.stderr)
                if len(runs) == 1 and not run.green:
                    print("the first run, which all others are compared with, did not pass: mend that", file=sys.stderr)
                    return 1
    except KeyboardInterrupt:
        interrupted = True
    print(*table(runs), sep="\n")
    failures = sum(len(run.failures) for run in runs)
    print(
        f"{len(runs)} of {len(conditions)} runs, {sum(run.seconds for run in runs) / 60:.1f} minutes: "
        f"{failures or 'no'} failures{', interrupted' * interrupted}"
    )
    return 130 if interrupted else int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
