"""`python -m fixtures.rejudge` comes, from a saved run, to what the gate comes to by the same bounds."""

import json
import shutil
import subprocess
import sys

import pytest

from fixtures.harness.versions import ROOT
from tests import documents
from tests.gate import ON_CPU, QUICK, environment, run_gate

BOUNDS = {
    "baseline": {"baseline": 0.95},
    "baseline of the output": {"baseline": {"output_0": 0.95}},
    "tight rounding": {"roundoff": 0.05},
    "wide rounding": {"roundoff": 50.0},
    "no flips": {"flipped": 0.0},
    "many flips": {"flipped": 0.5},
    "no drop": {"metric_drop": 0.0001, "class_drop": 0.0001},
    "another confidence": {"confidence": 0.9999, "flipped": 0.0001, "metric_drop": 0.001},
    "weights": {"flushed": 0.0, "saturated": 3},
}


@pytest.fixture(scope="session")
def judged(pins, store, tmp_path_factory):
    """Return the file of a run of the gate on the quick model with other bounds, and its document."""
    runs = {}

    def run(**bounds):
        key = json.dumps(bounds, sort_keys=True)
        if key not in runs:
            folder = tmp_path_factory.mktemp("judged")
            shutil.copytree(pins, folder / "__snapshots__")
            told = ", ".join(f"{name}={value!r}" for name, value in ({"baseline": 0.8} | bounds).items())
            text = QUICK.read_text().replace("Budget(baseline=0.8)", f"Budget({told})")
            (folder / QUICK.name).write_text(text)
            where = (f"--models-dir={folder}", f"--artifacts={store}", f"--gate-json={folder / 'verdict.json'}")
            run_gate(*where, *ON_CPU, folder=folder)
            runs[key] = folder / "verdict.json"
        return runs[key], documents.read(runs[key])

    return run


def rejudge(*arguments, **variables):
    """Return the finished command."""
    command = [sys.executable, "-m", "fixtures.rejudge", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment() | variables, capture_output=True, text=True, encoding="utf-8", check=False
    )


def written(bounds, folder):
    """Return the path of a bounds file."""
    file = folder / "bounds.toml"
    tables = {name: value for name, value in bounds.items() if isinstance(value, dict)}
    lines = [f"{name} = {value}" for name, value in bounds.items() if name not in tables]
    lines += [f"{name} = {{{', '.join(f'{key} = {one}' for key, one in of.items())}}}" for name, of in tables.items()]
    file.write_text("\n".join(lines))
    return file


def told(check):
    """Return what a check comes to, and what it judged: all but the law, and what tells of images.

    A law may keep what it found out under the budget of its run, which it works out anew under another.
    """
    measured = [
        {**one, "evidence": "", "samples": [], "law": one["law"] and one["law"]["name"]} for one in check["measured"]
    ]
    return check["status"], measured


