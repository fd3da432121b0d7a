"""A pytest run over the tests of one module that goes through its mutants, each in a fork of the run.

Imports, collection and the fixtures of the session are there before the fork, so that a mutant costs what its tests
take: those that execute the line that it changes, the quickest first, until one fails. The code of the function that it
is in is exchanged in the fork alone. What is executed on import cannot be exchanged: there the fork is made before the
import, and all tests of the module run.
"""

import ast
import gc
import importlib
import importlib.abc
import importlib.util
import inspect
import os
import resource
import signal
import sys
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType

import pytest

from tests.mutation.mutants import Mutant

MEMORY = 4 << 30
"""Bytes of address space, beyond which a mutant is taken to have lost its measure."""

KILLED, TIMED_OUT, SURVIVED = "killed", "timed out", "survived"
CONTROL = -1
"""The number of the run without a mutant, in which all tests have to pass: else all mutants were killed by us."""


@dataclass(frozen=True)
class Limits:
    """How long a mutant may take: so many *times* what its tests take without it, and so many seconds more.

    cpu: of computing, which other processes do not lengthen. waiting: by the clock, for a mutant that waits for ever.
    """

    times: float = 5.0
    cpu: float = 1.0
    waiting: float = 60.0


LIMITS = Limits()


class UnmutatedFailureError(Exception):
    """A test that fails without a mutant."""


class Forks:
    """Functions run in forks, some at a time."""

    def __init__(self, processes: int, told: Callable[[int, str], None]) -> None:
        """Run *processes* at a time; *told* is called with the number of each mutant and what became of it."""
        self.processes, self.told = processes, told
        self.running: dict[int, tuple[int, float]] = {}
        """The number of the mutant that a process has, and how many seconds more it may take."""
        self.looked = time.monotonic()

    def run(self, number: int, passes: Callable[[], bool], seconds: float) -> None:
        """Start *passes* of mutant *number*, as soon as a process is free; without a mutant it takes *seconds*."""
        while len(self.running) >= self.processes:
            self._wait()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads, which are idle here
            process = os.fork()
        if not process:
            _limit(seconds)
            status = 2
            try:
                status = 0 if passes() else 1
            finally:
                os._exit(status)
        self.running[process] = number, LIMITS.times * seconds + LIMITS.waiting

    def finish(self) -> None:
        """Wait until all have ended."""
        while self.running:
            self._wait()

    def _wait(self) -> None:
        passed = min(time.monotonic() - self.looked, 1.0)  # more where all of us were stopped for a while
        self.looked = time.monotonic()
        for process, (number, left) in list(self.running.items()):
            self.running[process] = number, left - passed
            ended, status = os.waitpid(process, os.WNOHANG)
            late = not ended and left < 0
            if late:
                os.kill(process, signal.SIGKILL)
                ended, status = os.waitpid(process, 0)
            if ended:
                del self.running[process]
                exceeded = late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU)
                self.told(number, TIMED_OUT if exceeded else KILLED if status else SURVIVED)
        time.sleep(0.002)


