"""What the user brings is looked through once; what is wrong with it is told in words, and leaves nothing behind."""

import json
import subprocess
import sys

import numpy as np
import pytest

from fixtures.harness.artifacts import DATA, FACTS
from fixtures.harness.evaluation_data import DataError, open_data
from fixtures.harness.preparing import TWIN, prepare
from fixtures.harness.store import Address
from fixtures.harness.tflite_file import UnreadableModelError, read
from fixtures.harness.twin import TwinError
from fixtures.harness.versions import ROOT

ADDRESS = Address.of("builds", "model", {"files": []})
SAMPLES = {"x": np.random.default_rng(0).normal(size=(20, 16)).astype(np.float32), "y": np.arange(20) % 10}


@pytest.fixture
def told():
    """What was said while it was done, and the shares that were told."""
    return []


@pytest.fixture
def look(converted, store, tmp_path, told):
    """Look through a pair of files and data; return the folder. Data are saved as an archive by default."""

    def work(fp32="dense-fp32", fp16="dense-fp16", data=SAMPLES, save=np.savez, anew=False):
        path = data
        if isinstance(data, dict):
            path = tmp_path / "eval.npz"
            save(path, **data)
        files = {
            name: None if file is None else str(file if hasattr(file, "exists") else converted / f"{file}.tflite")
            for name, file in (("fp32", fp32), ("fp16", fp16))
        }
        job = files | {"data": str(path), "store": str(store.root), "address": vars(ADDRESS), "anew": anew}
        prepare(job, lambda text, share: told.append((text, share)))
        return store.path(ADDRESS)

    return work


def test_mapped_data_stay_where_they_are(look, tmp_path):
    """Of data that can be mapped, their digest is written down; neither they nor the files are copied."""
    folder = look()

    assert [file.name for file in folder.iterdir() if file.name.startswith(("fp", DATA))] == []
    assert json.loads((folder / FACTS).read_text()) == {"data_sha256": open_data(tmp_path / "eval.npz").digest()}


def test_compressed_data_are_unpacked(look, tmp_path):
    """Compressed data are unpacked into the entry, as the same data."""
    folder = look(save=np.savez_compressed)
    found = open_data(folder / DATA)

    assert {name: found.rows(name, 0, 20).tolist() for name in found.columns} == {
        name: array.tolist() for name, array in SAMPLES.items()
    }
    digest = json.loads((folder / FACTS).read_text())["data_sha256"]
    np.savez(tmp_path / "mapped.npz", **SAMPLES)
    assert digest == open_data(tmp_path / "mapped.npz").digest()


def test_folder_of_shards_is_looked_through(look, saved):
    """Data may be a folder of arrays."""
    assert not (look(data=saved(SAMPLES)) / DATA).exists()


def test_twin_of_a_file_that_comes_alone_is_made(look):
    """Of a float16 file without a parent, the entry holds the float32 file with its weights."""
    twin = read(look(fp32=None) / TWIN)

    assert {tensor.type for tensor in twin.constants} == {"FLOAT32"}
    assert [op.name for op in twin.subgraphs[0].operators] == ["FULLY_CONNECTED"] * 2


def test_second_run_finds_what_the_first_looked_through(look, told):
    """What was looked through is not looked through again, unless that is asked for."""
    look()
    first = len(told)
    look()
    assert len(told) == first
    look(anew=True)

    assert len(told) == 2 * first


def test_progress_is_told(look, told):
    """Whoever waits is told what is done, up to the whole of it."""
    look(fp32=None, save=np.savez_compressed)
    done = dict(told)

    assert done == {
        "making a float32 twin": None,
        "unpacking the evaluation data": pytest.approx(1),
        "looking through the evaluation data": pytest.approx(1),
    }


def with_nan():
    """Return the samples with one that is no number."""
    x = SAMPLES["x"].copy()
    x[7, 3] = np.nan
    return SAMPLES | {"x": x}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["mapped", "compressed"])
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (with_nan(), r"x in .* holds NaN or infinity in 1 of 20 samples \(first: \[7\]\)"),
        (SAMPLES | {"x": SAMPLES["x"][:, :15]}, r"x in .* has samples of shape \[15\], the input values of dense-fp16"),
        (SAMPLES | {"z": SAMPLES["x"]}, r"does not fit dense-fp16\.tflite: no input for the array z"),
        (SAMPLES | {"y_z": SAMPLES["y"]}, r"does not fit dense-fp16\.tflite: no output for the targets y_z"),
        (SAMPLES | {"y": SAMPLES["y"][:19]}, r"y has 19 targets for the 20 samples of x"),
    ],
    ids=["NaN", "shape", "surplus", "targets", "count"],
)
def test_unfit_data_are_an_error_that_leaves_nothing(look, store, save, data, error):
    """Data that no model can be judged by are refused, and no entry is left that a later run would trust."""
    with pytest.raises(DataError, match=error):
        look(data=data, save=save)
    assert store.find(ADDRESS) is None


def test_data_for_several_signatures_fit(look):
    """Each signature finds its inputs; what one takes is no surplus of another."""
    data = {"values": np.ones((5, 4), np.float32), "others": np.ones((5, 5), np.float32)}

    assert look("entries-fp32", "entries-fp16", data=data)


def test_missing_data_are_an_error(look, tmp_path):
    """Data that are not there are named."""
    with pytest.raises(DataError, match=rf"^{tmp_path}/gone\.npz is not there"):
        look(data=tmp_path / "gone.npz")


@pytest.mark.parametrize("which", ["fp32", "fp16"])
@pytest.mark.parametrize("content", [b"", b"no flatbuffer at all"])
def test_file_that_is_none_is_an_error(look, store, tmp_path, which, content):
    """A file that is no model is named, whichever of the two it is."""
    (tmp_path / "bad.tflite").write_bytes(content)

    with pytest.raises(UnreadableModelError, match=rf"{tmp_path}/bad\.tflite"):
        look(**{which: tmp_path / "bad.tflite"})
    assert store.find(ADDRESS) is None


def test_float32_file_that_comes_alone_is_refused(look, store):
    """Of a float32 file no twin is made: it is told what it is."""
    with pytest.raises(TwinError, match=r"dense-fp32\.tflite"):
        look(fp32=None, fp16="dense-fp32")
    assert store.find(ADDRESS) is None


def test_pair_is_looked_through_without_tensorflow():
    """The process that looks through a pair loads no TensorFlow, and no runtime before it runs something."""
    code = """
import sys, fixtures.harness.runner
print(sorted({"tensorflow", "keras", "ai_edge_litert"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
