"""Everybody can read a page: on a phone, in the dark, with a screen reader, without telling colours apart."""

import pytest

from tests.browser.visits import BEYOND

SMALLEST = 11
"""Pixels that letters in a plot are high at least, on the screen."""

LETTERS = """() => [...document.querySelectorAll("svg text")].map((one) =>
    [one.textContent, parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().d])"""

NAMELESS = """() => [...document.querySelectorAll("img, svg[role=img]")]
    .filter((one) => !(one.getAttribute("alt") ?? one.getAttribute("aria-label") ?? "").trim())
    .map((one) => one.outerHTML.slice(0, 100))"""


@pytest.fixture(params=[390, 1280])
def width(request):
    """A phone's width, and a screen's."""
    return request.param


@pytest.fixture
def unfolded(visit, page, width):
    """Open a page with everything unfolded."""

    def opened(scheme="light"):
        seen = visit(page, width=width, scheme=scheme)
        seen.unfold()
        return seen

    return opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(unfolded, scheme):
    """axe-core finds nothing serious or critical with everything unfolded."""
    from axe_playwright_python.sync_playwright import Axe

    seen = unfolded(scheme)
    if seen.page.locator("#filters").count():  # rows are alike, and each takes its time
        seen.choose(text="accuracy xnnpack]")
    found = Axe().run(seen.page).response["violations"]
    serious = [one for one in found if one["impact"] in {"serious", "critical"}]

    assert [(one["id"], one["help"], [node["html"][:200] for node in one["nodes"]][:3]) for one in serious] == []


def test_page_does_not_scroll_sideways(unfolded, width):
    """What is wider than the screen scrolls by itself."""
    assert unfolded().evaluate("document.documentElement.scrollWidth") <= width


def test_letters_in_plots_are_large_enough(unfolded, page):
    """No plot is made so small that it cannot be read."""
    found = unfolded().evaluate(LETTERS)

    assert [one for one in found if one[1] < SMALLEST - 0.01] == []
    assert bool(found) == (page.name == "report.html")


def test_letters_in_plots_stay_inside(unfolded):
    """No label runs out of its plot into what is beside it."""
    assert unfolded().evaluate(BEYOND) == []


def test_pictures_and_plots_have_an_alternative(unfolded):
    """A screen reader has words for each of them."""
    assert unfolded().evaluate(NAMELESS) == []


def test_page_has_one_title_and_names_its_language(unfolded):
    """A reader knows where it is, and in which language to speak."""
    seen = unfolded()

    assert seen.page.locator("h1").count() == 1
    assert seen.page.locator("html").get_attribute("lang") == "en"
    assert seen.page.title().strip()