def _limit(seconds: float) -> None:
    """Let this process say nothing, and end where it takes much longer than *seconds*."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    allowed = int(LIMITS.times * seconds + LIMITS.cpu) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, allowed + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def arguments(tests: Path, files: Path, folder: Path) -> list[str]:
    """Return the command line of pytest for the file *tests*.

    files: the folder of converted files. folder: where its temporary files go.
    """
    return [
        *("-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:syrupy", "--capture=sys"),
        *("-o", "tmp_path_retention_policy=none", f"--basetemp={folder}", f"--converted={files}", str(tests)),
    ]


class Live:
    """The plugin of the run: instead of running the tests once, it runs them for each mutant of a module."""

    def __init__(self, file: Path, module: str, tree: ast.Module, mutants: dict[int, Mutant], forks: Forks) -> None:
        """Take the *mutants*, by their numbers, of the *tree* of *module*, whose source is *file*."""
        self.file, self.module, self.tree, self.mutants, self.forks = file, module, tree, mutants, forks

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the tests that ask a process of another program: forks would ask it all at once."""
        items[:] = [item for item in items if "evaluators" not in getattr(item, "fixturenames", ())]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all tests as they are, then those that see each mutant with it."""
        seconds, lines = {}, {}
        for item in session.items:
            start = time.process_time()
            if not _passes(item):
                raise UnmutatedFailureError(item.nodeid)
            seconds[item] = time.process_time() - start
            self._forget()
            lines[item] = _executed(item, str(self.file))
        gc.collect()
        gc.freeze()  # a collection would write to all that forks share
        quickest = sorted(session.items, key=seconds.get)
        self.forks.run(CONTROL, lambda: self._stays_as_it_is(session.items), sum(seconds.values()))
        for number, mutant in self.mutants.items():
            first, last = mutant.lines
            seeing = [item for item in quickest if not lines[item].isdisjoint(range(first, last + 1))]

            def passes(mutant: Mutant = mutant, seeing: list[pytest.Item] = seeing) -> bool:
                mutant.plant()
                self._exchange(mutant.function)
                return all(map(_passes, seeing))

            if seeing:
                self.forks.run(number, passes, sum(map(seconds.get, seeing)))
            else:
                self.forks.told(number, SURVIVED)
        self.forks.finish()
        return True

    def _stays_as_it_is(self, items: list[pytest.Item]) -> bool:
        for function in {mutant.function for mutant in self.mutants.values()}:
            self._exchange(function)
        return all(map(_passes, items))

    def _exchange(self, function: str) -> None:
        """Let a function do what the tree says."""
        module = sys.modules[self.module]
        code = compile(ast.fix_missing_locations(self.tree), str(self.file), "exec")
        _function(module, function).__code__ = _named(code, function)
        self._forget()

    def _forget(self) -> None:
        """Let the module compute anew what it keeps: other tests asked for it before, or asked without the mutant."""
        for cached in vars(sys.modules[self.module]).values():
            if hasattr(cached, "cache_clear"):
                cached.cache_clear()


class _Session:
    """What comes next for pytest, of which only the session is kept: a mutant must not find what a fixture has made."""

    def __init__(self, session: pytest.Session) -> None:
        self.session = session

    def listchain(self) -> list[pytest.Collector]:
        return [self.session]


def _passes(item: pytest.Item) -> bool:
    """Run a test and return whether it passes or is skipped. After one that fails, the process has to end."""
    if not item._request:  # of an earlier run
        item._initrequest()
    steps = {
        "setup": partial(item.ihook.pytest_runtest_setup, item=item),
        "call": partial(item.ihook.pytest_runtest_call, item=item),
        "teardown": partial(item.ihook.pytest_runtest_teardown, item=item, nextitem=_Session(item.session)),
    }
    skipped = False
    for when, step in steps.items():
        if skipped and when == "call":
            continue
        call = pytest.CallInfo.from_call(step, when)
        skipped = skipped or (call.excinfo is not None and call.excinfo.errisinstance(pytest.skip.Exception))
        if call.excinfo and not skipped:
            return False  # a report of a failure takes longer than most tests
        item.ihook.pytest_runtest_makereport(item=item, call=call)
    item._request = item.funcargs = None
    return True


def _executed(item: pytest.Item, file: str) -> set[int]:
    """Return the lines of *file* that a test executes."""
    lines = set()

    def trace(frame: FrameType, event: str, _: object) -> Callable | None:
        if frame.f_code.co_filename != file:
            return None
        lines.add(frame.f_lineno)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)
    try:
        _passes(item)
    finally:
        sys.settrace(None)
        threading.settrace(None)
    return lines


def _named(code: CodeType, name: str) -> CodeType:
    """Return the code of a function, or of a method, of the code of a module."""
    for part in name.split("."):
        code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == part)
    return code


def _function(module: ModuleType, name: str) -> FunctionType:
    """Return the function that *name* is of *module*, beneath what decorators made of it."""
    *classes, own = name.split(".")
    found = module
    for part in classes:
        found = getattr(found, part)
    found = vars(found)[own]
    if isinstance(found, property):
        found = found.fget
    elif isinstance(found, staticmethod | classmethod):
        found = found.__func__
    return inspect.unwrap(found)


class Importer(SourceFileLoader):
    """The loader of a mutated module."""

    def __init__(self, module: str, file: Path, tree: ast.Module) -> None:
        """Load *module* from *tree*, in the place of its *file*."""
        super().__init__(module, str(file))
        self.tree = tree

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (what importlib hands over)
        """Return the code of the tree."""
        return compile(ast.fix_missing_locations(self.tree), self.path, "exec")

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """Return how the module is loaded, None for any other."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None


def passes_anew(file: Path, module: str, tree: ast.Module, mutant: Mutant | None, command: list[str]) -> bool:
    """Return whether all tests pass when *module* is imported mutated. Nothing may have imported it yet."""
    if mutant:
        mutant.plant()
    sys.meta_path.insert(0, Importer(module, file, tree))
    return pytest.main([*command, "-x"], plugins=[_Lonely()]) == pytest.ExitCode.OK


class _Lonely:
    pytest_collection_modifyitems = Live.pytest_collection_modifyitems


def by_place(mutants: list[Mutant]) -> tuple[dict[int, Mutant], dict[int, Mutant]]:
    """Return the mutants by their numbers: those within functions, and those of what is executed on import."""
    found: dict[bool, dict[int, Mutant]] = defaultdict(dict)
    for number, mutant in enumerate(mutants):
        found[bool(mutant.function)][number] = mutant
    return found[True], found[False]
