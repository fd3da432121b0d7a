"""A page is a file: it loads nothing, says nothing, runs anywhere, and is there at once."""

import shutil

import pytest

from tests.browser import visits
from tests.browser.reports import MANY
from tests.gate import run_gate

LARGEST = 10_000_000
"""Bytes that a report of 30 models on 8 targets may have."""

SLOWEST = 2000
"""Milliseconds until its first content is on the screen."""


@pytest.fixture
def elsewhere(page, tmp_path):
    """A page in a folder and a file whose names have a meaning in addresses, or letters that ASCII lacks."""
    folder = tmp_path / "100 % größer #1 ?x=1"
    folder.mkdir()
    return shutil.copyfile(page, folder / "Bericht №1 - %41 & 日本.html")


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
def test_page_loads_nothing_and_says_nothing(visit, elsewhere, offline):
    """No console message, no error and no request but for the file itself, wherever it lies, without a network too."""
    seen = visit(elsewhere, offline=offline)

    assert seen.trouble == []
    assert seen.page.locator("main").is_visible()


@pytest.mark.parametrize("report", ["green", "red"])
def test_report_can_be_read_without_scripts(visit, request, report):
    """Verdict, causes and cards need no JavaScript; the table of checks says that it does."""
    found = request.getfixturevalue(report)
    seen = visit(found.page, script=False)

    assert seen.page.locator(".verdict h2").is_visible()
    assert seen.page.locator(".card").count() == 2
    assert seen.page.locator(".cause").count() == seen.page.locator(".cause .lead:visible").count()
    assert (seen.page.locator(".cause").count() > 0) == (report == "red")
    assert seen.page.locator("#checks noscript").inner_text().startswith("The table of checks needs JavaScript.")
    assert not seen.page.locator("#filters, #check-table").locator("visible=true").count()


def test_large_report_has_all_models_on_all_targets(large):
    """Its run has a row for each file of 30 models on each target that this machine has."""
    absent = [one["name"] for one in large.document["targets"] if one["availability"] != "present"]
    legs = [len(one["files"]) for one in large.document["targets"] if one["name"] not in absent]

    assert legs == [2 * MANY] * len(legs)
    assert len(large.checks) > 100 * MANY
    if absent:
        pytest.skip(f"16 legs a model were to be shown, but not here: {', '.join(absent)}")


def test_large_report_is_small(large):
    """It can be sent, and kept for each pull request."""
    assert large.page.stat().st_size < LARGEST


def test_large_report_paints_at_once(visit, large):
    """The best of three loads decides: a machine that is busy with something else does not."""
    paints = "performance.getEntriesByType('paint').find((one) => one.name === 'first-contentful-paint').startTime"
    took = []
    for _ in range(3):
        seen = visit(large.page)
        seen.page.wait_for_function("performance.getEntriesByType('paint').length > 1")
        took.append(seen.evaluate(paints))

    assert min(took) < SLOWEST, took


def test_large_report_answers(visit, large):
    """The filters work on thousands of rows."""
    seen = visit(large.page)
    seen.choose(model="many_07", target="reference")
    wanted = [one for one in large.checks if one["model"] == "many_07" and one["target"] == "reference"]

    assert {*seen.shown()} == {one["name"] for one in wanted}
    assert seen.count() == f"{len(wanted)} of {len(large.checks)} checks, {len(wanted)} of them shown"


def test_machine_without_the_packages_is_told_what_installs_them(monkeypatch):
    """The line names what is missing, and the extra that brings it."""
    monkeypatch.setattr(visits, "PACKAGES", ("pytest", "no_such_package"))

    assert visits.missing() == "tests/browser needs no_such_package: pip install '.[dev]'"


def test_machine_without_a_browser_is_told_in_a_line(tmp_path):
    """These tests fail, and say what installs what is missing, rather than being skipped."""
    run = run_gate("-n0", "tests/browser/test_loading.py", "-k", "answers", folder=tmp_path, PATH=str(tmp_path))

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "tests/browser needs a browser, one of chromium, chromium-browser, google-chrome on the PATH" in run.text
    assert "apt install chromium" in run.text
    assert "Traceback" not in run.text
