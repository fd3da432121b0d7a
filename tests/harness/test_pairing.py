"""Two files that make no pair are told apart: what is no sensible command, and what the checks find."""

import shutil

import pytest

from fixtures.harness import interface, pairing, size, weights
from fixtures.harness.tflite_file import read
from tests.harness import flatbuffer


@pytest.fixture
def asked(converted):
    """Return what is said of a command with two of the converted files, or copies of them."""

    def ask(fp32, fp16):
        paths = [one if hasattr(one, "open") else converted / f"{one}.tflite" for one in (fp32, fp16)]
        return pairing.usage_error(*paths, *map(read, paths))

    return ask


@pytest.mark.parametrize("name", ["dense", "conv", "embedding", "lstm", "state"])
def test_good_pair_is_a_sensible_command(asked, name):
    """Nothing is said of a pair."""
    assert asked(f"{name}-fp32", f"{name}-fp16") is None


@pytest.mark.parametrize(
    ("fp32", "fp16"),
    [
        ("dense-fp32", "dense-int8"),
        ("dense-fp32", "conv-fp16"),
        ("dense-fp32", "conv-fp32"),
        ("dense-fp16", "conv-fp16"),
    ],
)
def test_wrong_pair_is_left_to_the_checks(asked, fp32, fp16):
    """A file that is no float16 file, or of another model, is no wrong command: the checks name what is wrong."""
    assert asked(fp32, fp16) is None


def test_same_file_is_told(asked, converted, tmp_path):
    """A file that is given twice is told with the cure, also where a link leads to it."""
    link = tmp_path / "link.tflite"
    link.symlink_to(converted / "dense-fp16.tflite")

    for one in ("dense-fp16", link):
        assert asked(one, "dense-fp16") == (
            f"--fp32 and --fp16 are the same file, {converted / 'dense-fp16.tflite'}: give the float32 model and the "
            "float16 one made of it, or --fp16 alone, which compares with a float32 twin made of it"
        )


def test_same_bytes_are_told(asked, converted, tmp_path):
    """A copy is the same model, by whatever name; what it is, is said."""
    copy = tmp_path / "fp16.tflite"
    shutil.copy(converted / "dense-fp32.tflite", copy)
    told = asked("dense-fp32", copy)

    assert told.startswith(
        f"--fp32 {converted / 'dense-fp32.tflite'} and --fp16 {copy} hold the same bytes, a float32 file"
    )


def test_files_of_one_size_are_not_the_same(asked, edited, tmp_path):
    """Two files that are as large as each other, and differ in one value, are no wrong command."""

    def one_value(held):
        held[0] += 1

    one = shutil.copy(edited("dense-fp32", lambda _: None).path, tmp_path / "one.tflite")
    other = edited("dense-fp32", flatbuffer.changing_values(one_value)).path

    assert one.stat().st_size == other.stat().st_size
    assert asked(one, other) is None


def test_quantized_file_with_float16_constants_is_not_swapped(asked, edited):
    """A quantized file whose biases are float16, for a float32 one, is no float16 file in the wrong place."""
    assert asked(edited("dense-fp16", flatbuffer.storing_four_bits).path, "dense-fp32") is None


def test_swapped_files_are_told(asked, converted):
    """Files that are given for each other are told, with the command that is right."""
    fp32, fp16 = (converted / f"dense-{form}.tflite" for form in ("fp32", "fp16"))

    assert asked("dense-fp16", "dense-fp32") == (
        f"the files are swapped: --fp32 {fp16} is a float16 file (4 weights), --fp16 {fp32} is a float32 file (4 "
        f"weights, none of them float16); call it with --fp32={fp32} --fp16={fp16}"
    )


def test_swapped_files_from_elsewhere_are_told(asked, edited, converted):
    """So are those of a producer that leaves some constants in float32."""
    fp16 = edited("dense-fp32", flatbuffer.casting_weights_only).path
    told = asked(fp16, "dense-fp32")

    assert "is a float16 file (2 of 4 float constants are float16)" in told
    assert told.endswith(f"--fp32={converted / 'dense-fp32.tflite'} --fp16={fp16}")


