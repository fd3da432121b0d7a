"""Files run on every target, one sample at a time; a file that cannot is an error in words."""

import time

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from fixtures.harness import inference
from fixtures.harness.bounds import ArithmeticLaw, route
from fixtures.harness.children import JobError
from fixtures.harness.comparison import difference
from fixtures.harness.evaluation_data import BLOCK, open_data
from fixtures.harness.feed import Samples
from fixtures.harness.inference import REPEATED, stateful
from fixtures.harness.latency import Latency
from fixtures.harness.targets import TARGETS, WITHOUT_REFERENCE, without_reference
from fixtures.harness.tflite_file import read
from models.spec import Budget
from tests.harness import flatbuffer

LITERT = [name for name, target in TARGETS.items() if target.package == "ai-edge-litert"]
ON_CPU = [name for name in LITERT if not TARGETS[name].accelerator]
SEVERAL = [name for name in LITERT if name != "openvino"]
"""The targets that run files of several subgraphs."""
SHAPES = {"dense": (16,), "conv": (8, 8, 2)}


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
    way = route(files[f"{name}-{form}"], "output_0")
    least, most = ArithmeticLaw.of(way, truth, presence(where).arithmetic).bounds(Budget())

    assert (least or 0) <= difference(outputs, truth).share <= most


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_runs_are_timed(run, samples, where):
    """Loading, the first run and those after it took some time, and together no longer than all that was done."""
    began = time.perf_counter()
    latency = run("fp16", where).latency
    seconds = time.perf_counter() - began

    assert latency.runs == len(samples) - 1
    assert 0 < latency.median <= latency.p95
    assert 0 < latency.load + latency.first + latency.median * latency.runs / 2 < seconds


class Timed:
    """In the place of a session: each takes a second to load, and its samples 1, 2, 3, … seconds."""

    load_seconds, done = 1.0, 0

    def run(self, samples, _):
        """Return nothing for *samples*."""
        self.run_seconds = 1.0 + self.done + np.arange(len(samples))
        self.done += len(samples)
        return {}

    def describe(self):
        """Return nothing."""
        return {}


def test_times_of_signatures_are_summed(converted, saved, monkeypatch):
    """What each signature takes is summed for each sample, over all blocks; what is run again does not count."""
    monkeypatch.setattr(inference, "load", lambda *_, **__: Timed())
    few = {"values": ENTRIES["values"][:4], "others": ENTRIES["others"][:4], "y": np.zeros((4, BLOCK // 2), np.uint8)}
    found = inference.evaluate(
        converted / "entries-fp16.tflite", TARGETS["builtin"], Samples(open_data(saved(few))), print, print
    ).latency

    assert found == Latency.of(2.0, np.array([2.0, 4.0, 6.0, 8.0]))


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


@pytest.mark.parametrize("where", ON_CPU)
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
@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.ones((3, 15), np.float32), r"shape \[15\], the input values of dense-fp32\.tflite takes \[1, 16\]"),
        (np.ones((3, 4, 4), np.float32), r"shape \[4, 4\], .* takes \[1, 16\]; save x\.reshape\(len\(x\), 16\)$"),
        (np.ones((3, 16), np.float16), r"is float16, .* is float32; save x\.astype\(np\.float32\)$"),
        ({"x": np.ones((3, 16), np.float32), "z": np.ones(3)}, r"dense-fp32\.tflite: no input for the array z; "),
    ],
    ids=["size", "shape", "type", "surplus"],
)
def test_samples_that_do_not_fit_are_an_error(converted, evaluate, where, samples, told):
    """Samples of another shape, type or number are refused with what cures that, on every target alike."""
    with pytest.raises(JobError, match=told):
        evaluate(converted / "dense-fp32.tflite", where, samples)


RANDOM = np.random.default_rng(0)
TYPED = {
    "ids": RANDOM.integers(0, 50, (40, 6)),
    "counts": RANDOM.integers(0, 2, (40, 6)).astype(bool),
    "pixels": RANDOM.integers(0, 256, (40, 4)).astype(np.uint8),
    "scale": RANDOM.uniform(1, 2, 40).astype(np.float32),
}


@pytest.mark.parametrize("where", ["reference", "builtin", "xnnpack", "xnnpack_fp16"])
def test_inputs_and_outputs_of_any_type_run(converted, evaluate, where):
    """Int64, booleans, bytes and a scalar go in and come out by their names, each with its own type and shape."""
    outputs = evaluate(converted / "typed-fp16.tflite", where, TYPED).outputs
    logits, (rows,) = outputs["logits"], np.indices([40])

    assert {name: (array.dtype.name, array.shape) for name, array in outputs.items()} == {
        "best": ("int64", (40,)),
        "logits": ("float32", (40, 4)),
        "most": ("float32", (40,)),
        "positive": ("bool", (40, 4)),
    }
    np.testing.assert_array_equal(logits[rows, outputs["best"]], logits.max(axis=1))
    np.testing.assert_array_equal(outputs["positive"], logits > 0)
    assert np.abs(outputs["most"] - logits.max(axis=1)).max() < 2e-3  # a sum of its own in float16


