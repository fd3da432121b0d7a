"""The summary of a run says what it is worth, what fell short and why, and fits on GitHub whatever a run was told."""

import re
from html import unescape

import pytest

from fixtures.harness import model_lines
from fixtures.harness.markdown import LIMIT, summary
from fixtures.harness.targets import Presence
from tests.harness.runs import HOSTILE, LEG, METRIC, check, document

NAME = "tests/test_size.py::test_it[quick-{}]"


def shown(text):
    """Return what a reader sees of the Markdown *text*: without tags, and with characters for their references."""
    return unescape(re.sub(r"</?(code|details|summary|pre)>", "", text))


def test_green_run_is_told_with_its_figures():
    """A row has the sizes, the metric with what it may have lost, the bound that is used most, and the flips."""
    told = shown(summary(document(check(value=1.0, at_most=4.0))))

    assert told.startswith(
        "## ✅ float16 gate: every check that ran held\n\n1 passed; every check held (exit code 0)\n"
    )
    assert "| quick | ✅ all 1 held | 550 / 1 000 = 0.55 | top-1 accuracy 95.000 % → 95.000 %, drop between" in told
    assert "between -0.500 points and 0.500 points at 99%: 1000 samples exclude a drop" in told
    assert "| 25 %: ratio of tests/test_size.py::test_it[quick] | 1 of 1 000 on builtin |" in told
    assert "fell short" not in told


def test_failure_is_told_with_its_cause():
    """A check that fell short has its requirement and its message, and the model's row and the heading say so."""
    fell = check(status="failed", message="ratio: 3 measured, at most 2 allowed\nlook at: it", value=3.0, at_most=2.0)
    told = summary(document(fell, check("t::held"), verdict="failed"))

    assert told.startswith("## ❌ float16 gate: fell short in 1 check\n")
    assert "❌ **fell short: 1 of 2**" in told
    assert "<pre>ratio: 3 measured, at most 2 allowed\nlook at: it</pre>" in told
    assert "It holds." in shown(told)


def test_check_that_could_not_be_carried_out_is_no_failed_one():
    """An error says that it is one."""
    told = summary(document(check(status="error", message="the worker crashed"), verdict="failed"))

    assert "<summary>❌ could not be carried out: " in told


@pytest.mark.parametrize(
    "verdict", ["interrupted", "nothing selected", "usage error", "internal error", "not run", "unfinished"]
)
def test_other_ends_are_no_pass(verdict):
    """The heading of a run that came to nothing says what it came to, and its problems follow."""
    told = shown(summary(document(verdict=verdict, problems=["it <was> so"])))

    assert told.startswith(f"## ❌ float16 gate: {verdict}, which is no pass\n")
    assert "### Problems of the run\n\n- it <was> so\n" in told


def test_model_of_which_nothing_was_checked_is_no_held_one():
    """Checks that were all skipped say nothing of a model."""
    assert "❌ **nothing was checked**" in summary(document(check(status="skipped", message="not here")))


def test_absent_target_and_skipped_checks_are_told_with_their_counts():
    """Why a target was not there, how many checks that left out, and why others were skipped, is said once each."""
    skipped = [check(NAME.format(n), "skipped", "builtin: no such library", target="builtin") for n in range(3)]
    other = check("t::other", "skipped", "no example")
    told = shown(summary(document(*skipped, other, check("t::held"), presence=Presence("no such library"))))

    assert "- builtin is absent, 3 checks not carried out: no such library\n" in told
    assert "- 1 check: no example\n" in told


def test_leg_that_did_not_run_is_told():
    """A file that could not be run on a target is named with the cause."""
    told = shown(summary(document(**{"did not run: fp16 on gpu": "killed by SIGILL"})))

    assert "- quick: fp16 on gpu did not run: killed by SIGILL\n" in told


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (0, "| 1 of 1 000 on builtin |"),
        (7, "❌ fp16: 7 not as pinned |"),
        (None, "❌ fp16 is pinned for other samples |"),
    ],
)
def test_predictions_that_are_not_as_pinned_are_counted(changed, says):
    """The model's row says how many there are, or that they cannot be told."""
    assert says in shown(summary(document(**{f"{model_lines.PINNED}fp16": {"": {"changed": changed, "told": []}}})))


