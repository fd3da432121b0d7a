"""Models that are right in float32 arithmetic on the CPU, and wrong elsewhere, turn the gate red where they are wrong.

Nothing is planted here: the models of `tests/faults/models` are trained, converted and run as any other.
"""

import pytest

from fixtures.harness.versions import ROOT
from tests.gate import run_gate

MATCHES = "tests/test_delegates.py::test_outputs_match_the_reference_kernels"
ALIVE = "tests/test_delegates.py::test_outputs_are_alive"
AGREES = "tests/test_accuracy.py::test_top_1_agrees_with_the_truth"
WEIGHTS = "tests/test_delegates.py::test_float16_weights_move_outputs_little"
LOADS = "tests/test_interface.py::test_runtime_loads_the_file_as_it_is"

RIGHT = ("reference", "builtin", "xnnpack")
"""Targets that compute in float32 on the CPU: every file here is right there, but for the float16 file of `epsilon`."""

FAULTS = {
    "sum_of_squares": [
        (MATCHES, "fp32-gpu_fp16", "SQUARE (sum_of_squares_1/Square). Its output truly is"),
        (MATCHES, "fp16-gpu_fp16", "multiply what is squared by 2^-3, and what is made of the squares by 2^6"),
        (AGREES, "fp16-gpu_fp16", "predictions changed"),
    ],
    "layer_norm_large": [
        (MATCHES, "fp16-xnnpack_fp16", "SQUARED_DIFFERENCE"),
        (MATCHES, "fp16-gpu_fp16", "multiply what is squared by 2^-6"),
        (ALIVE, "fp16-xnnpack_fp16", "samples have outputs that are all equal"),
        (ALIVE, "fp16-gpu_fp16", "samples have outputs that are all equal"),
    ],
    "softplus": [
        (MATCHES, "fp16-xnnpack_fp16", "EXP (softplus_1/Exp"),
        (MATCHES, "fp16-gpu_fp16", "write relu(x) + log(1 + exp(-abs(x))) in its place"),
    ],
    "dense_cancels": [
        (MATCHES, "fp16-gpu_fp16", "its partial sums are over 65504"),
        (ALIVE, "fp16-gpu_fp16", "samples have outputs that are NaN or infinite"),
    ],
    "log_underflow": [
        (MATCHES, "fp16-xnnpack_fp16", "becomes 0 in float16: add an epsilon"),
        (MATCHES, "fp16-gpu_fp16", "LOG ("),
    ],
    "attention_mask": [  # the float16 file is right: its mask is -65504
        (MATCHES, "fp32-xnnpack_fp16", "if it is a mask, -1e4 masks as well"),
        (MATCHES, "fp32-gpu_fp16", "MUL (attention_mask_1/Mul_1)"),
        (WEIGHTS, "gpu_fp16", "NaN or infinity"),
    ],
    "integers": [
        (MATCHES, "fp16-xnnpack_fp16", "SUB (integers_1/Sub)"),
        (MATCHES, "fp16-gpu_fp16", "keep them in int32"),
        (AGREES, "fp16-gpu_fp16", "predictions changed"),
    ],
    "unsupported_op": [
        (LOADS, "fp16-gpu", "LOG_SOFTMAX: Operation is not supported"),
        (LOADS, "fp16-gpu_fp16", "Some ops are not accelerated"),
    ],
    "child_killer": [
        (LOADS, "fp16-gpu", "was killed by SIGILL"),
        (LOADS, "fp16-gpu_fp16", "was killed by SIGILL"),
    ],
    "self_product": [
        (LOADS, "fp16-gpu", "Check failed"),
        (LOADS, "fp16-gpu_fp16", "Check failed"),
    ],
    "shader_error": [
        (LOADS, "fp16-gpu", "cannot assign 'vec4<f16>' to 'vec4<f32>'"),
    ],
    "cumsum_last_axis": [
        (LOADS, "fp16-gpu", "unresolved value 'B'"),
        (LOADS, "fp16-gpu_fp16", "unresolved value 'B'"),
    ],
    "cumsum_reversed": [  # nothing but the numbers tells
        (MATCHES, "fp32-gpu", "report the kernel, CUMSUM (exclusive False; reverse True)"),
        (MATCHES, "fp16-gpu", "the kernels of gpu"),
        (MATCHES, "fp16-gpu_fp16", "the kernels of gpu_fp16"),
    ],
}
"""A model, and for each check that is to fall short: its place on the axes, and what its message is to say.

Of the two GPU targets this holds for LiteRT's accelerator on Mesa's llvmpipe.
"""


