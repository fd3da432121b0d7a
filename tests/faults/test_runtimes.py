"""A runtime that does not compute what it says it does turns the gate red, though every file is good."""

import re
import shutil

import pytest

from fixtures.harness.store import Store
from tests.gate import run_gate

IGNORES_THE_FLAG = """
from ai_edge_litert import cpu_options

told = cpu_options.CpuOptions.__init__


def forget(self, *arguments, xnnpack_flags=None, **named):
    told(self, *arguments, **named)


cpu_options.CpuOptions.__init__ = forget
"""
"""A runtime that is asked for float16 arithmetic and computes in float32."""

SCALES_ALL_OUTPUTS = """
from ai_edge_litert import tensor_buffer

read = tensor_buffer.TensorBuffer.read
tensor_buffer.TensorBuffer.read = lambda self, *arguments: read(self, *arguments) * 0.98
"""
"""A runtime whose outputs are all 2 % too small, which its largest error does not show in float16 arithmetic."""

CHECKS = "tests/test_delegates.py"


@pytest.fixture
def gate_on_runtime(good_build, spec, tmp_path):
    """Run the checks of outputs on the good build, with a runtime that *code* changes in every process."""

    def run(code):
        store = Store(tmp_path / "store")
        store.prepare()
        shutil.copytree(good_build, store.root / "builds" / good_build.name)
        (tmp_path / "runtime").mkdir()
        (tmp_path / "runtime" / "sitecustomize.py").write_text(code)
        target = ("--delegate", "xnnpack_fp16")
        where = ("-n0", f"--artifacts={store.root}", "-k", spec.name)
        return run_gate(*where, *target, CHECKS, folder=tmp_path, PYTHONPATH=str(tmp_path / "runtime"))

    return run


def test_float32_sold_as_float16_is_caught(gate_on_runtime, spec):
    """Bits that are those of float32 arithmetic are no float16 run, whatever was asked for."""
    run = gate_on_runtime(IGNORES_THE_FLAG)

    check = f"{CHECKS}::test_reduced_precision_is_what_was_computed_in[{spec.name}-fp16-xnnpack_fp16]"
    assert run.code == 1, run.text
    assert "200 of 200 samples" in run.named(check), run.text
    assert "computed in float32" in run.named(check), run.text


def test_scale_of_all_outputs_is_caught_by_their_rms(gate_on_runtime, spec):
    """What is a little wrong everywhere is within the bound on the largest error, and over that on the rms error."""
    run = gate_on_runtime(SCALES_ALL_OUTPUTS)

    check = f"{CHECKS}::test_outputs_match_the_reference_kernels[{spec.name}-fp16-xnnpack_fp16]"
    assert run.code == 1, run.text
    assert re.search(r"rms error / rms output: 0\.0(19|20)\d* measured", run.named(check)), run.text
    assert "Each by itself: The outputs are right on xnnpack_fp16" in run.named(check), run.text
    assert "a scale, an offset, a rounding too many" in run.named(check), run.text
