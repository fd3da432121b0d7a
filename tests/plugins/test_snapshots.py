"""What is pinned, when it is written, and what is left alone."""

import re

import pytest

PINNING = ["tests/test_training.py", "tests/test_predictions.py"]


@pytest.fixture
def stale(pinned_models):
    """The quick model's folder, with the pinned class of sample 5 changed by hand in the float32 file's pin."""
    file = pinned_models / "__snapshots__" / "quick-fp32.txt"
    line = file.read_text().splitlines()[3]
    file.write_text(file.read_text().replace(line, line[:13] + str((int(line[13]) + 1) % 10) + line[14:]))
    return pinned_models


def contents(models):
    """Return the pinned files and when each was written."""
    return {file.name: (file.read_text(), file.stat().st_mtime_ns) for file in (models / "__snapshots__").iterdir()}


def test_changed_prediction_is_named(gate, stale):
    """A prediction that is not the pinned one fails with the sample, its true, pinned and new class, and margins."""
    run = gate(stale, *PINNING)

    message = run.named("tests/test_predictions.py::test_predictions_are_the_pinned_ones[quick-fp32]")
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "1 of 10000 predictions are not as pinned" in message
    assert "sample 000005: true 1, pinned 2 (margin at least" in message
    assert "--snapshot-update" in message


@pytest.mark.parametrize("on_ci", [{}, {"CI": "true"}], ids=["", "ci"])  # where pytest cuts no message
def test_many_changed_predictions_are_cut_to_the_first(gate, pinned_models, on_ci):
    """The message has twenty of them, how many more there are, and what to do, wherever the gate runs."""
    pin = pinned_models / "__snapshots__" / "quick-fp32.txt"
    first_of_a_hundred = re.compile(r"^(\d{6}  )(\d)(?=\d{9} )", re.MULTILINE)
    pin.write_text(first_of_a_hundred.sub(lambda found: f"{found[1]}{(int(found[2]) + 1) % 10}", pin.read_text()))
    run = gate(pinned_models, "tests/test_predictions.py", **on_ci)

    message = run.named("tests/test_predictions.py::test_predictions_are_the_pinned_ones[quick-fp32]")
    assert "100 of 10000 predictions are not as pinned" in message
    assert message.count("  sample 0") == 20
    assert "… and 80 more\n" in message
    assert "accept it with --snapshot-update and say why in the commit" in message


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_update_writes_what_changed_and_nothing_else(gate, stale, pins, workers):
    """`--snapshot-update` restores the changed pin and does not touch the others."""
    before = contents(stale)
    run = gate(stale, workers, "--snapshot-update", *PINNING)
    after = contents(stale)

    assert run.code == 0, run.text
    assert after["quick-fp32.txt"][0] == (pins / "quick-fp32.txt").read_text()
    assert {name for name in after if after[name] != before[name]} == {"quick-fp32.txt"}


@pytest.mark.parametrize("selection", [["-k", "fp16"], ["tests/test_training.py"], ["-x", "-k", "fp16 or weights"]])
def test_update_of_a_selection_leaves_other_pins_alone(gate, stale, selection):
    """`--snapshot-update` with -k, -x or a file leaves unselected pins as they are, stale ones included."""
    before = contents(stale)
    run = gate(stale, "--snapshot-update", *(selection if selection[0].startswith("tests") else [*PINNING, *selection]))

    assert run.code == 0, run.text
    assert contents(stale) == before


def test_update_keeps_the_pin_of_a_test_that_failed_before_it(gate, pinned_models):
    """A check that fails before it compares loses nothing: here nothing is evaluated, for want of the example."""
    declaration = pinned_models / "quick.py"
    declaration.write_text(declaration.read_text().replace("example=0", "example=10_000"))
    before = contents(pinned_models)
    run = gate(pinned_models, "--snapshot-update", *PINNING)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert contents(pinned_models) == before


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_update_with_nothing_to_pin_is_refused(gate, models, workers):
    """`--snapshot-update` on a selection that pins nothing ends with exit code 4 and writes nothing."""
    run = gate(models, workers, "--snapshot-update", "tests/test_size.py")

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert "no selected test pins anything, so nothing was written" in run.text
    assert not (models / "__snapshots__").exists()


def test_missing_pin_falls_short(gate, models):
    """Where nothing is pinned nothing passes, and nothing is written either."""
    run = gate(models, *PINNING)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "nothing is pinned yet" in run.named("tests/test_predictions.py::test_predictions_are_the_pinned_ones")
    assert "nothing is pinned yet" in run.named("tests/test_training.py")
    assert not (models / "__snapshots__").exists()


@pytest.mark.parametrize("damage", [lambda content: content[:5000], lambda _: b"garbage\xff\n"], ids=["cut", "garbage"])
def test_damaged_pin_falls_short_and_can_be_replaced(gate, pinned_models, pins, damage):
    """A pin that was cut, or is no text, is no pin; `--snapshot-update` writes it anew."""
    file = pinned_models / "__snapshots__" / "quick-fp16.txt"
    file.write_bytes(damage(file.read_bytes()))
    run = gate(pinned_models, *PINNING)
    update = gate(pinned_models, "--snapshot-update", *PINNING)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "cannot be used" in run.named("tests/test_predictions.py::test_predictions_are_the_pinned_ones[quick-fp16]")
    assert update.code == 0, update.text
    assert file.read_text() == (pins / "quick-fp16.txt").read_text()


def test_pin_of_a_model_that_is_gone_falls_short(gate, pinned_models):
    """A pinned file that belongs to no declared model is found."""
    (pinned_models / "__snapshots__" / "gone-fp16.txt").write_text("")
    run = gate(pinned_models, *PINNING)

    assert "gone-fp16.txt" in run.named("tests/test_predictions.py::test_no_pin_is_left_behind")


def test_other_files_are_named_as_such(gate, pinned_models):
    """A converted file that is not the pinned one is named, with both digests."""
    pin = pinned_models / "__snapshots__" / "quick-files.txt"
    pin.write_text("0000  fp32.tflite\n" + pin.read_text().splitlines()[1] + "\n")
    run = gate(pinned_models, *PINNING)

    message = run.named("tests/test_training.py::test_conversion_gives_the_pinned_files")
    assert "the converted files are not the pinned ones" in message
    assert "pinned 0000  fp32.tflite" in message
    assert "fp16.tflite" not in message.partition("not the pinned ones")[2]


def test_other_weights_are_named_as_such(gate, pinned_models):
    """Weights that are not the pinned ones are told from predictions that are not."""
    (pinned_models / "__snapshots__" / "quick-weights.txt").write_text("0000  weights\n")
    run = gate(pinned_models, *PINNING)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "this machine does not reproduce the pinned training" in run.named("tests/test_training.py")
    assert len(run.fallen) == 1
