"""Every target computes what the reference kernels compute."""

from fixtures.harness import weights
from fixtures.harness.bounds import arithmetic_bounds, noise_bound, weight_bound, weight_noise_bound
from fixtures.harness.comparison import difference, liveliness, repetition
from fixtures.harness.targets import REFERENCE


def test_outputs_match_the_reference_kernels(
    model, precision, delegate, presence, file, outputs, reference_outputs, localised, judge
):
    """The same file's outputs differ from the reference kernels' by what the target's arithmetic explains."""
    found = difference(outputs.array(), reference_outputs.array(), outputs.samples())
    least, most = arithmetic_bounds(file, reference_outputs.array(), presence.arithmetic, model.budget.roundoff)

    judge(
        "largest error / largest output",
        found.share,
        at_least=least,
        at_most=most,
        evidence=found,
        look_at=f"the kernels of {delegate}, or what {presence.arithmetic} arithmetic does to this model",
        explain=localised(found, reference_outputs),
    )
    judge(
        "rms error / rms output",
        found.noise,
        at_most=noise_bound(file, presence.arithmetic, model.budget.roundoff),
        evidence=found,
        look_at=f"what {delegate} does to all outputs alike: a scale, an offset, a rounding too many",
        explain=localised(found, reference_outputs, together=True),
    )


def test_float16_weights_move_outputs_little(
    model, target, presence, float32_file, float16_file, float32_outputs, float16_outputs, localised, judge
):
    """On one target, the two files' outputs differ by no more than rounding the weights explains."""
    found = difference(float16_outputs.array(), float32_outputs.array(), float16_outputs.samples())
    followed = target.name == REFERENCE

    judge(
        "largest error / largest output",
        found.share,
        at_most=weight_bound(float32_file, float32_outputs.array(), presence.arithmetic, model.budget.roundoff),
        evidence=f"{found}; {weights.precision(float32_file, float16_file)}",
        look_at="the weights: the target is the same for both files",
        explain=localised(found, float32_outputs) if followed else None,
    )
    judge(
        "rms error / rms output",
        found.noise,
        at_most=weight_noise_bound(float32_file, presence.arithmetic, model.budget.roundoff),
        evidence=found,
        look_at="a scale or an offset that the float16 file applies to all outputs alike",
        explain=localised(found, float32_outputs, together=True) if followed else None,
    )


def test_delegate_takes_the_whole_graph(model, precision, delegate, outputs, judge):
    """A delegate runs the whole graph, or what the model declares of it; other targets leave it to the runtime."""
    claimed, found = delegate.share_of(model), outputs.facts["delegated"]
    left = ", ".join(outputs.facts.get("left", []))

    judge(
        f"{claimed} of the graph is delegated (1: yes, 0: no)",
        found == claimed,
        at_least=1,
        evidence=f"delegated: {found}" + (f"; left to other kernels: {left}" if left else ""),
        look_at=f"the operators that {delegate} does not support, or partly_delegated in the model's declaration",
    )


def test_reduced_precision_is_what_was_computed_in(model, precision, reduced, presence, outputs, judge):
    """A target that was asked for less than float32 gives other bits than its twin in float32."""
    twin = outputs.facts["twin"]

    judge(
        "samples with the bits of float32 arithmetic",
        twin.get("equal", float("nan")),
        at_most=twin.get("samples", 1) - 1,
        evidence=twin.get("unknown", f"{twin.get('equal')} of {twin.get('samples')} samples"),
        look_at=f"{presence.adapter or reduced}: it was asked for {reduced.arithmetic}, and computed in float32",
    )


def test_outputs_repeat(model, precision, target, outputs, judge):
    """A second, fresh interpreter computes the same bits from the same images."""
    found = repetition(outputs.array(), outputs.array("again"), outputs.repeated(), outputs.samples())

    judge(
        "samples with other bits", len(found.moved), at_most=0, evidence=found, look_at="state that outlives an image"
    )


def test_outputs_are_alive(model, precision, target, outputs, judge):
    """Outputs are finite and depend on the image: none is NaN, infinite, or the same for every image."""
    found = liveliness(outputs.array(), outputs.samples())

    judge(
        "dead or broken outputs",
        found.faults,
        at_most=0,
        evidence=found,
        look_at="weights without a value, overflow to infinity, an activation that is always zero",
    )
