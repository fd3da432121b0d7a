"""The document for programs is valid JSON whatever it holds, says what a run is worth, and is written whole."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from fixtures.harness import model_lines, record
from fixtures.harness.record import Check, conclusion, counts, document, of_model, of_target, plain, text, write
from fixtures.harness.targets import TARGETS, Presence
from fixtures.harness.verdict import Verdict
from fixtures.harness.versions import ROOT
from models.spec import Budget, ModelSpec

NOTHING = dict.fromkeys((*record.STATUSES, "not_run"), 0)
BEGUN = {"started": datetime(2026, 1, 2, tzinfo=UTC), "environment": {}}
LEG = {"precision": "fp16", "target": "gpu", "arithmetic": "float32", "share": 0.25, "allowed": 0.5}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, '"NaN"'),
        (math.inf, '"Infinity"'),
        (-math.inf, '"-Infinity"'),
        (0.1, "0.1"),
        (3, "3"),
        (True, "true"),
        (None, "null"),
        (np.float32(0.5), "0.5"),
        (np.float16("-inf"), '"-Infinity"'),
        (np.int64(7), "7"),
        (np.bool_(0), "false"),
        (np.array([1.0, np.inf]), '[1.0, "Infinity"]'),
        ((1, (2,)), "[1, [2]]"),
        ({3: math.nan}, '{"3": "NaN"}'),
        (Path("/a"), '"/a"'),
        ('</script>\u2028"\\\x00', json.dumps('</script>\u2028"\\\x00')),
        ("\ud800", '"\\\\ud800"'),
        ("\x1b[31mred\x1b[0m", '"red"'),
    ],
)
def test_every_value_has_a_form_in_json(value, written):
    """Numbers that JSON lacks, NumPy's, and text that is not UTF-8 have one; what is read back is what was meant."""
    assert plain(value) == json.loads(written)
    assert json.loads(text({"value": value}).encode().decode(), parse_constant=pytest.fail) == {
        "value": json.loads(written)
    }


@pytest.mark.parametrize(
    ("phases", "status"),
    [
        ([None, "passed", None], "passed"),
        ([None, "failed", None], "failed"),
        ([None, "passed", "error"], "error"),
        ([None, "failed", "error"], "failed"),
        (["error", None], "error"),
        (["skipped", None], "skipped"),
        ([None], None),
        ([], None),
    ],
)
def test_worst_phase_of_a_check_is_its_status(phases, status):
    """A check is what the worst of its phases says; one that was only set up was not carried out."""
    check = Check("tests/test_size.py::test_it[quick]")
    for phase in phases:
        check.add(phase, 0.25, f"why {phase}" if phase in {"failed", "error"} else "")

    assert check.status == status
    assert check.seconds == 0.25 * len(phases)
    assert check.as_dict()["message"].splitlines() == [
        f"why {phase}" for phase in phases if phase in {"failed", "error"}
    ]


def test_check_has_its_property_and_its_numbers():
    """The property is the noun of the test's module, and each measured value stands beside its bounds, as numbers."""
    verdict = Verdict("flips", 12, at_most=10, evidence="sample 811", look_at="the weights")
    check = Check("tests/test_one_image.py::test_it[a::b/test_c.py-x]", measured=[verdict.as_dict()])

    assert check.as_dict()["property"] == "one_image"
    assert check.as_dict()["measured"] == [
        {
            "quantity": "flips",
            "value": 12,
            "at_least": None,
            "at_most": 10,
            "holds": False,
            "evidence": "sample 811",
            "look_at": "the weights",
            "samples": [],
            "law": None,
        }
    ]


def test_what_was_not_carried_out_is_counted_and_not_listed():
    """Checks that were selected and that the run did not come to are a number."""
    found = document(**BEGUN, verdict="failed", checks=[Check("a", status="failed"), Check("b"), Check("c")])

    assert found["run"]["counts"] == NOTHING | {"failed": 1, "not_run": 2}
    assert [check["name"] for check in found["checks"]] == ["a"]


@pytest.mark.parametrize(
    ("code", "counted", "flags", "verdict"),
    [
        (0, {"passed": 3, "skipped": 1}, {}, "passed"),
        (0, {"skipped": 1}, {}, "not run"),
        (0, {}, {}, "not run"),
        (0, {"passed": 3, "failed": 1}, {}, "failed"),
        (0, {"passed": 3, "error": 1}, {}, "failed"),
        (0, {"passed": 3}, {"uncollected": True}, "failed"),
        (0, {"passed": 3}, {"interrupted": True}, "interrupted"),
        (0, {"passed": 3}, {"broken": True}, "internal error"),
        (1, {"passed": 3}, {}, "failed"),
        (1, {"failed": 1}, {}, "failed"),
        (2, {"passed": 3}, {"interrupted": True}, "interrupted"),
        (2, {"passed": 3, "failed": 1}, {"interrupted": True}, "interrupted"),
        (2, {"passed": 3, "failed": 1}, {}, "failed"),
        (2, {}, {"uncollected": True}, "failed"),
        (2, {"passed": 3}, {}, "interrupted"),
        (3, {"passed": 3}, {}, "internal error"),
        (4, {}, {}, "usage error"),
        (5, {}, {}, "nothing selected"),
        (77, {"passed": 3}, {}, "failed"),
        (None, {"passed": 3}, {}, "failed"),
    ],
)
def test_verdict_passes_only_what_passed(code, counted, flags, verdict):
    """Only a run that ended well, and whose checks all held, passed; other ends have names of their own."""
    assert conclusion(code, NOTHING | counted, **flags) == verdict


