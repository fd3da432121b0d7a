"""A saved run is judged by other bounds as far as what it measured tells, and not a step further."""

import copy
import dataclasses
import json

import numpy as np
import pytest

from fixtures.harness import bounds, metrics, predictions, record, rejudging
from fixtures.harness.attribution import Deviation
from fixtures.harness.record import Check, document, of_model
from fixtures.harness.rejudging import LAWS, RejudgingError, others, rejudge
from fixtures.harness.verdict import Verdict, recorded, under
from models.spec import Budget, ModelSpec
from models.tasks import Classification, MultiLabel
from tests.harness.test_record import BEGUN

BUDGET = Budget(baseline=0.75, roundoff=2)
ERROR = bounds.NoiseLaw("float16", 0.01)
"""A law that allows 0.42 * 0.01 times the roundoff."""


def quantity(value, law=ERROR, name="rms error", budget=BUDGET):
    """Return a quantity as a report has it."""
    return under(law, budget, name, value, evidence="sample 811", look_at="the weights").as_dict()


def fixed(value):
    """Return a quantity whose bound follows from no budget: it is 0."""
    return Verdict("faults", value, at_most=0).as_dict()


def check(status, *measured, name="tests/test_delegates.py::test_it[quick-gpu]", model="quick", complete=True):
    """Return a check that came to a *status*."""
    found = Check(name, model=model, status=status, measured=list(measured), complete=complete)
    found.messages = ["it fell short"] * (status != "passed")
    return found


def run(*checks, model="quick", budget=BUDGET, **told):
    """Return the document of a run, as it is read from its file."""
    models = [
        of_model(
            ModelSpec(name=model, fp16="a.tflite", data="a.npz", budget=budget),
            verdict="",
            cause="",
            figures={},
            checks=checks,
            files={},
        ),
    ]
    verdict = "failed" if any(one.status in {"failed", "error"} for one in checks) else "passed"
    made = document(**BEGUN, **({"verdict": verdict, "exit_code": 0} | told), checks=checks, models=models)
    return json.loads(record.text(made))


def again(made, *models, **told):
    """Return what the document of a run comes to by other bounds."""
    return rejudge(made, others(made, told, list(models)), "verdict.json", told)


@pytest.fixture
def written(tmp_path):
    """Write a document, or what is none, and return where it is."""

    def write(content):
        file = tmp_path / "verdict.json"
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return file

    return write


MOST = 0.42 * 0.01 * 2
"""What `ERROR` allows by BUDGET."""
STATUSES = {
    "holds and held": ("passed", [quantity(MOST)], 2, "passed"),
    "falls short now": ("passed", [quantity(0), quantity(MOST)], 1.9, "failed"),
    "falls short as it did": ("failed", [quantity(0), quantity(2 * MOST)], 3.9, "failed"),
    "holds now": ("failed", [quantity(0), quantity(2 * MOST)], 4, "passed"),
    "falls short in another": ("failed", [quantity(2 * MOST), quantity(3 * MOST)], 4, "failed"),
    "falls short elsewhere": ("failed", [quantity(MOST), quantity(2 * MOST)], 1, "failed"),
    "failed by no budget": ("failed", [quantity(MOST), fixed(1)], 4, "failed"),
    "holds by no budget": ("passed", [fixed(0)], 0, "passed"),
    "could not be carried out": ("error", [quantity(MOST)], 1, "error"),
    "was skipped": ("skipped", [quantity(MOST)], 1, "skipped"),
    "was skipped without a quantity": ("skipped", [], 1, "skipped"),
}


@pytest.mark.parametrize(("before", "measured", "roundoff", "now"), STATUSES.values(), ids=STATUSES)
def test_status_is_what_is_known(before, measured, roundoff, now):
    """A check holds if all of it does, and falls short with the first quantity that does."""
    outcome = again(run(check(before, *measured)), roundoff=roundoff)

    (found,) = outcome.document["checks"]
    assert found["status"] == now
    assert len(outcome.changes) == (before != now)
    assert all(line.endswith(f" allowed: {before} -> {now}") for line in outcome.changes)
    assert [one["holds"] for one in found["measured"]] == [
        one["value"] <= (MOST * roundoff / 2 if one["law"] else 0) for one in measured
    ]
    assert outcome.document["run"]["counts"] == dict.fromkeys((*record.STATUSES, "not_run"), 0) | {now: 1}


