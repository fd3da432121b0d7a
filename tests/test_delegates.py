"""Every target computes what the reference kernels compute."""

from fixtures.harness import weights
from fixtures.harness.bounds import arithmetic_bounds, weight_bound
from fixtures.harness.comparison import difference, liveliness, repetition


def test_outputs_match_the_reference_kernels(model, precision, delegate, file, outputs, reference_outputs, judge):
    """The same file's outputs differ from the reference kernels' by what the target's arithmetic explains."""
    found = difference(outputs.array(), reference_outputs.array())
    least, most = arithmetic_bounds(file, reference_outputs.array(), delegate.arithmetic, model.budget.roundoff)

    judge(
        "largest error / largest output",
        found.share,
        at_least=least,
        at_most=most,
        evidence=found,
        look_at=f"the kernels of {delegate}, or what {delegate.arithmetic} arithmetic does to this model",
    )


def test_float16_weights_move_outputs_little(
    model, target, float32_file, float16_file, float32_outputs, float16_outputs, judge
):
    """On one target, the two files' outputs differ by no more than rounding the weights explains."""
    found = difference(float16_outputs.array(), float32_outputs.array())

    judge(
        "largest error / largest output",
        found.share,
        at_most=weight_bound(float32_file, float32_outputs.array(), target.arithmetic, model.budget.roundoff),
        evidence=f"{found}; {weights.precision(float32_file, float16_file)}",
        look_at="the weights: the target is the same for both files",
    )


def test_delegate_takes_the_whole_graph(model, precision, delegate, outputs, judge):
    """A delegate runs the whole graph, or what the model declares of it; other targets leave it to the runtime."""
    claimed, found = delegate.share_of(model), outputs.facts["delegated"]

    judge(
        f"{claimed} of the graph is delegated",
        found == claimed,
        at_least=1,
        evidence=f"delegated: {found}",
        look_at=f"the operators that {delegate} does not support, or partly_delegated in the model's declaration",
    )


def test_outputs_repeat(model, precision, target, outputs, judge):
    """A second, fresh interpreter computes the same bits from the same images."""
    found = repetition(outputs.array(), outputs.array("again"), outputs.repeated())

    judge(
        "samples with other bits", len(found.moved), at_most=0, evidence=found, look_at="state that outlives an image"
    )


def test_outputs_are_alive(model, precision, target, outputs, judge):
    """Outputs are finite and depend on the image: none is NaN, infinite, or the same for every image."""
    found = liveliness(outputs.array())

    judge(
        "dead or broken outputs",
        found.faults,
        at_most=0,
        evidence=found,
        look_at="weights without a value, overflow to infinity, an activation that is always zero",
    )
