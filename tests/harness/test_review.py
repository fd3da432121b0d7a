"""The review begins with the verdict and the cause, and has a row for each check."""

import json
import re

import pytest

from fixtures.harness import review
from fixtures.harness.pin_changes import NOTHING_PINNED
from tests.harness.runs import HOSTILE, check, document

FALLEN = check("tests/test_size.py::test_it[quick]", "failed", "ratio: 0.6 measured\nlook at: the weights")


def page(run, **extras):
    """Return the review of a run's document."""
    return review.head(run, {}, extras)


def test_verdict_is_first():
    """A green run begins with its verdict, and names nothing that fell short."""
    shown = page(document())

    assert re.search(r'<main id="gate"><header class="verdict pass">.*?Passed: every check held', shown)
    assert 'id="fell-short"' not in shown


def test_cause_is_on_top_of_what_fell_short():
    """A failing check is open, with its first line apart, the rest under it, and the command that repeats it."""
    shown = page(document(check(), FALLEN, verdict="failed"))

    assert '<header class="verdict fail">' in shown
    assert re.search(
        r'<details open class="cause"><summary><b>tests/test_size.py::test_it\[quick\]</b></summary>'
        r'<p class="lead">ratio: 0.6 measured</p><pre[^>]*>look at: the weights</pre>',
        shown,
    )
    assert "pytest &#x27;tests/test_size.py::test_it[quick]&#x27;" in shown


def test_many_causes_are_cut_and_counted():
    """Of a broken model the first failures are told, and how many more there are."""
    fallen = [check(f"a::b[{number}]", "failed", f"cause {number}") for number in range(review.CAUSES + 5)]
    shown = page(document(*fallen, verdict="failed"))

    assert shown.count('class="cause"') == review.CAUSES
    assert "… and 5 more causes; the table below has all checks" in shown


def test_checks_of_one_cause_are_told_together():
    """A build that failed fails all checks of its model: they are one cause."""
    shown = page(document(*[check(f"a::b[{number}]", "error", "killed") for number in range(9)], verdict="failed"))

    assert shown.count('class="cause"') == 1
    assert "8 more checks for the same cause" in shown
    assert "<li>a::b[8]</li>" in shown


def test_problems_of_the_run_are_told():
    """What makes a run red besides its checks stands under the verdict."""
    shown = page(document(verdict="failed", problems=["gpu was asked for, but no check that ran was of it"]))

    assert "<li>gpu was asked for, but no check that ran was of it</li>" in shown


@pytest.mark.parametrize(
    ("changed", "told"), [(0, "is as pinned"), (3, '<td class="over">✗ 3 of 1 000'), (None, "✗ other samples")]
)
def test_pins_are_compared_at_the_head(changed, told):
    """How many predictions are not as pinned is told, and that a pin is of other samples."""
    run = document()
    run["models"][0]["pinned"] = {"fp16": {"": {"samples": 1000, "pinned": 999, "changed": changed, "told": []}}}

    assert told in page(run)


def test_run_without_pins_says_so():
    """Nothing that was compared is not nothing that changed."""
    assert "Nothing was compared with a pin." in page(document())


def test_run_without_models_has_a_page():
    """A run that selected nothing has a verdict, and no empty tables."""
    run = document(verdict="nothing selected")
    run["models"], run["checks"] = [], []
    shown = page(run)

    assert "Nothing was selected" in shown
    assert "Overview" not in shown


def test_cards_of_many_models_are_folded_unless_they_fell_short():
    """A run of thirty models opens with those that need a look."""
    names = [f"model_{number}" for number in range(review.MODELS_OPEN + 1)]
    checks = [check(f"a::b[{name}]", "failed" if name == "model_3" else "passed", model=name) for name in names]
    shown = page(document(*checks, verdict="failed"))

    assert shown.count('<details class="folded">') == review.MODELS_OPEN
    assert shown.count('<section class="card') == review.MODELS_OPEN + 1


def test_rows_have_every_check_and_texts_once():
    """Each check is a row; what many share is written once."""
    run = document(*[check(f"a::b[{number}]", "skipped", "no gpu here") for number in range(3)], FALLEN)
    found = review.rows(run, {}, {"a::b[1]": {"output": "printed"}})

    assert [row[0] for row in found["rows"]] == ["a::b[0]", "a::b[1]", "a::b[2]", FALLEN.name]
    assert found["texts"].count("no gpu here") == 1
    assert [found["texts"][row[9]] for row in found["rows"][:3]] == ["no gpu here"] * 3
    assert [row[10] for row in found["rows"][:2]] == [{}, {"output": "printed"}]


