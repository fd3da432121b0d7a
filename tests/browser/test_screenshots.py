"""Pictures of the pages for whoever reviews them, which CI keeps: `reports/screenshots` in the checkout."""

import pytest

from fixtures.harness.versions import ROOT

FOLDER = ROOT / "reports" / "screenshots"

TALLEST = 8000
"""Pixels of a picture: Chromium draws none of more than twice that, and nobody wants to scroll through one."""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshot_is_kept(visit, page, request, scheme, width):
    """The whole page as a phone and a screen show it, in light and dark, in as many pictures as it takes."""
    seen = visit(page, width=width, scheme=scheme)
    height = seen.evaluate("document.documentElement.scrollHeight")
    name = f"{request.node.callspec.params['page']}-{scheme}-{width}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob(f"{name}-*.png"):
        old.unlink()
    for part, top in enumerate(range(0, height, TALLEST)):
        seen.page.set_viewport_size({"width": width, "height": min(TALLEST, height - top)})
        seen.evaluate("top => scrollTo(0, top)", top)
        seen.page.screenshot(path=FOLDER / f"{name}-{part}.png")

    assert len(list(FOLDER.glob(f"{name}-*.png"))) == -(-height // TALLEST)
