"""The float16 file is compared with the float32 file operator by operator, and where it cannot be, that is told."""

from math import inf, nan, sqrt

import numpy as np
import pytest

from fixtures.harness import layers as module
from fixtures.harness import pairing
from fixtures.harness.layers import Comparison, LayerError, Layers
from tests.harness import flatbuffer

SAMPLES = np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32)


@pytest.fixture
def look(locator, saved, converted):
    """Return what is found in a pair of files, converted ones or others: headroom, layers, why there are none."""

    def ask(fp32, fp16, samples):
        paths = [one if hasattr(one, "open") else converted / f"{one}.tflite" for one in (fp32, fp16)]
        return locator.ask({"file": str(paths[0]), "fp16": str(paths[1]), "data": str(saved(samples))}, print)

    return ask


def test_error_of_the_last_operator_is_that_of_the_output(look, converted, evaluate):
    """What is summed up sample by sample is what both files' outputs show at once."""
    true, found = (
        evaluate(converted / f"dense-{form}.tflite", "reference", SAMPLES).outputs["output_0"].astype(np.float64)
        for form in ("fp32", "fp16")
    )
    last = look("dense-fp32", "dense-fp16", SAMPLES)["layers"][-1]

    assert last["noise"] == pytest.approx(np.linalg.norm(found - true) / np.linalg.norm(true))
    assert last["share"] == pytest.approx(np.abs(found - true).max() / np.abs(true).max())
    assert 0 < last["noise"] < 2**-10


@pytest.mark.parametrize(
    ("name", "shape"), [("dense", (16,)), ("conv", (8, 8, 2)), ("sums", (9, 8, 4)), ("lstm", (5, 3)), ("elu", (16,))]
)
def test_every_float_that_is_measured_is_compared(look, name, shape):
    """Each output with a headroom has an error, in the same place, of the same name and shape."""
    samples = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    found = look(f"{name}-fp32", f"{name}-fp16", samples)
    places = [
        [(one["position"], one["operator"], one["tensor"], one["shape"]) for one in found[part]]
        for part in ("headroom", "layers")
    ]

    assert places[0] == places[1]
    assert found["layers_why_not"] is None
    assert any(0 < one["noise"] < 0.01 for one in found["layers"])


def test_state_is_kept_in_both_files(look):
    """Where samples leave a state, both files go on from it."""
    values = {"values": np.random.default_rng(0).integers(0, 9, (30, 8)).astype(np.float32)}
    found = look("state-fp32", "state-fp16", values)

    assert 0 < found["layers"][-1]["noise"] < 2**-10


def test_file_has_no_error_against_itself(look):
    """The same weights give the same values in every operator."""
    found = look("conv-fp32", "conv-fp32", np.ones((3, 8, 8, 2), np.float32))["layers"]

    assert len(found) > 1
    assert {(one["noise"], one["share"]) for one in found} == {(0.0, 0.0)}


def doubling_the_last_weight(model):
    """Double the second largest constant, which is the last weight."""
    tensor = flatbuffer.constants(model)[1]
    model.buffers[tensor.buffer].data = (flatbuffer.values(model, tensor) * 2).view(np.uint8)


def test_error_begins_where_a_weight_is_wrong(look, edited):
    """What is wrong with the last weight shows in its operator, as large as it is, and in none before."""
    first, last = look("dense-fp32", edited("dense-fp16", doubling_the_last_weight).path, SAMPLES)["layers"]

    assert first["noise"] < 2**-10
    assert last["noise"] == pytest.approx(1, abs=0.1)


def of_a_later_version(model):
    """Give operators a version that no runtime knows."""
    for code in model.operatorCodes:
        code.version = 99


