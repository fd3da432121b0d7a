"""Files run on every target, one sample at a time; a file that cannot is an error in words."""

import numpy as np
import pytest

from fixtures.harness.bounds import arithmetic_bounds
from fixtures.harness.children import JobError
from fixtures.harness.comparison import difference
from fixtures.harness.inference import REPEATED
from fixtures.harness.targets import TARGETS
from tests.harness import flatbuffer

LITERT = [name for name, target in TARGETS.items() if target.package == "ai-edge-litert"]
SHAPES = {"dense": (16,), "conv": (8, 8, 2)}
ROUNDOFF = 2.0


@pytest.fixture(params=SHAPES)
def name(request):
    """A model with one float32 input."""
    return request.param


@pytest.fixture
def samples(name):
    """Seeded inputs of that model."""
    return np.random.default_rng(0).uniform(size=(300, *SHAPES[name])).astype(np.float32)


@pytest.fixture
def run(converted, evaluate, name, samples):
    """Evaluate a file of that model on a target."""
    return lambda form, where: evaluate(converted / f"{name}-{form}.tflite", where, samples)


@pytest.mark.parametrize("form", ["fp32", "fp16"])
@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_every_sample_has_an_output(run, samples, form, where):
    """Outputs are float32, finite, one row a sample, and depend on the sample."""
    (outputs,) = run(form, where).outputs.values()

    assert (outputs.dtype, len(outputs), outputs.ndim) == (np.float32, len(samples), 2)
    assert np.isfinite(outputs).all()
    assert (np.ptp(outputs, axis=0) > 0).all()


@pytest.mark.parametrize("form", ["fp32", "fp16"])
@pytest.mark.parametrize("where", [name for name in LITERT if name != "reference"], indirect=True)
def test_targets_agree_within_their_arithmetic(run, files, presence, name, form, where):
    """Each target's outputs differ from the reference kernels' by what its arithmetic explains, and no less."""
    (truth,), (outputs,) = run(form, "reference").outputs.values(), run(form, where).outputs.values()
    least, most = arithmetic_bounds(files[f"{name}-{form}"], truth, presence(where).arithmetic, ROUNDOFF)

    assert (least or 0) <= difference(outputs, truth).share <= most


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_samples_are_repeated_with_the_same_bits(run, samples, where):
    """Samples from the first to the last are run again by a second interpreter, and give the same bits."""
    evaluation = run("fp16", where)
    (outputs,), (again,) = evaluation.outputs.values(), evaluation.again.values()

    assert (evaluation.repeated[0], evaluation.repeated[-1]) == (0, len(samples) - 1)
    assert len(np.unique(evaluation.repeated)) == REPEATED
    np.testing.assert_array_equal(outputs[evaluation.repeated].view(np.uint32), again.view(np.uint32))


def test_few_samples_are_all_repeated(converted, evaluate):
    """Where there are fewer samples than are repeated, each is repeated once."""
    evaluation = evaluate(converted / "dense-fp16.tflite", "xnnpack", np.ones((3, 16), np.float32))

    assert evaluation.repeated.tolist() == [0, 1, 2]


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_rows_belong_to_their_samples(run, converted, evaluate, name, samples, where):
    """The output of a sample does not depend on those that were run before it."""
    (outputs,) = run("fp16", where).outputs.values()
    (backwards,) = evaluate(converted / f"{name}-fp16.tflite", where, samples[::-1]).outputs.values()

    np.testing.assert_array_equal(outputs, backwards[::-1])


@pytest.mark.parametrize(("where", "runs"), [("xnnpack", 2), ("xnnpack_fp16", 3)])
def test_progress_ends_with_the_whole(converted, evaluate, where, runs):
    """The share that is done grows to 1, and many samples are a step; repeating, and a twin, are no silence."""
    told, samples = [], np.ones((1200, 16), np.float32)
    evaluate(converted / "dense-fp16.tflite", where, samples, lambda _, share: told.append(share))

    assert told == sorted(told)
    assert told.count(1) >= runs
    assert len(told) < len(samples)


def test_runtime_describes_inputs_and_outputs(converted, evaluate):
    """What the runtime says of the file comes with the outputs: names, types, shapes."""
    runtime = evaluate(converted / "dense-fp16.tflite", "builtin", np.ones((1, 16), np.float32)).runtime

    assert runtime["inputs"] == [["serving_default_values:0", "float32", [1, 16]]]
    assert [output[1:] for output in runtime["outputs"]] == [["float32", [1, 10]]]


@pytest.mark.parametrize(
    ("name", "where", "told"),
    [
        ("dense-fp16", "reference", "none"),
        ("dense-fp16", "builtin", "none"),
        ("dense-fp16", "xnnpack", "whole"),
        ("dense-fp32", "xnnpack", "whole"),
        ("dense-fp16", "xnnpack_fp16", "whole"),
        ("dense-fp16", "gpu", "whole"),
        ("dense-fp16", "gpu_fp16", "whole"),
        ("dense-fp16", "openvino", "whole"),
        ("lstm-fp16", "builtin", "none"),
        ("lstm-fp16", "xnnpack", "part"),
        ("lstm-fp16", "xnnpack_fp16", "part"),
        ("embedding-fp16", "xnnpack", "part"),
    ],
    indirect=["where"],
)
def test_runtime_says_how_much_is_delegated(converted, describe, name, where, told):
    """A graph that a delegate takes whole, in part, or not at all is told apart."""
    assert describe(converted / f"{name}.tflite", where)["delegated"] == told


