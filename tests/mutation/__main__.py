"""Whether the tests of the judging code notice when it is changed: `python -m tests.mutation [MODULE …]`.

Judging code is what decides whether a model is good. Each mutant of it (see `mutants`) has to be killed: a test in
`tests/harness/test_MODULE.py` fails with it, or does not end. One that survives has to be explained, in
`equivalent.toml`. Exits with 1 where one is not, and where an explanation fits no survivor any more. The figures are in
`mutation.json`, and in the README.
"""

import argparse
import ast
import hashlib
import importlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.mutation.explanations import (
    COLUMNS,
    HERE,
    MODULES,
    RECORD,
    ROOT,
    Key,
    explanations,
    readme,
    rows,
    source,
)
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.session import CONTROL, SURVIVED, Forks, Live, arguments, by_place, passes_anew
from tests.readme import README


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; without, all of them")
    parser.add_argument("--resume", action="store_true", help="leave out modules whose figures are up to date")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), metavar="N", help="mutants at a time")
    parser.add_argument("--converted", type=Path, metavar="DIR", help="converted files, made there unless they are")
    options = parser.parse_args()
    if unknown := set(options.modules) - set(MODULES):
        parser.error(f"{', '.join(sorted(unknown))}: no such module; there are {', '.join(MODULES)}")
    explained = explanations()
    wrong = 0
    _preload()
    with tempfile.TemporaryDirectory() as folder:
        for module in options.modules or MODULES:
            start, why = time.monotonic(), explained.get(module, {})
            today = digest(module, why)  # before the run: what is edited meanwhile was not in it
            if options.resume and _record().get(module, {}).get("digest") == today:
                continue
            files = options.converted or Path(folder) / "converted"
            found = outcomes(module, files, Path(folder), options.processes, why)
            figures, useless = judged(found, why)
            record = _record() | {module: figures | {"digest": today}}
            RECORD.write_text(json.dumps({name: record[name] for name in MODULES if name in record}, indent=2) + "\n")
            print(f"{module}: {figures[SURVIVED]} survive; {time.monotonic() - start:.0f} s", flush=True)
            for line, mutation in useless:
                print(f"  explained, but does not survive: {line}\n      {mutation}", flush=True)
            wrong += len(useless) + figures[SURVIVED]
    publish(_record())
    return int(wrong > 0)


def _preload() -> None:
    """Import what the tests import, once for all forks; nothing of ours may be among it: see `session.passes_anew`."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"  # threads do not survive a fork
    for name in ("interpreter", "schema_py_generated", "tools.flatbuffer_utils"):
        importlib.import_module(f"ai_edge_litert.{name}")


def _record() -> dict[str, dict]:
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def outcomes(
    module: str, files: Path, folder: Path, processes: int, explained: dict[Key, str]
) -> list[tuple[Mutant, str]]:
    """Return what became of each mutant of *module*; print those that survive and are not *explained*, as they do.

    files: the folder of converted files. folder: for all that is temporary.
    """
    file, name = ROOT / f"fixtures/harness/{module}.py", f"fixtures.harness.{module}"
    tests = ROOT / f"tests/harness/test_{module}.py"
    tree = ast.parse(source(module))
    every = mutants(tree, source(module))
    within, on_import = by_place(every)
    became: dict[int, str] = {}

    def note(number: int, what: str) -> None:
        if number == CONTROL:
            if what != SURVIVED:
                raise SystemExit(f"{tests} fails though nothing was changed: {what}")
            return
        became[number] = what
        mutant = every[number]
        if what == SURVIVED and (mutant.line, mutant.mutation) not in explained:
            print(f"  {module}: {mutant.function or 'on import'}: {mutant.line}\n      {mutant.mutation}", flush=True)

    # The run is a fork as well, so that nothing of ours is imported here.
    ours, theirs = os.pipe()
    said = folder / f"{module}.txt"
    runner = os.fork()
    if not runner:
        os.close(ours)
        with said.open("w") as output, os.fdopen(theirs, "w", buffering=1) as told:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            forks = Forks(processes, lambda number, what: print(number, what, file=told))
            pytest.main(arguments(tests, files, folder / module), plugins=[Live(file, name, tree, within, forks)])
            sys.stdout.flush()
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as told:
        for line in told:
            number, what = line.split(" ", 1)
            note(int(number), what.strip())
    os.waitpid(runner, 0)
    if set(became) != set(within):
        raise SystemExit(f"{said.read_text()}\n{tests} does not pass as it is, or was interrupted")
    forks = Forks(processes, note)
    for number, mutant in {CONTROL: None, **on_import}.items():
        command = arguments(tests, files, folder / f"import-{number}")
        forks.run(number, partial(passes_anew, file, name, tree, mutant, command), 60.0)
    forks.finish()
    return [(mutant, became[number]) for number, mutant in enumerate(every)]


def judged(found: list[tuple[Mutant, str]], explained: dict[Key, str]) -> tuple[dict[str, int], list[Key]]:
    """Return the figures of a module, and what is *explained* though it does not survive."""
    counts, fitting = Counter(), set()
    for mutant, what in found:
        key = mutant.line, mutant.mutation
        if what == SURVIVED and key in explained:
            fitting.add(key)
        counts["explained" if what == SURVIVED and key in explained else what] += 1
    return {"mutants": len(found)} | {one: counts[one] for one in COLUMNS[1:]}, sorted(set(explained) - fitting)


def digest(module: str, explained: dict[Key, str]) -> str:
    """Return a digest of what the figures of *module* follow from: its source, its tests, and how both are used."""
    parts = [
        ROOT / f"fixtures/harness/{module}.py",
        ROOT / f"tests/harness/test_{module}.py",
        *sorted(HERE.glob("*.py")),
    ]
    told = b"\0".join(part.read_bytes() for part in parts) + repr(sorted(explained)).encode()
    return hashlib.sha256(told).hexdigest()[:16]


def publish(record: dict[str, dict[str, int]]) -> None:
    """Write the figures into the README, and print them."""
    README.write_text(readme(README.read_text(), record))
    print("\n".join(f"{row[0]:12}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows(record)))


if __name__ == "__main__":
    sys.exit(main())
