"""The HTML report and the terminal's last lines say what was measured, against what, and what fell short."""

import html
import json
import re

import pytest


@pytest.fixture(params=["-n0", "-n2"])
def report(request, gate, pinned_models, tmp_path):
    """The report of a green run."""
    file = tmp_path / "report.html"
    run = gate(pinned_models, request.param, f"--html={file}", "--self-contained-html")
    assert run.code == 0, run.text
    return Report(file.read_text())


class Report:
    """A page and the checks that its table shows; tests/browser looks at it as people do."""

    def __init__(self, page):
        """Read the *page*, and the rows that its script is given."""
        self.page = page
        held = json.loads(re.search(r'id="gate-rows">(.*?)</script>', page, re.DOTALL)[1])
        self.texts, self.rows = held["texts"], {row[0]: row for row in held["rows"]}

    def section(self, place):
        """Return the section of this id."""
        return re.search(rf'<section[^>]*id="{place}".*?</section>', self.page, re.DOTALL)[0]


def test_head_has_the_verdict_and_what_changed(report):
    """The page begins with the verdict in words, and with what changed against the pins: nothing."""
    assert re.search(r'<header class="verdict pass"><h2>.*?Passed: every check held</h2><p>143 passed', report.page)
    assert "Every prediction, weight and file that was compared is as pinned." in report.section("pins")
    assert 'id="fell-short"' not in report.page


def test_card_shows_sizes_accuracies_and_digests(report):
    """A model has a card with what a reviewer asks first."""
    card = report.section("model-quick")

    assert "all 141 checks that ran held" in card
    assert re.search(r'aria-label="Size: float32 \d\d \d{3} bytes, float16 \d\d \d{3} bytes, expected', card)
    assert re.search(r'aria-label="top-1 accuracy: Keras \d\d\.\d{3} %, float32 \d\d\.\d{3} %, float16', card)
    assert len(re.findall(r"<code>[0-9a-f]{64}</code>", card)) == 4
    assert "nothing is out of bounds: " in card


def test_card_shows_every_file_on_every_target(report):
    """The heat table has a row for each file on each target, and so have latency and histograms."""
    card = report.section("model-quick")
    targets = ["reference", "builtin", "xnnpack", "xnnpack_fp16", "tf_lite"]
    rows = re.findall(r'<th scope="row">(\w+)</th><td>(float\d\d)</td>', card)

    assert rows == [(target, file) for target in targets for file in ("float32", "float16")] * 2
    assert len(re.findall(r'aria-label="\w+ fp\d\d: 100000 differences', card)) == 9  # the truth has none from itself


def test_card_shows_the_headroom_and_the_layers(report):
    """The plot has each operator's share of 65504 and its error, and the table the numbers, the nearest first."""
    card = report.section("model-quick")
    shares = re.findall(r'<th scope="row">\d+ [A-Z_0-9]+</th>(?:<td>[^<]*</td>){3}<td>([\d.e-]+) %</td>', card)

    assert len(shares) == 2, card  # RESHAPE and FULLY_CONNECTED
    assert sorted(map(float, shares), reverse=True) == list(map(float, shares))
    assert "Headroom: operator 1 FULLY_CONNECTED uses most of float16's range" in html.unescape(card)
    assert "Layer by layer, the largest error is" in card


def test_rows_show_measured_against_allowed(report):
    """A row has the check's place, its requirement, what was measured, and what was allowed."""
    row = report.rows["tests/test_accuracy.py::test_float32_file_reaches_the_baseline[quick-xnnpack]"]
    ((quantity, measured, allowed, holds),) = row[7]

    assert row[1:6] == ["passed", "quick", "", "xnnpack", "accuracy"]
    assert report.texts[quantity] == "top-1 accuracy of the float32 file"
    assert (measured[:2], report.texts[allowed], holds) == ("0.", "at least 0.8", 1)
    assert "as good as the budget asks for" in report.texts[row[8]]


def test_one_image_has_its_picture(report):
    """The row of the one-image check carries the picture, titled with the true and the predicted class."""
    row = report.rows["tests/test_one_image.py::test_one_image_is_recognized[quick-fp16-xnnpack]"]
    ((picture, title),) = row[10]["pictures"]

    assert title == "True: 7, predicted: 7"
    assert report.texts[picture].startswith("data:image/png;base64,iVBOR")


def test_environment_is_told(report):
    """The page ends with what the run ran on: versions, seeds, data, and what the store had."""
    told = report.section("surroundings")

    assert re.search(r'<th scope="row">ai-edge-litert</th><td>\d', told)
    assert re.search(r'<th scope="row">artifact store</th><td>\d+ found, \d+ made', told)
    assert '<th scope="row">training seeds</th><td>0</td>' in told


def test_page_needs_no_network(report):
    """Nothing on the page is loaded from elsewhere."""
    assert not re.findall(r'(?:src|srcset)="(?:https?:)?//', report.page)
    assert not re.findall(r"<link[^>]+href", report.page)


def test_failure_is_named_in_head_row_and_terminal(gate, pinned_models, tmp_path):
    """A check that fell short is named on top of the page, explained in its row, and counted in the terminal."""
    declaration = pinned_models / "quick.py"
    declaration.write_text(declaration.read_text().replace("baseline=0.8", "baseline=0.999"))
    file = tmp_path / "report.html"
    run = gate(pinned_models, "-n2", f"--html={file}", "--self-contained-html", "tests/test_accuracy.py")
    report = Report(file.read_text())

    test = "tests/test_accuracy.py::test_keras_reaches_the_baseline[quick]"
    assert run.code == pytest.ExitCode.TESTS_FAILED
    assert f"<summary><b>{test}</b></summary>" in report.section("fell-short")
    assert "at least 0.999 allowed" in report.section("fell-short")
    assert report.rows[test][1] == "failed"
    assert "at least 0.999 allowed" in report.texts[report.rows[test][9]]
    assert "quick: FELL SHORT: 6 of 28 checks" in run.text
    assert re.match(rf"fp16 gate: Failed: something fell short; {re.escape(test)} \(and 5 more\): ", last(run))


