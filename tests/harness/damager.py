"""A process that damages evaluation data and reads them: `python -m tests.harness.damager FROM TO FOLDER`.

Each number from FROM up to TO is one input, the same on every machine: run it alone to see what it does. Prints, as
JSON, how many were accepted, how many of these fit the model, the most memory that one took, in bytes, and what should
not have happened: anything raised but DataError, a sentence that does not name the file, a file outside the folder, or
arrays other than those that NumPy reads.
"""

import io
import json
import random
import shutil
import struct
import sys
import traceback
import tracemalloc
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from fixtures.harness.evaluation_data import (
    DataError,
    bind,
    bind_targets,
    compressed,
    open_data,
    unpack,
    verify_targets,
)
from tests.harness.npz import npy

ARRAYS = {
    "x": np.arange(24, dtype=np.float32).reshape(4, 3, 2),
    "flag": np.array([True, False, True, True]),
    "text": np.array(["one", "", "größer", "🙂"]),
    "y": np.array([1, 0, 9, 3]),
}
TENSORS = {
    "x": SimpleNamespace(type="FLOAT32", shape=(1, 3, 2)),
    "flag": SimpleNamespace(type="BOOL", shape=(1,)),
    "text": SimpleNamespace(type="STRING", shape=(-1,)),
}
SIGNATURE = SimpleNamespace(inputs=TENSORS, outputs={"out": None})

