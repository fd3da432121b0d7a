"""What fell short is told as workflow commands of GitHub: the worst first, and no more than it shows."""

import re

import pytest

from fixtures.harness.annotations import annotations
from tests.harness.runs import HOSTILE, check, document


def test_failure_is_told_with_its_place():
    """A check has its file, its line, its model and requirement, and its message."""
    fell = check(status="failed", message="ratio: 3 measured\nlook at: it", value=3.0, at_most=2.0)
    told = annotations(document(fell, verdict="failed"), {fell.name: ("gate/tests/test_size.py", 12)})

    assert told == [
        "::error file=gate/tests/test_size.py,line=12,title=quick%3A It holds.::"
        "tests/test_size.py::test_it[quick]%0Aratio: 3 measured%0Alook at: it"
    ]


def test_failure_without_a_place_is_told():
    """A check that died has no line, and one outside the repository no file."""
    crashed, outside = check("a", "error", "crashed"), check("b", "failed", "far off", model=None)
    told = annotations(document(crashed, outside, verdict="failed"), {"a": ("tests/test_size.py", None)})

    assert told[0].startswith("::error file=tests/test_size.py,title=quick%3A It holds.::a%0A")
    assert told[1] == "::error title=float16 gate%3A It holds.::b%0Afar off"


def test_worst_comes_first():
    """Problems of the run come before checks that were not carried out, those before failures, the farthest first."""
    checks = [
        check("near", "failed", "", value=2.1, at_most=2.0),
        check("far", "failed", "", value=200.0, at_most=2.0),
        check("no number", "failed", "", value=float("nan"), at_most=2.0),
        check("error", "error", ""),
    ]
    told = annotations(document(*checks, verdict="failed", problems=["worker gw0 ended early"]), {})

    assert [re.split("::|%0A", text)[2] for text in told] == [
        "worker gw0 ended early",
        "error",
        "no number",
        "far",
        "near",
    ]


@pytest.mark.parametrize(("count", "last"), [(10, "t9"), (11, "2 more fell short"), (500, "491 more fell short")])
def test_those_that_github_would_not_show_are_counted(count, last):
    """There are ten at most, of which the last counts what the others leave out."""
    told = annotations(document(*(check(f"t{n}", "failed", "x") for n in range(count)), verdict="failed"), {})

    assert len(told) == 10
    assert told[-1].partition("::")[2].partition("::")[2].startswith(last)


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_is_no_command(what):
    """Each annotation is a line, a command and its message, whatever names and messages hold."""
    text = HOSTILE[what]
    fell = check(text, "failed", text)
    fell.requirement = text
    told = annotations(document(fell, verdict="failed", problems=[text]), {text: (text, 3)})

    assert len(told) == 2
    assert all(re.fullmatch(r"::error ((file|line|title)=[^:,\r\n]*,?)+::[^\r\n]*", one) for one in told)


def test_green_run_has_none():
    """Where nothing fell short, nothing is told."""
    assert annotations(document(), {}) == []
