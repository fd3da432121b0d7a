"""Each planted fault turns the gate red, through the check that names its cause."""

import pytest

from tests.faults import planters

PLANTED = [
    (planters.float32_sold_as_float16, "tests/test_size.py::test_float16_file_is_about_half_the_size", "1 measured"),
    (planters.float32_sold_as_float16, "tests/test_weights.py::test_float16_file_holds_float16_only", "float32"),
    (
        planters.one_ulp_off,
        "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values",
        "1 of 20410 values",
    ),
    (
        planters.one_tensor_doubled,
        "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values",
        "logits",
    ),
    (planters.one_tensor_doubled, "tests/test_delegates.py::test_float16_weights_move_outputs_little", "sample"),
    (
        planters.one_tensor_doubled,
        "tests/test_delegates.py::test_outputs_stay_near_the_truth",
        "kernels too: the weights",
    ),
    (planters.one_value_not_a_number, "tests/test_weights.py::test_weights_are_finite", "NaN"),
    (planters.one_value_not_a_number, "tests/test_delegates.py::test_outputs_are_alive", "NaN"),
    (planters.float32_value_not_a_number, "tests/test_headroom.py::test_activations_are_finite", "FULLY_CONNECTED"),
    (planters.two_classes_swapped, "tests/test_accuracy.py::test_no_class_drops", "class"),
    (
        planters.two_classes_swapped,
        "tests/test_predictions.py::test_predictions_are_the_pinned_ones",
        "true 3, pinned 3",
    ),
    (planters.truncated, "tests/test_interface.py::test_runtime_loads_the_file_as_it_is", "truncated or damaged"),
    (planters.metadata_dropped, "tests/test_weights.py::test_metadata_says_how_the_file_was_made", "says []"),
    (planters.activation_changed, "tests/test_weights.py::test_operators_line_up", "fusedActivationFunction is 1"),
    (planters.padding_changed, "tests/test_weights.py::test_operators_line_up", "(MAX_POOL_2D)"),
    (planters.constant_of_a_reshape_changed, "tests/test_weights.py::test_operators_line_up", "(RESHAPE)"),
    (planters.signature_added, "tests/test_interface.py::test_signatures_equal_those_of_the_float32_file", "other"),
    (
        planters.second_signature_doubled,
        "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values",
        "logits",
    ),
    (
        planters.second_signature_doubled,
        "tests/test_delegates.py::test_float16_weights_move_outputs_little",
        "of other/output_0",
    ),
    (planters.shape_left_open, "tests/test_interface.py::test_shapes_are_static", "[-1, "),
    (planters.bytes_appended, "tests/test_training.py::test_conversion_gives_the_pinned_files", "fp16.tflite"),
    (
        planters.float32_file_allows_float16,
        "tests/test_weights.py::test_metadata_asks_for_float32_accumulation",
        "fp32",
    ),
    (planters.signature_renamed, "tests/test_interface.py::test_signatures_equal_those_of_the_float32_file", "picture"),
    (planters.keras_disagrees, "tests/test_accuracy.py::test_float32_file_computes_what_keras_does", "conversion"),
]
"""A planter, the check that is to name the fault, and what its message is to say."""

CONVERTED = [
    ("int8", "tests/test_size.py::test_float16_file_is_about_half_the_size", "float16 23264 bytes"),
    ("int8", "tests/test_weights.py::test_float16_file_holds_float16_only", "int8"),
    ("unfrozen", "tests/test_weights.py::test_weights_are_frozen", "VAR_HANDLE"),
    ("float16_output", "tests/test_interface.py::test_inputs_and_outputs_are_float32", "output_0 is float16"),
    ("dynamic", "tests/test_interface.py::test_shapes_are_static", "[-1, "),
    ("dynamic", "tests/test_interface.py::test_batch_size_is_one", "[-1, "),
    ("other_seed", "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values", "training"),
    ("other_seed", "tests/test_predictions.py::test_predictions_are_the_pinned_ones", "pinned"),
]
"""A file that the converter made, put in the place of the float16 file; then as above."""


@pytest.mark.parametrize("fault", dict.fromkeys(planter for planter, _, _ in PLANTED), ids=lambda fault: fault.__name__)
def test_planted_fault_is_caught_by_the_checks_that_name_it(fault, gate_on):
    """A fault that was edited into a file is caught."""
    run = gate_on(fault)

    missed = [(check, says) for planter, check, says in PLANTED if planter == fault and says not in run.named(check)]
    assert run.code == 1, run.text
    assert not missed, run.text


@pytest.mark.parametrize("fault", dict.fromkeys(name for name, _, _ in CONVERTED))
def test_converted_fault_is_caught_by_the_checks_that_name_it(fault, gate_on, converted_files):
    """A fault that the converter was made to commit is caught."""
    run = gate_on(planters.replaced("fp16.tflite", converted_files / f"{fault}.tflite"))

    missed = [(check, says) for name, check, says in CONVERTED if name == fault and says not in run.named(check)]
    assert run.code == 1, run.text
    assert not missed, run.text


def test_weights_beyond_float16_are_caught(gate_on, converted_files):
    """A model that is right in float32 and whose weights saturate in float16 is caught, with the tensor named."""
    run = gate_on(planters.folder_replaced(converted_files / "beyond_float16"))

    assert run.code == 1, run.text
    assert "conv" in run.named("tests/test_weights.py::test_no_weight_is_beyond_float16"), run.text
    assert run.named("tests/test_weights.py::test_few_weights_become_zero"), run.text
    assert not run.named("tests/test_accuracy.py::test_float32_file_computes_what_keras_does"), run.text