@pytest.mark.parametrize("quantized", [0, 1])
def test_quantized_file_is_not_swapped(asked, quantized):
    """An int8 file in either place is not told as swapped: the other one is not what it should be."""
    names = ["dense-fp16", "dense-fp32"]
    names[quantized] = "dense-int8"

    assert asked(*names) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dense-fp32", "float32 file (4 weights, none of them float16)"),
        ("dense-fp16", "float16 file (4 weights)"),
        ("dense-int8", "quantized file (1 of 4 weights are integers with a scale)"),
        ("dense-unfrozen", "file without weights"),
    ],
)
def test_kind_of_a_file_is_told_in_words(files, name, kind):
    """What a file is by its weights is a few words."""
    assert pairing.kind(files[name]) == kind


def test_float_with_a_scale_is_told_as_quantized(edited):
    """A constant of floats that has a scale is one quantized weight, and no float one besides."""
    assert pairing.kind(edited("dense-fp16", flatbuffer.adding_a_scale)).startswith("quantized file (1 of 4 weights")


def test_four_bits_are_told_as_quantized(edited):
    """Weights that are quantized by blocks are quantized, though they have no scale of their own."""
    assert pairing.kind(edited("dense-fp16", flatbuffer.storing_four_bits)).startswith("quantized file (1 of 4")


@pytest.mark.parametrize("name", ["dense", "conv", "lstm", "state"])
def test_files_of_one_model_part_nowhere(files, name):
    """Nothing is said of a good pair."""
    assert pairing.parting(files[f"{name}-fp32"], files[f"{name}-fp16"]) == ""


def test_two_models_are_told_with_where_they_part(files):
    """Files of two models are told as such: how much of them differs, what comes first, and how they are called."""
    told = pairing.parting(files["dense-fp32"], files["conv-fp16"])

    assert told.startswith(
        "the graphs part in 4 places, with 2 operators in the float32 file and 4 in the other, DEQUANTIZE of weights "
        "not counted: subgraph main: 2 operators in the float32 file, 4 in the other; operator 0 (FULLY_CONNECTED) of "
        "subgraph main: is CONV_2D in the other file; "
    )
    assert "they are called differently, too: " in told
    assert "input values of serving_default: float32[1, 16], input 0 of the graph in the float32 file, nothing" in told
    assert told.endswith("they seem to be files of two different models")


def test_damaged_file_is_no_other_model(files, edited):
    """A file in which one option differs is told with that, and not as one of another model."""
    change = flatbuffer.changing_option("FULLY_CONNECTED", "fusedActivationFunction", 0)
    told = pairing.parting(files["dense-fp32"], edited("dense-fp16", change))

    assert "the graphs part in 1 places" in told
    assert "two different models" not in told


WRONG = {
    "float32 twice": ("dense-fp32", "dense-fp32", "4 of 4 weights are not stored as float16, and none of them is"),
    "int8": ("dense-fp32", "dense-int8", "int8[80, 16] (1280 bytes)"),
    "no weights": ("dense-fp32", "dense-unfrozen", "files hold no float constant: dense-unfrozen.tflite"),
}


@pytest.mark.parametrize("casts_all", [True, False])
@pytest.mark.parametrize(("fp32", "fp16", "told"), WRONG.values(), ids=WRONG)
def test_what_is_not_float16_falls_short(files, fp32, fp16, told, casts_all):
    """A file that is no float16 file falls short of the weights' and of the size's check, whoever made it."""
    found = size.sizes(files[fp32], files[fp16], casts_all)

    assert told in str(weights.not_float16(files[fp16], casts_all))
    assert found.payload_ratio != found.payload_expected


def test_float16_twice_falls_short(files):
    """Two float16 files fall short of what the float32 file has to be, and of the size."""
    found = size.sizes(files["dense-fp16"], files["dense-fp16"])

    assert len(weights.not_stored_as(files["dense-fp16"], "FLOAT32").found) == 4
    assert found.payload_ratio == 1
    assert files["dense-fp16"].optimization_modes not in weights.modes("fp32", casts_all=False)


def test_two_models_fall_short(files):
    """Files of two models fall short of the checks of operators, of constants and of the interface."""
    pair = files["dense-fp32"], files["conv-fp16"]

    assert weights.mismatches(*pair).found
    assert weights.unpaired(*pair).found
    assert interface.differences(*pair).found
