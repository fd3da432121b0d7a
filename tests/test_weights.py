"""The float16 file holds the float32 file's weights, rounded to float16, and nothing else."""

from fixtures.harness import pairing, weights
from fixtures.harness.bounds import UNIT_ROUNDOFF, BudgetLaw


def test_operators_line_up(model, float32_parent, float16_file, judge):
    """Both files compute the same: operators line up, in kind, options, wiring, and the shapes of their constants."""
    found = weights.mismatches(float32_parent, float16_file)

    judge(
        "operators that do not line up",
        len(found.found),
        at_most=0,
        evidence=pairing.parting(float32_parent, float16_file) or found,
        look_at="whether the two files were converted from the same model by the same converter",
    )


def test_every_float_constant_has_its_counterpart(model, float32_parent, float16_file, judge):
    """Every float constant of the float32 file is used in the same place by the float16 file."""
    found = weights.unpaired(float32_parent, float16_file)

    judge("float constants without a counterpart", len(found.found), at_most=0, evidence=found)


def test_float16_file_holds_float16_only(model, float16_file, judge):
    """No weight, in any subgraph, is left in float32 or quantized to integers.

    Producers other than TensorFlow's converter may leave what no operator multiplies with.
    """
    casts_all = weights.casts_all(float16_file, model.converted)
    found = weights.not_float16(float16_file, casts_all)

    judge(
        "weights not stored as float16",
        len(found.found),
        at_most=0,
        evidence=weights.told(float16_file, found, casts_all),
        look_at="Optimize.DEFAULT and supported_types = [tf.float16] in the conversion",
    )


def test_float32_file_holds_float32_only(model, float32_parent, judge):
    """The parent is a float32 file: a quantized one would make every comparison with it worthless."""
    found = weights.not_stored_as(float32_parent, "FLOAT32")

    judge(
        "weights not stored as float32",
        len(found.found),
        at_most=0,
        evidence=f"{found}; in all: {weights.census(float32_parent)}",
        look_at="the conversion of the float32 file sets no optimizations",
    )


def test_float16_values_are_the_rounded_float32_values(model, float32_parent, float16_file, judge):
    """Every float16 value is the float32 value, rounded to nearest even."""
    found = weights.misrounded(float32_parent, float16_file, weights.casts_all(float16_file, model.converted))

    judge(
        "values that are not the rounded float32 value",
        found.total,
        at_most=0,
        evidence=found,
        look_at="whether the float16 file is of the same training as the float32 file",
    )


def test_no_weight_is_beyond_float16(model, float32_parent, float16_file, judge):
    """Weights beyond 65504 saturate silently; there are no more of them than the budget says."""
    found, others = weights.saturated(float32_parent, float16_file), weights.capped(float32_parent, float16_file)

    judge(
        "weights beyond 65504",
        found.total,
        law=BudgetLaw("saturated"),
        evidence=f"{found}; of constants that are no weights, {others}",
        look_at="the scale of that layer: normalize it, or fold the factor into a neighbour",
    )


def test_few_weights_become_zero(model, float32_parent, float16_file, judge):
    """Weights under 2**-25 become zero; no tensor loses more of its values to it than the budget says."""
    found = weights.flushed(float32_parent, float16_file)

    judge(
        "share of a tensor's non-zero values that become zero",
        found.share,
        law=BudgetLaw("flushed"),
        evidence=found,
        look_at="the scale of that layer; an epsilon has to be at least 6e-8",
    )


def test_weights_keep_their_precision(model, float32_parent, float16_file, judge):
    """Rounding costs no weight tensor more than half a unit in the last place: none is so small that bits are lost."""
    found = weights.precision(float32_parent, float16_file)

    judge(
        "norm of a tensor's rounding errors / norm of the tensor",
        found.error,
        at_most=UNIT_ROUNDOFF["float16"],
        evidence=found,
        look_at="the scale of that layer: float16 holds values under 6e-5 with fewer bits",
    )


def test_weights_are_finite(model, precision, file, judge):
    """No weight is NaN or infinite."""
    found = weights.not_finite(file)

    judge(
        "tensors with NaN or infinity", len(found.found), at_most=0, evidence=found, look_at="the training: it diverged"
    )


def test_metadata_says_how_the_file_was_made(model, precision, file, judge):
    """The converter says of the float16 file that it quantized the weights to float16, and nothing of the other.

    Other producers say nothing, which is no fault; that a file is quantized to integers is one.
    """
    allowed = weights.modes(precision, weights.casts_all(file, model.converted))

    judge(
        f"optimization modes are {' or '.join(str(list(modes)) for modes in allowed)}",
        file.optimization_modes in allowed,
        at_least=1,
        evidence=f"the metadata of {file.path.name} says {list(file.optimization_modes)}",
        look_at="Optimize.DEFAULT and supported_types = [tf.float16] in the conversion to float16, and only there",
    )


def test_metadata_asks_for_float32_accumulation(model, precision, file, judge):
    """The float16 file allows delegates float16 arithmetic with float32 accumulation; the other allows nothing less.

    Other producers say nothing, which is no fault: nothing but float32 is allowed then.
    """
    allowed = weights.accumulations(precision, weights.casts_all(file, model.converted))

    judge(
        f"reduced precision support is {' or '.join(map(str, allowed))}",
        file.accumulation in allowed,
        at_least=1,
        evidence=f"reduced_precision_support of {file.path.name} is {file.accumulation}",
        look_at="target_spec.experimental_supported_accumulation_type of the conversion",
    )


def test_weights_are_frozen(model, precision, file, judge):
    """Every variable that is read is assigned, too: XNNPACK computes garbage from one that is not, and says nothing."""
    found = weights.unassigned(file)

    judge(
        "reads of variables that are never assigned",
        len(found.found),
        at_most=0,
        evidence=found,
        look_at="convert with from_keras_model; from_concrete_functions leaves the weights out",
    )


def test_only_constants_are_dequantized(model, precision, file, judge):
    """DEQUANTIZE unpacks stored weights and nothing that is computed."""
    found = weights.dequantized_activations(file)

    judge("computed tensors that are dequantized", len(found.found), at_most=0, evidence=found)