def of_another_name(model):
    """Call the input otherwise."""
    model.signatureDefs[0].inputs[0].name = b"others"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (flatbuffer.without_operators("FULLY_CONNECTED"), "the graphs part in"),
        (of_a_later_version, "dense-fp16.tflite cannot be run on reference: Didn't find op for builtin opcode"),
        (of_another_name, "no input for the array values"),
    ],
)
def test_file_that_cannot_be_compared_says_why(look, edited, change, told):
    """Files that do not line up, or of which the float16 one is not run, have no errors of layers, but a headroom."""
    found = look("dense-fp32", edited("dense-fp16", change).path, {"values": SAMPLES})

    assert told in found["layers_why_not"]
    assert found["layers"] == []
    assert [one["operator"] for one in found["headroom"]] == ["FULLY_CONNECTED"] * 2


def test_file_that_cannot_be_read_says_why(look, tmp_path):
    """So has a float16 file that is none."""
    file = tmp_path / "broken.tflite"
    file.write_bytes(b"no model")
    found = look("dense-fp32", file, SAMPLES)

    assert str(file) in found["layers_why_not"]
    assert len(found["headroom"]) == 2


def test_parting_of_files_is_told_in_its_own_words(look, files):
    """Why files do not line up is said as everywhere else."""
    found = look("dense-fp32", "conv-fp16", SAMPLES)

    assert found["layers_why_not"] == pairing.parting(files["dense-fp32"], files["conv-fp16"])


def compared(monkeypatch, files, converted, true, found):
    """Return the layers of a pair whose every output holds *true* and *found*, an array a sample."""
    reads = [lambda _, held=held: np.float32(held) for held in found]
    monkeypatch.setattr(module.inference, "intermediates", lambda *_: iter(reads))
    comparison = Comparison(files["dense-fp32"], converted / "dense-fp16.tflite", lambda _: None)
    for held in true:
        comparison.add(lambda _, held=held: np.float32(held))
    return comparison.layers()


@pytest.mark.parametrize("band", [1, 2**22])
@pytest.mark.parametrize(
    ("true", "found", "noise", "share"),
    [
        ([[3, 4]], [[3, 4]], 0, 0),
        ([[3, -4]], [[3, -3.5]], 0.1, 0.125),
        ([[3, 0], [0, -4]], [[3, 0], [0.75, -4]], 0.15, 0.1875),
        ([[1, 2], [2, 0]], [[0, 0], [0, 0]], 1, 1),
        ([[0, 0]], [[0, 0]], 0, 0),
        ([[0, 0]], [[0, 1e-30]], inf, inf),
        ([[-inf, 4, 3]], [[-inf, 4, 3.5]], 0.1, 0.125),
        ([[nan, 4, 3]], [[nan, 4, 3.5]], 0.1, 0.125),
        ([[4, 3]], [[4, nan]], inf, inf),
        ([[4, 3]], [[4, inf]], inf, inf),
        ([[inf, 3]], [[-inf, 3]], inf, inf),
        ([[inf, 3]], [[4, 3]], inf, inf),
        ([[4, 3]], [[4]], inf, inf),
        ([[3e38] * 4], [[-3e38] * 4], 2, 2),
    ],
)
def test_errors_are_shares_of_what_is_true(monkeypatch, files, converted, band, true, found, noise, share):
    """Over all samples, of the rms and of the largest value; what is not finite in one file alone is infinite."""
    monkeypatch.setattr(module, "BAND", band)
    errors = compared(monkeypatch, files, converted, true, found).errors

    assert [(error.noise, error.share) for error in errors] == [pytest.approx((noise, share))] * 2


def test_output_without_a_value_is_left_out(monkeypatch, files, converted):
    """An output that neither file writes has no error."""

    def nothing(_):
        raise ValueError("it holds no value")

    monkeypatch.setattr(module.inference, "intermediates", lambda *_: iter([nothing]))
    comparison = Comparison(files["dense-fp32"], converted / "dense-fp16.tflite", lambda _: None)
    comparison.add(nothing)

    assert comparison.layers() == Layers(())


def test_figures_are_plain(files):
    """The report gets plain values, and null where nothing is missing."""
    error = LayerError(3, "MEAN", "mean", (1, 2), 0.25, sqrt(2))

    assert Layers((error,)).as_dict() == {"layers": [vars(error)], "layers_why_not": None}
    assert Layers((), "they part").as_dict() == {"layers": [], "layers_why_not": "they part"}
