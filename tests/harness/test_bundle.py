"""What a bundle is called, what is in it, and when what is replayed is the same."""

import dataclasses
import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fixtures.harness import bundle
from fixtures.harness.artifacts import DATA, FACTS, Build
from fixtures.harness.bundle import Argument, BundleError, Bundles, Case, compare, name_of
from fixtures.harness.record import Check
from fixtures.harness.targets import TARGETS, external
from fixtures.harness.verdict import Verdict
from models.spec import ModelSpec

FLIPS = Verdict("flips", 12, at_most=10, samples=(2, 1, 9))
TEST = "tests/test_accuracy.py::test_it[pair-fp16-xnnpack]"
ENVIRONMENT = {"packages": {"numpy": "2.4.6"}, "python": "CPython 3.12", "platform": "Linux", "cpu": "a CPU"}


@pytest.fixture
def folder(tmp_path):
    """Where bundles go."""
    return tmp_path / "bundles"


@pytest.fixture
def user(tmp_path):
    """A folder with a pair and its data, of five samples."""
    place = tmp_path / "user"
    place.mkdir()
    for name in ("a.tflite", "b.tflite"):
        (place / name).write_text(name)
    columns = {"file": np.arange(10).reshape(5, 2), "samples": np.arange(5), "y": np.array(list("abcde"))}
    for name, array in columns.items():
        (place / DATA).mkdir(exist_ok=True)
        np.save(place / DATA / f"{name}.npy", array)
    (place / FACTS).write_text("{}")
    return place


@pytest.fixture
def case(user):
    """A failing check of that pair, which comes on the command line."""
    spec = ModelSpec(name="pair", fp32=user / "a.tflite", fp16=user / "b.tflite", data=user / DATA)
    check = Check(TEST, model="pair", status="failed", measured=[FLIPS.as_dict()], messages=["flips: 12 measured"])
    build = Build(user, user / "a.tflite", user / "b.tflite", user / DATA)
    return Case(check, spec=spec, build=build, target=TARGETS["xnnpack"])


def script(place):
    """Return the command of the bundle in the folder *place*, its lines put together; a shell can read it."""
    text = (place / "reproduce.sh").read_text()
    assert subprocess.run(["sh", "-n", place / "reproduce.sh"], check=False).returncode == 0, text
    return " ".join(text.replace("\\\n", " ").split())


@pytest.mark.parametrize(
    "test_id",
    [
        TEST,
        "tests/test_a.py::test_b[<script>'\"/../\n\u202e\U0001f600]",
        f"tests/test_a.py::test_b[{'long' * 100}]",
        "tests/test_a.py::",
        "",
    ],
)
def test_name_is_safe_short_and_its_own(test_id):
    """It is made of what every file system takes, begins with what the check is of, and differs where the id does."""
    name = name_of(test_id)

    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,91}", name)
    assert not name.startswith("..")
    assert name != name_of(f"{test_id} ")
    assert name_of(TEST).startswith("accuracy-it-pair-fp16-xnnpack-")


def test_bundle_has_all_that_is_asked_of_it(folder, case, user):
    """The check, the samples, the environment and the command; files lie with the model, referred to relatively."""
    place = Bundles(folder, ENVIRONMENT).write(case)
    check = json.loads((place / "check.json").read_text())
    environment = json.loads((place / "environment.json").read_text())
    inputs = np.load(place / "inputs.npz", allow_pickle=False)

    assert (check["test_id"], check["status"], check["message"]) == (TEST, "failed", "flips: 12 measured")
    assert (check["measured"][0]["value"], check["measured"][0]["at_most"]) == (12, 10)
    assert check["samples"] == inputs["samples_"].tolist() == [1, 2]  # the data have no sample 9
    assert inputs["file"].tolist() == [[2, 3], [4, 5]]
    assert inputs["y"].tolist() == ["b", "c"]
    assert (environment["cpu"], environment["target"]["name"]) == ("a CPU", "xnnpack")
    assert all((folder / path).exists() for path in environment["sha256"])
    assert len(environment["sha256"]) == 3
    assert f'{TEST}\' --delegate=xnnpack --fp32="$bundles"/models/pair-' in script(place)
    assert str(user) not in script(place)
    assert os.access(place / "reproduce.sh", os.X_OK)


def test_files_of_a_model_are_there_once(folder, case):
    """Two checks of one model share its files."""
    bundles = Bundles(folder, ENVIRONMENT)
    other = dataclasses.replace(case, check=dataclasses.replace(case.check, name=f"{TEST} too"))
    places = bundles.write(case), bundles.write(other)

    assert len({*places}) == 2
    assert len(list(folder.rglob("b.tflite"))) == 1