@pytest.mark.parametrize(("measured", "roundoff"), [(entry[1], entry[2]) for entry in STATUSES.values()], ids=STATUSES)
def test_quantities_have_their_new_bounds(measured, roundoff):
    """Whatever the check comes to, each quantity that a law judges has the bound that it gives, others keep theirs."""
    outcome = again(run(check("skipped", *measured)), roundoff=roundoff)

    most = bounds.NoiseLaw("float16", 0.01).most(Budget(roundoff=roundoff))
    assert [one["at_most"] for one in outcome.document["checks"][0]["measured"]] == [
        most if one["law"] else 0 for one in measured
    ]


@pytest.mark.parametrize(
    ("measured", "roundoff", "message"),
    [
        (
            [quantity(2 * MOST)],
            1,
            "rms error: 0.0168 measured, at most 0.0042 allowed\nsample 811\nlook at: the weights",
        ),
        ([quantity(2 * MOST)], 2, "it fell short"),
        ([quantity(2 * MOST)], 4, ""),
        (
            [quantity(2 * MOST), fixed(1)],
            1,
            "rms error: 0.0168 measured, at most 0.0042 allowed\nsample 811\nlook at: the weights\n\n"
            "faults: 1 measured, at most 0 allowed",
        ),
        ([quantity(0), fixed(1)], 4, "faults: 1 measured, at most 0 allowed"),
    ],
)
def test_message_is_of_what_falls_short_now(measured, roundoff, message):
    """A check says why it falls short by these bounds, all of it."""
    (found,) = again(run(check("failed", *measured)), roundoff=roundoff).document["checks"]

    assert found["message"] == message


def test_message_has_the_value_that_follows_from_the_bounds():
    """Where it is not the bound but what is compared with it that follows from the budget, the message has that."""
    error = bounds.ArithmeticLaw("float16", 0.0, 2.0**-6, 1.0, None)
    law = predictions.CloseCallsLaw(error, 32.0, 2.0, 0.0, (1.0, 3.0), 0, 0.0)
    (found,) = again(run(check("failed", quantity(0, law, "changed"))), roundoff=0.5).document["checks"]

    assert found["message"].splitlines() == ["changed: 2 measured, at most 0 allowed", "look at: the weights"]
    assert found["measured"][0]["evidence"] == ""


VERDICTS = {
    "all hold": ([check("passed", quantity(0)), check("skipped")], {}, "passed", "all 1 checks that ran hold"),
    "nothing held": ([check("skipped")], {}, "not run", "NOTHING WAS CHECKED"),
    "one falls short": ([check("passed", quantity(MOST))], {}, "failed", "FELL SHORT: 1 of 1 checks"),
    "one is broken": ([check("passed"), check("error")], {}, "failed", "FELL SHORT: 1 of 2 checks"),
    "some were not run": (
        [check("passed"), check(None)],
        {},
        "unknown",
        "UNKNOWN: 1 checks were not carried out; run the gate with these bounds",
    ),
    "the run was red besides": (
        [check("passed")],
        {"verdict": "failed", "problems": ["gpu was asked for"]},
        "failed",
        "FELL SHORT, whatever the bounds are: gpu was asked for",
    ),
}


@pytest.mark.parametrize(("checks", "told", "verdict", "says"), VERDICTS.values(), ids=VERDICTS)
def test_run_passes_only_if_all_is_known_to_hold(checks, told, verdict, says):
    """The verdict, its exit code and its sentence are those of the checks, and of what made the run red besides."""
    outcome = again(run(*checks, **told), roundoff=1)

    found = outcome.document["run"]
    assert (found["verdict"], outcome.sentence, outcome.holds) == (verdict, says, verdict == "passed")
    assert found["exit_code"] == (verdict != "passed")
    assert found["rejudged"] == {"from": "verdict.json", "models": ["quick"], "bounds": {"roundoff": 1}}


