"""The prediction for every image is the pinned one."""

import numpy as np

from fixtures.harness import predictions
from fixtures.harness.bounds import arithmetic_bounds


def test_predictions_are_the_pinned_ones(model, precision, labels, reference_outputs, pinned_predictions):
    """On reference kernels, every image is given the pinned class, with the pinned margin where it is a close call."""
    found = predictions.predictions(reference_outputs.array())

    assert pinned_predictions == (found, labels)


def test_other_predictions_are_close_calls(
    model, precision, delegate, presence, file, labels, outputs, reference_outputs, pinned, judge
):
    """On other targets, a class differs from the pinned one only where the pinned margin is within their error."""
    truth = reference_outputs.array()
    error = arithmetic_bounds(file, truth, presence.arithmetic, model.budget.roundoff)[1] * float(np.abs(truth).max())
    chosen = outputs.samples() if outputs.sampled else None
    changed = predictions.unexplained(predictions.predictions(outputs.array()), pinned, 2 * error, labels, chosen)

    judge(
        "changed predictions that are no close calls",
        len(changed),
        at_most=0,
        evidence="; ".join(changed[:5]),
        look_at=f"the kernels of {delegate}, or what {presence.arithmetic} arithmetic does to this model",
    )


def test_no_pin_is_left_behind(left_behind, judge):
    """Every pinned file belongs to a declared model."""
    judge(
        "pinned files without a model",
        len(left_behind),
        at_most=0,
        evidence=", ".join(map(str, left_behind)),
        look_at="delete the files of models that are gone",
    )
