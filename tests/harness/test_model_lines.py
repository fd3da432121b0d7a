"""What the terminal says of a model comes from its figures, and leaves nothing out that fell short."""

import dataclasses

import pytest

from fixtures.harness import model_lines
from fixtures.harness.attribution import Deviation
from fixtures.harness.model_lines import DEVICE, DID_NOT_RUN, EXPLAINED, METRIC, ORIGIN

LEG = Deviation("fp32", "gpu", "", "float32", 10, 0.5, 0.5, 0.1, 9, 40, 0.9, 1, 0.2, "top-1 accuracy", 0.9)


def test_model_without_figures_has_no_lines():
    """Of a model of which nothing was measured, nothing is told, and no cause."""
    assert model_lines.lines({}, 0) == []
    assert model_lines.cause({}, 0) == ""


def test_leg_that_did_not_run_is_told_with_its_cause():
    """What could not be run stands beside what was, and in the verdict."""
    figures = {"fp32 gpu": LEG.as_dict(), f"{DID_NOT_RUN}fp16 on gpu": "killed by <SIGILL>"}
    lines = model_lines.lines(figures, 1)

    assert "  fp16 on gpu did not run: killed by <SIGILL>" in lines
    assert lines[-1] == f"  {model_lines.cause(figures, 1)}"
    assert "kernel: gpu (fp32)" in lines[-1]
    assert "target: fp16 on gpu did not run" in lines[-1]


def test_where_errors_begin_is_told():
    """Where each error begins is a line of its own."""
    figures = {"fp32 gpu": LEG.as_dict(), f"{EXPLAINED}test_it[gpu]": "operator 3 EXP"}

    assert model_lines.lines(figures, 1)[-1] == "  test_it[gpu]: operator 3 EXP"


def test_devices_are_told_once_and_software_ones_for_what_they_are():
    """Targets of one adapter share a sentence, in their order; a software device comes with what it cannot show."""
    figures = [
        {f"{DEVICE}gpu_fp16": ["llvmpipe", True, 1000], f"{DEVICE}gpu": ["llvmpipe", True, 1000]},
        {f"{DEVICE}gpu": ["llvmpipe", True, 1000], f"{DEVICE}openvino": ["CPU", False, 10_000]},
    ]
    software, hardware = model_lines.devices(figures)

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
    """The sentence has the metric of both files, and what is not excluded."""
    assert model_lines.sentence("all held", {METRIC: CHANGE}) == (
        f"all held; top-1 accuracy 96.000 % -> 95.500 % ({PROVES})"
    )


def test_sizes_are_told_where_they_were_measured():
    """The sentence has the size of the float16 file beside that of the float32 one."""
    told = model_lines.sentence("all held", {"fp32_bytes": 1000, "size_ratio": 0.525})

    assert told == "all held; float16 file 0.525 of 1 000 bytes"


def test_metrics_of_several_outputs_are_told_apart():
    """Each output has its metric, under its name and in its metric's unit."""
    error = CHANGE | {"metric": "RMSE", "baseline": 0.123456789, "candidate": 0.2, "loss": 0.6, "says": "it <says>"}
    figures = {f"{METRIC} of class": CHANGE, f"{METRIC} of <age>": error}

    assert model_lines.sentence("all held", figures).endswith(
        f"; top-1 accuracy of class 96.000 % -> 95.500 % ({PROVES}); RMSE of <age> 0.12346 -> 0.2 (it <says>)"
    )


def test_few_samples_of_any_output_prove_little():
    """It is noticed where one of the metrics has too few samples to exclude what is allowed."""
    enough = {f"{METRIC} of class": CHANGE}

    assert not model_lines.prove_little(enough)
    assert model_lines.prove_little(enough | {f"{METRIC} of age": CHANGE | {"few": True}})


def test_origin_is_told_first():
    """Where the files come from, and what could not be checked for it, begins the lines."""
    assert (
        model_lines.lines({ORIGIN: ["b.tflite comes alone."], "fp32 gpu": LEG.as_dict()}, 0)[0]
        == "  b.tflite comes alone."
    )


def test_leg_of_each_output_is_told():
    """The outputs of one file on one target are a row each, in the order of the targets."""
    figures = {
        f"{precision} {target} {output}": dataclasses.replace(
            LEG, precision=precision, target=target, output=output
        ).as_dict()
        for output in ("class", "parity")
        for precision, target in (("fp16", "gpu"), ("fp32", "reference"))
    }
    lines = [line.split() for line in model_lines.lines(figures, 0)]

    assert lines[0][:4] == ["target", "arithmetic", "file", "output"]
    assert [(line[0], line[2], line[3]) for line in lines[1:5]] == [
        ("reference", "fp32", "class"),
        ("reference", "fp32", "parity"),
        ("gpu", "fp16", "class"),
        ("gpu", "fp16", "parity"),
    ]


def test_output_called_keras_is_no_metric_of_keras():
    """Whatever an output is called, its metric is told from that of the Keras model."""
    assert "top-1 accuracy of Keras 96.000 %" in model_lines.sentence("all held", {f"{METRIC} of Keras": CHANGE})


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((3, 2), "FELL SHORT: 2 of 5 checks"),
        ((3, 0), "all 3 checks that ran held"),
        ((0, 0), "NOTHING WAS CHECKED"),
    ],
)
def test_outcome_is_told_in_words(counts, words):
    """That checks fell short is told, and so is that none was carried out."""
    assert model_lines.outcome(*counts) == words
