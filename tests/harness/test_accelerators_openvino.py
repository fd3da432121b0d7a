"""OpenVINO computes what it is asked for, or is an error: never do other kernels run in its place."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fixtures.harness import versions
from fixtures.harness.bounds import ArithmeticLaw, route
from fixtures.harness.children import JobError
from fixtures.harness.comparison import difference
from fixtures.harness.targets import TARGETS
from models.spec import Budget

OPENVINO = pytest.mark.parametrize("where", ["openvino"], indirect=True)
WITHOUT_BFLOAT16 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}


@pytest.fixture
def samples():
    """Seeded inputs of the model "dense"."""
    return np.random.default_rng(0).uniform(size=(100, 16)).astype(np.float32)


@OPENVINO
def test_device_is_told_with_the_outputs(converted, evaluate, samples, where):
    """The device, and that it took the whole graph, come with the outputs; it is no stand-in for another device."""
    runtime = evaluate(converted / "dense-fp16.tflite", where, samples).runtime

    assert (runtime["adapter"], runtime["delegated"]) == ("OpenVINO device CPU", "whole")
    assert not runtime.get("software", False)


@OPENVINO
def test_cpu_without_bfloat16_computes_in_float32(converted, files, evaluate, samples, where):
    """Held to instructions that know no bfloat16, OpenVINO is as close to the reference kernels as float32 explains."""
    (truth,) = evaluate(converted / "dense-fp32.tflite", "reference", samples).outputs.values()
    (outputs,) = evaluate(converted / "dense-fp32.tflite", where, samples, **WITHOUT_BFLOAT16).outputs.values()

    _, most = ArithmeticLaw.of(route(files["dense-fp32"], "output_0"), truth, "float32").bounds(Budget())

    assert difference(outputs, truth).share <= most


@pytest.fixture
def without_openvino(tmp_path):
    """An environment in which LiteRT finds no OpenVINO: it looks for it beside itself, and here it lies alone."""
    import ai_edge_litert

    package = Path(ai_edge_litert.__file__).parent
    shutil.copytree(package, tmp_path / package.name, copy_function=lambda file, link: Path(link).symlink_to(file))
    return {"PYTHONPATH": str(tmp_path)}


@OPENVINO
def test_runtime_without_openvino_gives_no_outputs(converted, evaluate, samples, where, without_openvino):
    """Where OpenVINO cannot be loaded, LiteRT would run XNNPACK and call that accelerated: it is an error instead."""
    with pytest.raises(JobError, match=r"^dense-fp16\.tflite cannot be loaded on openvino: ") as error:
        evaluate(converted / "dense-fp16.tflite", where, samples, **without_openvino)

    assert "libopenvino" in str(error.value)


@OPENVINO
def test_graph_that_openvino_did_not_compile_gives_no_outputs(converted, evaluate, samples, where):
    """Unless the runtime says that OpenVINO compiled the graph, whatever would be computed is not OpenVINO's."""
    with pytest.raises(JobError, match=r"^dense-fp16\.tflite cannot be loaded on openvino: no part of it was compiled"):
        evaluate(converted / "dense-fp16.tflite", where, samples, DEAF="1")


def test_absent_package_says_what_to_install(monkeypatch):
    """A machine without OpenVINO is told which version to install."""
    installed = versions.installed
    monkeypatch.setattr(versions, "installed", lambda name: None if name == "openvino" else installed(name))
    wanted = versions.optional()["openvino"]

    assert TARGETS["openvino"].why_not_installed() == f"openvino is not installed (pip install openvino=={wanted})"
