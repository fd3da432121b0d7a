"""What a reviewer reads of a model comes from its figures, and leaves nothing out that fell short."""

import dataclasses

import pytest

from fixtures.harness import cards
from fixtures.harness.attribution import Deviation
from fixtures.harness.cards import DEVICE, DID_NOT_RUN, EXPLAINED, KERAS_METRIC, METRIC, ORIGIN

LEG = Deviation(
    "fp32", "gpu", "", "float32", 10, 0.5, 0.5, 0.1, 9, 40, 0.9, 1, 0.2, ("sample 3: 1 -> 2",), "top-1 accuracy", 0.9
)


def test_card_without_figures_says_what_is_missing():
    """A model of which nothing was measured has a card of dashes, and no table of errors."""
    card = cards.card("quick", "NOTHING WAS CHECKED", [], {})

    assert "quick: NOTHING WAS CHECKED" in card
    assert cards.MISSING in card
    assert "max |Δ|" not in card
    assert cards.lines({}, 0) == []


def test_leg_that_did_not_run_is_told_with_its_cause():
    """What could not be run stands beside what was, in the card and in the terminal, and in the verdict."""
    figures = {"fp32 gpu": LEG.as_dict(), f"{DID_NOT_RUN}fp16 on gpu": "killed by <SIGILL>"}
    card, lines = cards.card("quick", "FELL SHORT", ["t[x]"], figures), cards.lines(figures, 1)

    assert "fp16 on gpu did not run: killed by &lt;SIGILL&gt;" in card
    assert "  fp16 on gpu did not run: killed by <SIGILL>" in lines
    assert "kernel: gpu (fp32)" in lines[-1]
    assert "target: fp16 on gpu did not run" in lines[-1]


def test_flips_and_where_errors_begin_are_told():
    """Predictions that differ are listed with their margins, and where each error begins."""
    figures = {"fp32 gpu": LEG.as_dict(), f"{EXPLAINED}test_it[gpu]": "operator 3 EXP"}
    card = cards.card("quick", "FELL SHORT", [], figures)

    assert "<li>fp32 on gpu: sample 3: 1 -&gt; 2</li>" in card
    assert "<li>test_it[gpu]: operator 3 EXP</li>" in card


def test_devices_are_told_once_and_software_ones_for_what_they_are():
    """Targets of one adapter share a sentence, in their order; a software device comes with what it cannot show."""
    figures = [
        {f"{DEVICE}gpu_fp16": ["llvmpipe", True, 1000], f"{DEVICE}gpu": ["llvmpipe", True, 1000]},
        {f"{DEVICE}gpu": ["llvmpipe", True, 1000], f"{DEVICE}openvino": ["CPU", False, 10_000]},
    ]
    software, hardware = cards.devices(figures)

    assert software.startswith("gpu, gpu_fp16 on llvmpipe, 1000 samples; that is a software device: ")
    assert "cannot show" in software
    assert hardware == "openvino on CPU, 10000 samples"


PROVES = "2000 samples cannot exclude a drop of 0.720 points, 0.500 points allowed"
CHANGE = {
    "metric": "top-1 accuracy",
    "baseline": 0.96,
    "candidate": 0.955,
    "loss": 0.005,
    "most": 0.0072,
    "few": False,
    "says": PROVES,
}
"""What is left of a `metrics.Change` and of its `Judgement` as JSON."""


def test_metric_is_told_with_what_it_may_have_lost():
    """The card has the metric of both files, the loss, and what is not excluded; the sentence the two values."""
    card = cards.card("quick", "HOLDS", [], {METRIC: CHANGE})

    assert "<th>top-1 accuracy on reference kernels</th><td>96.000 %</td><td>95.500 %</td>" in card
    assert "<td>95.500 %</td><td>0.005</td>" in card
    assert f"<tr><th>what that proves</th><td colspan='3'>{PROVES}</td></tr>" in card
    assert cards.sentence("all held", {METRIC: CHANGE}) == (f"all held; top-1 accuracy 96.000 % -> 95.500 % ({PROVES})")


