"""How large a float16 file may be follows from what its parent holds."""

import math

import pytest

from fixtures.harness.size import sizes
from tests.harness import flatbuffer

PAIRS = ["dense", "conv", "two", "embedding", "lstm", "extremes"]


@pytest.mark.parametrize("name", PAIRS)
def test_good_pair_has_the_expected_size(files, name):
    """A float16 file is as large as halving every float constant makes it, whatever share of the file they are."""
    found = sizes(files[f"{name}-fp32"], files[f"{name}-fp16"])

    assert found.least <= found.ratio <= found.most, str(found)


@pytest.mark.parametrize("name", PAIRS)
def test_float_constants_of_a_good_pair_take_half(files, name):
    """The float constants alone take exactly half."""
    assert sizes(files[f"{name}-fp32"], files[f"{name}-fp16"]).payload_ratio == 0.5


def test_sizes_are_counted_in_bytes(files, converted):
    """Files are measured whole, float constants by their values, and the sentence says all of it."""
    found = sizes(files["dense-fp32"], files["dense-fp16"])

    assert (found.constants, found.fp32_payload, found.fp16_payload) == (4, 8680, 4340)
    assert str(found) == (
        f"float32 {(converted / 'dense-fp32.tflite').stat().st_size} bytes, 8680 of them in 4 float constants; "
        f"float16 {(converted / 'dense-fp16.tflite').stat().st_size} bytes, 4340 of them in float constants"
    )


def test_float32_file_sold_as_float16_is_too_large(files):
    """A file that was not made smaller is over the largest ratio, and its constants are not half."""
    found = sizes(files["dense-fp32"], files["dense-fp32"])

    assert found.ratio > found.most
    assert found.payload_ratio == 1


def test_int8_file_sold_as_float16_has_too_few_float_bytes(files):
    """A file with int8 weights does not hold half of the float bytes."""
    assert sizes(files["dense-fp32"], files["dense-int8"]).payload_ratio < 0.5


def test_file_without_its_weights_is_too_small(files):
    """A file whose weights stayed behind in variables is under the smallest ratio."""
    found = sizes(files["dense-fp32"], files["dense-unfrozen"])

    assert found.ratio < found.least


def test_parent_without_float_constants_has_no_ratio(files):
    """Where there is nothing to halve, the ratio is NaN, which is within no bounds."""
    assert math.isnan(sizes(files["dense-unfrozen"], files["dense-unfrozen"]).payload_ratio)


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_long_names_are_no_fault(files, edited, form):
    """Names that are longer in one file than in the other explain a size, and are counted in bytes."""
    pair = {"fp32": files["two-fp32"], "fp16": files["two-fp16"]}
    short = sizes(*pair.values())
    long = sizes(*(pair | {form: edited(f"two-{form}", flatbuffer.lengthening_names)}).values())
    added = 1400 * len(pair[form].subgraphs[0].tensors)

    assert long.names - short.names == {"fp32": -added, "fp16": added}[form]
    assert long.least <= long.ratio <= long.most, str(long)


def test_names_are_counted_in_bytes(files, edited):
    """A name outside of ASCII takes as many bytes as UTF-8 does."""

    def umlaut(model):
        model.subgraphs[0].tensors[0].name += "äöü".encode()

    assert sizes(files["two-fp32"], edited("two-fp32", umlaut)).names == 6


def test_shared_buffer_is_counted_once(edited):
    """Two constants that share their bytes are one constant, as much in the file as in what is expected of it."""
    found = sizes(edited("two-fp32", flatbuffer.sharing_a_buffer), edited("two-fp16", flatbuffer.sharing_a_buffer))

    assert (found.constants, found.fp32_payload, found.payload_ratio) == (3, 4 * (18 + 12 + 3), 0.5)


def test_constants_that_are_shared_no_more_are_found(files, edited):
    """A float16 file that stores twice what its parent stores once is over a half of the float bytes."""
    assert sizes(edited("two-fp32", flatbuffer.sharing_a_buffer), files["two-fp16"]).payload_ratio > 0.5
