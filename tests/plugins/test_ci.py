"""A run leaves a summary in Markdown and annotations for the service that it runs on, however it ends."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fixtures.harness.versions import ROOT
from tests.gate import command, environment, run_gate
from tests.github import commands

NO_XDIST = "-p no:xdist"
WORKERS = ["-n0", "-n2", NO_XDIST]


@pytest.fixture
def step(tmp_path):
    """The file that GitHub shows of a step; another command of the step has written to it."""
    file = tmp_path / "step.md"
    file.write_text("of another command\n")
    return file


@pytest.fixture
def github(gate, pinned_models, step):
    """Run the gate on the pinned model in a step of a workflow, and return the run and the step's summary."""

    def run(*arguments, models=pinned_models, **variables):
        on_github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(step), "GITHUB_WORKSPACE": str(ROOT.parent)}
        done = gate(models, *arguments, **{**on_github, **variables})
        whole = step.read_text()
        assert whole.startswith("of another command\n\n## ")
        assert whole.count("## ❌ float16 gate") + whole.count("## ✅ float16 gate") == 1
        return done, whole.removeprefix("of another command\n\n")

    return run


@pytest.fixture
def red(pinned_models):
    """The pinned model, of which more is asked than it can do."""
    declaration = pinned_models / "quick.py"
    declaration.write_text(declaration.read_text().replace("baseline=0.8", "baseline=0.999"))
    return pinned_models


@pytest.mark.parametrize("workers", WORKERS)
def test_green_run_has_a_summary_and_no_annotation(github, workers):
    """The summary has the model's row, and nothing is annotated."""
    run, summary = github(*workers.split(), "tests/test_size.py", "tests/test_accuracy.py")

    assert run.code == 0, run.text
    assert summary.startswith("## ✅ float16 gate: every check that ran held\n")
    assert re.search(r"\| <code>quick</code> \| ✅ all 30 held \| 17 324 / 32 676 = 0\.5302 \| ", summary)
    assert commands(run.text) == []


@pytest.mark.parametrize("workers", WORKERS)
def test_red_run_is_told_with_causes_and_places(github, red, workers):
    """Each failure has its cause in the summary and an annotation at its test, relative to the repository."""
    run, summary = github(*workers.split(), "tests/test_accuracy.py")
    told = commands(run.text)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert summary.startswith("## ❌ float16 gate: fell short in 6 checks\n")
    assert "at least 0.999 allowed\nlook at: the training recipe and its data</pre>" in summary
    assert len(told) == 6
    assert all(
        re.match(rf"::error file={ROOT.name}/tests/test_accuracy\.py,line=\d+,title=quick%3A ", one) for one in told
    )


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_first_failure_is_told(github, red, workers):
    """With -x the summary has what failed, and how much was not run."""
    run, summary = github(workers, "-x", "tests/test_accuracy.py")

    assert run.code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}, run.text
    assert re.match("## ❌ float16 gate: fell short in [12] check", summary)  # two workers may fail at once
    assert " not run; " in summary