KIND = "arithmetic, each target"
"""What the score counts these faults as."""


def target_of(place: str) -> str:
    """Return the target of a *place* on the axes, its last part."""
    return place.rpartition("-")[2]


@pytest.fixture
def gate_on_model(request, tmp_path):
    """Run the gate's checks of outputs on one faulty model, and these targets."""

    def run(model, targets):
        return run_gate(
            f"--models-dir={ROOT / 'tests' / 'faults' / 'models'}",
            "-k",
            model,
            "tests/test_delegates.py",
            "tests/test_interface.py",
            "tests/test_accuracy.py",
            "-n0",
            f"--artifacts={request.config.option.artifacts.absolute()}",
            *(argument for target in targets for argument in ("--delegate", target)),
            folder=tmp_path,
        )

    return run


@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_arithmetic_is_caught_where_it_is_wrong(fault, provider, gate_on_model, record, came_to):
    """The named checks fall short on the targets that are wrong, and none does on a target that is right."""
    expected = [named for named in FAULTS[fault] if not provider.presence(target_of(named[1])).why_not]
    wrong = dict.fromkeys(target_of(place) for _, place, _ in expected)
    if not wrong:
        pytest.skip(f"none of the targets that {fault} is wrong on is available here")
    record(fault=fault, kind=KIND, severity=", ".join(wrong), rank="above the edge", model=fault, seed=0)

    run = gate_on_model(fault, [*RIGHT[1:], *wrong])

    missed = [
        (check, place, says) for check, place, says in expected if says not in run.named(f"{check}[{fault}-{place}]")
    ]
    elsewhere = [check for check in run.fallen if target_of(check.rstrip("]")) not in wrong]
    came_to(outcome(run, named=not missed and not elsewhere), run)
    assert run.code == 1, run.text
    assert not missed, run.text
    assert not elsewhere, run.text


def outcome(run, *, named):
    """Return what the score calls a *run* on a faulty model, whose fault was *named* and nothing else, or not."""
    return "missed" if run.code == 0 else "caught" if run.code == 1 and named else "misnamed"


def test_epsilon_that_float16_cannot_hold_is_caught_everywhere(gate_on_model, record, came_to):
    """An epsilon that becomes 0 is caught on every target, as a fault of the float16 file alone."""
    record(fault="epsilon", kind=KIND, severity=", ".join(RIGHT), rank="above the edge", model="epsilon", seed=0)
    run = gate_on_model("epsilon", RIGHT[1:])
    named = all(run.named(f"{WEIGHTS}[epsilon-{target}]") for target in RIGHT)
    came_to(outcome(run, named=named), run)

    assert run.code == 1, run.text
    assert "1e-08, which becomes 0 in float16: add an epsilon" in run.named(f"{WEIGHTS}[epsilon-reference]"), run.text
    for target in RIGHT:
        assert "NaN" in run.named(f"{WEIGHTS}[epsilon-{target}]"), run.text
        assert "NaN" in run.named(f"{ALIVE}[epsilon-fp16-{target}]"), run.text
    assert not [check for check in run.fallen if "epsilon-fp32" in check], run.text
    assert not run.named("tests/test_accuracy.py::test_float32_file"), run.text


def test_good_models_pass(request, tmp_path, record, came_to):
    """Models that do what the faulty ones do, within what float16 holds, pass every check on every target."""
    record(fault="none", kind=KIND, severity="none", rank="good", model="good_attention, good_norms", seed=0)
    run = run_gate(
        f"--models-dir={ROOT / 'tests' / 'faults' / 'good_models'}",
        f"--artifacts={request.config.option.artifacts.absolute()}",
        "-n0",
        "--deselect=tests/test_training.py",  # their weights and predictions are not pinned
        "--deselect=tests/test_predictions.py",
        folder=tmp_path,
    )
    came_to("passed" if run.code == 0 else "false alarm", run)

    assert run.code == 0, run.text
    assert not run.fallen, run.text