def test_sizes_are_told_where_they_were_measured():
    """The sentence has the size of the float16 file beside that of the float32 one."""
    told = cards.sentence("all held", {"fp32_bytes": 1000, "size_ratio": 0.525})

    assert told == "all held; float16 file 0.525 of 1 000 bytes"


def test_metrics_of_several_outputs_are_told_apart():
    """Each output has a row of its own, under its name and in its metric's unit, and Keras' value too."""
    error = CHANGE | {"metric": "RMSE", "baseline": 0.123456789, "candidate": 0.2, "loss": 0.6, "says": "it <says>"}
    figures = {
        f"{METRIC} of class": CHANGE,
        f"{METRIC} of <age>": error,
        f"{KERAS_METRIC} of <age>": ["RMSE", 0.1234],
        f"{KERAS_METRIC} of class": ["top-1 accuracy", 0.96],
    }
    card = cards.card("quick", "HOLDS", [], figures)

    assert "<th>top-1 accuracy of class on reference kernels</th><td>96.000 %</td>" in card
    assert "<th>RMSE of &lt;age&gt; on reference kernels</th><td>0.12346</td><td>0.2</td>" in card
    assert "<th>RMSE of &lt;age&gt; of Keras</th><td colspan='3'>0.1234</td>" in card
    assert "<th>top-1 accuracy of class of Keras</th><td colspan='3'>96.000 %</td>" in card
    assert card.count("on reference kernels</th>") == 2
    assert cards.sentence("all held", figures).endswith(
        f"; top-1 accuracy of class 96.000 % -> 95.500 % ({PROVES}); RMSE of <age> 0.12346 -> 0.2 (it <says>)"
    )
    assert "it &lt;says&gt;" in card


def test_few_samples_of_any_output_prove_little():
    """It is noticed where one of the metrics has too few samples to exclude what is allowed."""
    enough = {f"{METRIC} of class": CHANGE}

    assert not cards.prove_little(enough)
    few = enough | {f"{METRIC} of age": CHANGE | {"few": True}}
    assert cards.prove_little(few)
    assert f"<th>what that proves of age</th><td colspan='3'><b>{PROVES}</b></td>" in cards.card(
        "quick", "HOLDS", [], few
    )


def test_origin_is_told_first():
    """Where the files come from, and what could not be checked for it, begins the lines, and is in the card."""
    figures = {ORIGIN: ["b.tflite comes alone."], "fp32 gpu": LEG.as_dict()}

    assert cards.lines(figures, 0)[0] == "  b.tflite comes alone."
    assert "<p>b.tflite comes alone.</p>" in cards.card("quick", "HOLDS", [], figures)


def test_leg_of_each_output_is_told():
    """The outputs of one file on one target are a row each, in the order of the targets."""
    figures = {
        f"{precision} {target} {output}": dataclasses.replace(
            LEG, precision=precision, target=target, output=output
        ).as_dict()
        for output in ("class", "parity")
        for precision, target in (("fp16", "gpu"), ("fp32", "reference"))
    }
    lines = [line.split() for line in cards.lines(figures, 0)]

    assert lines[0][:4] == ["target", "arithmetic", "file", "output"]
    assert [(line[0], line[2], line[3]) for line in lines[1:5]] == [
        ("reference", "fp32", "class"),
        ("reference", "fp32", "parity"),
        ("gpu", "fp16", "class"),
        ("gpu", "fp16", "parity"),
    ]


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_metric_that_is_no_number_is_shown_as_it_is(value):
    """An error that is infinite is told, and stops no report."""
    change = CHANGE | {"metric": "MAE", "candidate": value, "loss": value, "most": value}

    assert f"<td>0.96</td><td>{value}</td>" in cards.card("quick", "FELL SHORT", [], {METRIC: change})


def test_output_called_keras_is_no_metric_of_keras():
    """Whatever an output is called, its metric is told from that of the Keras model."""
    card = cards.card("quick", "HOLDS", [], {f"{METRIC} of Keras": CHANGE})

    assert "<th>top-1 accuracy of Keras on reference kernels</th><td>96.000 %</td>" in card
    assert "top-1 accuracy of Keras 96.000 %" in cards.sentence("all held", {f"{METRIC} of Keras": CHANGE})
