"""The hunt for flakes notices each change of what runs say, under conditions that it mixes systematically."""

import copy
import json
import os
import select
import signal
import subprocess
import sys
from itertools import combinations, product

import pytest

from fixtures.harness.versions import ROOT
from tests import documents
from tests.flakes import __main__ as flakes
from tests.flakes.comparison import ABSENT, RUN, Change, compare, facts
from tests.flakes.conditions import AXES, plan
from tests.flakes.load import busy
from tests.gate import ON_CPU, environment, run_gate

PATIENCE = 120
"""Seconds in which a process that has to end does so on the slowest machine."""

CHECK = "tests/test_delegates.py::test_outputs_match_the_reference_kernels[quick-fp16-xnnpack]"
FOUND = "flakes.json"
"""The file that a hunt writes."""

MEDDLER = """
import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    result = yield
    assert "PYTHONHASHSEED" not in os.environ or "about_half" not in pyfuncitem.name, "only now and then"
    return result
"""


@pytest.fixture(scope="session")
def real(pins, store, tmp_path_factory):
    """The document of a real run on the quick model."""
    folder = tmp_path_factory.mktemp("real")
    file = folder / "verdict.json"
    where = (f"--models-dir={pins.parent}", f"--artifacts={store}", f"--gate-json={file}")
    run = run_gate("-n0", *where, *ON_CPU, folder=folder)
    assert run.code == 0, run.text
    return documents.read(file)


@pytest.fixture
def other(real):
    """The same document, for a test to alter."""
    return copy.deepcopy(real)


@pytest.fixture
def check(other):
    """One of its checks."""
    return named(other, CHECK)


def named(document, name):
    """Return the check of *document* that is called so."""
    (found,) = (one for one in document["checks"] if one["name"] == name)
    return found


def test_same_document_has_no_changes(real, other):
    """What was measured again, at another time and for longer, is no change; and thousands of facts are compared."""
    other["run"]["started"] = other["run"]["finished"]
    for check in other["checks"]:
        check["seconds"] += 1
    for latency in [file["latency"] for target in other["targets"] for file in target["files"]]:
        latency["median"] += 1

    assert compare(real, other, 0) == []
    assert len(facts(real)) > 1000


@pytest.mark.parametrize("status", ["failed", "skipped", "error"])
def test_changed_status_fails(real, other, check, status):
    """A check that comes to something else is named, with both."""
    check["status"] = status

    assert compare(real, other, 0) == [Change(CHECK, "status", "passed", status, fails=True)]


def test_number_that_moved_by_its_last_bit_fails_on_the_cpu(real, other, check):
    """A quantity that is off by as little as there is is named, with both values."""
    measured = check["measured"][0]
    old = measured["value"]
    measured["value"] = old * (1 + 2**-52)

    assert old != measured["value"]
    assert compare(real, other, 0) == [
        Change(CHECK, f"{measured['quantity']}.value", old, measured["value"], fails=True)
    ]


def test_zero_with_another_sign_is_noticed(real, other, check):
    """Minus zero is other bits than zero, though it is equal to it."""
    first = copy.deepcopy(real)
    quantity = check["measured"][0]["quantity"]
    for document, zero in ((first, 0.0), (other, -0.0)):
        named(document, CHECK)["measured"][0]["value"] = zero

    (found,) = compare(first, other, 0)
    assert (found.quantity, repr(found.before), repr(found.now)) == (f"{quantity}.value", "0.0", "-0.0")


def test_number_that_moved_on_an_accelerator_is_told_and_does_not_fail(real, other, check):
    """No device promises to repeat its bits from run to run; a verdict that changes there fails all the same."""
    first = copy.deepcopy(real)
    named(first, CHECK)["target"] = check["target"] = "gpu"
    check["measured"][0]["value"] += 1
    check["measured"][1]["holds"] = False

    assert [(one.subject, one.quantity.rpartition(".")[2], one.fails) for one in compare(first, other, 0)] == [
        (CHECK, "value", False),
        (CHECK, "holds", True),
    ]


def test_number_that_moved_because_keras_did_is_told_and_does_not_fail(real, other):
    """The bits of Keras depend on how TensorFlow computes; the file's distance from it may move, the check may not."""
    name = "tests/test_accuracy.py::test_float32_file_computes_what_keras_does[quick]"
    named(other, name)["measured"][0]["value"] *= 1.5
    model = other["models"][0]
    model["conversion"][0] *= 1.5
    (metrics,) = model["metrics"].values()
    metrics["keras"] *= 1.5
    metrics["keras_right"]["bits"] = f"A{metrics['keras_right']['bits'][1:]}"

    assert [(one.subject, one.fails) for one in compare(real, other, 0)] == [
        (name, False),
        ("model quick", False),
        ("model quick", False),
        ("model quick", False),
    ]
    metrics["baseline"] *= 1.5
    metrics["keras_right"]["samples"] -= 1
    named(other, name)["status"] = "failed"
    assert [one.quantity for one in compare(real, other, 0) if one.fails] == [
        "status",
        "metrics..baseline",
        "metrics..keras_right.samples",
    ]