def test_failure_of_no_model_is_named_in_the_head(gate, pinned_models, tmp_path):
    """A check that belongs to no model is listed on top of the page too."""
    (pinned_models / "__snapshots__" / "gone-fp16.txt").write_text("")
    file = tmp_path / "report.html"
    gate(pinned_models, f"--html={file}", "--self-contained-html", "tests/test_predictions.py")

    assert "test_no_pin_is_left_behind" in Report(file.read_text()).section("fell-short")


def last(run):
    """Return the last line that a run printed."""
    return run.text.splitlines()[-1]


def test_changed_prediction_is_shown(gate, pinned_models, tmp_path):
    """A sample that is not as pinned is counted at the head, and in the card with its picture and both classes."""
    pin = pinned_models / "__snapshots__" / "quick-fp16.txt"
    text = pin.read_text()
    start = text.index("000000  ") + len("000000  ")
    now = int(text[start])
    pin.write_text(f"{text[:start]}{(now + 1) % 10}{text[start + 1 :]}")
    file = tmp_path / "report.html"
    gate(pinned_models, f"--html={file}", "--self-contained-html", "tests/test_predictions.py")
    report = Report(file.read_text())

    (shown,) = re.findall(r'<li data-sample="0">.*?</ul></div></li>', report.section("model-quick"))
    assert re.search(r'<td class="over">✗ 1 of 10 000</td>', report.section("pins"))
    assert 'src="data:image/png;base64,' in shown
    assert f"<b>pinned {(now + 1) % 10}</b>" in shown
    assert f"<b>now {now}</b>" in shown


def test_last_line_is_the_verdict_in_words(gate, pinned_models):
    """Whatever a run comes to, its last line says so."""
    assert last(gate(pinned_models, "tests/test_size.py")) == (
        "fp16 gate: Passed: every check held; 2 checks of 1 model"
    )
    assert last(gate(pinned_models, "-n2", "-k", "nothing")).startswith("fp16 gate: Nothing was selected")


def test_run_without_html_plugin_works(gate, pinned_models):
    """The gate runs where pytest-html is switched off."""
    run = gate(pinned_models, "-p", "no:html", "tests/test_size.py", "tests/test_one_image.py")

    assert run.code == 0, run.text


def test_run_without_xdist_works(gate, pinned_models):
    """The gate runs where pytest-xdist is switched off."""
    run = gate(pinned_models, "-p", "no:xdist", "tests/test_size.py")

    assert run.code == 0, run.text


@pytest.mark.parametrize("options", [["--bound", "baseline=0.5"], ["--delegate", "abacus"]])
def test_report_of_an_earlier_run_does_not_outlive_a_wrong_command(gate, pinned_models, tmp_path, options):
    """Where a run ends before pytest-html writes, its page says what it came to, and not what was there."""
    file = tmp_path / "report.html"
    file.write_text("Passed: every check held")
    run = gate(pinned_models, f"--html={file}", "--self-contained-html", *options)

    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "Usage error: the command was wrong" in file.read_text()
    assert "Passed" not in file.read_text()


def test_report_of_an_earlier_run_does_not_outlive_a_killed_one(gate, pinned_models, tmp_path):
    """A run that is killed leaves a page that says that it goes on, or was killed."""
    file = tmp_path / "report.html"
    file.write_text("Passed: every check held")
    (tmp_path / "killing.py").write_text("import os\ndef pytest_runtest_setup(): os.kill(os.getpid(), 9)\n")
    gate(pinned_models, f"--html={file}", "-p", "killing", "tests/test_size.py", PYTHONPATH=str(tmp_path))

    assert "Unfinished: the run goes on, or was killed" in file.read_text()
    assert "Passed" not in file.read_text()


def test_two_reports_of_one_file_are_refused(gate, pinned_models, tmp_path):
    """One of them would be lost."""
    run = gate(pinned_models, f"--html={tmp_path}/a", f"--gate-json={tmp_path}/b/../a", "tests/test_size.py")

    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "--html and --gate-json go to one file" in run.text


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_run_of_a_part_says_so(gate, pinned_models, tmp_path, workers):
    """What -k leaves out is counted on the page and in the last line."""
    file = tmp_path / "report.html"
    chosen = "-k", "take_exactly_half", "tests/test_size.py"
    run = gate(pinned_models, workers, f"--html={file}", "--self-contained-html", *chosen)

    assert last(run) == "fp16 gate: Passed: every check held; 1 check of 1 model, 1 were left out"
    assert "1 check of the gate were left out of this run, as by -k" in file.read_text()


def test_unreadable_declaration_is_told_beside_what_fell_short(gate, models, tmp_path):
    """A model that was not validated is not hidden by one that fell short."""
    (models / "broken.py").write_text("raise RuntimeError('no such model')")
    run = gate(models, "tests/test_predictions.py")

    assert run.code == pytest.ExitCode.TESTS_FAILED
    assert "broken.py cannot be imported: RuntimeError: no such model; what it declares was not validated" in run.text
