"""The GPU accelerator runs files whole, in the arithmetic that it was asked for, or says why it does not."""

import numpy as np
import pytest

from fixtures.harness.bounds import WeightsLaw, route
from fixtures.harness.children import JobError
from fixtures.harness.comparison import difference
from models.spec import Budget

GPU = pytest.mark.parametrize("where", ["gpu", "gpu_fp16"], indirect=True)
FLOAT32 = pytest.mark.parametrize("where", ["gpu"], indirect=True)
FLOAT16 = pytest.mark.parametrize("where", ["gpu_fp16"], indirect=True)


@pytest.fixture
def images():
    """Seeded inputs of the shape of MNIST's images."""
    return np.random.default_rng(0).uniform(size=(300, 28, 28)).astype(np.float32)


@GPU
def test_float16_file_is_right_on_a_gpu(converted, files, evaluate, images, where, presence):
    """A float16 file on a GPU differs from the float32 file on the reference kernels by what rounding explains."""
    (truth,) = evaluate(converted / "image-fp32.tflite", "reference", images).outputs.values()
    (outputs,) = evaluate(converted / "image-fp16.tflite", where, images).outputs.values()
    law = WeightsLaw.of(route(files["image-fp16"], "output_0"), truth, presence(where).arithmetic)
    allowed = law.ruling(Budget()).at_most

    assert difference(outputs, truth).share <= allowed


@GPU
def test_device_is_told_with_the_outputs(converted, evaluate, images, where, presence):
    """The adapter's name, and whether it is a program, come with the outputs, and are those of the probe."""
    runtime, there = evaluate(converted / "image-fp16.tflite", where, images[:5]).runtime, presence(where)

    assert (runtime["adapter"], runtime["software"], runtime["delegated"]) == (there.adapter, there.software, "whole")
    assert there.adapter


@GPU
def test_device_is_told_of_each_file(converted, describe, where):
    """The adapter is known of a second file, too, though the runtime sets its device up only once."""
    adapters = {describe(converted / f"{name}.tflite", where)["adapter"] for name in ("dense-fp16", "image-fp16")}

    assert len(adapters) == 1


@GPU
def test_unknown_device_is_an_error(converted, evaluate, images, where):
    """Unless the runtime says which adapter it runs on, its outputs could be anybody's."""
    with pytest.raises(JobError, match=r"^image-fp16\.tflite cannot be loaded on gpu.*did not say which adapter"):
        evaluate(converted / "image-fp16.tflite", where, images[:5], DEAF="1")


@GPU
def test_open_batch_size_is_refused(converted, describe, where):
    """A file whose batch size is open is refused by the accelerator, in its own words, without its chatter."""
    with pytest.raises(JobError, match=rf"^dynamic_image-fp16\.tflite cannot be loaded on {where}: ") as error:
        # In a process of its own: the runtime gives this reason once a process, and later refuses without one.
        describe(converted / "dynamic_image-fp16.tflite", where, PROCESS=f"dynamic on {where}")

    assert "only supports static-sized tensors" in str(error.value)
    assert "INFO" not in str(error.value)


@FLOAT32
def test_shader_that_does_not_compile_is_an_error(converted, evaluate, where):
    """A file of whose shaders one does not compile gives no outputs: they would be zeros."""
    with pytest.raises(
        JobError, match=r"^appended-fp16\.tflite: a shader of it does not compile on .+:\n.*Validation error"
    ):
        evaluate(converted / "appended-fp16.tflite", where, np.ones((3, 4), np.float32))


@FLOAT32
def test_shader_of_another_file_is_no_error_of_this_one(converted, evaluate, where):
    """A file that runs after one whose shader did not compile is not blamed for it."""
    with pytest.raises(JobError):
        evaluate(converted / "appended-fp16.tflite", where, np.ones((3, 4), np.float32))

    assert evaluate(converted / "appended-fp32.tflite", where, np.ones((3, 4), np.float32))


@FLOAT16
def test_twin_that_cannot_run_is_told(converted, evaluate, where):
    """Where the float32 run that float16 is told from cannot be had, the outputs come with why that is so."""
    evaluation = evaluate(converted / "appended-fp16.tflite", where, np.ones((3, 4), np.float32))

    assert "a shader of it does not compile" in evaluation.runtime["twin"]["unknown"]
    assert np.isfinite(*evaluation.outputs.values()).all()


@GPU
def test_file_that_kills_its_process_is_an_error(converted, evaluate, where):
    """A file over which the accelerator ends the process is an error with its last words, and others still run."""
    with pytest.raises(
        JobError, match=r"(?s)^the process tests\.harness\.evaluator .*; its last lines:\n.*Check failed"
    ):
        evaluate(converted / "squared-fp16.tflite", where, np.ones((3, 4, 4), np.float32))

    assert evaluate(converted / "dense-fp16.tflite", where, np.ones((3, 16), np.float32))