@pytest.mark.parametrize("measured", [[], [quantity(MOST)], [quantity(2 * MOST)]])
def test_check_that_raised_is_not_made_good_by_bounds(measured):
    """A check that did not come to its end fell short of something that no bound undoes."""
    (found,) = again(run(check("failed", *measured, complete=False)), roundoff=4).document["checks"]

    assert (found["status"], found["message"]) == ("failed", "it fell short")


def test_other_models_keep_their_bounds():
    """Bounds are of the models that are named; all others are what they were."""
    first, second = (check("passed", quantity(MOST), name=f"a[{name}]", model=name) for name in ("quick", "slow"))
    made = run(first, second)
    made["models"].append(copy.deepcopy(made["models"][0]) | {"name": "slow"})
    found = again(made, "slow", roundoff=1).document

    assert [one["status"] for one in found["checks"]] == ["passed", "failed"]
    assert found["checks"][0] == made["checks"][0]
    assert [one["budget"]["roundoff"] for one in found["models"]] == [2, 1]


def test_run_itself_is_left_as_it_is():
    """The document that is judged again is another one."""
    made = run(check("passed", quantity(MOST)))
    before = copy.deepcopy(made)
    again(made, roundoff=1)

    assert made == before


GOOD = bounds.rounding(BUDGET, "float32")
CHANGE = metrics.change(
    *(np.eye(3, dtype=np.float32)[[0] * 300] for _ in range(2)),
    np.zeros(300, int),
    Classification(),
    0.99,
    GOOD,
)
EXAMPLES = [
    bounds.ArithmeticLaw("float16", 1e-7, 0.01, 3.0, None),
    bounds.NearTruthLaw("bfloat16", 0.0, 0.0, 1.0, 9),
    bounds.ConversionLaw("float32", 1e-7, 1e-7, float("inf"), None),
    bounds.WeightsLaw("float16", 1e-7, 0.01, 3.0, None, 0.02),
    ERROR,
    bounds.WeightsNoiseLaw("float16", 0.01, 0.02),
    bounds.ChangedPredictionsLaw(300),
    bounds.ChangedShareLaw(300, "float16"),
    bounds.BaselineLaw("digit", higher_is_better=True),
    bounds.BudgetLaw("flushed"),
    metrics.DropLaw(dataclasses.replace(CHANGE, p_value=float("nan")), "float32", sampled=False, called=" of 🙂"),
    metrics.ClassDropLaw("accuracy", (metrics.ClassCounts(0, 9, 8, 1, 0),), "float16", ""),
    predictions.CloseCallsLaw(
        bounds.ArithmeticLaw("float16", 1e-7, 0.01, 3.0, None), 9.0, 2.0, 0.0, (0.5, float("inf")), 3, 0.25
    ),
]


def test_every_law_is_known():
    """The examples below are of all laws that a document may name."""
    assert [type(law) for law in EXAMPLES] == list(LAWS.values())


@pytest.mark.parametrize("law", EXAMPLES, ids=LAWS)
def test_law_is_read_as_it_was_written(law):
    """All that a law says comes back from JSON, numbers to the last bit, also those that JSON does not have."""
    found = rejudging._law({"law": json.loads(record.text(recorded(law)))})

    assert type(found) is type(law)
    assert repr(found) == repr(law)