def test_command_says_what_matters_of_the_run(folder, case, user, monkeypatch):
    """Bounds, settings, a delegate library with its options, and switches of the environment; no secrets."""
    library = user / "lib it's.so"
    library.write_text("")
    (user / "b.toml").write_text("")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2 'or so'")
    monkeypatch.setenv("VK_DRIVER_FILES", "/opt/driver\n.json")
    monkeypatch.setenv("TF_VAR_password", "secret")
    more = {
        "target": external(f"external:{library}", {"device": "a b"}),
        "bounds": user / "b.toml",
        "options": (Argument("--bound=flipped=0.1"),),
        "settings": ("--full-gpu",),
        "crashed": True,
    }
    place = Bundles(folder, ENVIRONMENT).write(dataclasses.replace(case, **more))

    told = script(place)
    assert """ -n1 --delegate=external:"$bundles"/'libraries/lib-it-s.so-""" in told
    assert "'--delegate-option=device=a b' " in told
    assert '--bounds="$bundles"/models/pair-' in told
    assert " --bound=flipped=0.1 --full-gpu --artifacts=" in told
    assert "export ONEDNN_MAX_CPU_ISA='AVX2 '\"'\"'or so'\"'\"''" in told
    assert "# That run had the variable VK_DRIVER_FILES='/opt/driver\\n.json' as well." in told
    assert not [file for file in place.iterdir() if b"secret" in file.read_bytes()]


def test_what_cannot_be_written_leaves_nothing(folder, case, monkeypatch):
    """A bundle appears whole or not at all, and each later check of the same model is refused as the first is."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle.shutil, "copyfile", full)
    bundles = Bundles(folder, ENVIRONMENT)

    for _ in range(2):
        with pytest.raises(BundleError, match=r"bundles could not be written: No space left on device"):
            bundles.write(case)
    assert not [*folder.iterdir()]


def test_missing_file_is_told(folder, case, user):
    """What cannot be copied is named, and the rest is there."""
    (user / "b.tflite").unlink()
    place = Bundles(folder, ENVIRONMENT).write(case)

    told = json.loads((place / "check.json").read_text())["not_copied"]
    assert told == [f"fp16: {user / 'b.tflite'} could not be copied (No such file or directory)"]
    assert len(list(folder.rglob("a.tflite"))) == 1


def test_check_without_a_build_has_no_samples(folder, case):
    """What is known is there, and why the samples are not."""
    place = Bundles(folder, ENVIRONMENT).write(dataclasses.replace(case, build=None))

    told = json.loads((place / "check.json").read_text())
    assert (told["samples"], told["why_no_samples"]) == ([], "there is no build, which knows the data")
    assert not (place / "inputs.npz").exists()


@pytest.mark.parametrize(("below", "says"), [("file", "it is a file"), ("full", "it is not empty")])
def test_folder_with_anything_in_it_is_refused(tmp_path, below, says):
    """What an earlier run left is evidence, and stays."""
    (tmp_path / "file").write_text("")
    (tmp_path / "full" / "model").mkdir(parents=True)

    with pytest.raises(BundleError, match=says):
        bundle.verify(tmp_path / below)


def test_verifying_a_folder_leaves_no_trace(tmp_path):
    """Neither the folder nor those above it are there afterwards; an empty one stays."""
    (tmp_path / "empty").mkdir()
    bundle.verify(tmp_path / "new" / "folder")
    bundle.verify(tmp_path / "empty")

    assert [*tmp_path.rglob("*")] == [tmp_path / "empty"]


def replayed(before, after, folder="/moved"):
    """Return how a check with the fields *before* compares with a run in which it has those of *after*."""
    same = {"status": "failed", "measured": [FLIPS.as_dict()], "message": "flips"}
    told = {"test_id": TEST, "came_from": ["/home/it's mine"], **same, **before}
    checks = [] if after is None else [{"name": TEST, **same, **before, **after}]
    return compare(told, {"checks": checks, "run": {"problems": ["no model"]}}, Path(folder))


@pytest.mark.parametrize(
    ("before", "after", "same", "says"),
    [
        ({}, {}, True, "they have the same values"),
        ({}, {"measured": [dataclasses.replace(FLIPS, value=13).as_dict()]}, True, "flips is 13.0, it was 12.0"),
        ({}, {"measured": [Verdict("drop", 2, at_most=1).as_dict()]}, False, "for another reason now: drop"),
        ({}, {"measured": [], "message": "it died\nlast"}, False, "for another reason now: it died"),
        ({}, {"status": "passed", "message": ""}, False, "it passed now"),
        ({}, {"status": "skipped", "message": "absent"}, False, "it skipped now: absent"),
        ({}, None, False, "it did not run: no model"),
        ({"measured": []}, {"message": "flips"}, True, "the same message"),
        ({"measured": []}, {"message": "flops"}, False, "another message now: flops"),
        ({"measured": [], "message": "/home/it's mine/a b: no"}, {"message": "/moved/x/a b: no"}, True, "same message"),
        ({"measured": [], "message": "gw0 crashed"}, {"message": "gw1 crashed"}, True, "the same message"),
    ],
)
def test_same_is_what_fell_short_for_the_same(before, after, same, says):
    """The same quantities beyond their bounds, or where none was measured the same message, wherever files are."""
    found = replayed(before, after)

    assert found.same is same
    assert says in found.says


def test_other_machine_is_told():
    """What differs of the machine, the packages and the gate itself is said."""
    before = bundle.of_run(ENVIRONMENT)
    now = before | {"cpu": "another", "packages": {"numpy": "3"}, "gate_sha256": "0"}

    assert bundle.differences(before, before) == []
    assert bundle.differences(before, now) == [
        "cpu is another, it was a CPU",
        "numpy is 3, it was 2.4.6",
        "the gate's own code is another",
    ]
