"""The operator where a run first goes wrong is found, on real targets, and what to change is told by the evidence."""

import json
import math

import numpy as np
import pytest

from fixtures.harness.children import Child, JobError
from fixtures.harness.localisation import COMPILES, FOLLOWED
from tests.harness import flatbuffer

ROUNDOFF = 2.0
ALMOST_TWO = 1927.51 / 2**14
"""Of it, float16 makes 1928 / 2^14, which is over 2/17."""

NORMAL = np.random.default_rng(0).normal(size=(30, 6, 8)).astype(np.float32) * 3

FLOAT16 = ["xnnpack_fp16", "gpu_fp16"]


@pytest.fixture(scope="module")
def children():
    """Child processes by what they run: one that an accelerator has killed is replaced by the next test."""
    children = {}
    yield children
    for child in children.values():
        child.close()


@pytest.fixture
def locate(children, files, saved):
    """Return where a file goes wrong on a target, a `Located` as JSON values; skip where there is no Vulkan device."""

    def child(where):
        kind = "gpu" if where.startswith("gpu") else "cpu"
        if kind not in children or not children[kind].alive:
            children[kind] = Child("tests.harness.locator")
        return children[kind]

    def ask(name, where, samples, compiles=COMPILES, truth=None, **measured):
        if where.startswith("gpu"):
            why = child(where).ask({"target": where}, print)
            if why and "No adapters found" in why:
                pytest.skip(f"{where}: {why}")
            assert why is None
        path = name if hasattr(name, "path") else files[name]
        data = saved(samples if isinstance(samples, dict) else np.asarray(samples, np.float32))
        job = {"file": str(path.path), "data": str(data), "target": where, "measured": measured}
        against = {"truth": str(truth.path)} if truth else {}
        return child(where).ask(job | against | {"roundoff": ROUNDOFF, "compiles": compiles}, print)

    return ask


def uniform(least, most, *shape, count=30):
    """Return seeded samples."""
    return np.random.default_rng(0).uniform(least, most, (count, *shape)).astype(np.float32)


FAULTS = {
    "softplus": (uniform(0, 14, 8), "EXP", "write relu(x) + log(1 + exp(-abs(x)))"),
    "normalized": (uniform(2000, 3000, 10, 32), "SQUARED_DIFFERENCE", "multiply what is squared by 2^-3, "),
    "logarithm": (uniform(-22, 2, 10), "LOG", "add an epsilon of at least 2^-14"),
    "centered": (uniform(1000, 1001, 64), "FULLY_CONNECTED", "subtract the offset"),
    "parity": (uniform(1, 4, 8), "SUB", "keep them in int32"),
    "parted": (uniform(0, 6, 8), "EXP", "write relu(x) + log(1 + exp(-abs(x)))"),
    "long": (uniform(1, 2, 8), "EXP", "write relu(x) + log(1 + exp(-abs(x)))"),
}
"""Files that go wrong in float16 arithmetic: for which samples, at which operator, and what is to be changed."""


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("where", FLOAT16)
def test_operator_and_cure_are_named(locate, files, name, where):
    """Each fault is found at its operator, whose inputs are right, and told with what to change."""
    samples, operator, cure = FAULTS[name]
    located = locate(f"{name}-fp16", where, samples)

    assert (located["operator"], located["gradual"], located["settled"]) == (operator, False, True), located["told"]
    assert located["broken"] or located["error"] > located["allowed"]
    assert located["inputs_error"] <= located["allowed"]
    assert cure in located["advice"]


def test_sum_of_squares_is_found_on_the_gpu(locate):
    """The squares are over 65504 themselves. XNNPACK keeps the sum of squares in float32, and is right."""
    samples = uniform(100, 200, 16)

    assert locate("squares-fp16", "xnnpack_fp16", samples)["gradual"]
    located = locate("squares-fp16", "gpu_fp16", samples * 10)
    assert (located["operator"], located["gradual"]) == ("SQUARE", False)
    assert "multiply what is squared by 2^-" in located["advice"]