def damaged(*place, value):
    """Return a run with another *value* in a place of its first judged quantity, or of all where it begins with ""."""
    made = run(check("passed", quantity(MOST)))
    part = made if place[0] == "" else made["checks"][0]["measured"][0]
    for name in place[:-1]:
        part = part[name] if name != "" else part
    part[place[-1]] = value
    return made


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (["value"], 0.5, "edited: holds is True there, and False when judged again"),
        (["value"], "few", "'few' is not float"),
        (["at_most"], 0.5, "edited: at_most is 0.5 there, and 0.0084 when judged again"),
        (["at_least"], 0.0, "edited: at_least is 0.0 there, and None when judged again"),
        (["holds"], False, "edited: holds is False there, and True when judged again"),
        (["law", "name"], "Murphy", "recorded by another version of the gate: there is no law Murphy"),
        (["law", "name"], ["NoiseLaw"], "there is no law ['NoiseLaw']"),
        (["law", "terms"], None, "None is not NoiseLaw"),
        (["law", "terms"], {"error": 0.01}, "NoiseLaw has arithmetic, error, not error"),
        (["law", "terms", "error"], True, "True is not float"),
        (["law", "terms", "error"], "0.01", "'0.01' is not float"),
        (["law", "terms", "arithmetic"], "float8", "'float8' is not "),
        (["law"], {"name": "ChangedShareLaw", "terms": {"samples": 0, "arithmetic": "float32"}}, "division by zero"),
        (["law"], {"name": "BaselineLaw", "terms": {"output": "a", "higher_is_better": 1}}, "1 is not bool"),
        (
            ["", "models", 0, "budget", "roundoff"],
            "two",
            "the budget of quick: recorded by another version of the gate",
        ),
        (["", "models", 0, "budget", "bound"], 1, "Budget has baseline, metric_drop, "),
        (["", "models"], [], "the file has no budget of its model"),
        (["", "checks", 0, "model"], None, "the counts of quick are not those of its checks"),
        (["", "checks", 0, "status"], "skipped", "the counts of the run are not those of its checks"),
        (["", "checks"], [], "the counts of the run are not those of its checks"),
        (["", "run", "verdict"], "failed", "the verdict is not that of the checks"),
        (["", "run", "problems"], ["a worker died"], "the verdict is not that of the checks"),
        (["", "checks", 0, "measured", 0], fixed(1), "edited: it passed, and falls short; run the gate again"),
    ],
)
def test_what_does_not_come_out_again_is_refused(place, value, says):
    """What is not, or not any more, what this gate writes is one line that says so."""
    with pytest.raises(RejudgingError, check=lambda error: says in str(error) and "\n" not in str(error)):
        again(damaged(*place, value=value), roundoff=4)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no JSON document"),
        ({"version": "2", "run": {}}, "has no version: it is no document of the gate"),
        (
            {"version": 1, "run": {}},
            "is of version 1; version 2 is read here: use the checkout of the gate that wrote it",
        ),
        ({"version": 2, "run": {}}, "is no document of the gate: run.verdict is not"),
        (damaged("", "checks", value={}), "is no document of the gate: checks is no list"),
        (damaged("", "checks", 0, value=[]), "is no document of the gate: checks[0] is no object"),
        (damaged("law", value=[]), "is no document of the gate: checks[0].measured[0].law is not"),
        (damaged("", "run", "verdict", value="unfinished"), "is of a run without a result (unfinished)"),
        (damaged("", "run", "verdict", value="interrupted"), "is of a run without a result (interrupted)"),
        (damaged("", "run", "rejudged", value={}), "was judged again itself; give the file that its run wrote"),
    ],
)
def test_file_that_is_no_finished_run_is_refused(written, content, says):
    """What cannot be judged again is one line that names the file, and what to give instead."""
    file = written(content)
    with pytest.raises(RejudgingError, check=lambda error: str(error).startswith(f"{file} {says}")):
        rejudging.read(file)


def test_file_that_is_not_there_is_refused(tmp_path):
    """A path that leads to nothing is one line, too."""
    with pytest.raises(
        RejudgingError, match=r"gone\.json cannot be read \(No such file or directory\); give a file that"
    ):
        rejudging.read(tmp_path / "gone.json")


def test_file_is_read_as_it_was_written(written):
    """A finished run is what is judged."""
    made = run(check("passed", quantity(MOST)))

    assert rejudging.read(written(made)) == made


def judged_by(baseline, *outputs):
    """Return a run with a baseline, and with metrics of *outputs* that were judged by it."""
    budget = dataclasses.replace(BUDGET, baseline=baseline)
    laws = [bounds.BaselineLaw(output, higher_is_better=True) for output in outputs]
    return run(*(check("passed", quantity(0.9, law, budget=budget)) for law in laws), budget=budget)


