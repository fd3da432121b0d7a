"""Good models pass every check, whatever they are, whatever their data are, and whoever converted them."""

import pytest

from tests.faults.bench import computed, put_through
from tests.faults.good.cases import ALL, cases


def test_good_model_passes(good, good_case, moved_predictions, tmp_path, gate_store, came_to):
    """The whole gate is green on a good model, and looked at it."""
    run = put_through(good_case, tmp_path, gate_store)

    came_to("passed" if run.verdict == "passed" else "false alarm", run, moved=moved_predictions)

    fallen = "\n".join(f"{name}: {message}" for name, message in run.fallen.items()) or "no check fell short"
    assert run.verdict == "passed", f"{good}, a good model, was refused, the verdict {run.verdict}; {fallen}"
    assert run.document["run"]["counts"]["passed"] > 20, run.text


@pytest.fixture
def moved_predictions(good, good_case):
    """How many predictions rounding the weights changes, where the case is one of those; else None."""
    if not good.moved:
        return None
    before, now = (computed(file, good_case.data)[0].argmax(-1) for file in (good_case.fp32, good_case.fp16))
    moved = int((before != now).sum())
    assert 1 <= moved <= len(before) // 1000, f"{moved} of {len(before)} predictions moved: this is no such case"
    return moved


def test_there_are_enough_good_cases():
    """At least 200 runs of good models, each another one, are what says that the gate cries no wolf."""
    assert len(cases("whole")) >= 200
    assert len({case.name for case in ALL}) == len(ALL)
    assert {case.kind for case in cases("whole")} == {case.kind for case in ALL}
