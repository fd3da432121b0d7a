"""Which samples are not as pinned is told as values, as far as a report shows them."""

import numpy as np
import pytest

from fixtures.harness import predictions
from fixtures.harness.pin_changes import MOST, pin_changes
from models.tasks import Classification


@pytest.fixture
def outputs():
    """Outputs of 60 samples for 3 classes; that of the first is a close call."""
    scores = np.zeros((60, 3), np.float32)
    scores[np.arange(60), np.arange(60) % 3] = 10
    scores[0, 1] = 9.99
    return scores


def pinned(outputs, task=None):
    """Return what is pinned of *outputs*, read back from the text."""
    text = predictions.write({"logits": predictions.of_output(outputs, task)})
    return predictions.read(text, ["logits"])["logits"]


def test_changed_class_is_told_with_both_margins(outputs):
    """A sample with another class has the pinned one and its margin, or the least that it was."""
    before = pinned(outputs, Classification())
    outputs[[0, 4]] = [[0, 10, 0], [10, 7, 0]]
    found = pin_changes(predictions.of_output(outputs, Classification()), before, np.arange(60) % 3)

    close = {"sample": 0, "true": 0, "pinned": 0, "now": 1, "margin": 10.0}
    sure = {"sample": 4, "true": 1, "pinned": 1, "now": 0, "margin": 3.0}
    assert (found["samples"], found["pinned"], found["changed"]) == (60, 60, 2)
    assert [{name: one[name] for name in close} for one in found["told"]] == [close, sure]
    assert [one["pinned_margin"] for one in found["told"]] == [pytest.approx(0.01, abs=1e-3), None]
    assert found["told"][1]["pinned_margin_at_least"] == pytest.approx(0.1)


def test_same_classes_are_no_change(outputs):
    """Margins that moved are no other predictions."""
    found = pin_changes(predictions.of_output(outputs * 1.5, Classification()), pinned(outputs, Classification()), None)

    assert (found["changed"], found["told"]) == (0, [])


def test_most_are_left_out(outputs):
    """All that changed are counted, and some are told."""
    other = np.roll(outputs, 1, axis=1)
    found = pin_changes(predictions.of_output(other, Classification()), pinned(outputs, Classification()), None)

    assert (found["changed"], len(found["told"]), found["told"][0]["true"]) == (60, MOST, None)


def test_moved_mean_is_told(outputs):
    """Of an output without classes, the mean of a sample is what changes."""
    before = pinned(outputs)
    outputs[7] += 1
    found = pin_changes(predictions.of_output(outputs, None), before, None)

    assert (found["changed"], [one["sample"] for one in found["told"]]) == (1, [7])
    assert found["told"][0]["now"] - found["told"][0]["pinned"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("count", "task"), [(59, Classification()), (60, None)], ids=["samples", "kind"])
def test_what_cannot_be_compared_is_no_number(outputs, count, task):
    """A pin of other samples, or of another kind, has no number of changes: not zero."""
    found = pin_changes(predictions.of_output(outputs, Classification()), pinned(outputs[:count], task), None)

    assert (found["changed"], found["pinned"]) == (None, count)