def test_own_bounds_give_what_the_run_gave(judged, tmp_path):
    """Judged again by its own bounds, a run is what it was, to the last bit and word."""
    file, document = judged()
    done = rejudge(file, "--bound", "metric_drop=0.005", f"--gate-json={tmp_path / 'again.json'}")

    again = documents.read(tmp_path / "again.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["143 passed", "all 143 checks that ran hold"]
    assert (again["checks"], again["targets"]) == (document["checks"], document["targets"])
    assert again["models"] == document["models"]
    assert again["run"]["rejudged"] == {"from": str(file), "models": ["quick"], "bounds": {"metric_drop": 0.005}}
    assert {name: again["run"][name] for name in ("verdict", "exit_code", "meaning", "started")} == {
        name: document["run"][name] for name in ("verdict", "exit_code", "meaning", "started")
    }


@pytest.mark.parametrize("bounds", BOUNDS.values(), ids=BOUNDS)
def test_other_bounds_give_what_a_run_gives(judged, tmp_path, bounds):
    """Each quantity has the bounds, and each check the status, that a run of the gate with these bounds gives it."""
    (file, _), (_, expected) = judged(), judged(**bounds)
    done = rejudge(file, f"--bounds={written(bounds, tmp_path)}", f"--gate-json={tmp_path / 'again.json'}")

    again = documents.read(tmp_path / "again.json")
    assert {one["name"]: told(one) for one in again["checks"]} == {one["name"]: told(one) for one in expected["checks"]}
    assert done.returncode == expected["run"]["exit_code"], done.stdout
    assert again["run"]["verdict"] == expected["run"]["verdict"]
    assert again["targets"] == expected["targets"]
    for before, now in zip(expected["models"], again["models"], strict=True):
        for name in ("budget", "verdict", "cause", "sizes", "metrics", "conversion"):
            assert now[name] == before[name]


def test_changes_are_told_in_lines(judged):
    """Each check that comes to something else is a line with quantity and bound, and the verdict is the last."""
    file, _ = judged()
    done = rejudge(file, "--bound", "baseline=0.95")

    *changes, counted, verdict = done.stdout.splitlines()
    assert done.returncode == 1
    assert len(changes) == 6
    assert changes[0].startswith(
        "tests/test_accuracy.py::test_keras_reaches_the_baseline[quick]: top-1 accuracy of Keras: 0."
    )
    assert all(line.endswith(" measured, at least 0.95 allowed: passed -> failed") for line in changes)
    assert (counted, verdict) == ("137 passed, 6 failed", "FELL SHORT: 6 of 143 checks")


def test_wider_bounds_make_a_red_run_green(judged, tmp_path):
    """A check goes on after what falls short, so that a run by wider bounds comes to what it would have come to."""
    (file, strict), (_, expected) = judged(baseline=0.95), judged()
    done = rejudge(file, "--bound", "baseline=0.8", f"--gate-json={tmp_path / 'again.json'}")

    again = documents.read(tmp_path / "again.json")
    assert strict["run"]["verdict"] == "failed"
    assert {one["name"]: told(one) for one in again["checks"]} == {one["name"]: told(one) for one in expected["checks"]}
    assert (done.returncode, again["run"]["verdict"], again["run"]["exit_code"]) == (0, "passed", 0)
    assert done.stdout.splitlines()[-2:] == ["143 passed", "all 143 checks that ran hold"]
    assert again["models"][0]["verdict"] == expected["models"][0]["verdict"]


REFUSED = {
    "no bounds": ([], "no bounds to judge by: give --bounds=BOUNDS.toml or --bound NAME=VALUE"),
    "unknown name": (["--bound", "flippped=1"], "--bound flippped=1: unknown flippped; known: baseline, "),
    "no number": (["--bound", "flipped=few"], "--bound flipped=few: flipped = 'few' is not a number"),
    "no value": (["--bound", "flipped"], "--bound flipped: NAME=VALUE was expected"),
    "no bound": (["--bound", "confidence=1"], "a confidence of 1: a share under 1 was expected"),
    "no file": (["--bounds=/nonexistent.toml"], "--bounds=/nonexistent.toml cannot be read: No such file"),
    "no model": (
        ["--bound", "flipped=1", "--model", "slow"],
        "--model slow: no such model in the file; there are: quick",
    ),
    "sample": (["--bound", "sample=2000"], "sample: quick was run on 1000 samples; run the gate with it"),
    "place": (
        ["--bound", "flipped=1", "--gate-json=/dev/null"],
        "--gate-json=/dev/null: cannot be written (it is there",
    ),
    "no place": (["--bound", "flipped=1", "--gate-json="], "a path was expected, nothing was given"),
    "twig": (["--bound", "flipped=1", "--no-such-option"], "unrecognized arguments: --no-such-option"),
}


@pytest.mark.parametrize(("arguments", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_judged_by_is_refused(judged, arguments, says):
    """A bound that there is not, or that takes another run, is one line that says so, and exit code 2."""
    done = rejudge(judged()[0], *arguments)

    *usage, line = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("python -m fixtures.rejudge: error: ")
    assert says in line
    assert usage[0].startswith("usage: ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("task = 'regression'", "task: what was measured follows from it; run the gate with it"),
        ("example = 3", "example: what was measured follows from it; run the gate with it"),
        ("baseline = {logits = 0.5}", "baseline: quick had one for output_0, and no metric but that was judged"),
    ],
)
def test_bounds_file_that_takes_another_run_is_refused(judged, tmp_path, text, says):
    """What a bounds file may say besides bounds, and baselines of other outputs, are not in what was measured."""
    (tmp_path / "bounds.toml").write_text(text)
    done = rejudge(judged()[0], f"--bounds={tmp_path / 'bounds.toml'}")

    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]


def test_run_is_not_replaced_by_what_it_is_judged_to(judged, tmp_path):
    """The document of the run itself is no place for the new one."""
    file = tmp_path / "verdict.json"
    shutil.copyfile(judged()[0], file)
    done = rejudge(file, "--bound", "flipped=1", f"--gate-json={file}")

    assert done.returncode == 2
    assert f"--gate-json={file} is the run that is to be judged; give another file" in done.stderr
    assert file.read_bytes() == judged()[0].read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    "name", ["<script>", '"quoted"', "\u202eאבג", "😀", "x" * 200, "a\nb", "\x1b[31m\x00", "\ud800"]
)
def test_name_of_any_kind_is_told_in_a_line(judged, tmp_path, name, encoding):
    """Whatever a test id holds, it is one line that moves no cursor, on any terminal."""
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps(judged()[1]).replace("test_keras_reaches_the_baseline", json.dumps(name)[1:-1]))
    done = rejudge(file, "--bound", "baseline=0.95", PYTHONIOENCODING=encoding)

    assert (done.returncode, done.stderr) == (1, "")
    assert len(done.stdout.splitlines()) == 8
    assert all(line.isprintable() for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("file", "says"), [("gone.json", "cannot be read (No such file"), ("no.json", "is no JSON"), ("", "cannot be read")]
)
def test_file_that_is_no_run_is_one_line(tmp_path, file, says):
    """A file that is not there, or that is no verdict, is an error that names it, and nothing is written."""
    (tmp_path / "no.json").write_text("{")
    done = rejudge(tmp_path / file, "--bound", "flipped=1", f"--gate-json={tmp_path / 'again.json'}")

    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {tmp_path / file} {says}" in done.stderr.splitlines()[-1]
    assert [one.name for one in tmp_path.iterdir()] == ["no.json"]


def test_nothing_is_loaded_that_runs_a_model():
    """No runtime, TensorFlow or pytest is imported, so that it takes no time."""
    code = "import sys, fixtures.rejudge; print(*{'ai_edge_litert', 'tensorflow', 'keras', 'pytest'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