WORDS = [
    *(b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\x93NUMPY\1\0", b"\x93NUMPY\3\0", b"\x80\4"),
    *(b"True", b"|O", b">f4", b"<c8", b"<U9", b"|S0", b"[('a', '<f4')]", b"(", b")", b",", b"'", b"}", b"-1", b"0"),
    *(b"99999999999", b"1000000000000000000", b"\n", b"\0"),
    *(struct.pack("<Q", value) for value in (0, 1, 8, 0xFFFF, 1 << 31, 0xFFFFFFFF, 1 << 40, 1 << 63, (1 << 64) - 1)),
    *(struct.pack("<I", value) for value in (0, 1, 8, 0xFFFF, 1 << 31, 0xFFFFFFFF)),
    *(struct.pack("<H", value) for value in (0, 1, 8, 12, 0x800, 0x7FFF, 0xFFFF)),
]
NAMES = ["x", "y", "y_out", "../x", "x-00000", "x-00001", "x-1", "", "..", "/x", "a\\b", "x\0", "\n", "ü", "x" * 300]
VALUES = {
    "descr": [
        "'<f8'",
        "'|b1'",
        "'|O'",
        "'<U3'",
        "'|S24'",
        "'>f4'",
        "'|i1'",
        "'f4'",
        "[('a', '<f4')]",
        "None",
        "'<M8[s]'",
    ],
    "fortran_order": ["True", "0", "None"],
    "shape": [
        *("(4,)", "(4, 3)", "(24, 1)", "(2, 3, 4)", "()", "(4)", "4", "(0, 3, 2)", "(-4, 3, 2)", "(4, 6, 1)"),
        *("(10000000000,)", "(4, 1000000000000000000000)", "(9223372036854775807, 2)", "(4, 3, 2, 0)", "[4, 3, 2]"),
    ],
}
"""Other values for the entries of a header."""


def damaged(content, chance):
    """Return *content* after a few changes of its bytes."""
    content = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        # Most of a small archive is structure; its end says where all of it is.
        place = chance.choice([chance.randrange(len(content) + 1), max(0, len(content) - chance.randrange(1, 400))])
        word = chance.choice(WORDS)
        length = chance.choice([1, 2, 4, 8, chance.randrange(1, 200)])
        match chance.randrange(7):
            case 0:
                content[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                content[place : place + len(word)] = word
            case 2:
                content[place:place] = word
            case 3:
                del content[place : place + length]
            case 4:
                del content[place:]
            case 5:
                content[place:place] = content[place : place + length]
            case 6:
                other = chance.randrange(len(content) + 1)
                content[place : place + length] = content[other : other + length]
    return bytes(content)


def misdescribed(content, chance):
    """Return the `.npy` *content* with another header, that has its true length."""
    version = chance.choice([1, 1, 2, 3])
    header = {"descr": "'<f4'", "fortran_order": "False", "shape": "(4, 3, 2)"}
    for _ in range(chance.choice([1, 1, 2])):
        key = chance.choice(list(header))
        header[key] = chance.choice(VALUES[key])
    entries = [f"'{key}': {value}" for key, value in header.items()]
    chance.shuffle(entries)
    text = f"{{{', '.join(entries)}{chance.choice(['', ', '])}}}{' ' * chance.randrange(20)}\n".encode()
    if not chance.randrange(4):
        text = damaged(text, chance)
    data = bytes(chance.choice([96, 96, 96, 24, 192, 0, 95]))
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def members(chance):
    """Return names and `.npy` contents, some of them changed; those of an archive get true checksums."""
    found = {name: npy(array) for name, array in ARRAYS.items() if name == "x" or chance.randrange(3)}
    pairs = list(found.items())
    for _ in range(chance.choice([0, 0, 1, 1, 2])):
        number = chance.randrange(len(pairs))
        name, content = pairs[number]
        match chance.randrange(5):
            case 0:
                pairs[number] = (name, damaged(content, chance))
            case 1 | 2:
                pairs[number] = (name, misdescribed(content, chance))
            case 3:
                pairs[number] = (chance.choice(NAMES), content)
            case 4:
                pairs.append((chance.choice(NAMES), content))
    return pairs


def archive(pairs, chance):
    """Return an archive of *pairs*, changed or not."""
    file = io.BytesIO()
    compression = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(file, "w") as opened:
        for name, content in pairs:
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = compression
            info.extra = struct.pack("<HHQ", 1, 8, chance.choice([0, 1 << 40])) if not chance.randrange(8) else b""
            with opened.open(info, "w", force_zip64=bool(chance.randrange(2))) as member:
                member.write(content)
    content = file.getvalue()
    return damaged(content, chance) if chance.randrange(3) else content


def make(folder, chance):
    """Return where the input is that *chance* makes: an archive, or a folder of arrays."""
    pairs = members(chance)
    if chance.randrange(4):
        path = folder / "EVAL.npz"
        path.write_bytes(archive(pairs, chance))
        return path
    path = folder / "data"
    path.mkdir()
    for name, content in pairs:
        if name.isprintable() and not {"/", "\\"} & set(name) and len(name) < 200:
            cut = chance.random() < 0.3 and name == "x"
            (path / f"{name}{'-00000' if cut else ''}.npy").write_bytes(content)
            if cut:
                (path / f"{name}-0000{chance.choice([1, 1, 2])}.npy").write_bytes(damaged(content, chance))
    return path


def go_through(path, folder):
    """Read all of *path* in every way that there is; return the data that were accepted."""
    if compressed(path):
        unpack(path, folder / "unpacked")
        data = open_data(folder / "unpacked")
    else:
        data = open_data(path)
    data.digest()
    data.verify()
    for name in data.columns:
        assert all(len(data.rows(name, start, stop)) == stop - start for start, stop in data.blocks(100))
        data.take(name, [data.count - 1, 0])
    return data


def verify_same(path, data):
    """Raise AssertionError unless NumPy reads the same arrays."""
    if path.is_file():
        with np.load(path, allow_pickle=False) as archive:
            expected = {name: archive[name] for name in archive}
    else:
        expected = {}
        for file in sorted(path.glob("[!.]*.npy")):
            name, _, number = file.stem.partition("-0000")
            array = np.load(file, allow_pickle=False)
            expected[name] = np.concatenate([expected[name], array]) if number > "0" else array
    assert set(data.columns) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(data.rows(name, 0, data.count), array, strict=True)


def judge(data):
    """Take the data as a model's; what fits no model is refused too."""
    bound = bind(data, SIGNATURE, "model.tflite")
    for column in bind_targets(data, SIGNATURE, "model.tflite", bound.values()).values():
        verify_targets(data, column, 10)


def main(first, last, folder):
    """Print what became of the inputs."""
    accepted = bound = 0
    most, failures = 0, []
    tracemalloc.start()
    for number in range(first, last):
        place = folder / str(number)
        place.mkdir()
        path = make(place, random.Random(number))
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        try:
            try:
                data = go_through(path, place)
            finally:
                most = max(most, tracemalloc.get_traced_memory()[1] - before)
            accepted += 1
            verify_same(path, data)
            judge(data)
            bound += 1
        except DataError as error:
            if not str(error).isprintable() or str(place) not in str(error):
                failures.append(f"input {number}: {error}")
        except BaseException:
            failures.append(f"input {number}: {traceback.format_exc()}")
        if any(found.suffix == ".npy" for found in place.parent.iterdir()):
            failures.append(f"input {number} wrote outside its folder")
        shutil.rmtree(place)
    print(json.dumps({"accepted": accepted, "bound": bound, "most": most, "failures": failures[:5]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