def test_lost_worker_is_told_first(github, tmp_path):
    """A worker that dies is a problem in the summary and the first annotation, and so is the check that it was at."""
    (tmp_path / "meddler.py").write_text(
        "import os\n"
        "def pytest_runtest_call(item):\n"
        "    if 'test_weights_are_finite[quick-fp16' in item.nodeid:\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    run, summary = github("-n2", "-p", "meddler", "tests/test_weights.py", PYTHONPATH=str(tmp_path))
    told = commands(run.text)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "### Problems of the run" in summary
    assert "could not be carried out: <code>tests&#47;test&#95;weights" in summary
    assert re.match("::error title=float16 gate::worker gw. ended early", told[0])
    assert re.match(
        rf"::error file={ROOT.name}/tests/test_weights\.py,title=quick%3A No weight is NaN or infinite\.::", told[1]
    )


@pytest.mark.parametrize(
    ("arguments", "verdict", "told"),
    [
        (["-k", "no_such_model"], "nothing selected", 1),
        (["--delegate", "xnnpak"], "usage error", 1),
        (["--collect-only"], "not run", 0),
    ],
)
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_run_without_a_check_is_told(github, arguments, verdict, told, workers):
    """A run that checked nothing says so, and why."""
    run, summary = github(workers, *arguments, "tests/test_size.py")

    assert f"## ❌ float16 gate: <code>{verdict}</code>, which is no pass" in summary
    assert "### Problems of the run" in summary
    assert len(commands(run.text)) == told


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_run_that_is_ended_leaves_a_summary(models, tmp_path, step, workers, ending):
    """Ctrl-C is told; a run that is killed leaves that it was begun and did not end, and nothing of an earlier run."""
    store, file = tmp_path / "own", tmp_path / "summary.md"
    file.write_text("of an earlier run")
    arguments = (f"--models-dir={models}", f"--artifacts={store}", f"--gate-markdown={file}", workers)
    with (tmp_path / "output").open("w") as output:
        process = subprocess.Popen(
            ["env", "--default-signal=INT", *command(*arguments, "tests/test_size.py", folder=tmp_path)],
            cwd=ROOT,
            env={**environment(), "GITHUB_STEP_SUMMARY": str(step)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while not list(store.glob("builds/*.unfinished")):
        assert process.poll() is None, (tmp_path / "output").read_text()
        time.sleep(0.05)
    os.killpg(process.pid, ending)
    process.wait()

    says = {signal.SIGINT: "interrupted", signal.SIGKILL: "unfinished"}[ending]
    assert file.read_text().startswith(f"## ❌ float16 gate: <code>{says}</code>, which is no pass\n")
    assert step.read_text() == f"of another command\n\n{file.read_text()}\n"


def test_summary_stays_where_others_add_to_it(gate, pinned_models, step, tmp_path):
    """What another process appends meanwhile is kept, and the summary follows it."""
    (tmp_path / "meddler.py").write_text(
        f"def pytest_unconfigure():\n    with open({str(step)!r}, 'a') as stream:\n        stream.write('theirs')\n"
    )
    variables = {"PYTHONPATH": str(tmp_path), "GITHUB_STEP_SUMMARY": str(step)}
    gate(pinned_models, "-n0", "-p", "meddler", "tests/test_size.py", **variables)

    assert re.search(r"unfinished.*\ntheirs\n## ✅ float16 gate", step.read_text(), re.DOTALL)


@pytest.mark.parametrize("on_ci", [{}, {"CI": "true"}], ids=["", "ci"])  # where pytest cuts no message
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_hostile_names_are_neither_commands_nor_markup(github, tmp_path, workers, on_ci):
    """Ids and messages that hold commands, markup, mentions and control characters stay text."""
    names = [
        "a\n::error::no",
        "##[stop-commands]x",
        "<script>",
        "|`@octocat`|",
        "\u202eאבג",
        "😀",
        "x" * 200,
        "\x00",
        "100%,a:b",
    ]
    (tmp_path / "test_names.py").write_text(
        "import pytest\n"
        f"@pytest.mark.parametrize('name', {names!r})\n"
        "def test_it(name):\n"
        "    pytest.fail('<' + name + '>', pytrace=False)\n"
    )
    run, summary = github(workers, "--show-capture=no", "-q", "tests/test_size.py", tmp_path / "test_names.py", **on_ci)

    assert re.search("^::error::no>", run.text, re.MULTILINE)
    assert len(commands(run.text)) == len(names)
    assert all(one.startswith("::error title=") for one in commands(run.text))  # that file is not in the repository
    assert summary.count("<details>") == len(names)
    assert "<script>" not in summary
    assert "&lt;script&gt;" in summary


def test_hostile_folder_of_a_declaration_is_text(github, pinned_models, tmp_path):
    """A path that holds markup, a mention, quotes, emoji and text from right to left is told and does nothing."""
    shutil.rmtree(pinned_models / "__snapshots__")
    folder = pinned_models.rename(tmp_path / "<script>alert('1')<|script> @octocat #1 `😀` \u202eאב ::error::")
    run, summary = github("-n2", "tests/test_predictions.py", models=folder)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert not {"<script>", "\u202e"} & {*re.findall("<[^>]*>|\u202e", summary)}
    assert "&lt;script&gt;alert(" in summary
    assert all(
        re.match(rf"::error file={ROOT.name}/tests/test_predictions\.py,line=", one) for one in commands(run.text)
    )


def test_own_tests_of_the_gate_are_summed_up_too(tmp_path, step):
    """A run of tests that are about no model has a summary without one."""
    file = tmp_path / "summary.md"
    run = run_gate(
        f"--gate-markdown={file}",
        f"--artifacts={tmp_path / 'own'}",
        "-n0",
        "tests/harness/test_verdict.py",
        folder=tmp_path,
    )

    assert run.code == 0, run.text
    assert "No model was validated." in file.read_text()


@pytest.mark.parametrize(
    ("place", "says"),
    [("", "it is there and is not a file"), ("taken/below.md", "its folder is a file")],
)
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_place_that_cannot_be_written_is_refused(gate, pinned_models, tmp_path, place, says, workers):
    """A path that no file can be written to is a usage error, before anything runs."""
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "taken").write_text("a file")
    run = gate(pinned_models, workers, f"--gate-markdown={folder / place}", "tests/test_size.py")

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert f"--gate-markdown={folder / place}: the summary cannot be written ({says})" in run.text
    assert not run.checks
    assert "Traceback" not in run.text


def test_no_place_is_refused(gate, pinned_models):
    """An empty path is a usage error; an empty variable is none that is set."""
    run = gate(pinned_models, "--gate-markdown=", "tests/test_size.py")
    unset = gate(pinned_models, "-n0", "tests/test_size.py", GITHUB_STEP_SUMMARY="")

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert "a file was expected, nothing was given" in run.text
    assert unset.code == 0, unset.text


def test_step_without_its_file_is_refused(gate, pinned_models, tmp_path):
    """A summary that GitHub would never see is no silent loss."""
    place = tmp_path / "gone" / "step.md"
    run = gate(pinned_models, "-n0", "tests/test_size.py", GITHUB_STEP_SUMMARY=str(place))

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert f"$GITHUB_STEP_SUMMARY={place}: the summary cannot be written (No such file or directory)" in run.text
    assert not Path(place.parent).exists()


def test_list_of_targets_has_no_summary(tmp_path, step):
    """`--targets` runs nothing, and adds nothing."""
    run = run_gate("--targets", "--delegate", "builtin", folder=tmp_path, GITHUB_STEP_SUMMARY=str(step))

    assert run.code == 0, run.text
    assert step.read_text() == "of another command\n"