def test_samples_that_a_check_shows_are_drawn_once():
    """What a row shows is drawn with what the cards show, and rows share its picture."""
    run = document(check("a"), check("b"), check("c", model=None))
    extras = {name: {"shown": [(3, f"True: 7 in {name}")]} for name in "abc"}
    found = review.rows(run, {"quick": {3: ["data:image/png;base64,AAAA"]}}, extras)

    assert review.wanted(run, extras) == {"quick": [3, 7]}  # that of the flip is on the card
    assert found["texts"].count("data:image/png;base64,AAAA") == 1
    place = found["texts"].index("data:image/png;base64,AAAA")
    assert [row[10] for row in found["rows"]] == [
        {"pictures": [[place, "True: 7 in a"]]},
        {"pictures": [[place, "True: 7 in b"]]},
        {},
    ]


@pytest.mark.parametrize(
    ("bounds", "allowed"),
    [
        ({"at_most": 0.5}, "at most 0.5"),
        ({"at_least": 0.5}, "at least 0.5"),
        ({"at_least": 0, "at_most": 0.5}, "0 to 0.5"),
        ({"at_least": 1, "at_most": 1}, "exactly 1"),
    ],
)
def test_rows_have_what_is_allowed(bounds, allowed):
    """A measured value stands beside its bounds, in words."""
    found = review.rows(document(check(value=0.25, **bounds)), {}, {})

    ((_, measured, place, holds),) = found["rows"][0][7]
    assert (measured, found["texts"][place]) == ("0.25", allowed)
    assert holds == (allowed not in {"exactly 1", "at least 0.5"})


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_are_text(name):
    """No name of a check, a model or a problem is markup, and none ends the script that holds the rows."""
    run = document(check(name, "failed", name, model=name), verdict="failed", problems=[name])
    shown = page(run, **{name: {"output": name}})

    held = re.search(r'id="gate-rows">(.*?)</script>', shown, re.DOTALL)[1]
    assert json.loads(held)["rows"][0][0] == run["checks"][0]["name"]
    assert "<" not in held
    assert shown.count("<script") == 2
    assert "alert(1)</script>" not in shown
    shown.encode()


def test_warnings_are_told_at_the_head():
    """A green run that proves little, or whose values are near the largest, says so under its verdict."""
    run = document()
    run["models"][0]["warnings"] = ["50 samples cannot exclude a drop of 10 points"]
    run["run"]["deselected"] = 3
    shown = page(run)

    assert "⚠ quick: 50 samples cannot exclude a drop of 10 points" in shown.partition("</header>")[0]
    assert "⚠ 3 checks of the gate were left out of this run" in shown.partition("</header>")[0]


def test_model_of_which_checks_did_not_run_does_not_hold():
    """After -x or Ctrl-C, what held so far is no verdict on a model."""
    run = document(check(), check("b", None))
    shown = page(run)

    assert "? 1 checks did not run" in shown
    assert "✓ holds" not in shown
    assert "? 1 not run" in shown


def test_pin_that_is_missing_is_no_change():
    """What was never pinned is not another one than the pinned one."""
    test = "tests/test_training.py::test_conversion_gives_the_pinned_files[quick]"
    shown = page(document(check(test, "failed", f"assert\n{NOTHING_PINNED}"), verdict="failed"))

    assert "✗ not pinned yet" in shown
    assert "✗ others" not in shown


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["-n", "2", "--html=a.html"], "pytest 'a::b[c]'"),
        (["--fp32=a b", "--fp16", "b", "-k", "x"], "pytest 'a::b[c]' '--fp32=a b' --fp16 b"),
        (["--full-gpu", "tests", "--bound", "flipped=1"], "pytest 'a::b[c]' --full-gpu --bound flipped=1"),
    ],
)
def test_command_has_what_the_check_cannot_do_without(arguments, command):
    """The options that name a model, its bounds and its targets are kept, others are not."""
    assert review.command("a::b[c]", arguments) == command