@pytest.mark.parametrize("name", TYPED)
def test_each_input_is_fed_with_its_own_array(converted, evaluate, name):
    """Another array for one of the inputs is another output of exactly the samples in which it differs."""
    other = TYPED | {name: np.roll(TYPED[name], 1, axis=0)}
    one, two = (evaluate(converted / "typed-fp32.tflite", "xnnpack", data).outputs["logits"] for data in (TYPED, other))

    assert (one != two).any(axis=1).sum() > 30
    if name == "scale":
        np.testing.assert_allclose(two, one / TYPED["scale"][:, None] * other["scale"][:, None], rtol=1e-4)


@pytest.mark.parametrize("where", LITERT, indirect=True)
def test_inputs_are_fed_by_name(converted, evaluate, where):
    """Two inputs of different shape, whose order in the file is nobody's concern, and two outputs of one shape."""
    left, right = np.zeros((30, 6), np.float32), RANDOM.normal(size=(30, 4)).astype(np.float32)
    of_both, of_left = (
        evaluate(converted / "two-fp16.tflite", where, {"right": given, "left": left}).outputs
        for given in (right, np.zeros_like(right))
    )

    assert np.ptp(of_both["total"], axis=0).min() > 0
    assert np.ptp(of_left["total"], axis=0).max() == 0
    assert of_both["product"].shape == (30, 3)


@pytest.mark.parametrize("where", ["reference", "builtin", "xnnpack"])
@pytest.mark.parametrize("words", [["a", "größer", "größ", ""], [b"a", "größer".encode(), b"gr", b""]])
def test_text_runs(converted, evaluate, where, words):
    """Text, with letters of several bytes and without any, reaches an interpreter whole."""
    data = {"word": np.array(words), "values": np.zeros((4, 4), np.float32)}
    logits = evaluate(converted / "words-fp16.tflite", where, data).outputs["logits"]

    assert logits.tolist() == [[0] * 3, [100] * 3, [0] * 3, [0] * 3]


def test_text_is_not_for_a_compiled_model(converted, evaluate):
    """LiteRT's CompiledModel takes no text: that is an error in words, also where nobody asked before."""
    data = {"word": np.array(["a"]), "values": np.zeros((1, 4), np.float32)}

    with pytest.raises(JobError, match=r"^words-fp16\.tflite was loaded, but cannot be run: Invalid buffer offset"):
        evaluate(converted / "words-fp16.tflite", "xnnpack_fp16", data)


ENTRIES = {
    "values": RANDOM.normal(size=(30, 4)).astype(np.float32),
    "others": RANDOM.normal(size=(30, 5)).astype(np.float32),
}


@pytest.mark.parametrize("where", SEVERAL, indirect=True)
def test_every_signature_is_run(converted, evaluate, where):
    """Each signature is run on its own inputs, and of outputs of one name the second one's is told by its signature."""
    ran = evaluate(converted / "entries-fp16.tflite", where, ENTRIES, part=True)

    assert {name: array.shape for name, array in ran.outputs.items()} == {
        "product": (30, 3),
        "second/product": (30, 3),
        "second/sum": (30,),
    }
    np.testing.assert_allclose(ran.outputs["second/sum"], ENTRIES["others"].sum(axis=1), rtol=1e-2, atol=1e-2)
    assert ran.outputs["product"].min() < 0 == ran.outputs["second/product"].min()
    assert ran.outputs.keys() == ran.again.keys()
    assert ran.runtime["unfed"] == []


def test_second_signature_has_its_own_weights(converted, evaluate):
    """What differs between the files of two precisions differs in both signatures, by what float16 explains."""
    fp32, fp16 = (
        evaluate(converted / f"entries-{form}.tflite", "reference", ENTRIES).outputs for form in ("fp32", "fp16")
    )

    for name in ("product", "second/product"):
        assert 0 < difference(fp16[name], fp32[name]).share < 2**-10


ADDED = {"values": RANDOM.integers(0, 9, (250, 8)).astype(np.float32)}


