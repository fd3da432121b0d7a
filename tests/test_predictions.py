"""The prediction for every sample is the pinned one."""

import numpy as np

from fixtures.harness.bounds import ArithmeticLaw, route
from fixtures.harness.predictions import CloseCallsLaw, differences


def test_predictions_are_the_pinned_ones(
    model, precision, predicted, true_classes, reference_outputs, pinned_predictions, told_changes
):
    """On reference kernels, every sample is given what is pinned, with the pinned margin where it is a close call."""
    found = predicted(reference_outputs)
    told_changes(found)

    assert pinned_predictions == (found, true_classes)


def test_other_predictions_are_close_calls(
    model, precision, delegate, presence, file, predicted, true_classes, outputs, reference_outputs, pinned, judge
):
    """On other targets, a prediction differs from the pinned one only by what is within their error."""
    chosen = outputs.samples() if outputs.sampled else None
    for output, now in predicted(outputs).items():
        truth, true = reference_outputs.array(output), true_classes.get(output)
        error = ArithmeticLaw.of(route(file, output, len(truth)), truth, presence.arithmetic)
        found = differences(now, pinned[output], true if chosen is None or true is None else true[chosen], chosen)
        law = CloseCallsLaw.of(error, float(np.abs(truth).max()), found, model.budget)
        changed = found.unexplained(law.off(model.budget))

        judge(
            f"changed predictions that are no close calls{outputs.called(output)}",
            law=law,
            evidence="; ".join(changed[:5]),
            blame=changed,
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