@pytest.mark.parametrize("where", FLOAT16)
def test_long_graph_takes_few_compiles(locate, files, where):
    """The middle of some 190 operators is found in a number of compiles that grows with their logarithm."""
    located = locate("long-fp16", where, FAULTS["long"][0])

    assert len(files["long-fp16"].subgraphs[0].calculations) > 180
    assert located["compiles"] <= COMPILES / 2


def test_search_that_is_cut_short_says_so(locate):
    """Where the compiles are spent, what was wrong so far is named, and that it may begin earlier."""
    located = locate("long-fp16", "xnnpack_fp16", FAULTS["long"][0], compiles=2)

    assert (located["settled"], located["compiles"]) == (False, 2)
    assert located["broken"] or located["error"] > located["allowed"]
    assert "The search ended after 2 compiles: it may begin earlier." in located["told"]


@pytest.mark.parametrize("where", ["builtin", "xnnpack", *FLOAT16])
@pytest.mark.parametrize("name", ["conv", "long_right"])
def test_right_run_names_no_culprit(locate, name, where):
    """Where every value is within its bound, the operator after which the error grows most is named as that."""
    located = locate(f"{name}-fp16", where, uniform(0, 1, *{"conv": (8, 8, 2)}.get(name, (8,))))

    assert located["gradual"]
    assert located["error"] <= located["allowed"]
    assert located["told"].startswith("The outputs are right on ")


@pytest.mark.parametrize("where", ["builtin", "xnnpack"])
def test_interpreters_are_read_in_one_run(locate, where):
    """A target that can keep its tensors is loaded twice: as it is, and once to read them all."""
    assert locate("long_right-fp16", where, uniform(0, 1, 8))["compiles"] == 2


@pytest.mark.parametrize("where", ["gpu", "gpu_fp16"])
def test_kernel_is_reported(locate, where):
    """A kernel that its arithmetic does not excuse is named with its options and shapes.

    LiteRT's GPU accelerator computes running sums along the last axis wrongly.
    """
    located = locate("running-fp16", where, uniform(0, 1, 8))

    assert (located["operator"], located["gradual"]) == ("CUMSUM", False)
    assert "report the kernel, CUMSUM (exclusive False; reverse False) of " in located["advice"]
    assert "float32[1, 8]" in located["advice"]


def test_mask_is_told_as_one(locate):
    """Nothing but infinity times zero is wrong with a mask of -1e9."""
    located = locate("masked-fp32", "xnnpack_fp16", NORMAL)

    assert (located["operator"], located["found_least"]) == ("MUL", None)
    assert "if it is a mask, -1e4 masks as well" in located["advice"]


def test_error_that_is_taken_back_is_passed_over(locate):
    """A score under the mask is minus infinity in float16, and right after the SOFTMAX: the softplus is not.

    The products before the softplus are a little over their bound, which is not what makes the outputs wrong either.
    """
    located = locate("masked-fp16", "xnnpack_fp16", NORMAL)

    assert (located["operator"], located["gradual"]) == ("EXP", False)


@pytest.mark.parametrize("where", FLOAT16)
@pytest.mark.parametrize(("name", "operator"), [("stepped", "CAST"), ("chosen", "GREATER_EQUAL")])
def test_integers_and_booleans_are_compared(locate, name, operator, where):
    """What is just under 2 is 2 in float16: the integer or boolean made of it, which must be exact, shows that."""
    located = locate(f"{name}-fp16", where, np.full((2, 8), ALMOST_TWO))

    assert (located["operator"], located["error"], located["allowed"]) == (operator, 1, 0)
    assert located["found_least"] == located["most"] + 1
    assert "near to a step" in located["advice"]


def test_tensor_that_the_target_refuses_is_told(locate):
    """A file that does not compile with a tensor as its output is searched without: its producer's inputs are right.

    LiteRT's GPU accelerator makes no shader that compiles for what is cast from int32 and put out.
    """
    located = locate("counted-fp16", "gpu_fp16", uniform(0, 0.8, 8))

    assert (located["operator"], located["settled"]) == ("EXP", True)
    assert located["unread"] == [located["inputs"][0]["tensor"]]
    assert "cannot be read there: look at their producers, too." in located["told"]


