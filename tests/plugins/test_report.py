"""The HTML report and the terminal's last lines say what was measured, against what, and what fell short."""

import html
import json
import re

import pytest


@pytest.fixture(scope="session")
def target_rows():
    """The targets, as the head of the report lists them."""
    return ["reference", "builtin", "xnnpack", "xnnpack_fp16", "tf_lite"]


@pytest.fixture(params=["-n0", "-n2"])
def report(request, gate, pinned_models, tmp_path):
    """The report of a green run: its page, and the rows of its table."""
    file = tmp_path / "report.html"
    run = gate(pinned_models, request.param, f"--html={file}", "--self-contained-html")
    assert run.code == 0, run.text
    return Report(file.read_text())


class Report:
    """A page of pytest-html and the tests that it holds."""

    def __init__(self, page):
        """Read the *page*'s data, which pytest-html keeps in an attribute."""
        self.page = page
        self.tests = json.loads(html.unescape(re.search(r'data-jsonblob="(.*?)"', page, re.DOTALL)[1]))["tests"]

    def row(self, test):
        """Return the cells of *test*, as one text."""
        return "".join(self.tests[test][0]["resultsTableRow"])


def test_head_shows_sizes_accuracies_and_digests(report):
    """The head has a card for the model with what a reviewer asks first."""
    head = report.page.partition('id="results-table"')[0]

    assert "quick: all 141 checks that ran held" in head
    assert re.search(r"<th>size, bytes</th><td>\d\d \d{3}</td><td>\d\d \d{3}</td><td>0\.5\d+</td>", head)
    assert re.search(r"<th>top-1 accuracy on reference kernels</th><td>\d\d\.\d{3} %</td><td>\d\d\.\d{3} %</td>", head)
    assert len(re.findall(r'class="digest">[0-9a-f]{64}<', head)) == 2
    assert "—" not in head


def test_head_shows_every_target(report, target_rows):
    """The head has a row for each file on each target, and says what the errors come from."""
    head = report.page.partition('id="results-table"')[0]
    rows = re.findall(r"<tr><td>(\w+)</td><td>float(?:16|32)</td><td>(fp\d\d)</td>(?:<td>[^<—]*</td>){11}</tr>", head)

    assert rows == [(target, precision) for target in target_rows for precision in ("fp32", "fp16")]
    assert "<b>nothing is out of bounds: " in head


def test_head_shows_the_headroom(report):
    """The head has each operator's largest value and partial sum against 65504, the nearest first."""
    head = report.page.partition('id="results-table"')[0]
    shares = re.findall(r"<td>\d+ [A-Z_0-9]+</td>(?:<td>[^<]*</td>){3}<td>([\d.e-]+) %</td>", head)

    assert len(shares) == 2, head  # RESHAPE and FULLY_CONNECTED
    assert sorted(map(float, shares), reverse=True) == list(map(float, shares))


def test_rows_show_measured_against_allowed(report):
    """A row has the test's requirement, what was measured, and what was allowed."""
    row = report.row("tests/test_accuracy.py::test_keras_reaches_the_baseline[quick]")

    assert "as good as its budget asks for" in row
    assert re.search(r"accuracy of Keras: 0\.\d+</td>", row)
    assert "at least 0.8</td>" in row


def test_one_image_has_its_picture(report):
    """The row of the one-image check carries the picture, titled with the true and the predicted class."""
    (test,) = report.tests["tests/test_one_image.py::test_one_image_is_recognized[quick-fp16-xnnpack]"]
    (picture,) = test["extras"]

    assert picture["name"] == "True: 7, predicted: 7"
    assert picture["content"].startswith("data:image/png;base64,iVBOR")


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
    assert f"<li>{test}</li>" in report.page
    assert "at least 0.999 allowed" in report.tests[test][0]["log"]
    assert "quick: FELL SHORT: 6 of 28 checks" in run.text


def test_failure_of_no_model_is_named_in_the_head(gate, pinned_models, tmp_path):
    """A check that belongs to no model is listed on top of the page too."""
    (pinned_models / "__snapshots__" / "gone-fp16.txt").write_text("")
    file = tmp_path / "report.html"
    gate(pinned_models, f"--html={file}", "--self-contained-html", "tests/test_predictions.py")

    assert "<li>tests/test_predictions.py::test_no_pin_is_left_behind</li>" in file.read_text()


def test_run_without_html_plugin_works(gate, pinned_models):
    """The gate runs where pytest-html is switched off."""
    run = gate(pinned_models, "-p", "no:html", "tests/test_size.py", "tests/test_one_image.py")

    assert run.code == 0, run.text


def test_run_without_xdist_works(gate, pinned_models):
    """The gate runs where pytest-xdist is switched off."""
    run = gate(pinned_models, "-p", "no:xdist", "tests/test_size.py")

    assert run.code == 0, run.text
