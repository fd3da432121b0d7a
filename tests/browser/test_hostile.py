"""Names that others gave are shown as text, and do nothing, whatever they are."""

import pytest

from fixtures.harness.escaping import visible
from tests.browser.reports import OUTPUTS
from tests.browser.visits import BEYOND
from tests.harness.runs import HOSTILE


@pytest.fixture(params=[390, 1280])
def width(request):
    """A phone's width, and a screen's."""
    return request.param


@pytest.fixture
def seen(visit, hostile, width):
    """The hostile report with everything unfolded."""
    found = visit(hostile.page, width=width)
    found.unfold()
    return found


def test_no_script_runs(seen, visit, green):
    """Nothing that the names hold becomes an element or a handler, and nothing happens under the mouse."""
    for place in seen.page.locator("main :is(b, h3, .heat td)").all()[:12]:
        place.hover()
    made = seen.page.locator("main :is(script, [onmouseover], [onload], [onerror], img:not([src^='data:']))")

    assert seen.dialogs == []
    assert made.count() == 0
    assert seen.page.locator("script").count() == visit(green.page).page.locator("script").count()


def test_page_does_not_widen(seen, width):
    """Two hundred characters without a space go on in another line, or scroll by themselves; plots cut them."""
    assert seen.evaluate(BEYOND) == []
    assert seen.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("kind", ["markup", "quotes", "right to left", "emoji", "long", "end of code"])
def test_titles_are_shown_as_text(seen, hostile, kind):
    """A title is read as it was given, but for what would not show itself, which is told by its number."""
    titles = seen.page.locator(".card h3 > bdi").all_text_contents()

    assert visible(HOSTILE[kind]) in titles
    assert len(titles) == len(hostile.document["models"])


def test_nothing_turns_text_around(seen):
    """No character that changes the direction of what is behind it is on the page."""
    assert not {*"\u202a\u202b\u202d\u202e\u2066\u2067\u2068"} & {*seen.page.locator("main").text_content()}


def test_classes_outputs_and_files_are_shown_as_text(seen, hostile):
    """So are the names of classes in the gallery, of outputs in the tables, and of files."""
    text = seen.page.locator("#model-nasty_0").inner_text()
    names = list(HOSTILE.values())

    assert f"now 7 {visible(names[7])}" in text
    assert OUTPUTS[0] in text
    assert OUTPUTS[1] in text
    assert all(visible(path) in text for path in hostile.document["models"][0]["files"].values() if path)
