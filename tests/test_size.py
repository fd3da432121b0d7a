"""The float16 file is about half as large as the float32 file."""

from fixtures.harness.size import sizes
from fixtures.harness.weights import casts_all


def test_float16_file_is_about_half_the_size(model, float32_parent, float16_file, judge, figures):
    """The float16 file is as small as halving every float constant makes it, and no smaller.

    What its producer may leave in float32 is not halved; what that costs is said.
    """
    found = sizes(
        float32_parent,
        float16_file,
        casts_all(float16_file, model.converted),
        repacked=not model.converted,
    )
    figures |= {"fp32_bytes": found.fp32, "fp16_bytes": found.fp16, "size_ratio": found.ratio}
    figures |= {"size_least": found.least, "size_most": found.most}

    judge(
        "float16 size / float32 size",
        found.ratio,
        at_least=found.least,
        at_most=found.most,
        evidence=found,
        look_at="tests/test_weights.py, which names the constants left in float32 (too large) or made int8 (too small)",
    )


def test_float_constants_take_exactly_half(model, float32_parent, float16_file, judge):
    """The float constants take half as many bytes in the float16 file, exactly, but for what may stay in float32."""
    found = sizes(
        float32_parent,
        float16_file,
        casts_all(float16_file, model.converted),
        repacked=not model.converted,
    )

    judge(
        "bytes of float constants, float16 / float32",
        found.payload_ratio,
        at_least=found.payload_expected,
        at_most=found.payload_expected,
        evidence=found,
        look_at="Optimize.DEFAULT and supported_types = [tf.float16] in the conversion",
    )
