"""How large a float16 file may be follows from what its parent holds."""

import dataclasses
import math

import pytest

from fixtures.harness.size import Sizes, sizes
from fixtures.harness.weights import Left
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


@pytest.mark.parametrize("name", PAIRS)
def test_pair_from_elsewhere_has_the_expected_size(files, edited, name):
    """What another producer leaves in float32 explains what is more than a half, to the byte."""
    fp16 = edited(f"{name}-fp32", flatbuffer.casting_weights_only)
    found = sizes(files[f"{name}-fp32"], fp16, casts_all=False)

    assert found.least <= found.ratio <= found.most, str(found)
    assert found.payload_ratio == found.payload_expected


def test_cost_of_what_is_left_is_told(files, edited):
    """The sentence says what another producer leaves in float32, and what that costs."""
    fp16 = edited("dense-fp32", flatbuffer.casting_weights_only)
    found = sizes(files["dense-fp32"], fp16, casts_all=False)

    assert found.payload_expected == (4160 + 360) / 8680
    assert "halving them would save 180 bytes" in str(found)


def test_what_the_gate_converted_is_excused_nothing(files, edited):
    """A file that leaves as much in float32 is too large where the gate's own converter should have made it."""
    found = sizes(files["dense-fp32"], edited("dense-fp32", flatbuffer.casting_weights_only), casts_all=True)

    assert found.payload_ratio > found.payload_expected == 0.5


def test_weight_left_in_float32_from_elsewhere_is_too_large(files, edited):
    """A weight that an operator multiplies with is expected to be a half, whoever made the file."""
    found = sizes(files["dense-fp32"], edited("dense-fp16", flatbuffer.leaving_in_float32), casts_all=False)

    assert found.ratio > found.most
    assert found.payload_ratio > found.payload_expected


def test_weight_that_is_stored_twice_is_too_large(files, edited):
    """What is in the file in float16 is not excused for being there in float32, too: a shared table is doubled so."""
    fp16 = edited("dense-fp32", flatbuffer.in_turn(flatbuffer.casting_weights_only, flatbuffer.storing_a_copy))
    found = sizes(files["dense-fp32"], fp16, casts_all=False)

    assert found.ratio > found.most
    assert found.payload_ratio > found.payload_expected


@pytest.mark.parametrize("casts_all", [True, False])
def test_file_without_weights_is_too_small_whoever_made_it(files, casts_all):
    """A file whose weights stayed behind is under the smallest ratio."""
    found = sizes(files["dense-fp32"], files["dense-unfrozen"], casts_all)

    assert found.payload_ratio < found.payload_expected
    assert found.ratio < found.least


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


def test_constants_that_became_equal_are_stored_once(files):
    """Two epsilons that are both zero in float16 may share their bytes there."""
    fp32, fp16 = files["two-fp32"], files["two-fp16"]
    first, *others = [tensor for tensor in fp16.constants if tensor.type == "FLOAT16"]
    twin = next(tensor for tensor in others if tensor.shape == first.shape)
    graph = fp16.subgraphs[0]
    tensors = tuple(dataclasses.replace(one, buffer=first.buffer) if one == twin else one for one in graph.tensors)
    merged = dataclasses.replace(fp16, subgraphs=(dataclasses.replace(graph, tensors=tensors),))

    assert sizes(fp32, fp16).payload_ratio == sizes(fp32, fp16).payload_expected == 0.5
    assert sizes(fp32, merged).payload_ratio == sizes(fp32, merged).payload_expected < 0.5


@pytest.mark.parametrize("name", ["dense", "lstm"])
def test_each_signature_unpacks_what_it_shares(files, edited, name):
    """Graphs that share their constants each have a DEQUANTIZE of them: a larger file, and no fault."""
    add = flatbuffer.in_turn(*[flatbuffer.adding_a_graph] * 8)
    found = sizes(edited(f"{name}-fp32", add), edited(f"{name}-fp16", add))

    assert found.constants == sizes(files[f"{name}-fp32"], files[f"{name}-fp16"]).constants
    assert found.least <= found.ratio <= found.most, str(found)


def test_what_several_signatures_leave_in_float32_is_not_unpacked(edited):
    """A constant that may stay in float32 explains no DEQUANTIZE, in none of the graphs that share it."""
    add = flatbuffer.in_turn(*[flatbuffer.adding_a_graph] * 8)
    fp16 = flatbuffer.in_turn(flatbuffer.casting_weights_only, add)
    found = sizes(edited("dense-fp32", add), edited("dense-fp32", fp16), casts_all=False)

    assert (len(found.left.constants), found.unpacked) == (2, 2 * 9)
    assert found.least <= found.ratio <= found.most, str(found)


