"""A reviewer sees the verdict first, then why, then which images changed."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.browser.reports import EDITED, EVERY, SPOILED, evaluated
from tests.faults.planted.editing import constants, read, stored


def pixels(uri):
    """Return the pixels of a PNG in a data URI."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,")))))


def shown(seen, model):
    """Return what the gallery of a model's changed predictions shows: by sample, its pixels, alternative and text."""
    cards = seen.page.locator(f".card[data-model={model}] .gallery.changed > li").all()
    pictures = [card.locator("img") for card in cards]
    return {
        int(card.get_attribute("data-sample")): (
            pixels(image.get_attribute("src")),
            image.get_attribute("alt"),
            card.inner_text(),
        )
        for card, image in zip(cards, pictures, strict=True)
    }


def computed(file, images):
    """Return the classes that the dense layer of a file of the quick model gives *images*."""
    model = read(file)
    weights, biases = (stored(model, one).astype(np.float64) for one in constants(model))
    return (images.reshape(len(images), -1).astype(np.float64) / 255 @ weights.T + biases).argmax(axis=1)


@pytest.mark.parametrize(
    ("report", "says"), [("green", "✓ Passed: every check held"), ("red", "✗ Failed: something fell short")]
)
def test_verdict_is_on_top(visit, request, report, says):
    """The first thing under the title, in sight without scrolling, is what the run comes to."""
    seen = visit(request.getfixturevalue(report).page)
    verdict = seen.page.locator("main > :visible").first

    assert verdict.locator("h2").inner_text() == says
    assert verdict.bounding_box()["y"] + verdict.bounding_box()["height"] < 400


def test_causes_come_next_and_are_open(visit, red):
    """Each cause that fell short stands before any model, unfolded, once, with all checks that it failed."""
    seen = visit(red.page)
    causes = seen.page.locator("#fell-short .cause")
    named = seen.page.locator("#fell-short summary b, #fell-short li").all_text_contents()
    messages = {(one["model"], one["message"]) for one in red.checks if one["status"] in {"failed", "error"}}

    assert seen.page.locator("main > section").first.get_attribute("id") == "fell-short"
    assert causes.count() == len(messages) == seen.page.locator("#fell-short .cause > .lead:visible").count()
    assert sorted(named) == sorted(red.named("failed", "error"))


def test_causes_begin_with_what_was_found(visit, red):
    """The line that stands out says what differs, and not what the tool for snapshots says of it."""
    leads = visit(red.page).page.locator("#fell-short .lead").all_text_contents()

    assert "4 of 10000 predictions are not as pinned:" in leads
    assert all(leads)
    assert not [lead for lead in leads if "snapshot" in lead]


def test_green_report_has_no_cause(visit, green):
    """Where everything held, nothing fell short."""
    assert visit(green.page).page.locator("#fell-short, .cause, .badge.fail").count() == 0


def test_failing_rows_come_first_with_their_cause(visit, red):
    """Rows of failed checks are on top of the table and open, each with its message."""
    seen = visit(red.page)
    failed = red.named("failed", "error")
    texts = seen.page.locator("#check-table tr.detail pre").all_text_contents()

    assert seen.shown()[: len(failed)] == failed
    assert texts == [one["message"] for one in red.checks if one["name"] in failed]


def test_gallery_shows_the_samples_that_are_not_as_pinned(visit, red):
    """Exactly the images whose pin was edited, each with the picture, what is true, what was pinned and what it is."""
    found = shown(visit(red.page), "quick")
    images, labels = evaluated()
    now = computed(red.folder.parent / "trained" / "fp16.tflite", images)

    assert sorted(found) == sorted(EDITED)
    for sample, (picture, alternative, text) in found.items():
        assert np.array_equal(picture, images[sample])
        assert f"sample {sample}" in alternative
        says = rf"true {labels[sample]}, pinned {(now[sample] + 1) % 10} \(.*\), now {now[sample]} \("
        assert re.search(says, text), text


def test_gallery_shows_the_samples_that_another_file_gives_another_class(visit, red):
    """Exactly the images that the spoiled weights move, with the class that the float32 file gave them."""
    found = shown(visit(red.page), "digits")
    images, labels = (array[::EVERY] for array in evaluated())
    before, now = (computed(red.models / file, images) for file in ("fp32.tflite", "fp16.tflite"))

    assert sorted(found) == np.flatnonzero(before != now).tolist()
    for sample, (picture, alternative, text) in found.items():
        assert np.array_equal(picture, images[sample])
        assert f"sample {sample}" in alternative
        assert re.search(
            rf"true {labels[sample]} \w+, pinned {before[sample]} \w+ \(.*\), now {now[sample]} \w+ ", text
        )
        assert re.search(rf"float32 {before[sample]} \w+ \(.*\), now {now[sample]} \w+ \(", text)


def test_classes_that_lost_are_drawn(visit, red):
    """The plot of the spoiled pair says of each class what it lost and gained."""
    drawn = visit(red.page).page.locator(".card[data-model=digits] svg[aria-label^='Right predictions by class']")
    told = drawn.get_attribute("aria-label")

    assert "nine: 8 lost, 0 gained of 36" in told
    assert "seven: 0 lost, 2 gained of 47" in told


def test_overview_leads_to_each_card(visit, red):
    """A click on a model's name brings its card into sight."""
    seen = visit(red.page)
    seen.page.locator(".overview a", has_text="quick").click()

    assert seen.evaluate("document.querySelector('#model-quick').getBoundingClientRect().top") < 100
    assert seen.page.locator("#model-quick h3").is_visible()


@pytest.mark.parametrize("times", [1, 2])
def test_overview_leads_to_folded_cards(visit, large, times):
    """A card that is folded is unfolded by the click on its name, also when it was folded again since."""
    seen = visit(large.page)
    card = seen.page.locator("#model-many_11")
    assert not card.is_visible()
    for _ in range(times):
        seen.evaluate("document.querySelector('#model-many_11').closest('details').open = false")
        seen.page.locator(".overview a", has_text="Classifier 11").click()

    assert card.is_visible()
    assert -1 < seen.evaluate("document.querySelector('#model-many_11').getBoundingClientRect().top") < 100


def test_cards_of_many_models_are_folded_where_they_hold(visit, large):
    """Among many models, those that fell short are open."""
    seen = visit(large.page)

    assert seen.page.locator(".card:visible").count() == len(SPOILED)
    assert seen.page.locator(".card").count() == len(large.document["models"])