@pytest.mark.parametrize(
    ("status", "says"),
    [("passed", "⚠️ 1 held, 2 not run"), ("failed", "❌ **fell short: 1 of 1**, 2 not run")],
)
def test_model_that_was_not_checked_whole_says_so(status, says):
    """What a run did not come to is no part of what held."""
    checks = [check(status=status, message="x"), check("b", None), check("c", None)]

    assert f"| {says} |" in shown(summary(document(*checks, verdict="interrupted")))


def test_run_of_no_model_says_so():
    """The gate's own tests have a summary too."""
    assert "No model was validated." in summary(document(check(model=None)))


def test_numbers_that_were_not_measured_are_dashes():
    """A run that measured little leaves dashes, and figures that are no numbers are shown as such."""
    metric = METRIC | {"candidate": float("nan"), "loss": float("inf"), "most": float("inf")}
    told = summary(document(metric=metric, leg=LEG | {"agreement": None}, fp16_bytes=None, size_ratio=None))

    assert "| — / 1 000 = — |" in told
    assert "95.000 % → nan %" in told
    assert "and inf points" in told
    assert told.rstrip().endswith("| — | — |")


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_stays_text(what):
    """Names, reasons and messages of others leave the table a table, and no tag but our own is there."""
    text = HOSTILE[what]
    fell = check(f"tests/test_size.py::test_it[{text}]", "failed", text, quantity=text, value=3.0, at_most=2.0)
    skipped = check("t::skipped", "skipped", text)
    metric = METRIC | {"metric": text, "says": text}
    told = summary(document(fell, skipped, verdict="failed", problems=[text], metric=metric, presence=Presence(text)))
    (row,) = [line for line in told.splitlines() if line.startswith("| <code>quick")]

    assert row.count("|") == 7
    assert set(re.findall("<[^>]*>", told)) <= {
        f"<{end}{tag}>" for tag in ("code", "details", "summary", "pre") for end in ("", "/")
    }
    assert "@octocat" not in re.sub("<pre>.*?</pre>", "", told, flags=re.DOTALL)
    assert told.encode()


def test_too_many_failures_are_counted():
    """Some tens are told with their causes, and how many more there are is said; the limit holds."""
    checks = [check(NAME.format(n), "failed", "a line\n" * 50, value=3.0, at_most=2.0) for n in range(500)]
    told = summary(document(*checks, verdict="failed"))

    assert told.count("<details>") == 30
    assert "and 470 more checks that fell short" in told
    assert "… and 38 more lines" in told
    assert len(told.encode()) <= LIMIT


@pytest.mark.parametrize("limit", [0, 50, 3000, 20_000])
def test_summary_keeps_any_limit(limit):
    """However little room there is, it is kept, and with some of it the verdict is there."""
    checks = [check(NAME.format(n), "failed", "é" * 900, model=f"model_{n}") for n in range(300)]
    told = summary(document(*checks, verdict="failed", problems=["problem"] * 400), limit)

    assert len(told.encode()) <= limit
    assert told.startswith("## ❌ float16 gate: fell short in 300 checks") == (limit > 50)
    assert ("more problems" in told and "more models" in told) == (limit > 50)


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
def test_title_is_shown_as_text(title):
    """A model goes by its title, whatever that is, in one cell of the table."""
    run = document()
    run["models"][0]["title"] = title
    (row,) = [line for line in summary(run).splitlines() if "all 1 held" in line]

    assert row.count("|") == 7
    assert "<script" not in row
    assert row.startswith("| <code>")
