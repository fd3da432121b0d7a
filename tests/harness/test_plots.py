"""Plots are small SVG images that say what they show, and that no name and no number breaks."""

import math
from xml.etree import ElementTree

import pytest

from fixtures.harness import plots
from tests.harness.runs import HOSTILE, METRIC

SIZES = {"fp32": 100_000, "fp16": 52_000, "least": 0.515, "most": 0.525}
ACTIVATION = {
    "position": 0,
    "operator": "CONV_2D",
    "tensor": "conv",
    "shape": [1],
    "largest": 20.0,
    "reach": 32752.0,
    "smallest": 0.1,
    "underflow": 0.0,
    "finite": True,
}
HISTOGRAM = {"limit": 0.5, "counts": [1, 0, 7, 0, 1], "every": 1, "broken": 0}


def read(svg):
    """Return the elements of one plot, which is well-formed, and what it says."""
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    return root, root.attrib["aria-label"]


def widths(root, kind):
    """Return the widths of the bars of a *kind*."""
    return [float(one.attrib["width"]) for one in root.iter("rect") if one.attrib["class"] == kind]


def test_sizes_are_to_scale_and_told():
    """The bars are as long as the files are large, and the expected range is in the words."""
    root, said = read(plots.sizes(SIZES))

    assert widths(root, "fp16")[0] / widths(root, "fp32")[0] == pytest.approx(0.52, abs=1e-3)
    assert said == "Size: float32 100 000 bytes, float16 52 000 bytes, expected 51 500 to 52 500"


def test_metric_has_what_the_samples_leave_possible():
    """The interval goes from the largest loss to the largest gain, and the bound is a line."""
    change = METRIC | {"keras": 0.95, "candidate": 0.948, "bound": 0.01}
    told = {"keras": "95.0 %", "baseline": "95.0 %", "candidate": "94.8 %"}
    root, said = read(plots.metric(change, told))

    lines = [one.attrib for one in root.iter("line")]
    (limit,) = [float(one["x1"]) for one in lines if one["class"] == "limit"]
    interval = [float(one[end]) for one in lines if one["class"] == "interval" for end in ("x1", "x2")]
    dots = [float(one.attrib["cx"]) for one in root.iter("circle")]
    assert limit < min(interval) < dots[2] < dots[1] == dots[0] < max(interval)
    assert said.startswith("top-1 accuracy: Keras 95.0 %, float32 95.0 %, float16 94.8 %; 1000 samples exclude")


@pytest.mark.parametrize("value", ["NaN", "Infinity", None])
def test_metric_that_is_no_number_is_left_out(value):
    """An infinite error has no place on an axis; what is finite is shown."""
    root, _ = read(plots.metric(METRIC | {"candidate": value, "most": value, "least": value}, {"baseline": "95 %"}))

    assert len([*root.iter("circle")]) == 1
    nothing = METRIC | dict.fromkeys(("baseline", "candidate", "keras", "most", "least", "bound"), value)
    assert plots.metric(nothing, {}) == ""


def test_histogram_has_a_bar_for_each_bin_with_differences():
    """Empty bins have no bar, one difference has a visible one, and all are told."""
    root, said = read(plots.histogram(HISTOGRAM | {"broken": 2}, "gpu fp16", "fp16"))

    heights = [float(one.attrib["height"]) for one in root.iter("rect")]
    assert len(heights) == 3
    assert heights[1] == max(heights) > heights[0] == heights[2] > 5
    assert said == "gpu fp16: 9 differences from -0.5 to 0.5, 2 NaN or infinite"


def test_margins_are_told_before_and_now():
    """Each changed prediction is a row with both margins."""
    root, said = read(plots.margins([("#5 gpu", 2.0, 1.0, "over"), ("#9 gpu", 0.5, 0.0, "over")]))

    assert [round(width / widths(root, "fp32")[0], 2) for width in widths(root, "fp32")] == [1, 0.25]
    assert "#5 gpu: 2 before, 1 now; #9 gpu: 0.5 before, 0 now" in said


def test_operator_near_the_largest_number_is_marked():
    """A partial sum of half of 65504 is over the warning, and the words name it; errors are marks beside."""
    calm = ACTIVATION | {"position": 1, "operator": "ADD", "reach": 0.0}
    root, said = read(plots.layers([ACTIVATION, calm], {0: 1e-4, 1: 0.0}))

    assert (len(widths(root, "over")), len(widths(root, "range"))) == (1, 1)
    assert len([*root.iter("path")]) == 2
    assert said == (
        "Headroom: operator 0 CONV_2D uses most of float16's range, 0.5. "
        "Layer by layer, the largest error is 0.0001, at operator 0"
    )


@pytest.mark.parametrize("value", [0.0, math.inf, math.nan])
def test_values_without_a_logarithm_break_nothing(value):
    """A dead, an infinite or a broken operator is drawn as far as it can be."""
    read(plots.layers([ACTIVATION | {"largest": value, "reach": 0.0}], {0: value}))


def test_classes_have_what_they_lost_and_gained():
    """Losses go to the left and gains to the right, to one scale."""
    root, said = read(plots.class_changes([("cat", 100, 4, 1), ("dog", 90, 0, 0)]))

    assert widths(root, "over")[0] == 4 * widths(root, "gain")[0] > 0
    assert said.endswith("cat: 4 lost, 1 gained of 100; dog: 0 lost, 0 gained of 90")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_are_text(name):
    """Whatever a class, an operator or a target is called, the plot stays one image."""
    for svg in (
        plots.class_changes([(name, 10, 1, 0)]),
        plots.layers([ACTIVATION | {"operator": name}], {}),
        plots.histogram(HISTOGRAM, name, "fp16"),
        plots.margins([(name, 1.0, 0.5, "over")]),
        plots.metric(METRIC | {"metric": name, "says": name}, {"baseline": name}),
    ):
        root, _ = read(svg)
        assert {one.tag for one in root.iter()} <= {"svg", "text", "rect", "line", "circle", "path"}