def test_check_that_is_missing_or_new_fails(real, other, check):
    """A check that only one of two runs has is named once."""
    other["checks"].remove(check)

    assert compare(real, other, 0) == [Change(CHECK, "status", "passed", ABSENT, fails=True)]
    assert compare(other, real, 0) == [Change(CHECK, "status", ABSENT, "passed", fails=True)]


def test_quantity_that_is_missing_fails(real, other, check):
    """A quantity that a check did not judge this time is named."""
    gone = check["measured"].pop()["quantity"]

    found = compare(real, other, 0)
    assert {(one.subject, one.now, one.fails) for one in found} == {(CHECK, ABSENT, True)}
    assert f"{gone}.value" in [one.quantity for one in found]


def test_figures_and_digests_of_models_and_targets_are_compared(real, other):
    """What the document says of a model, and of a file on a target, counts as well."""
    other["models"][0]["digests"]["weights"] = "another"
    other["targets"][1]["availability"] = "broken"
    other["targets"][1]["files"][0]["largest"] += 1

    assert [(one.subject, one.quantity, one.fails) for one in compare(real, other, 0)] == [
        ("model quick", "digests.weights", True),
        ("target builtin", "availability", True),
        ("target builtin", "quick fp32.largest", True),
    ]


def test_model_or_target_that_is_missing_fails(real, other):
    """A model or target that the document no longer has is named once."""
    counts = other["models"].pop()["counts"]
    other["targets"].pop()

    assert compare(real, other, 0) == [
        Change("model quick", "status", counts, ABSENT, fails=True),
        Change("target tf_lite", "availability", "present", ABSENT, fails=True),
    ]