@pytest.mark.parametrize("where", [name for name in LITERT if not TARGETS[name].accelerator])
def test_loop_runs(converted, evaluate, where):
    """A model with several subgraphs runs on every target of the CPU."""
    samples = np.random.default_rng(0).normal(size=(20, 5, 3)).astype(np.float32)
    (outputs,) = evaluate(converted / "lstm-fp16.tflite", where, samples).outputs.values()

    assert outputs.shape == (20, 2)
    assert np.ptp(outputs, axis=0).min() > 0


@pytest.mark.parametrize("where", [name for name in LITERT if TARGETS[name].accelerator], indirect=True)
def test_accelerator_does_not_leave_a_part_to_the_cpu(converted, describe, where):
    """A model with an operator that an accelerator does not take is refused, not run in part by other kernels."""
    with pytest.raises(
        JobError, match=rf"^lstm-fp16\.tflite cannot be loaded on {where}: .*(ops are not accelerated|is divided)"
    ):
        describe(converted / "lstm-fp16.tflite", where)


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_open_batch_size_is_an_error(converted, evaluate, where):
    """A file whose batch size is open is not run: targets take that for different sizes."""
    with pytest.raises(
        JobError, match=r"^dynamic-fp32\.tflite: .*values:0 float32\[-1, 16\] does not hold one sample: its batch size"
    ):
        evaluate(converted / "dynamic-fp32.tflite", where, np.ones((3, 16), np.float32))


@pytest.mark.parametrize("where", LITERT, indirect=True)
@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.ones((3, 15), np.float32), r"float32\[15\]"),
        (np.ones((3, 17), np.float32), r"float32\[17\]"),
        (np.ones((3, 4, 4), np.float32), r"float32\[4, 4\]"),
        (np.ones((3, 16), np.float16), r"float16\[16\]"),
        (np.ones((3, 16), np.float64), r"float64\[16\]"),
    ],
)
def test_samples_that_do_not_fit_are_an_error(converted, evaluate, where, samples, told):
    """Samples of another shape or type are refused with both, on every target alike."""
    with pytest.raises(
        JobError, match=rf"^dense-fp32\.tflite: a sample is {told}, which does not fit into .*float32\[1, 16\]$"
    ):
        evaluate(converted / "dense-fp32.tflite", where, samples)


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_integer_input_is_an_error(converted, evaluate, where):
    """A file whose input is not float32 cannot be fed with images: the input is named with its type."""
    with pytest.raises(
        JobError, match=r"^embedding-fp16\.tflite: .*ids.* int32\[1, 6\] is int32, float32 was expected$"
    ):
        evaluate(converted / "embedding-fp16.tflite", where, np.ones((1, 6), np.float32))


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_second_input_is_an_error(converted, evaluate, where):
    """A file with two inputs cannot be fed with images."""
    with pytest.raises(
        JobError, match=r"^two-fp16\.tflite has 2 inputs, one was expected: others would not be judged$"
    ):
        evaluate(converted / "two-fp16.tflite", where, np.ones((1, 6), np.float32))


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_second_output_is_an_error(edited, evaluate, where):
    """A file with two outputs is not run: one of them would go unjudged."""
    file = edited("dense-fp16", flatbuffer.adding_an_output).path

    with pytest.raises(
        JobError, match=r"^dense-fp16\.tflite has 2 outputs, one was expected: others would not be judged$"
    ):
        evaluate(file, where, np.ones((1, 16), np.float32))


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_second_signature_is_an_error(edited, evaluate, where):
    """A file with two entry points is not run: one of them would go unjudged."""
    file = edited("dense-fp16", flatbuffer.adding_a_signature).path

    with pytest.raises(
        JobError, match=r"^dense-fp16\.tflite has 2 signatures, one was expected: others would not be judged$"
    ):
        evaluate(file, where, np.ones((1, 16), np.float32))


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_larger_batch_is_an_error(edited, evaluate, where):
    """A file for two samples at a time is not fed with one: the input is named with its shape."""

    def batch_of_two(model):
        for number in (*model.subgraphs[0].inputs, *model.subgraphs[0].outputs):
            model.subgraphs[0].tensors[number].shape[0] = 2

    file = edited("dense-fp16", batch_of_two).path

    with pytest.raises(JobError, match=r"float32\[2, 16\] does not hold one sample: its batch size is not 1$"):
        evaluate(file, where, np.ones((2, 16), np.float32))


TWINS = [name for name in LITERT if TARGETS[name].twin]


@pytest.mark.parametrize("where", TWINS, indirect=True)
def test_twin_tells_float16_from_float32(run, where):
    """Where float16 was asked for, the same device's float32 gives other bits for nearly every sample."""
    twin = run("fp16", where).runtime["twin"]

    assert twin["samples"] == REPEATED
    assert twin["equal"] < REPEATED / 10


@pytest.mark.parametrize("where", [name for name in LITERT if name not in TWINS], indirect=True)
def test_target_of_float32_has_no_twin(run, where):
    """Where float32 is what was asked for, there is nothing to tell it from."""
    assert "twin" not in run("fp16", where).runtime


@pytest.mark.parametrize("where", ["reference", "builtin", "xnnpack"])
def test_file_that_a_runtime_refuses_is_an_error(edited, describe, where):
    """An operator that the runtime does not know is an error that names the file and the target."""
    file = edited("dense-fp16", flatbuffer.renaming_operator("FULLY_CONNECTED", "CUSTOM", b"Homemade")).path

    with pytest.raises(JobError, match=rf"^dense-fp16\.tflite cannot be loaded on {where}: .*Homemade"):
        describe(file, where)


def test_operator_without_a_reference_kernel_is_an_error(edited, describe):
    """A target that lacks a kernel is an error, and no quiet change to another target's kernel."""
    file = edited("two-fp32", flatbuffer.renaming_operator("RESHAPE", "ELU")).path

    with pytest.raises(JobError, match=r"^two-fp32\.tflite cannot be loaded on reference: "):
        describe(file, "reference")
