"""What an accelerator lacks is told from what it does wrong, whatever else the machine lacks."""

from types import SimpleNamespace

import pytest

from fixtures.harness import accelerators
from fixtures.harness.chatter import complaints
from fixtures.harness.sessions import AbsentError, InferenceError
from fixtures.harness.targets import TARGETS

PLUGIN = "/packages/ai_edge_litert/vendors/intel_openvino/compiler/libLiteRtCompilerPlugin_IntelOpenvino.so"
WITHOUT_OPENVINO = [
    f"WARNING: [compiler_plugin.cc:312] Failed to load plugin at: {PLUGIN} with error: ERROR: [compiler_plugin.cc:259]",
    f"└ Could not load shared library {PLUGIN}: libopenvino.so.2631: cannot open shared object file: No such file.",
]
"""What LiteRT prints on every run of a machine without OpenVINO, whatever it runs on."""
LOST = "ERROR: [driver.cc:1] the device is lost"


@pytest.fixture
def refused(files, monkeypatch):
    """Load a file on a target that fails with what is printed, and return the error."""

    def load(target, printed):
        def refuse(*_):
            raise RuntimeError("it fails")

        monkeypatch.setattr(accelerators, "Chatter", lambda: SimpleNamespace(lines=printed))
        monkeypatch.setitem(accelerators._ACCELERATE, TARGETS[target].accelerator, refuse)
        file = files["dense-fp32"]
        with pytest.raises(InferenceError) as error:
            accelerators.load(file, TARGETS[target], file.entry, part=False)
        return error.value

    return load


@pytest.mark.parametrize("printed", [WITHOUT_OPENVINO, [], [*WITHOUT_OPENVINO, LOST]])
def test_broken_gpu_is_not_absent_where_openvino_is(refused, printed):
    """That there is no OpenVINO is no sign that there is no GPU: what fails there is broken."""
    assert not isinstance(refused("gpu", printed), AbsentError)


def test_gpu_without_an_adapter_is_absent(refused):
    """Its own sign is what tells that there is no GPU."""
    assert isinstance(refused("gpu", ["ERROR: [gpu.cc:1] No adapters found"]), AbsentError)


def test_compiler_for_another_accelerator_is_no_complaint():
    """What LiteRT says of it on every run does not fill messages about something else."""
    assert complaints([*WITHOUT_OPENVINO, LOST]) == ["the device is lost"]