@pytest.fixture
def kept(files):
    """A float constant of 320 bytes."""
    return next(tensor for tensor in files["dense-fp32"].constants if tensor.shape == (80,))


def measured(*left, **parts):
    """Return the sizes of a pair: 2,000 bytes of values in 10 constants, of which two are unpacked twice, and 1,000."""
    given = {"fp32": 3000, "fp16": 2000, "fp32_payload": 2000, "fp16_payload": 1000, "merged": 0, "constants": 10}
    given["unpacked"] = 12 - len(left)
    given |= {
        "names": 7,
        "structure": 900,
        "stored": 14,
        "left": Left(left, 2000),
        "casts_all": True,
        "repacked": False,
    }
    return Sizes(**given | parts)


def test_least_and_most_are_what_halving_explains():
    """Half of the values goes, names come, and the converter adds 50 to 100 bytes a constant, and 100 to 400 in all."""
    found = measured()

    assert found.least * 3000 == pytest.approx(3000 - 1000 + 7 + 50 * 10 + 100)
    assert found.most * 3000 == pytest.approx(3000 - 1000 + 7 + 100 * 12 + 400)


def test_what_is_left_is_not_halved(kept):
    """A constant that stays in float32 keeps its size, and needs nothing that casting adds."""
    found = measured(kept, casts_all=False)

    assert found.payload_expected == (1000 + 320 / 2) / 2000
    assert found.most * 3000 == pytest.approx(3000 - 1000 + 320 / 2 + 7 + 100 * 11 + 400 + 32 * 14)
    assert measured(kept).most * 3000 == pytest.approx(3000 - 1000 + 320 / 2 + 7 + 100 * 11 + 400)


def test_file_written_anew_may_save_some_of_its_structure():
    """What is neither values nor names may be a fifth less in a file that was written anew; nothing need be added."""
    assert measured(repacked=True).least * 3000 == pytest.approx(3000 - 1000 + 7 - 0.2 * 900)


def test_nothing_to_halve_is_expected_to_be_a_half():
    """Where there are no float constants, a half is expected, which their ratio, that is no number, is not."""
    assert measured(fp32_payload=0).payload_expected == 0.5


@pytest.mark.parametrize("casts_all", [True, False])
@pytest.mark.parametrize("repacked", [None, True, False])
def test_other_producers_write_anew(files, casts_all, repacked):
    """A file of another producer was written anew, one of the gate's converter unless that is said."""
    said = {} if repacked is None else {"repacked": repacked}

    assert sizes(files["dense-fp32"], files["dense-fp16"], casts_all, **said).repacked == (
        bool(repacked) or not casts_all
    )


def test_structure_is_neither_values_nor_names(files, edited):
    """Longer names are no more of what a producer may save; a table that nothing uses is."""
    short = sizes(files["two-fp32"], files["two-fp16"])
    long = sizes(edited("two-fp32", flatbuffer.lengthening_names), files["two-fp16"])

    assert 0 < short.structure < short.fp32
    assert long.structure - short.structure < 16 * 8
    assert long.names < short.names


def sharing(file, *shapes):
    """Return *file* with the float constants of each of these shapes in one buffer."""
    first = {}
    for tensor in file.constants:
        if tensor.type.startswith("FLOAT") and tensor.shape in shapes:
            first.setdefault(tensor.shape, tensor.buffer)
    graph = file.subgraphs[0]
    tensors = tuple(dataclasses.replace(one, buffer=first.get(one.shape, one.buffer)) for one in graph.tensors)
    return dataclasses.replace(file, subgraphs=(dataclasses.replace(graph, tensors=tensors),))


@pytest.mark.parametrize(
    ("once", "more", "merged"),
    [([], [], 0), ([(8,)], [], 0), ([], [(8,)], 16), ([(8,)], [(8,)], 0), ([(8,)], [(8,), (8, 8)], 128)],
)
def test_what_became_equal_is_merged(files, once, more, merged):
    """Constants that share their bytes in the float16 file alone became equal there; those that do in both did not."""
    found = sizes(sharing(files["masked-fp32"], *once), sharing(files["masked-fp16"], *more))

    assert found.merged == merged
    assert (found.payload_ratio == found.payload_expected) == (set(once) <= set(more))