def test_run_that_takes_too_long_is_ended_and_fails(tmp_path, monkeypatch):
    """A gate that hangs is killed, and no verdict is what it says."""
    (tmp_path / "hanging.py").write_text("import threading\n\nthreading.Event().wait()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(flakes, "LIMIT", 0.5)
    (run,) = flakes.hunt(plan(2)[:1], ["-p", "hanging"], tmp_path)

    assert run.code is None
    assert not run.green
    assert [change.quantity for change in run.failures] == ["document"]


def test_run_without_a_finished_document_fails(real, other):
    """No document, one that was only begun, and one that names another exit code than the process had are failures."""
    other["run"]["verdict"] = "unfinished"

    assert compare(real, None, 3) == [Change(RUN, "document", "written", ABSENT, fails=True)]
    assert compare(None, None, 3) == [Change(RUN, "document", ABSENT, ABSENT, fails=True)]
    assert Change(RUN, "document", "finished", "unfinished", fails=True) in compare(real, other, 0)
    for code in (1, None):
        assert compare(real, real, code) == [Change(RUN, "exit code", "0 in the document", code, fails=True)]


def test_exit_code_and_problems_are_compared(real, other):
    """A run that ends otherwise, though each check is as before, is noticed."""
    other["run"] |= {"verdict": "failed", "exit_code": 1, "problems": ["something"]}

    assert [(one.subject, one.quantity, one.fails) for one in compare(real, other, 1)] == [
        (RUN, "verdict", True),
        (RUN, "exit code", True),
        (RUN, "problems", True),
    ]


def test_plan_brings_each_pair_of_conditions_together():
    """In 30 runs each name of an axis meets each of another; the first is an ordinary run, and seeds are all others."""
    conditions = plan(30)
    met = {pair for condition in conditions for pair in combinations(condition.levels, 2)}
    wanted = {pair for one, other in combinations(AXES.values(), 2) for pair in product(one, other)}

    assert wanted <= met
    assert conditions == plan(30)
    assert conditions[0].levels == ("-n auto", "idle", "own threads", "all cores", "empty")
    assert (conditions[0].arguments, conditions[0].variables, conditions[0].through(0)) == (["-n", "auto"], {}, [])
    assert len({(*one.arguments[-1:], one.variables["PYTHONHASHSEED"]) for one in conditions[1:]}) == 29


def test_store_loses_what_the_run_is_not_to_find(tmp_path):
    """A run finds the store as its condition says."""
    left = {}
    for condition in plan(30):
        for folder in ("builds", "outputs", "locks", "shaders"):
            (tmp_path / folder).mkdir(exist_ok=True)
        condition.prepare(tmp_path)
        left[condition.store] = sorted(folder.name for folder in tmp_path.iterdir())

    whole = ["builds", "locks", "outputs", "shaders"]
    assert left == {"warm": whole, "no outputs": ["builds", "locks", "shaders"], "empty": []}


def test_busy_processes_end_with_what_they_were_started_for():
    """They compute, and are ended also where an error ends it."""
    with pytest.raises(ZeroDivisionError), busy(2) as processes:  # noqa: PT012 (what is ended is started here)
        assert [process.poll() for process in processes] == [None, None]
        raise ZeroDivisionError

    assert [process.returncode for process in processes] == [-signal.SIGKILL] * 2


def test_busy_processes_end_with_a_parent_that_is_killed():
    """A hunt that is killed outright leaves nothing that computes."""
    code = "from tests.flakes.load import busy\nwith busy(1) as (one,): print(one.pid, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as hunt:
        pid = int(hunt.stdout.readline())
        spinning = os.pidfd_open(pid)
        hunt.kill()
    ended, _, _ = select.select([spinning], [], [], PATIENCE)
    os.close(spinning)

    assert ended


@pytest.fixture
def start(pins, store, tmp_path):
    """Start the hunt on the quick model, with so many runs and more arguments of the gate."""
    pytest.importorskip("random_order", reason="pytest-random-order is not installed: pip install '.[dev]'")
    (tmp_path / "meddler.py").write_text(MEDDLER)
    (tmp_path / "scratch").mkdir()

    def begin(runs, *arguments):
        where = (f"--models-dir={pins.parent}", f"--artifacts={store}", "--delegate=builtin", "tests/test_size.py")
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.flakes",
                f"--runs={runs}",
                f"--json={tmp_path / FOUND}",
                "--",
                *where,
                *arguments,
            ],
            cwd=ROOT,
            env={**environment(), "PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path / "scratch")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return begin


@pytest.fixture
def hunt(start, tmp_path):
    """Have two runs compared, with arguments of the gate; return the hunt's exit code, text and document."""

    def run(*arguments):
        with start(2, *arguments) as process:
            text = process.stdout.read()
        assert not list((tmp_path / "scratch").glob("flakes-*"))
        return process.returncode, text, json.loads((tmp_path / FOUND).read_text())

    return run


def test_hunt_without_flakes_is_green(hunt):
    """Runs that say the same are told, a line each, and end with 0."""
    code, text, document = hunt()

    assert code == 0, text
    assert text.startswith("run 1 of 2 (in order, -n auto, idle, own threads, all cores, empty): passed, ")
    assert "2 of 2 runs" in text
    assert (document["failures"], document["moved"], document["whole"]) == (0, 0, True)
    assert [run["verdict"] for run in document["runs"]] == ["passed", "passed"]


def test_hunt_finds_a_planted_flake(hunt):
    """A check that fails only under one condition is named, with the condition and both statuses."""
    code, text, document = hunt("-p", "meddler")

    name = "tests/test_size.py::test_float16_file_is_about_half_the_size[quick]"
    assert code == 1, text
    assert f"{name}: status: passed -> failed" in text
    assert {"subject": name, "quantity": "status", "before": "passed", "now": "failed", "fails": True} in document[
        "runs"
    ][1]["changes"]
    assert document["runs"][1]["condition"].startswith("seed 1, ")
    assert "only now and then" in document["runs"][1]["output"]


@pytest.mark.parametrize("arguments", [["-k", "no_such_model"], ["--no-such-option"]])
def test_hunt_without_a_first_run_that_passed_ends(hunt, arguments):
    """Runs that all say that nothing was checked, or that the command was wrong, are no proof of anything."""
    code, text, document = hunt(*arguments)

    assert code == 1, text
    assert "the first run, which all others are compared with, did not pass" in text
    assert (len(document["runs"]), document["whole"]) == (1, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_hunt_that_is_interrupted_ends_with_all_that_it_started(start, tmp_path, number):
    """It says what it has found so far, and leaves no folder and no process behind."""
    with start(30) as process:
        first = process.stdout.readline()
        process.send_signal(number)
        rest = process.stdout.read()  # to the end: nobody holds it any more
    document = json.loads((tmp_path / FOUND).read_text())

    assert process.returncode == 130, rest
    assert first.startswith("run 1 of 30 ")
    assert "interrupted" in rest
    assert (len(document["runs"]), document["whole"]) == (1, False)
    assert not list((tmp_path / "scratch").glob("flakes-*"))


@pytest.mark.parametrize("arguments", [["--runs=1"], ["--runs=many"], ["--json=/dev/null/flakes.json"]])
def test_wrong_command_is_an_error(arguments):
    """A hunt that compares nothing, or could not keep what it found, does not begin."""
    pytest.importorskip("random_order", reason="pytest-random-order is not installed: pip install '.[dev]'")
    done = subprocess.run(
        [sys.executable, "-m", "tests.flakes", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2, done.stdout
    assert arguments[0].partition("=")[0] in done.stderr
    assert "Traceback" not in done.stderr