def test_document_that_a_run_begins_with_is_no_verdict():
    """It says that the run has not ended, in the form that all documents have."""
    begun, over = document(**BEGUN), document(**BEGUN, verdict="passed", exit_code=0)

    assert (begun["version"], begun["run"]["verdict"], begun["run"]["exit_code"]) == (2, "unfinished", None)
    assert "killed" in begun["run"]["problems"][0]
    assert begun.keys() == over.keys()
    assert begun["run"].keys() == over["run"].keys()
    assert (over["run"]["meaning"], over["run"]["problems"]) == ("every check held", [])


def test_figures_of_a_model_have_their_places():
    """Figures that are known stand under their sections, null where they were not measured, and no other is lost."""
    figures = {
        "fp32_bytes": 10,
        f"{model_lines.METRIC}": {"metric": "top-1 accuracy", "baseline": 0.5, "candidate": 0.25},
        f"{model_lines.KERAS_METRIC}": {"metric": "top-1 accuracy", "keras": 0.75},
        "data_sha256": "def",
        "fp32.tflite": "abc",
        f"{model_lines.DID_NOT_RUN}fp16 on gpu": "it died",
        f"{model_lines.EXPLAINED}test_it[quick]": "operator 3",
        f"{model_lines.DEVICE}gpu": ["llvmpipe", True, 1000],
        f"{model_lines.LATENCY}fp16 on gpu": {"load": 0.5},
        "fp16 gpu": LEG,
        "headroom": [{"position": 0}],
        "layers": [],
        "layers_why_not": "they part",
        "new": {"allowed": 1},
    }
    checks = [Check("a", model="quick", status="passed"), Check("b", model="other", status="failed")]
    files = {"data": "mnist"}
    budget = Budget(baseline={"digit": 0.75})
    spec = ModelSpec(name="quick", fp16="a.tflite", data="b.npz", budget=budget)
    found = of_model(spec, verdict="all held", cause="", figures=figures, checks=checks, files=files)

    assert found["sizes"] == dict.fromkeys(("fp32", "fp16", "ratio", "least", "most")) | {"fp32": 10}
    assert found["metrics"] == {
        "": dict.fromkeys(record.METRIC)
        | {"metric": "top-1 accuracy", "keras": 0.75, "baseline": 0.5, "candidate": 0.25}
    }
    assert found["files"] == dict.fromkeys(record.FILES) | files
    assert found["budget"] == vars(budget)
    assert (found["budget"]["baseline"], found["budget"]["roundoff"]) == ({"digit": 0.75}, 2.0)
    assert found["digests"] == {"fp32": "abc", "fp16": None, "weights": None, "data": "def"}
    assert found["did_not_run"] == {"fp16 on gpu": "it died"}
    assert found["explained"] == {"test_it[quick]": "operator 3"}
    assert (found["headroom"], found["layers"], found["layers_why_not"]) == ([{"position": 0}], [], "they part")
    assert found["figures"] == {"new": {"allowed": 1}}
    assert found["counts"] == counts(checks[:1])


def test_each_output_of_a_model_has_its_metric_and_its_pins():
    """What was not measured of a metric is null, and so is what a pinned mean lacks of a pinned prediction."""
    told = {"sample": 7, "true": None, "pinned": 0.5, "now": 0.75}
    figures = {
        f"{model_lines.KERAS_METRIC} of digit": {"metric": "accuracy", "keras": 0.75},
        f"{model_lines.PINNED}fp16": {"digit": {"samples": 9, "pinned": 9, "changed": 1, "told": [told]}},
    }
    spec = ModelSpec(name="quick", fp16="a.tflite", data="b.npz")
    found = of_model(spec, verdict="", cause="", figures=figures, checks=[], files={})

    assert found["metrics"] == {"digit": dict.fromkeys(record.METRIC) | {"metric": "accuracy", "keras": 0.75}}
    assert found["pinned"]["fp32"] == {}
    assert found["pinned"]["fp16"]["digit"]["told"] == [
        told | {"pinned_margin": None, "pinned_margin_at_least": None, "margin": None}
    ]