@pytest.mark.parametrize("form", ["fp32", "fp16"])
@pytest.mark.parametrize("where", ["reference", "builtin", "xnnpack"])
def test_state_is_kept_from_sample_to_sample(converted, evaluate, form, where):
    """A variable holds the sum of all samples so far, over the borders of blocks; a signature that resets has none."""
    outputs = evaluate(converted / f"state-{form}.tflite", where, ADDED).outputs
    matrix = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)
    expected = ADDED["values"].cumsum(axis=0) @ (matrix.astype(np.float16) if form == "fp16" else matrix).T

    assert difference(outputs["product"], expected).share < 1e-6
    assert not outputs["reset/total"].any()


@pytest.mark.parametrize("where", ON_CPU)
def test_state_is_kept_over_blocks(converted, evaluate, where):
    """Where targets are so large that the samples are fed two by two, the state goes on from one block to the next."""
    few = {"values": ADDED["values"][:5]}
    in_blocks = few | {"y": np.zeros((5, BLOCK // 2), np.uint8)}
    at_once, two_by_two = (evaluate(converted / "state-fp32.tflite", where, data) for data in (few, in_blocks))

    np.testing.assert_array_equal(at_once.outputs["product"], two_by_two.outputs["product"])
    assert np.ptp(at_once.outputs["product"], axis=0).min() > 0


def test_output_that_changes_its_size_in_a_later_block_is_an_error(converted, evaluate):
    """The size of an output is held to that of the first block, too."""
    values = np.array([[1] * 3 + [-1] * 3] * 2 + [[1, -1, -1, -1, -1, -1]], np.float32)

    with pytest.raises(JobError, match=r"^kept-fp16\.tflite: output positive is \[3\] for one sample and \[1\]"):
        evaluate(converted / "kept-fp16.tflite", "builtin", {"x": values, "y": np.zeros((3, BLOCK // 2), np.uint8)})


@pytest.mark.parametrize("where", SEVERAL, indirect=True)
def test_state_is_repeated_from_the_first_sample(converted, evaluate, where):
    """Where a sample leaves a state, the second run begins as the first did, and so repeats its bits."""
    ran = evaluate(converted / "state-fp16.tflite", where, ADDED, part=True)

    assert ran.repeated.tolist() == list(range(REPEATED))
    np.testing.assert_array_equal(ran.outputs["product"][:REPEATED], ran.again["product"])
    assert ran.runtime["unfed"] == ["reset/total"]


@pytest.mark.parametrize(("name", "keeps"), [("state-fp16", True), ("dense-fp16", False), ("lstm-fp32", False)])
def test_file_with_a_state_is_told(files, name, keeps):
    """A file that assigns a variable leaves a state; a loop does not."""
    assert stateful(files[name]) == keeps


@pytest.mark.parametrize("where", ["reference", "builtin", "xnnpack"])
@pytest.mark.parametrize("length", [1, 7])
def test_dynamic_length_is_that_of_the_samples(converted, evaluate, where, length):
    """A sequence of any length runs on the CPU, a step like any other."""
    steps = RANDOM.normal(size=(20, length, 8)).astype(np.float32)
    (outputs,) = evaluate(converted / "lengths-fp16.tflite", where, steps).outputs.values()
    (first,) = evaluate(converted / "lengths-fp16.tflite", where, steps[:, :1]).outputs.values()

    assert outputs.shape == (20, length, 5)
    np.testing.assert_allclose(outputs[:, :1], first, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("where", ON_CPU)
def test_dynamic_batch_is_run_sample_by_sample(converted, evaluate, where):
    """A file whose batch size is open gives what the one for single samples gives."""
    samples = RANDOM.normal(size=(20, 16)).astype(np.float32)
    (of_any,), (of_one,) = (
        evaluate(converted / f"{name}-fp16.tflite", where, samples).outputs.values() for name in ("dynamic", "dense")
    )

    assert of_any.shape == of_one.shape == (20, 10)


@pytest.mark.parametrize("where", ["reference", "builtin", "xnnpack"])
@pytest.mark.parametrize("counts", [(2, 3), (3, 1), (1, 3)])
def test_output_that_changes_its_size_is_an_error(converted, evaluate, where, counts):
    """An output whose size depends on the sample is refused, also where NumPy would repeat it to fit."""
    values = np.array([[1] * count + [-1] * (6 - count) for count in counts], np.float32)

    with pytest.raises(
        JobError,
        match=rf"^kept-fp16\.tflite: output positive is \[{counts[0]}\] for one sample and \[{counts[1]}\] for another",
    ):
        evaluate(converted / "kept-fp16.tflite", where, values)


def test_output_that_keeps_its_size_runs(converted, evaluate):
    """An output of any size that has the same for all samples is compared like any other."""
    values = np.array([[1, 2, -1, 3, -1, -1], [-1, 4, 5, -1, -1, 6]], np.float32)

    assert evaluate(converted / "kept-fp16.tflite", "xnnpack", values).outputs["positive"].tolist() == [
        [1, 2, 3],
        [4, 5, 6],
    ]


def batch_of_two(model):
    """Have the graph take and give two samples at a time."""
    for number in (*model.subgraphs[0].inputs, *model.subgraphs[0].outputs):
        model.subgraphs[0].tensors[number].shape[0] = 2


def test_larger_batch_is_taken_as_it_is(edited, evaluate):
    """A file for two rows at a time takes samples of two rows, and keeps both of the output."""
    samples = RANDOM.normal(size=(10, 2, 16)).astype(np.float32)
    (of_two,) = evaluate(edited("dense-fp16", batch_of_two).path, "builtin", samples).outputs.values()

    assert of_two.shape == (10, 2, 10)


def test_larger_batch_is_not_fed_with_single_samples(edited, evaluate):
    """A file for two rows at a time is not fed with one: the input is named with its shape."""
    with pytest.raises(JobError, match=r"has samples of shape \[16\], the input values of .* takes \[2, 16\]"):
        evaluate(edited("dense-fp16", batch_of_two).path, "builtin", np.ones((2, 16), np.float32))


def test_chosen_samples_are_run(converted, evaluate):
    """Of all samples, those that are chosen are run, in their order."""
    samples, chosen = RANDOM.normal(size=(50, 16)).astype(np.float32), [3, 4, 40]
    (every,), (some,) = (
        evaluate(converted / "dense-fp16.tflite", "builtin", samples, chosen=which).outputs.values()
        for which in (None, chosen)
    )

    np.testing.assert_array_equal(some, every[chosen])


def test_file_without_an_output_is_an_error(edited, evaluate):
    """A signature that gives nothing cannot be judged."""

    def silent(model):
        model.signatureDefs[0].outputs = []

    with pytest.raises(JobError, match=r"the signature 'serving_default' has no output: nothing can be judged$"):
        evaluate(edited("dense-fp16", silent).path, "builtin", np.ones((2, 16), np.float32))


TWINS = [name for name in LITERT if TARGETS[name].twin]


@pytest.mark.parametrize("where", TWINS, indirect=True)
def test_twin_tells_float16_from_float32(run, where):
    """Where float16 was asked for, the same device's float32 gives other bits for nearly every sample."""
    twin = run("fp16", where).runtime["twin"]

    assert twin["samples"] == REPEATED
    assert twin["equal"] < REPEATED / 10


def test_whole_numbers_do_not_tell_their_arithmetic(edited, evaluate):
    """Of a file whose outputs are integers and booleans, nothing shows what they were computed in."""

    def discrete(model):
        signature, graph = model.signatureDefs[0], model.subgraphs[0]
        signature.outputs = [entry for entry in signature.outputs if entry.name in {b"best", b"positive"}]
        graph.outputs = [entry.tensorIndex for entry in signature.outputs]

    twin = evaluate(edited("typed-fp16", discrete).path, "xnnpack_fp16", TYPED).runtime["twin"]

    assert twin == {"untold": "no output is a float: whole numbers have the same bits in any arithmetic"}


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


@pytest.mark.parametrize("lacking", sorted(WITHOUT_REFERENCE))
def test_operator_without_a_reference_kernel_has_a_builtin_one(edited, lacking):
    """What is said to lack a reference kernel, and only to lack that, does so in this version of LiteRT."""
    file = edited("two-fp32", flatbuffer.renaming_operator("RESHAPE", lacking)).path

    for resolver, found in (("BUILTIN_REF", False), ("BUILTIN_WITHOUT_DEFAULT_DELEGATES", True)):
        assert ("Didn't find op for builtin opcode" not in refusal(file, resolver)) == found


def refusal(file, resolver):
    """Return why LiteRT refuses *file*, "" if it does not."""
    try:
        Interpreter(str(file), experimental_op_resolver_type=getattr(OpResolverType, resolver))
    except ValueError as error:
        return str(error)
    return ""


def test_truth_of_an_operator_without_a_reference_kernel_is_the_builtin_one(converted, evaluate):
    """A file with an ELU is run on reference as on builtin."""
    inputs = {"x": np.random.default_rng(0).normal(size=(4, 16)).astype(np.float32)}
    file = converted / "elu-fp32.tflite"
    reference, builtin = (evaluate(file, where, inputs) for where in ("reference", "builtin"))

    assert without_reference(read(file)) == ["ELU"]
    assert all(np.array_equal(reference.outputs[name], builtin.outputs[name]) for name in builtin.outputs)
