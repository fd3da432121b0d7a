"""`python -m fixtures.compare` says what one real run has worse than another, and ends with it."""

import json
import subprocess
import sys

import pytest

from fixtures.harness.versions import ROOT
from tests import documents
from tests.gate import environment
from tests.github import commands


@pytest.fixture
def run(gate, pinned_models, tmp_path):
    """Run the gate and return the file with its verdict."""

    def judge(name, *arguments, models=pinned_models):
        file = tmp_path / f"{name}.json"
        done = gate(models, "-n0", f"--gate-json={file}", *arguments)
        documents.read(file, done.text)
        return file

    return judge


def compare(*arguments):
    """Run the command and return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "fixtures.compare", *map(str, arguments)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_same_run_twice_is_no_worse(run, tmp_path):
    """Two runs of one model end with 0, and the page and the Markdown are written."""
    base, head = run("base", "tests/test_size.py"), run("head", "tests/test_size.py")
    page, comment = tmp_path / "new" / "page.html", tmp_path / "comment.md"
    done = compare(base, head, f"--html={page}", f"--markdown={comment}")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "no worse; nothing else changed"
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert comment.read_text().startswith("## ✅ float16 gate: <code>no worse")


def test_check_that_fell_short_is_worse_and_no_better_by_a_looser_bound(run, pinned_models):
    """A bound that is not reached is told with the check, its cause and the bound; the way back only loosens it."""
    declaration = pinned_models / "quick.py"
    base = run("base", "tests/test_accuracy.py")
    declaration.write_text(declaration.read_text().replace("baseline=0.8", "baseline=0.999"))
    head = run("head", "tests/test_accuracy.py")
    worse, better = compare(base, head), compare(head, base)

    assert (worse.returncode, better.returncode) == (1, 0), worse.stderr
    assert worse.stdout.splitlines()[-1].startswith("worse: 6 checks fell short that did not")
    assert "tests/test_accuracy.py::test_keras_reaches_the_baseline[quick]" in worse.stdout
    assert "at least 0.8" in worse.stdout
    assert better.stdout.splitlines()[-1].startswith("no worse; 6 checks held only by looser bounds; ")


def test_hostile_document_gives_no_command(run, tmp_path):
    """Whatever a document says, and whatever it is called, is text in the terminal."""
    base, head = run("base", "tests/test_size.py"), tmp_path / "##[add-mask]e.json"
    document = json.loads(base.read_text())
    document["run"]["verdict"] = "x\n::error::verdict\x1b[2J"
    document["checks"][0] |= {"name": "::error::name", "status": "failed", "message": "##[add-mask]e"}
    head.write_text(json.dumps(document))
    done, refused = compare(base, head), compare(base, tmp_path / "##[error]gone.json")

    assert (done.returncode, refused.returncode) == (1, 2), done.stderr
    assert "  \\u003a:error::name" in done.stdout
    assert commands(done.stdout + refused.stderr) == []
    assert "\x1b" not in done.stdout


def test_lost_coverage_is_worse(run):
    """A green run that looks at less is worse than one that looks at more."""
    base, head = run("base", "tests/test_size.py"), run("head", "tests/test_size.py", "-k", "half_the_size")
    done = compare(base, head)

    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "worse: 1 check not carried out any more"


def test_run_that_checked_nothing(run):
    """As a head it is worse; as a base there is nothing to compare with, which is an error."""
    whole, empty = run("whole", "tests/test_size.py"), run("empty", "-k", "no_such_model")
    head, base = compare(whole, empty), compare(empty, whole)

    assert (head.returncode, base.returncode) == (1, 2)
    assert "the head's run has no verdict on its models (nothing selected)" in head.stdout
    assert "the base run carried no check out (nothing selected)" in base.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("{", "is no JSON document"),
        ("{}", "has no version: it is no document of the gate"),
        ('{"version": 99}', "is of version 99; versions 1 to 2 are read here"),
    ],
)
def test_bad_file_is_refused_in_a_line(tmp_path, content, says):
    """What is no verdict of a run ends with 2, names the file, and has no traceback."""
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_text(content)
    done = compare(file, file)

    assert done.returncode == 2
    assert f"error: {file} {says}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["html", "markdown"])
def test_place_that_cannot_be_written_is_refused(run, tmp_path, option):
    """A path that no file can be written to ends with 2 and names it."""
    file = run("base", "tests/test_size.py")
    done = compare(file, file, f"--{option}={tmp_path}")

    assert done.returncode == 2
    assert f"error: {tmp_path} cannot be written (it is there and is not a file)" in done.stderr


def test_hostile_names_are_shown_as_text(run, tmp_path):
    """A document whose names are markup and control characters is told without doing anything."""
    base, head = run("base", "tests/test_size.py"), tmp_path / "head.json"
    document = json.loads(base.read_text())
    for check in document["checks"]:
        check |= {"name": f"</td><script>{check['name']}\x1b[31m\u202e|", "status": "failed", "message": "<b>@all"}
    head.write_text(json.dumps(document))
    page, comment = tmp_path / "page.html", tmp_path / "comment.md"
    done = compare(base, head, f"--html={page}", f"--markdown={comment}")

    assert done.returncode == 1, done.stderr
    assert not {"\x1b", "\u202e"} & {*done.stdout, *page.read_text(), *comment.read_text()}
    assert "<script>" not in page.read_text() + comment.read_text()
