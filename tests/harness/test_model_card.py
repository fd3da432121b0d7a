"""A model's card says what fell short, what changed and by how much, and takes every name for a name."""

import re

import pytest

from fixtures.harness import model_card, review
from tests.harness.runs import HOSTILE, LEG, check, document

FLIP = {"sample": 7, "true": 3, "expected": 3, "now": 8, "expected_margin": 0.01, "margin": 0.02}
PIXEL = "data:image/png;base64,AAAA"
PINNED = {
    "samples": 1000,
    "pinned": 1000,
    "changed": 1,
    "told": [
        {
            "sample": 5,
            "true": 1,
            "pinned": 2,
            "now": 1,
            "pinned_margin": None,
            "pinned_margin_at_least": 0.245,
            "margin": 9.54,
        }
    ],
}


def leg(**evidence):
    """Return a leg with this *evidence*."""
    return LEG | {"evidence": evidence}


def card(run, pictures=(), **changed):
    """Return the card of the first model of a run's document, of which some parts are *changed*."""
    (model,) = run["models"]
    return model_card.card(model | changed, review.legs_of(run, model["name"]), run["checks"], dict(pictures))


def test_changed_prediction_has_its_picture_and_both_classes():
    """A flip on a target is shown with the sample, what is true, what it was and is, and both margins."""
    shown = card(document(leg=leg(flips=[FLIP])), {7: [PIXEL]}, class_names=["zero", "one", "two", "three"])

    (item,) = re.findall(r'<li data-sample="7">.*?</ul></div></li>', shown)
    assert f'<img src="{PIXEL}" alt="sample 7, input 1"' in item
    assert "true 3 <bdi>three</bdi>, float32 3 <bdi>three</bdi> (margin 0.01), <b>now 8</b> (margin 0.02)" in item
    assert "float16 on builtin" in item


def test_what_is_not_as_pinned_comes_first():
    """A sample that is not as pinned is shown before those that a target changes."""
    shown = card(document(leg=leg(flips=[FLIP])), pinned={"fp16": {"": PINNED}})

    assert re.findall(r'data-sample="(\d+)"', shown) == ["5", "7"]
    assert "true 1, <b>pinned 2</b> (margin at least 0.245), <b>now 1</b> (margin 9.54): float16 on reference" in shown


def test_change_that_targets_share_is_told_once():
    """Several targets that change a prediction in the same way are one sentence."""
    run = document(leg=leg(flips=[FLIP]))
    run["targets"].append(run["targets"][0] | {"name": "gpu"})
    shown = card(run)

    assert shown.count("<b>now 8</b>") == 1
    assert "float16 on builtin, gpu" in shown


def test_closest_calls_are_shown_where_nothing_changed():
    """A green run shows which samples came nearest to another class."""
    call = {"sample": 11, "true": 1, "now": 1, "second": 7, "margin": 0.001}
    shown = card(document(leg=leg(flips=[], closest=[call])), {11: [PIXEL]})

    assert "No prediction changed, on any target." in shown
    assert re.search(r'data-sample="11">.*true 1, predicted 1, second 7, margin 0.001', shown)


def test_samples_that_are_shown_are_known_before():
    """Who has the data is told which samples to draw, and no others."""
    call = {"sample": 11, "true": 1, "now": 1, "second": 7, "margin": 0.001}

    assert review.wanted(document(leg=leg(flips=[FLIP], closest=[call])), {}) == {"quick": [7, 11]}


def test_confusion_is_a_matrix_of_what_changed():
    """Lost right predictions and gained wrong ones are marked, in signs and not in colour alone."""
    shown = card(document(leg=leg(flips=[FLIP], confusion=[[3, 3, -1], [3, 8, 1]])))

    assert '<td class="over">-1</td><td class="over">+1</td>' in shown
    assert "float16 on builtin" in shown


def test_confusion_of_many_classes_is_a_list():
    """Of a thousand classes, those cells are listed that changed."""
    cells = [[label, label, -1] for label in range(20)]
    shown = card(document(leg=leg(flips=[], confusion=cells)))

    assert '<th scope="row">0</th><td>0</td><td>-1</td>' in shown
    assert shown.count("<td>-1</td>") == model_card.CELLS


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (0.0, '<td class="h0">0 %</td>'),
        (0.05, '<td class="h3">50 %</td>'),
        (0.1, '<td class="h5">1e+02 %</td>'),
        (0.2, '<td class="over">✗ 200 %</td>'),
    ],
)
def test_heat_table_has_the_share_of_a_bound_that_is_used(value, cell):
    """The more of its bound a target uses, the darker its cell is; beyond it, it is marked."""
    name = "tests/test_delegates.py::test_outputs_stay_near_the_truth[quick-fp16-builtin]"
    one = check(name, target="builtin", value=value, at_most=0.1)
    one.precision = "fp16"

    assert cell in card(document(one))


def test_model_that_nothing_was_measured_of_has_a_card():
    """A run that ended at once shows that nothing was checked."""
    run = document(check(status="error", message="killed"))
    run["targets"] = []
    model = run["models"][0] | {"sizes": dict.fromkeys(("fp32", "fp16", "ratio", "least", "most")), "metrics": {}}
    shown = model_card.card(model, [], run["checks"], {})

    assert "✗ 1 fell short" in shown
    assert "<svg" not in shown


def test_latency_is_told_for_both_files():
    """Latency has a row for each file, a ratio, and the note that it decides nothing."""
    time = {"load": 0.001, "first": 0.0002, "median": 0.00005, "p95": 0.0001, "runs": 999}
    shown = card(document(leg=leg() | {"latency": time}))

    assert "50 µs</td><td>100 µs</td><td>200 µs</td><td>1 ms</td>" in shown
    assert "does not gate" in shown


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_are_text(name):
    """Whatever title, classes, outputs and causes are called, none is markup."""
    run = document(leg=leg(flips=[FLIP | {"now": 0}]) | {"output": name})
    shown = card(
        run,
        title=name,
        class_names=[name],
        cause=name,
        verdict=name,
        origin=[name],
        did_not_run={name: name},
        explained={name: name},
        declared_in=name,
        files={"data": name},
    )

    assert "<script" not in shown
    assert "</code></pre>" not in shown
    assert "\u202e" not in shown
    assert shown.count("<") == len(re.findall(r"</?[a-z][a-z0-9]*[ >]", shown))
    shown.encode()
