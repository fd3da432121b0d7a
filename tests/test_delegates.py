"""Every target computes what the reference kernels compute."""

from fixtures.harness import delegation, weights
from fixtures.harness.bounds import ArithmeticLaw, NoiseLaw, WeightsLaw, WeightsNoiseLaw, route
from fixtures.harness.comparison import difference, liveliness, repetition
from fixtures.harness.targets import REFERENCE


def test_outputs_match_the_reference_kernels(
    model, precision, delegate, presence, file, outputs, reference_outputs, localised, judge
):
    """The same file's outputs differ from the reference kernels' by what the target's arithmetic explains."""
    for output, now, true in outputs.beside(reference_outputs):
        found, way, called = (
            difference(now, true, outputs.samples()),
            route(file, output, len(true)),
            outputs.called(output),
        )

        judge(
            f"largest error / largest output{called}",
            found.share,
            law=ArithmeticLaw.of(way, true, presence.arithmetic),
            evidence=found,
            look_at=f"the kernels of {delegate}, or what {presence.arithmetic} arithmetic does to this model",
            explain=localised(found, reference_outputs),
        )
        judge(
            f"rms error / rms output{called}",
            found.noise,
            law=NoiseLaw.of(way, presence.arithmetic),
            evidence=found,
            look_at=f"what {delegate} does to all outputs alike: a scale, an offset, a rounding too many",
            explain=localised(found, reference_outputs, together=True),
        )


def test_float16_weights_move_outputs_little(
    model, target, presence, float32_file, float16_file, float32_outputs, float16_outputs, localised, judge
):
    """On one target, the two files' outputs differ by no more than rounding the weights explains."""
    followed = target.name == REFERENCE
    for output, now, true in float16_outputs.beside(float32_outputs):
        found, way = difference(now, true, float16_outputs.samples()), route(float32_file, output, len(true))

        judge(
            f"largest error / largest output{float16_outputs.called(output)}",
            found.share,
            law=WeightsLaw.of(way, true, presence.arithmetic),
            evidence=f"{found}; {weights.precision(float32_file, float16_file)}",
            look_at="the weights: the target is the same for both files; where outputs are small differences of large "
            "terms, roundoff in the model's budget",
            explain=localised(found, float32_outputs) if followed else None,
        )
        judge(
            f"rms error / rms output{float16_outputs.called(output)}",
            found.noise,
            law=WeightsNoiseLaw.of(way, presence.arithmetic),
            evidence=found,
            look_at="a scale or an offset that the float16 file applies to all outputs alike",
            explain=localised(found, float32_outputs, together=True) if followed else None,
        )


def test_outputs_stay_near_the_truth(model, precision, target, deviations, judge):
    """Each file, on each target, is as near the truth as its arithmetic and its weights explain together."""
    for found in deviations:
        judge(
            f"largest error / largest true output{f' of {found.output}' * bool(found.output)}",
            found.share,
            **found.bound,
            evidence=f"largest difference {found.largest:.3g}, sample {found.sample}; SQNR {found.sqnr:.1f} dB",
            look_at="on reference kernels too: the weights; on this target alone: its kernels or its arithmetic",
        )


def test_delegate_takes_the_whole_graph(model, precision, delegate, float32_outputs, outputs, judge):
    """A delegate runs the whole graph, or what is declared of it; other targets leave it to the runtime."""
    claimed, found = delegation.claimed(delegate, model, float32_outputs.facts), outputs.facts["delegated"]
    left = ", ".join(outputs.facts.get("left", []))

    judge(
        f"{claimed} of the graph is delegated (1: yes, 0: no)",
        delegation.as_claimed(claimed, outputs.facts, float32_outputs.facts),
        at_least=1,
        evidence=f"delegated: {found}" + (f"; left to other kernels: {left}" if left else ""),
        look_at=f"the operators that {delegate} does not support, or partly_delegated in the model's declaration",
    )


def test_reduced_precision_is_what_was_computed_in(model, precision, reduced, presence, outputs, twin, judge):
    """A target that was asked for less than float32 gives other bits than its twin in float32."""
    judge(
        "samples with the bits of float32 arithmetic",
        twin.get("equal", float("nan")),
        at_most=twin.get("samples", 1) - 1,
        evidence=twin.get("unknown", f"{twin.get('equal')} of {twin.get('samples')} samples"),
        look_at=f"{presence.adapter or reduced}: it was asked for {reduced.arithmetic}, and computed in float32",
    )


def test_outputs_repeat(model, precision, target, outputs, judge):
    """A second, fresh interpreter computes the same bits from the same samples."""
    for output in outputs.names:
        again = outputs.array(output, "again")
        found = repetition(outputs.array(output), again, outputs.repeated(), outputs.samples())

        judge(
            f"samples with other bits{outputs.called(output)}",
            len(found.moved),
            at_most=0,
            evidence=found,
            look_at="state that outlives a sample",
        )


def test_outputs_are_alive(model, precision, target, tasks, targets, outputs, judge):
    """Outputs are finite and depend on the input: none is NaN, infinite, or the same for every sample."""
    for output in outputs.fed:
        found = liveliness(outputs.array(output), tasks[output].task, outputs.samples(), targets.get(output))

        judge(
            f"dead or broken outputs{outputs.called(output)}",
            found.faults,
            at_most=0,
            evidence=found,
            look_at="weights without a value, overflow to infinity, an activation that is always zero",
        )