@pytest.mark.parametrize(
    ("before", "outputs", "now"),
    [
        (0.5, ["digit"], 0.8),
        (0.5, ["digit", "parity"], 0.8),
        (0.5, ["digit", "parity"], {"digit": 0.8, "parity": 0.8}),
        ({"digit": 0.5}, ["digit"], {"digit": 0.8}),
        ({"digit": 0.5, "parity": 0.5}, ["digit"], {"digit": 0.8, "parity": 0.8}),
    ],
)
def test_baseline_of_the_same_outputs_is_judged_by(before, outputs, now):
    """Another baseline for what was judged by one is a bound like any other."""
    found = again(judged_by(before, *outputs), baseline=now).document

    assert [one["measured"][0]["at_least"] for one in found["checks"]] == [0.8] * len(outputs)
    assert found["models"][0]["budget"]["baseline"] == now


@pytest.mark.parametrize(
    ("before", "outputs", "now"),
    [
        (None, [], 0.5),
        (None, [], {"digit": 0.5}),
        (0.5, ["digit", "parity"], {"digit": 0.8}),
        (0.5, ["digit"], {"digit": 0.8, "parity": 0.8}),
        ({"digit": 0.5}, ["digit"], {"parity": 0.8}),
        ({"digit": 0.5}, ["digit"], 0.8),
    ],
)
def test_baseline_of_other_outputs_takes_a_run(before, outputs, now):
    """Whether a metric reaches a baseline that it had not is not in the file, nor is that it needs none any more."""
    with pytest.raises(RejudgingError, match=r"^baseline: quick had .*; run the gate with it$"):
        again(judged_by(before, *outputs), baseline=now)


def test_what_was_not_kept_takes_a_run():
    """A bound that takes the outputs is refused, with the check that it is of."""
    outputs = np.arange(300, dtype=np.float32)[:, None] % 7
    found = metrics.change(outputs, outputs, outputs.astype(int) % 2, MultiLabel(2.0), 0.99, GOOD)
    made = run(check("passed", quantity(0, metrics.DropLaw(found, "float32", sampled=False, called=""))))
    with pytest.raises(RejudgingError, match=r"test_it\[quick-gpu\]: confidence: .*; run the gate with these bounds$"):
        again(made, confidence=0.9)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"sample": 2000}, "sample: quick was run on 1000 samples; run the gate with it"),
        ({"example": 3}, "example: what was measured follows from it; run the gate with it"),
        ({"task": MultiLabel()}, "task: what was measured follows from it; run the gate with it"),
        ({"flipped": 2}, "a bound of 2 on flipped, which is a share: 1 is all"),
    ],
)
def test_what_takes_a_run_is_refused(told, says):
    """What a run was carried out with is no bound, and a bound that there cannot be is none."""
    with pytest.raises(RejudgingError, check=lambda error: str(error) == says):
        again(run(check("passed")), **told)


def test_run_without_a_model_has_no_bounds():
    """A run of the gate's own tests has nothing that a bound is of."""
    made = run(check("passed", model=None))
    made["models"] = []
    with pytest.raises(RejudgingError, match="the file has no model, so no bound follows from a budget"):
        again(made, roundoff=1)


def test_error_of_a_file_on_a_target_is_allowed_what_the_law_says():
    """What a target's table has of each file follows the bounds, and is refused where it is not what the run found."""
    made = run(check("passed"))
    least = -20 * float(np.log10(MOST))
    terms = ("float16", 10, 0.3, 0.03, 0.02, 30.0, least, None, 0, 0.0, "", None, 7)
    of_file = Deviation("fp32", "gpu", "", *terms, bounds.NearTruthLaw("float16", 0.0, 0.01, 1.0, None), ERROR)
    entry = {"model": "quick", **of_file.as_dict()}
    itself = entry | {"allowed": 0.0, "least_sqnr": "Infinity", "law": None, "noise": None}
    files = json.loads(json.dumps([entry, itself]))
    made["targets"] = [{"name": "gpu", "arithmetic": "float16", "files": files}]
    (found,) = again(made, roundoff=4).document["targets"]

    assert [one["allowed"] for one in found["files"]] == [0.04, 0.0]
    assert [one["least_sqnr"] for one in found["files"]] == [-20 * float(np.log10(2 * MOST)), "Infinity"]
    assert again(made, roundoff=4).document["models"][0]["cause"].startswith("arithmetic: gpu")
    made["targets"][0]["files"][0]["allowed"] = 0.03
    with pytest.raises(RejudgingError, match=r"^quick on gpu: recorded by another version of the gate, or edited: "):
        again(made, roundoff=4)
