"""What a reviewer reads of a model comes from its figures, and leaves nothing out that fell short."""

from fixtures.harness import cards
from fixtures.harness.attribution import Deviation
from fixtures.harness.cards import DEVICE, DID_NOT_RUN, EXPLAINED

LEG = Deviation("fp32", "gpu", "float32", 10, 0.5, 0.5, 0.1, 9, 40, 0.9, 1, 0.2, ("sample 3: 1 -> 2",), 0.9)


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

    assert software.startswith("gpu, gpu_fp16 on llvmpipe, 1000 images; that is a software device: ")
    assert "cannot show" in software
    assert hardware == "openvino on CPU, 10000 images"