def test_model_of_which_nothing_was_measured_has_all_names():
    """Whatever was measured, the names are the same."""
    spec = ModelSpec(name="quick", fp16="a.tflite", data="b.npz")
    nothing, some = (
        of_model(spec, verdict="", cause="", figures=figures, checks=[], files={})
        for figures in ({}, {"conversion": (0.5, 1.0), "headroom": [], model_lines.ORIGIN: ["A."], "fp32_bytes": 1})
    )

    assert nothing.keys() == some.keys()
    assert (nothing["conversion"], nothing["origin"], nothing["title"]) == (None, [], "quick")


@pytest.mark.parametrize(
    ("presence", "state"),
    [
        (Presence(None, adapter="llvmpipe", software=True), "present"),
        (Presence("no driver"), "absent"),
        (Presence("it died", broken=True), "broken"),
        ("the run ended", "unknown"),
    ],
)
def test_target_says_whether_it_is_there(presence, state):
    """A target is present, absent, broken or not known, and says why; what it computes in is known of present ones."""
    found = of_target(TARGETS["gpu"], presence, required=True, figures={"quick": {"fp16 gpu": LEG, "fp16_bytes": 3}})

    why = presence if isinstance(presence, str) else presence.why_not
    assert (found["availability"], found["why_not"]) == (state, why)
    assert (found["arithmetic"] is None) == (found["software"] is None) == (state != "present")
    assert found["files"] == [
        {
            "model": "quick",
            "precision": "fp16",
            "share": 0.25,
            "allowed": 0.5,
            "evidence": {"histogram": None, "flips": [], "confusion": [], "closest": []},
            "latency": None,
        }
    ]


def test_each_output_of_a_file_has_its_latency():
    """How long a file took on a target stands with each of its outputs there, and with no other file or target."""
    took = {"load": 0.5, "first": 0.25, "median": None, "p95": None, "runs": 0}
    figures = {f"fp16 gpu {output}": LEG | {"output": output} for output in ("a", "b")}
    figures |= {"fp32 gpu": LEG | {"precision": "fp32"}, "fp16 builtin": LEG | {"target": "builtin"}}
    of_model = {"quick": figures | {f"{model_lines.LATENCY}fp16 on gpu": took}}
    gpu, builtin = (
        of_target(TARGETS[name], Presence(None), required=False, figures=of_model)["files"]
        for name in ("gpu", "builtin")
    )

    assert [one["latency"] for one in gpu] == [None, took, took]
    assert [one["latency"] for one in builtin] == [None]


def test_files_are_listed_under_their_own_target():
    """What was found of a file on one target is not under another."""
    assert of_target(TARGETS["builtin"], Presence(None), required=False, figures={"quick": {"x": LEG}})["files"] == []


def test_environment_says_what_the_run_ran_on():
    """Versions, Python, the machine and the command are there; a package that is not installed is null."""
    found = record.environment(["-k", "quick"], ROOT)

    assert found["arguments"] == ["-k", "quick"]
    assert found["packages"]["numpy"] == np.__version__
    assert {"ai-edge-litert", "tensorflow", "pytest", "pytest-xdist", "openvino"} <= found["packages"].keys()
    assert found["processors"] >= 1
    assert all(found[name] for name in ("python", "platform", "cpu", "folder", "executable"))


def test_document_is_written_whole(tmp_path):
    """It replaces what was there, in a folder that is made, and leaves nothing beside it."""
    file = tmp_path / "new" / f"{'ü' * 120}.json"
    for number in range(2):
        write({"number": number}, file)

    assert json.loads(file.read_bytes()) == {"number": 1}
    assert list(file.parent.iterdir()) == [file]


def test_document_that_cannot_be_made_leaves_what_was_there(tmp_path):
    """What fails half-way replaces nothing."""
    file = tmp_path / "verdict.json"
    write({"number": 0}, file)
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        write({"number": endless}, file)

    assert json.loads(file.read_bytes()) == {"number": 0}
    assert list(tmp_path.iterdir()) == [file]


def test_link_stays_a_link(tmp_path):
    """What a link leads to is replaced, not the link."""
    (tmp_path / "link.json").symlink_to("folder/verdict.json")
    write({"number": 1}, tmp_path / "link.json")

    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "folder" / "verdict.json").read_bytes()) == {"number": 1}


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("", "it is there and is not a file"),
        ("device", "it is there and is not a file"),
        ("file/verdict.json", "its folder is a file"),
        ("x" * 300, "File name too long"),
    ],
)
def test_place_that_no_file_can_take_is_an_error(tmp_path, place, says):
    """A folder, a device and a path through a file are refused, and stay what they were."""
    (tmp_path / "device").symlink_to("/dev/null")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, check=lambda error: error.strerror == says):
        write({}, tmp_path / place)

    assert sorted(one.name for one in tmp_path.iterdir()) == ["device", "file"]
    assert (tmp_path / "file").read_text() == "mine"
    assert Path("/dev/null").is_char_device()
