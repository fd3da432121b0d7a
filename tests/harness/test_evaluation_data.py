"""Evaluation data are read as they were saved, in blocks; what is unfit is refused in a sentence with its cure."""

import io
import os
import pickle
import re
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fixtures.harness.evaluation_data import (
    BLOCK,
    MOST_MEMORY,
    DataError,
    bind,
    bind_targets,
    compressed,
    open_data,
    unpack,
    verify_targets,
)
from fixtures.harness.tflite_file import Signature, Tensor
from fixtures.harness.versions import ROOT
from tests.harness.npz import npy, npy_saying, patch, write

COUNT = 100
IMAGES = np.random.default_rng(0).random((COUNT, 4, 3), np.float32)
CLASSES = np.arange(COUNT) % 10
ARRAYS = {
    "x": IMAGES,
    "flag": np.arange(COUNT) % 2 == 0,
    "half": IMAGES[:, 0].astype(np.float16),
    "number": np.arange(COUNT, dtype=np.uint64),
    "raw": np.array([b"ab", b""] * (COUNT // 2)),
    "text": np.array(["größer", "", "漢字", "🙂"] * (COUNT // 4)),
    "y": CLASSES,
    "y_next": IMAGES.astype(np.float64),
}
X, Y = ("x.npy", npy(IMAGES)), ("y.npy", npy(CLASSES))


def saved(folder, form, arrays):
    """Return where *arrays* are saved in that *form*."""
    path = folder / f"EVAL-{form}.npz"
    if form == "npz":
        np.savez(path, **arrays)
    elif form == "compressed":
        np.savez_compressed(path, **arrays)
    else:
        cuts = {"files": [], "shards": [1, 40, 40, 99], "other shards": [50]}[form]
        path = folder / form
        path.mkdir()
        for name, array in arrays.items():
            for number, rows in enumerate(np.split(array, cuts)):
                np.save(path / (f"{name}-{number:05}.npy" if cuts else f"{name}.npy"), rows)
    return path


@pytest.fixture(params=["npz", "files", "shards", "unpacked"])
def data(request, tmp_path):
    """The arrays above, opened from each form."""
    if request.param == "unpacked":
        unpack(saved(tmp_path, "compressed", ARRAYS), tmp_path / "unpacked")
        return open_data(tmp_path / "unpacked")
    return open_data(saved(tmp_path, request.param, ARRAYS))


@pytest.fixture
def opened(tmp_path):
    """Return arrays, opened from an archive."""
    return lambda **arrays: open_data(saved(tmp_path, "npz", arrays))


def refusal(path, call=open_data):
    """Return the sentence that refuses what lies at *path*."""
    with pytest.raises(DataError) as error:
        call(path)
    message = str(error.value)
    assert str(path) in message
    assert message.isprintable()
    assert ";" in message  # the cure
    return message


# What is read


def test_columns_are_those_that_were_saved(data):
    """Names, dtypes, shapes and the count are those of the arrays."""
    found = {name: (column.dtype, (data.count, *column.shape)) for name, column in data.columns.items()}

    assert found == {name: (array.dtype, array.shape) for name, array in ARRAYS.items()}
    assert (set(data.inputs), set(data.targets)) == (set(ARRAYS) - {"y", "y_next"}, {"y", "y_next"})


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize(("start", "stop"), [(0, COUNT), (0, 1), (39, 41), (99, 100), (7, 7)])
def test_rows_are_those_that_were_saved(data, name, start, stop):
    """A block has the saved bits, and nobody can write to it."""
    found = data.rows(name, start, stop)

    np.testing.assert_array_equal(found, ARRAYS[name][start:stop], strict=True)
    assert found.flags.c_contiguous
    assert not found.flags.writeable


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("indices", [[], [99, 0, 40, 40, 1], list(range(COUNT))])
def test_taken_rows_come_in_the_order_asked_for(data, name, indices):
    """Rows are taken in any order, also twice, as a copy."""
    found = data.take(name, indices)

    np.testing.assert_array_equal(found, ARRAYS[name][indices], strict=True)
    assert found.flags.writeable


@pytest.mark.parametrize("indices", [[-1], [100], [[0]]])
def test_rows_that_there_are_not_are_no_others(data, indices):
    """An index outside the samples is an error, not another sample."""
    with pytest.raises(IndexError, match="x, which has 100"):
        data.take("x", indices)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (99, 101)])
def test_blocks_that_there_are_not_are_no_others(data, start, stop):
    """A block that is not all there is an error, not a shorter one."""
    with pytest.raises(IndexError, match="x, which has 100"):
        data.rows("x", start, stop)


def test_whole_data_are_verified_with_progress(data):
    """Good data pass, and the share that was read rises to 1."""
    shares = []

    data.verify(shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_rows_of_several_blocks_are_taken_from_each(opened):
    """Samples that lie in different blocks are all found."""
    rows = 3 * BLOCK // 2_000_000
    array = np.repeat(np.arange(rows, dtype=np.float32)[:, None], 500_000, axis=1)
    data = opened(x=array)

    assert data.take("x", [rows - 1, 0, 5])[:, -1].tolist() == [rows - 1, 0, 5]
    assert list(data.blocks()) == [(start, min(start + 8, rows)) for start in range(0, rows, 8)]


@pytest.mark.parametrize(("most", "size"), [(1, 1), (96, 1), (56 * 7, 7), (1 << 30, 10)])
def test_blocks_are_about_as_large_as_asked_for(opened, most, size):
    """A block of all columns has that many bytes, and at least one sample; all samples are in one."""
    found = list(opened(x=IMAGES[:10], y=CLASSES[:10]).blocks(most))

    assert {stop - start for start, stop in found[:-1]} <= {size}
    assert [index for start, stop in found for index in range(start, stop)] == list(range(10))


# The digest


def test_digest_is_of_the_arrays(tmp_path):
    """The same arrays have one digest, in an archive, a folder, and shards of any cut."""
    reverse = dict(reversed(ARRAYS.items()))
    digests = {open_data(saved(tmp_path, form, ARRAYS)).digest() for form in ("npz", "files", "shards")}

    assert digests == {open_data(saved(tmp_path, "other shards", reverse)).digest()}


@pytest.mark.parametrize(
    "other",
    [
        {"x": IMAGES[:-1], "y": CLASSES[:-1]},
        {"x": IMAGES, "y_next": CLASSES},
        {"x": IMAGES.reshape(COUNT, 12), "y": CLASSES},
        {"x": IMAGES.view(np.int32), "y": CLASSES},
        {"x": np.where(np.arange(COUNT)[:, None, None] == 99, 0, IMAGES), "y": CLASSES},
        {"x": IMAGES},
    ],
    ids=["fewer", "name", "shape", "dtype", "value", "without targets"],
)
def test_digest_tells_other_arrays_apart(tmp_path, other):
    """What could change an output or a verdict changes the digest."""
    assert open_data(saved(tmp_path, "npz", other)).digest() != (
        open_data(saved(tmp_path, "files", {"x": IMAGES, "y": CLASSES})).digest()
    )


# Compressed archives


def test_compressed_archive_is_told_apart(tmp_path):
    """An archive that cannot be mapped says so, and opening it says what to do."""
    path = saved(tmp_path, "compressed", ARRAYS)

    assert compressed(path)
    assert not compressed(saved(tmp_path, "npz", ARRAYS))
    assert not compressed(saved(tmp_path, "files", ARRAYS))
    assert "is compressed, which cannot be mapped; unpack it, or save it with np.savez" in refusal(path)


def test_unpacking_tells_its_progress(tmp_path):
    """The share that was written rises to 1."""
    shares = []

    unpack(saved(tmp_path, "compressed", ARRAYS), tmp_path / "unpacked", shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize("position", [0.1, 0.5, 0.9])
def test_damaged_compressed_array_leaves_no_file(tmp_path, position):
    """A changed byte in the compressed content is noticed, and nothing stays that could be taken for the data."""
    path = tmp_path / "EVAL.npz"
    write(path, [Y, ("x.npy", npy(np.random.default_rng(1).random(100_000)))], zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    content[int(len(content) * position)] ^= 0x55
    path.write_bytes(content)

    assert "damaged" in refusal(path, lambda path: unpack(path, tmp_path / "unpacked"))
    assert list(tmp_path.rglob("*.npy")) == []


def test_wrong_checksum_of_a_compressed_array_leaves_no_file(tmp_path):
    """A changed value is noticed also where it is as easy to expand as the right one."""
    path = tmp_path / "EVAL.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=0) as archive:
        archive.writestr("x.npy", npy(np.arange(10)))
    patch(path, (np.int64(5).tobytes(), np.int64(6).tobytes()))

    assert "is truncated or damaged" in refusal(path, lambda path: unpack(path, tmp_path / "unpacked"))
    assert list(tmp_path.rglob("*.npy")) == []


def test_array_that_expands_to_more_than_it_claims_is_refused(tmp_path):
    """A bomb, 50 MB in 50 kB that claims to be small, is stopped and leaves no file."""
    path = tmp_path / "EVAL.npz"
    small, bomb = npy(np.zeros(64, np.uint8)), npy(np.zeros(64, np.uint8)) + bytes(50_000_000)
    write(path, [("x.npy", bomb)], zipfile.ZIP_DEFLATED)
    patch(path, (struct.pack("<I", len(bomb)), struct.pack("<I", len(small))))

    shares = []

    assert "expands to more than it claims" in refusal(path, lambda path: unpack(path, tmp_path / "out", shares.append))
    assert max(shares, default=0) <= 1
    assert list(tmp_path.rglob("*.npy")) == []


def test_array_that_claims_more_than_it_expands_to_is_refused(tmp_path):
    """An array that ends too early is not filled up."""
    path = tmp_path / "EVAL.npz"
    whole = npy_saying("|u1", (1 << 20,), data=b"")
    write(path, [("x.npy", whole)], zipfile.ZIP_DEFLATED)
    patch(path, (struct.pack("<I", len(whole)), struct.pack("<I", len(whole) + (1 << 20))))

    assert "is truncated or damaged" in refusal(path, lambda path: unpack(path, tmp_path / "unpacked"))
    assert list(tmp_path.rglob("*.npy")) == []


def test_array_that_does_not_fit_the_disk_is_refused_before_it_is_written(tmp_path):
    """An array that claims a thousand terabytes is refused with how much room it needs."""
    path = tmp_path / "EVAL.npz"
    size = 1 << 50
    whole = npy_saying("|u1", (size,), data=b"\0")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w", force_zip64=True) as x:
        x.write(whole)
    # The directory has room for the true size only as 32 bits: what is claimed stands in an extra field.
    content = path.read_bytes()
    entry = content.rindex(b"PK\1\2")
    header = list(struct.unpack("<4s6H3I5H2I", content[entry : entry + 46]))
    extra = struct.pack("<HHQ", 1, 8, len(whole) - 1 + size)
    header[9], header[11] = 0xFFFFFFFF, len(extra)
    directory = struct.pack("<4s6H3I5H2I", *header) + b"x.npy" + extra
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(directory), entry, 0)
    path.write_bytes(content[:entry] + directory + end)

    message = refusal(path, lambda path: unpack(path, tmp_path / "unpacked"))

    assert f"{len(whole) - 1 + size} bytes are needed" in message
    assert list(tmp_path.rglob("*.npy")) == []


def test_unpacking_replaces_nothing(tmp_path):
    """A file that is there already is kept, and said."""
    path = saved(tmp_path, "compressed", {"x": IMAGES})
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked" / "x.npy").write_bytes(b"mine")

    assert "File exists; give an empty folder" in refusal(path, lambda path: unpack(path, tmp_path / "unpacked"))
    assert (tmp_path / "unpacked" / "x.npy").read_bytes() == b"mine"


# What is refused: files and archives

FILES = {
    "nothing": (None, "is not there; give an .npz file, or a folder of .npy files"),
    "empty": (b"", "is an empty file; save the arrays with np.savez"),
    "text": (b"5,0,0,1\n", "is no .npz archive; save the arrays with np.savez"),
    "npy": (npy(IMAGES), "is a single .npy array; save the arrays with np.savez('EVAL.npz', x=…, y=…)"),
    "pickle": (pickle.dumps({"x": 1}), "is a pickle, which is never loaded; save the arrays"),
    "start of a zip": (b"PK\3\4", "is truncated or damaged"),
    "end of a zip": (b"PK\5\6" + bytes(18), "is empty: it holds no array"),
}


@pytest.mark.parametrize("case", FILES)
def test_file_that_is_no_archive_is_refused(tmp_path, case):
    """Whatever is no archive is told by what it is."""
    content, message = FILES[case]
    path = tmp_path / "EVAL.npz"
    if content is not None:
        path.write_bytes(content)

    assert message in refusal(path)


def test_pipe_is_refused(tmp_path):
    """What would be waited on for ever is not opened."""
    os.mkfifo(tmp_path / "EVAL.npz")

    assert "is neither a file nor a folder" in refusal(tmp_path / "EVAL.npz")


OBJECTS = npy(np.array([{}, None]))
DAMAGED = "header is not one of an .npy array"
MEMBERS = {
    "text": ([X, ("readme.txt", b"hello")], "holds 'readme.txt', which is no array"),
    "outside the folder": ([("../x.npy", X[1])], "holds '../x.npy', which is no array"),
    "in a folder": ([("a/x.npy", X[1])], "holds 'a/x.npy', which is no array"),
    "in a Windows folder": ([("a\\x.npy", X[1])], r"holds 'a\\x.npy', which is no array"),
    "without a name": ([(".npy", X[1])], "holds an array with the name ''"),
    "as the folder above": ([("...npy", X[1])], "holds an array with the name '..'"),
    "with a line break": ([("x\ny.npy", X[1])], r"holds an array with the name 'x\ny'"),
    "as a shard": ([("x-00000.npy", X[1])], "holds 'x-00000.npy', a name that shards have; call it x_00000"),
    "pickle": ([("x.npy", pickle.dumps([1]))], "x.npy in {} is a pickle, which is never loaded"),
    "objects": ([X, ("y.npy", OBJECTS)], "y.npy in {} holds Python objects, which can run code and are never loaded"),
    "structured": ([("x.npy", npy(np.zeros(2, "f4,i4")))], "x.npy in {} holds structured or raw data"),
    "raw": ([("x.npy", npy(np.zeros(2, "V4")))], "x.npy in {} holds structured or raw data"),
    "complex": ([("x.npy", npy(np.zeros(2, complex)))], "x.npy in {} holds complex numbers; save real and imaginary"),
    "dates": ([("x.npy", npy(np.zeros(2, "M8[s]")))], "x.npy in {} holds the dtype <M8[s]; save it as numbers"),
    "long doubles": ([("x.npy", npy(np.zeros(2, np.longdouble)))], "holds the dtype <f16; save it as numbers"),
    "big-endian": ([("x.npy", npy(np.zeros(2, ">f4")))], "x.npy in {} is big-endian; save it with array.astype("),
    "big-endian text": ([("x.npy", npy(np.zeros(2, ">U4")))], "x.npy in {} is big-endian"),
    "Fortran order": ([("x.npy", npy(IMAGES.T))], "is in Fortran order; save it with np.ascontiguousarray(array)"),
    "one value": ([("x.npy", npy(np.float32(1)))], "x.npy in {} is a single value; save an array whose first axis"),
    "no samples": ([("x.npy", npy(IMAGES[:0]))], "is empty: x has 0 samples"),
    "empty samples": ([("x.npy", npy(IMAGES[:, :0]))], "a sample of f4[0, 3] holds nothing"),
    "empty samples without end": ([("x.npy", npy_saying(shape=(10**17, 0), data=b""))], "f4[0] holds nothing"),
    "empty text": ([("x.npy", npy_saying("<U0"))], "a sample of U0[2] holds nothing"),
    "endless text": ([("x.npy", npy_saying("<U999999999"))], "a sample of U999999999[2] holds nothing, or too much"),
    "only targets": ([Y], "holds no inputs, only y; save them as x"),
    "fewer targets": ([X, ("y.npy", npy(CLASSES[:7]))], ": y has 7 targets for the 100 samples of x; save as many"),
    "fewer samples": ([X, ("z.npy", npy(IMAGES[:7]))], ": z has 7 samples for the 100 samples of x; save as many"),
    "a billion samples": (
        [("x.npy", npy_saying(shape=(10**9, 2)))],
        "is truncated: it has 103 bytes, its header claims",
    ),
    "more than numbers hold": ([("x.npy", npy_saying(shape=(10**17,) * 9))], "is truncated: it has"),
    "more than Python reads": ([("x.npy", npy_saying(text="{'shape': (" + "9" * 5000 + ",)}"))], DAMAGED),
    "fewer than there are": ([("x.npy", npy_saying(data=bytes(25)))], "is damaged: it has"),
    "33 axes": ([("x.npy", npy_saying(shape=(1,) * 33, data=bytes(4)))], "or too much"),
    "negative": ([("x.npy", npy_saying(shape=(-1, 2)))], DAMAGED),
    "no tuple": ([("x.npy", npy_saying(shape="(6)"))], DAMAGED),
    "code": ([("x.npy", npy_saying(shape="(__import__('os').getpid(), 2)"))], DAMAGED),
    "no dtype": ([("x.npy", npy_saying("<f4 "))], DAMAGED),
    "unknown dtype": ([("x.npy", npy_saying("<q4"))], "holds the dtype <q4"),
    "no shape": ([("x.npy", npy_saying(text="{'descr': '<f4', 'fortran_order': False}"))], DAMAGED),
    "shape twice": (
        [("x.npy", npy_saying(text="{'descr': '<f4', 'shape': (1,), 'shape': (1,)}", data=bytes(4)))],
        DAMAGED,
    ),
    "nested": ([("x.npy", npy_saying(text="(" * 9000))], DAMAGED),
    "long header": ([("x.npy", npy_saying(text=" " * 20_000))], "truncated or damaged in its header"),
    "endless header": ([("x.npy", b"\x93NUMPY\2\0\xff\xff\xff\xff{")], "truncated or damaged in its header"),
    "unknown version": ([("x.npy", npy_saying(version=9))], "truncated or damaged in its header"),
    "unknown minor version": ([("x.npy", npy_saying(minor=64))], "truncated or damaged in its header"),
    "no content": ([("x.npy", b"")], "x.npy in {} is empty"),
    "no array": ([("x.npy", b"hello")], "x.npy in {} is no .npy array"),
}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
@pytest.mark.parametrize("case", MEMBERS)
def test_archive_of_what_is_unfit_is_refused(tmp_path, case, compression):
    """Whatever cannot be used in an archive is named, and nothing of it is written."""
    members, message = MEMBERS[case]
    path = tmp_path / "EVAL.npz"
    write(path, members, compression)
    call = open_data if compression == zipfile.ZIP_STORED else lambda path: unpack(path, tmp_path / "unpacked")

    assert message.replace("{}", str(path)) in refusal(path, call)
    assert list(tmp_path.rglob("*.npy")) == []


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(
    "text",
    [
        "{'shape': (3, 2), 'descr': '<f4', 'fortran_order': False}",
        '{"descr":"<f4","fortran_order":False,"shape":(3L,2L,),}  \n',
    ],
)
def test_headers_of_other_writers_are_read(tmp_path, version, text):
    """Entries in any order, either quotation mark, the long integers of Python 2 and each version are a header."""
    write(tmp_path / "EVAL.npz", [("x.npy", npy_saying(text=text, version=version))])

    column = open_data(tmp_path / "EVAL.npz").columns["x"]

    assert (column.count, column.shape, column.dtype) == (3, (2,), np.float32)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_array_that_is_there_twice_is_refused(tmp_path):
    """Which of two arrays of one name counts is not guessed."""
    write(tmp_path / "EVAL.npz", [X, Y, X])

    assert "holds x.npy twice; save each array once" in refusal(tmp_path / "EVAL.npz")


def test_overlapping_arrays_are_refused(tmp_path):
    """Two entries that lead to the same bytes are damage."""
    path = tmp_path / "EVAL.npz"
    write(path, [X, ("z.npy", X[1])])
    content = path.read_bytes()
    # Both entries lead to the first array, which is called as the second entry says.
    second = content.rindex(b"PK\1\2")
    content = content[: second + 42] + bytes(4) + content[second + 46 :]
    path.write_bytes(content.replace(b"x.npy", b"z.npy", 1))

    assert "damaged" in refusal(path)


@pytest.mark.parametrize("place", [b"PK\1\2", b"PK\3\4"], ids=["directory", "header"])
def test_encrypted_array_is_refused(tmp_path, place):
    """An array that needs a password is refused, wherever it says so."""
    path = tmp_path / "EVAL.npz"
    write(path, [X])
    content = bytearray(path.read_bytes())
    content[content.index(place) + (8 if place == b"PK\1\2" else 6)] |= 1
    path.write_bytes(content)

    assert re.search("is encrypted|is damaged", refusal(path))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_other_compression_is_refused(tmp_path, method):
    """What NumPy does not write is not expanded: these methods may take any amount of memory."""
    write(tmp_path / "EVAL.npz", [X], method)

    assert "is compressed by another method than NumPy's" in refusal(tmp_path / "EVAL.npz", compressed)


def test_large_directory_is_refused(tmp_path):
    """An archive of a hundred thousand arrays is not looked through."""
    with zipfile.ZipFile(tmp_path / "EVAL.npz", "w") as archive:
        for number in range(20_000):
            archive.writestr(zipfile.ZipInfo(f"x{number}.npy"), b"")

    assert "its directory has more than 1048576 bytes" in refusal(tmp_path / "EVAL.npz")


@pytest.mark.parametrize("form", ["npz", "compressed"])
def test_truncated_archive_is_refused_at_any_byte(tmp_path, form):
    """However many bytes an archive lacks, it is refused."""
    arrays = {"x": IMAGES[:2], "y": CLASSES[:2]}
    content = saved(tmp_path, form, arrays).read_bytes()
    path = tmp_path / "EVAL.npz"

    for length in range(len(content)):
        path.write_bytes(content[:length])
        refusal(path, compressed)


def test_truncated_array_is_refused_at_any_byte(tmp_path):
    """However many bytes a file of a folder lacks, it is refused."""
    content, path = npy(IMAGES[:2]), tmp_path / "x.npy"

    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert str(path) in refusal(tmp_path)


def test_array_that_leads_into_the_directory_is_refused(tmp_path):
    """What archive and array claim together, and the file does not hold, is refused before it is read."""
    path = tmp_path / "EVAL.npz"
    content = npy_saying(shape=(5, 2))
    write(path, [("x.npy", content)])
    patch(path, (struct.pack("<I", len(content)), struct.pack("<I", len(content) + 16)))

    assert f"x.npy in {path} is truncated; save the arrays again" in refusal(path)


def test_changed_byte_in_an_archive_is_noticed(tmp_path):
    """Every bit of a stored array counts: its checksum tells a changed one."""
    path = tmp_path / "EVAL.npz"
    write(path, [("x.npy", npy(np.arange(10)))])
    patch(path, (np.int64(5).tobytes(), np.int64(6).tobytes()))

    message = refusal(path, lambda path: open_data(path).verify())
    assert "is damaged: the checksum of x is wrong; write it again" in message


# What is refused: folders

FOLDERS = {
    "nothing": ({}, "holds no .npy file; save the inputs there as x.npy"),
    "other files": ({"EVAL.npz": b"", ".x.npy": b"", "x.txt": b""}, "holds no .npy file"),
    "a gap": ({"x-00000": IMAGES, "x-00002": IMAGES}, "x-00001.npy is missing, before x-00002.npy; add it"),
    "no start": ({"x-00001": IMAGES}, "x-00000.npy is missing, before x-00001.npy; add it"),
    "both": ({"x": IMAGES, "x-00000": IMAGES}, "holds both x.npy and x-00000.npy; remove what is not meant"),
    "one number twice": ({"x-00000": IMAGES, "x-000000": IMAGES}, "has the same number as another shard of x"),
    "short numbers": ({"x-0": IMAGES, "x-1": IMAGES}, "x-0.npy: shards have numbers of five digits; rename it x-00000"),
    "another dtype": (
        {"x-00000": IMAGES, "x-00001": IMAGES.astype(float)},
        "x-00001.npy: a sample is float64[4, 3], in x-00000.npy it is float32[4, 3]; save all shards alike",
    ),
    "another shape": (
        {"x-00000": IMAGES, "x-00001": IMAGES[:, 0]},
        "x-00001.npy: a sample is float32[3], in x-00000.npy it is float32[4, 3]; save all shards alike",
    ),
    "fewer targets": ({"x-00000": IMAGES, "y": CLASSES[:7]}, "y has 7 targets for the 100 samples of x"),
    "no samples": ({"x-00000": IMAGES[:0], "x-00001": IMAGES[:0]}, "is empty: x has 0 samples"),
    "objects": ({"x": np.array([None])}, "x.npy holds Python objects, which can run code and are never loaded"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_unfit_folder_is_refused(tmp_path, case):
    """Whatever cannot be used in a folder is named."""
    files, message = FOLDERS[case]
    for name, content in files.items():
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        else:
            np.save(tmp_path / f"{name}.npy", content)

    assert message in refusal(tmp_path)


def test_folder_in_the_place_of_an_array_is_refused(tmp_path):
    """An array is a file."""
    (tmp_path / "x.npy").mkdir()

    assert "x.npy is not a file" in refusal(tmp_path)


@pytest.mark.parametrize("form", ["npz", "files"])
def test_change_while_reading_is_noticed(tmp_path, form):
    """Data that are written again after they were opened are not mixed with what was read before."""
    path = saved(tmp_path, form, {"x": IMAGES})
    data = open_data(path)
    file = path if form == "npz" else path / "x.npy"
    file.write_bytes(file.read_bytes() + b" ")

    with pytest.raises(DataError, match=f"{file} was changed while it was read; start again"):
        data.rows("x", 0, 1)


def test_loss_while_reading_is_an_error(tmp_path):
    """Data that are gone after they were opened are named."""
    path = saved(tmp_path, "npz", {"x": IMAGES})
    data = open_data(path)
    path.unlink()

    with pytest.raises(DataError, match=rf"{path} cannot be read: No such file or directory; "):
        data.digest()


# What is refused: values


@pytest.mark.parametrize("form", ["npz", "files", "shards"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["x", "y", "half"])
def test_values_that_are_no_numbers_are_refused(tmp_path, form, value, name):
    """NaN and infinity in an input or target are told with the samples that hold them."""
    arrays = {"x": IMAGES.copy(), "half": IMAGES.astype(np.float16), "y": IMAGES[:, 0].astype(float)}
    arrays[name][[3, 41, 42, 99], 1] = value
    path = saved(tmp_path, form, arrays)

    message = refusal(path, lambda path: open_data(path).verify())

    assert f"{name} in {path} holds NaN or infinity in 4 of 100 samples (first: [3, 41, 42]); leave these" in message


def test_values_of_later_blocks_are_counted_from_the_first_sample(opened):
    """Samples are numbered through all blocks, of all kinds."""
    array = np.zeros((100, BLOCK // 160), np.float32)
    array[[2, 97], -1] = np.nan
    data = opened(x=array, y=(array[:, -1:] != 0) | np.zeros((100, BLOCK // 40), bool))

    assert "in 2 of 100 samples (first: [2, 97])" in refusal(data.path, lambda _: data.verify())
    assert "in 2 of 100 samples (first: [2, 97])" in refusal(data.path, lambda _: verify_targets(data, "y", 1))


def test_text_that_is_none_is_refused(tmp_path):
    """Characters that there are not are told before a model gets them."""
    path = tmp_path / "EVAL.npz"
    write(path, [("x.npy", npy_saying("<U1", (3,), data=struct.pack("<3I", 65, 0x110000, 0xD800)))])

    message = refusal(path, lambda path: open_data(path).verify())
    assert "holds what is no text in 2 of 3 samples (first: [1, 2])" in message


def test_booleans_that_are_none_are_refused(tmp_path):
    """A boolean is 0 or 1: kernels differ in what they make of others."""
    path = tmp_path / "EVAL.npz"
    write(path, [("x.npy", npy_saying("|b1", (3,), data=b"\0\1\2"))])

    message = refusal(path, lambda path: open_data(path).verify())
    assert "holds bytes that are neither 0 nor 1 in 1 of 3 samples (first: [2])" in message


# Inputs


def signature(inputs, outputs=("out",)):
    """Return a signature with these inputs, pairs of type and shape, and outputs."""
    tensors = {name: Tensor(0, 0, 0, name, dtype, shape, False, False, None) for name, (dtype, shape) in inputs.items()}
    return Signature(
        "serve", 0, tensors, {name: Tensor(0, 1, 0, name, "FLOAT32", (1, 10), False, False, None) for name in outputs}
    )


FLOATS = ("FLOAT32", (1, 4, 3))
BOUND = {
    "x": ({"x": IMAGES}, {"image": FLOATS}, {"image": "x"}),
    "its name": ({"image": IMAGES, "y": CLASSES}, {"image": FLOATS}, {"image": "image"}),
    "by name": ({"b": IMAGES, "a": IMAGES}, {"a": FLOATS, "b": FLOATS}, {"a": "a", "b": "b"}),
    "a tensor's name": (
        {"a_b:0": IMAGES, "c_1": IMAGES},
        {"a/b:0": FLOATS, "c-1": FLOATS},
        {"a/b:0": "a_b:0", "c-1": "c_1"},
    ),
    "called y": ({"x": IMAGES, "y": IMAGES}, {"x": FLOATS, "y": FLOATS}, {"x": "x", "y": "y"}),
    "alone and called y": ({"x": IMAGES, "y": CLASSES}, {"y": FLOATS}, {"y": "x"}),
    "any batch": ({"x": IMAGES}, {"x": ("FLOAT32", (-1, 4, 3))}, {"x": "x"}),
    "any size": ({"x": IMAGES}, {"x": ("FLOAT32", (1, -1, 3))}, {"x": "x"}),
    "no batch": ({"x": IMAGES}, {"x": ("FLOAT32", (4, 3))}, {"x": "x"}),
    "batch in the samples": ({"x": IMAGES[:, None]}, {"x": FLOATS}, {"x": "x"}),
    "scalar": ({"x": CLASSES}, {"x": ("INT64", ())}, {"x": "x"}),
    "scalar with batch": ({"x": CLASSES}, {"x": ("INT64", (1,))}, {"x": "x"}),
    "text": ({"x": ARRAYS["text"]}, {"x": ("STRING", (1,))}, {"x": "x"}),
    "bytes": ({"x": ARRAYS["raw"]}, {"x": ("STRING", ())}, {"x": "x"}),
    "booleans": ({"x": ARRAYS["flag"]}, {"x": ("BOOL", (1,))}, {"x": "x"}),
}


@pytest.mark.parametrize("case", BOUND)
def test_inputs_are_bound_by_name(opened, case):
    """Each input has its column, whose samples it takes as they are or with a batch axis."""
    arrays, inputs, expected = BOUND[case]

    assert bind(opened(**arrays), signature(inputs), "m.tflite") == expected


UINT8 = np.zeros((5, 4, 3), np.uint8)
UNBOUND = {
    "no x": (
        {"z": IMAGES},
        {"image": FLOATS},
        "does not fit m.tflite: no array for image and no input for the array z; its arrays are z, the inputs are "
        "image: save them with np.savez(x=…)",
    ),
    "missing": (
        {"a": IMAGES},
        {"a": FLOATS, "b/c": FLOATS},
        "no array for b/c; its arrays are a, the inputs are a, b/c: save them with np.savez(a=…, b_c=…)",
    ),
    "surplus": ({"x": IMAGES, "z": IMAGES}, {"x": FLOATS}, "no input for the array z; its arrays are x, z"),
    "float64": (
        {"x": IMAGES.astype(float)},
        {"image": FLOATS},
        "is float64, the input image of m.tflite is float32; save x.astype(np.float32)",
    ),
    "images": (
        {"x": UINT8},
        {"image": FLOATS},
        "is uint8, the input image of m.tflite is float32; if they are images, save them as the model was trained on "
        "them, often (x / 255).astype(np.float32)",
    ),
    "other integers": ({"x": UINT8}, {"x": ("INT32", (1, 4, 3))}, "x of m.tflite is int32; save x.astype(np.int32)"),
    "fractions": ({"x": IMAGES}, {"x": ("INT32", (1, 4, 3))}, "if it holds whole numbers, save x.astype(np.int32)"),
    "no booleans": ({"x": UINT8}, {"x": ("BOOL", (1, 4, 3))}, "save x.astype(np.bool)"),
    "text": ({"x": ARRAYS["text"]}, {"x": ("INT32", (1,))}, "is str, the input x of m.tflite is int32; save the numb"),
    "no text": ({"x": IMAGES}, {"x": ("STRING", (1, 4, 3))}, "is string; save an array of str or bytes"),
    "resource": ({"x": IMAGES}, {"x": ("RESOURCE", (1, 4, 3))}, "is resource, which data cannot be given for"),
    "channels first": (
        {"x": np.zeros((5, 3, 8, 6), np.float32)},
        {"x": ("FLOAT32", (1, 8, 6, 3))},
        "has samples of shape [3, 8, 6], the input x of m.tflite takes [1, 8, 6, 3]; its axes are in another order: "
        "save x.transpose(0, 2, 3, 1)",
    ),
    "no channel": (
        {"x": IMAGES},
        {"x": ("FLOAT32", (-1, 4, 3, 1))},
        "has samples of shape [4, 3], the input x of m.tflite takes [?, 4, 3, 1]; save x.reshape(len(x), 4, 3, 1)",
    ),
    "scalars": ({"x": CLASSES[:, None]}, {"x": ("INT64", ())}, "takes []; save x.reshape(-1)"),
    "other size": ({"x": IMAGES}, {"x": ("FLOAT32", (1, 5, 3))}, "prepare the samples as in training, to [5, 3] each"),
    "batch of eight": ({"x": IMAGES}, {"x": ("FLOAT32", (8, 4, 3))}, "takes [8, 4, 3]; prepare the samples"),
}


@pytest.mark.parametrize("case", UNBOUND)
def test_data_that_do_not_fit_are_refused(opened, case):
    """Names, dtypes and shapes that a model does not take are told with those that it takes, and the cure."""
    arrays, inputs, message = UNBOUND[case]
    data = opened(**arrays)

    assert message in refusal(data.path, lambda _: bind(data, signature(inputs), "m.tflite"))


def test_cure_for_another_order_of_axes_works():
    """The transposition that the message asks for is the one that gives the model's shape."""
    assert np.zeros((5, 3, 8, 6)).transpose(0, 2, 3, 1).shape == (5, 8, 6, 3)


def test_arrays_of_other_signatures_are_no_surplus(opened):
    """A file with several signatures shares one set of data."""
    data = opened(a=IMAGES, b=IMAGES)

    assert bind(data, signature({"a": FLOATS}), "m.tflite", elsewhere={"b"}) == {"a": "a"}


# Targets

TARGETS = {
    "none": ((), ("out",), {}),
    "y": (("y",), ("out",), {"out": "y"}),
    "its name": (("y_out",), ("out",), {"out": "y_out"}),
    "several": (("y_a", "y_b"), ("b", "a"), {"a": "y_a", "b": "y_b"}),
    "some": (("y_a",), ("b", "a"), {"a": "y_a"}),
    "a tensor's name": (("y_a_b",), ("a/b", "c"), {"a/b": "y_a_b"}),
}


@pytest.mark.parametrize("case", TARGETS)
def test_targets_are_bound_by_name(opened, case):
    """Each output has the targets that are called after it."""
    targets, outputs, expected = TARGETS[case]
    data = opened(x=IMAGES, **dict.fromkeys(targets, CLASSES))

    assert bind_targets(data, signature({}, outputs), "m.tflite") == expected


@pytest.mark.parametrize(
    ("targets", "outputs", "message"),
    [
        (("y",), ("a", "b"), "no output for the targets y; the outputs are a, b: call their targets y_a, y_b"),
        (("y_c",), ("a",), "no output for the targets y_c; the outputs are a: call their targets y"),
        (("y", "y_a"), ("a",), "no output for the targets y; "),
    ],
)
def test_targets_of_no_output_are_refused(opened, targets, outputs, message):
    """Targets that would silently not be used are an error."""
    data = opened(x=IMAGES, **dict.fromkeys(targets, CLASSES))

    assert message in refusal(data.path, lambda _: bind_targets(data, signature({}, outputs), "m.tflite"))


def test_input_that_looks_like_targets_is_none(opened):
    """A column that is bound as an input is not taken for targets."""
    data = opened(x=IMAGES, y=IMAGES)

    assert bind_targets(data, signature({}), "m.tflite", bound=["x", "y"]) == {}


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("classes", [10, 300, None])
def test_classes_in_range_are_accepted(opened, dtype, classes):
    """Classes of every integer type pass where each is one of the model's."""
    verify_targets(opened(x=IMAGES, y=CLASSES.astype(dtype)), "y", classes)


def test_left_out_classes_are_accepted(opened):
    """A value that stands for no class is not out of range."""
    verify_targets(opened(x=IMAGES, y=np.where(CLASSES == 3, 255, CLASSES)), "y", 10, ignore=255)


@pytest.mark.parametrize(
    ("value", "dtype", "classes", "message"),
    [
        (10, np.int64, 10, "holds 10, where classes are 0 to 9, in 2 of 100 samples (first: [4, 98]); number the cl"),
        (-1, np.int32, 10, "holds -1, where classes are 0 to 9, in 2 of 100 samples (first: [4, 98])"),
        (-1, np.int8, None, "holds -1, where classes are at least 0, in 2 of 100 samples (first: [4, 98])"),
        (2**64 - 1, np.uint64, 10, "holds 18446744073709551615, where classes are 0 to 9"),
    ],
)
def test_classes_out_of_range_are_refused(opened, value, dtype, classes, message):
    """A class that the model does not have is told with the first samples that have it."""
    targets = np.zeros((COUNT, 2), dtype)
    targets[[4, 98], 1] = value
    data = opened(x=IMAGES, y=targets)

    assert message in refusal(data.path, lambda _: verify_targets(data, "y", classes))


@pytest.mark.parametrize("targets", [CLASSES.astype(np.float32), CLASSES.astype(str)], ids=["floats", "text"])
def test_classes_that_are_no_integers_are_refused(opened, targets):
    """Classes are counted, not measured."""
    data = opened(x=IMAGES, y=targets)

    message = refusal(data.path, lambda _: verify_targets(data, "y", 10))
    assert "classes are integers; save y.astype(np.int64)" in message


# Memory


def test_importing_the_reader_loads_no_numpy():
    """The process that starts the run stays as small as it was."""
    code = "import sys, fixtures.harness.evaluation_data; sys.exit('numpy' in sys.modules)"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def peak(*paths):
    """Return how many bytes of memory a process needs to go through data."""
    command = [sys.executable, "-m", "tests.harness.streamer", *map(str, paths)]
    return int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("form", ["npy", "npz", "shards", "compressed"])
def test_memory_does_not_grow_with_the_samples(tmp_path, form):
    """Going through 100,000 images of 28x28, 314 MB, needs at most 40 MB more than going through 1,000."""
    needed = {}
    for count in (1_000, 100_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        if form == "npy":
            images_on_disk(folder / "x.npy", count)
            needed[count] = peak(folder)
        elif form == "shards":
            for number in range(10):
                images_on_disk(folder / f"x-{number:05}.npy", count // 10)
            needed[count] = peak(folder)
        else:
            images_on_disk(folder / "x.npy", count)
            method = zipfile.ZIP_STORED if form == "npz" else zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(folder / "EVAL.npz", "w", method, compresslevel=1) as archive:
                archive.write(folder / "x.npy", "x.npy")
            unpacked = [folder / "unpacked"] * (form == "compressed")
            needed[count] = peak(folder / "EVAL.npz", *unpacked)

    assert needed[100_000] - needed[1_000] < 40e6


def hostile_directory(path):
    """Write an archive whose directory is as long as one may be."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(17_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.npy"), b"")


def hostile_bomb(path):
    """Write an archive of 400 kB that expands to 400 MB, as it claims, of which its array claims little."""
    write(path, [("x.npy", npy_saying("|u1", (1,), data=bytes(400_000_000)))], zipfile.ZIP_DEFLATED)


def hostile_shape(path):
    """Write an archive whose array claims a petabyte."""
    write(path, [("x.npy", npy_saying("|u1", (1 << 50,)))])


@pytest.mark.parametrize("make", [hostile_directory, hostile_bomb, hostile_shape])
def test_memory_stays_within_the_bound_whatever_a_file_claims(tmp_path, make):
    """A file that is made to fill the memory is refused before it does."""
    make(tmp_path / "EVAL.npz")
    tracemalloc.start()
    try:
        refusal(tmp_path / "EVAL.npz", lambda path: unpack(path, tmp_path / "unpacked"))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < MOST_MEMORY


def images_on_disk(path: Path, count):
    """Make a file of empty images, of which the disk stores nothing but the header."""
    beginning = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (count, 28, 28)}
    np.lib.format.write_array_header_1_0(beginning, header)
    with path.open("wb") as file:
        file.write(beginning.getvalue())
        file.truncate(file.tell() + count * 28 * 28 * 4)