@pytest.mark.parametrize("where", FLOAT16)
def test_worst_samples_are_followed(locate, where):
    """One sample of many that goes wrong is enough, wherever it is."""
    samples = uniform(0, 1, 8, count=100)
    samples[61] = 13
    located = locate("softplus-fp16", where, samples)

    assert (located["operator"], located["broken"], located["values"]) == ("EXP", 8, FOLLOWED * 8)


def test_second_output_that_goes_wrong_is_followed(edited, locate):
    """Of several outputs, the one that is off most is searched from."""
    located = locate(edited("parted-fp16", flatbuffer.adding_an_output), "xnnpack_fp16", uniform(0, 6, 8))

    assert located["operator"] == "EXP"


def test_file_without_a_signature_is_searched(edited, locate):
    """Where outputs have no names of their own, their tensors' names do."""

    def unsigned(model):
        model.signatureDefs = []

    located = locate(edited("long-fp16", unsigned), "xnnpack_fp16", FAULTS["long"][0])

    assert located["operator"] == "EXP"


def test_arithmetic_is_the_measured_one(locate):
    """What a target was measured to compute in decides what its values may be off by."""
    samples = uniform(0, 1, 8)
    fine, coarse = (locate("parted-fp16", "xnnpack_fp16", samples, arithmetic=kind) for kind in ("float32", "bfloat16"))

    assert not fine["gradual"]
    assert coarse["gradual"]


def test_finding_is_json(locate):
    """All values, infinite ones too, are such as every JSON reader takes."""
    located = locate("softplus-fp16", "xnnpack_fp16", uniform(20, 80, 8))
    text = json.dumps(located, allow_nan=False)

    assert json.loads(text) == located
    assert (located["found_least"], located["broken"]) == (None, located["values"])


def test_finding_reads_as_a_paragraph(locate):
    """Which operator, by how much, and what to change."""
    told = locate("softplus-fp16", "xnnpack_fp16", np.full((1, 8), math.log(131008)))["told"]

    assert told.startswith("On xnnpack_fp16 the run first goes wrong at operator ")
    assert " EXP (softplus_1/Exp). Its output truly is 1.31e+05, found was nothing finite, 8 of 8 values NaN" in told
    assert "Of float16's largest number, its values reach 2." in told
    assert "What to change: this is a softplus" in told


def test_file_that_the_target_refuses_is_an_error(locate):
    """Without a run there is nothing to look into."""
    with pytest.raises(JobError, match=r"^words-fp16\.tflite (was loaded, but )?cannot be (loaded|run)"):
        locate("words-fp16", "xnnpack_fp16", {"word": np.array(["a"]), "values": uniform(0, 1, 4, count=1)})


def test_rounded_weights_are_followed_against_the_float32_file(locate, files, edited):
    """Of a float16 file, on the reference kernels, the operator is named whose weights are no longer right."""

    def double(model):
        stored = max((b for b in model.buffers if b.data is not None), key=lambda buffer: len(buffer.data))
        stored.data = (np.asarray(stored.data, np.uint8).view(np.float16) * 2).view(np.uint8)

    located = locate(edited("dense-fp16", double), "reference", uniform(0, 1, 16), truth=files["dense-fp32"])

    assert located["operator"] == "FULLY_CONNECTED"
    assert not located["gradual"]
    assert "float16 does not hold its weights" in located["advice"]


def test_good_float16_file_is_right_against_the_float32_file(locate, files):
    """What rounding its weights explains is not called wrong."""
    located = locate("dense-fp16", "reference", uniform(0, 1, 16), truth=files["dense-fp32"])

    assert located["advice"] == ""
    assert 0 < located["error"] <= located["allowed"]


def test_files_of_other_operators_are_not_followed(locate, files):
    """Two files that do not line up are an error, and no finding."""
    with pytest.raises(JobError, match=r"^dense-fp16\.tflite and conv-fp32\.tflite have other operators$"):
        locate("dense-fp16", "reference", uniform(0, 1, 16), truth=files["conv-fp32"])
