"""How far the model is from the limits of float16 arithmetic."""


def test_activations_are_finite(model, activations, judge):
    """No operator of the float32 file puts out NaN or infinity; how near its values come to 65504 is in the report."""
    broken = [str(activation) for activation in activations if not activation.finite]

    judge(
        "operators with outputs that are NaN or infinite",
        len(broken),
        at_most=0,
        evidence="; ".join(broken[:5]),
        look_at="the operator before the first of them: even float32 cannot hold what it computes",
    )
