"""Declarations that lie elsewhere: in a folder of the user's, who has the gate's checkout beside it."""

import shutil

import numpy as np
import pytest

from fixtures.harness.versions import ROOT
from tests import documents
from tests.gate import ON_CPU, run_gate

PAIR = '''"""A pair that another repository's build leaves beside this file."""

from models.spec import Budget, ModelSpec

DIGITS = ModelSpec(
    name="digits",
    fp32="files/digits.tflite",
    fp16="files/digits_fp16.tflite",
    data="files/eval.npz",
    budget=Budget(baseline=0.9),
    example=3,
)
'''

BROKEN = {
    "raises": ("raise RuntimeError('no reason')", "RuntimeError: no reason"),
    "syntax": ("def build(:", "SyntaxError"),
    "exits": ("import sys; sys.exit('over')", "SystemExit: over"),
    "no module": ("import no_such_module", "ModuleNotFoundError"),
    "two origins": (
        "from models.spec import ModelSpec\nM = ModelSpec(name='m', fp16='a', keras_model='b', data='c')",
        "ValueError: m has keras_model and fp16: one of build, keras_model, fp16 was expected",
    ),
    "no data": (
        "from models.spec import ModelSpec\nM = ModelSpec(name='m', fp16='a')",
        "ValueError: data of m: it needs data to be evaluated on",
    ),
    "no origin": (
        "from models.spec import ModelSpec\nM = ModelSpec(name='m', data='c')",
        "ValueError: m has no origin",
    ),
    "unknown field": ("from models.spec import ModelSpec\nM = ModelSpec(nam='m')", "TypeError"),
}
"""Files of declarations that cannot be imported, and what is said of them."""


@pytest.fixture
def repository(tmp_path, provider):
    """Another repository, whose folder `gate` declares a pair that lies beside the declaration."""
    folder = tmp_path / "mine" / "gate"
    (folder / "files").mkdir(parents=True)
    build = provider.build("mnist_cnn")
    shutil.copy(build.fp32, folder / "files" / "digits.tflite")
    shutil.copy(build.fp16, folder / "files" / "digits_fp16.tflite")
    samples = build.samples
    np.savez(folder / "files" / "eval.npz", x=samples.rows("x", 0, 200), y=samples.rows("y", 0, 200))
    (folder / "digits.py").write_text(PAIR)
    return folder.parent


def test_pins_lie_beside_a_declaration_elsewhere(repository, store, tmp_path):
    """From the gate's checkout, `--models-dir` is all it takes: pins are written beside the declaration, then held."""
    arguments = (f"--models-dir={repository / 'gate'}", f"--artifacts={store}", *ON_CPU)
    unpinned = run_gate(*arguments, folder=tmp_path)
    written = run_gate(*arguments, "--snapshot-update", folder=tmp_path)
    held = run_gate(*arguments, "-n2", folder=tmp_path)

    assert unpinned.code == pytest.ExitCode.TESTS_FAILED
    assert "nothing is pinned yet" in unpinned.named("tests/test_predictions.py::test_predictions_are_the_pinned_ones")
    assert written.code == held.code == 0, held.text
    pins = sorted(file.name for file in (repository / "gate" / "__snapshots__").iterdir())
    assert pins == ["digits-fp16.txt", "digits-fp32.txt"]
    assert "digits: all 134 checks that ran held" in held.text


def test_relative_folder_is_that_of_the_one_who_types_it(repository, store, tmp_path):
    """From the other repository, `-c` names the gate's settings and the tests follow; its own settings play no part."""
    (repository / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (repository / "conftest.py").write_text("raise RuntimeError('the conftest of the other repository')\n")
    for name in ("models", "fixtures"):
        (repository / name).mkdir()
        (repository / name / "__init__.py").write_text("raise RuntimeError('a package of the other repository')\n")
    run = run_gate(
        "-c",
        ROOT / "pytest.ini",
        *sorted((ROOT / "tests").glob("test_*.py")),
        "--models-dir=gate",
        "--gate-json=verdict.json",
        f"--artifacts={store}",
        "--deselect=tests/test_predictions.py",
        *ON_CPU,
        folder=tmp_path,
        checkout=repository,
    )

    document = documents.read(repository / "verdict.json", run.text)
    assert run.code == 0, run.text
    assert document["run"]["verdict"] == "passed"
    assert document["models"][0]["declared_in"] == str(repository / "gate" / "digits.py")
    assert document["models"][0]["counts"]["failed"] == 0
    assert document["models"][0]["counts"]["passed"] > 100


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_declaration_that_cannot_be_imported_turns_the_run_red(gate, pinned_models, workers):
    """It is named, the other models are validated, and the run is red whatever is selected."""
    (pinned_models / "broken.py").write_text("import no_such_module\n")
    says = f"{pinned_models / 'broken.py'} cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"
    whole = gate(pinned_models, workers, "tests/test_declarations.py", "tests/test_size.py")
    part = gate(pinned_models, workers, "-k", "quick", "tests/test_size.py")

    assert (whole.code, part.code) == (pytest.ExitCode.TESTS_FAILED,) * 2, part.text
    assert list(whole.fallen) == ["tests/test_declarations.py::test_every_declaration_can_be_read"]
    assert says in whole.named("tests/test_declarations.py")
    assert "quick: all 2 checks that ran held" in whole.text
    assert not part.fallen
    assert f"ERROR: {says}; what it declares was not validated" in part.text


@pytest.mark.parametrize("why", BROKEN)
def test_nonsense_is_named_in_a_line(gate, pinned_models, why):
    """What cannot be declared is told with the file and the cause, and no traceback."""
    code, says = BROKEN[why]
    (pinned_models / "broken.py").write_text(f"{code}\n")
    run = gate(pinned_models, "-p", "no:xdist", "tests/test_declarations.py")

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert f"{pinned_models / 'broken.py'} cannot be imported: {says}" in run.named("tests/test_declarations.py")
    assert "Traceback" not in run.text


def test_folder_of_nothing_else_is_refused(tmp_path):
    """Where no other model is left to validate, the command is refused with the cause."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "broken.py").write_text("import no_such_module\n")
    run = run_gate(f"--models-dir={tmp_path / 'broken'}", "-p", "no:xdist", folder=tmp_path)

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert "broken.py cannot be imported: ModuleNotFoundError" in run.text
    assert "Traceback" not in run.text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("digits_fp16.tflite", "gone.tflite"), "gate/files/gone.tflite cannot be read: No such file or directory"),
        (("eval.npz", "gone.npz"), "gate/files/gone.npz cannot be read: No such file or directory"),
        (("files/digits_fp16.tflite", "digits.py"), "gate/digits.py is not a .tflite file"),
        (("files/eval.npz", "digits.py"), "gate/digits.py is no .npz archive"),
        (("baseline=0.9", "baseline={'logits': 0.9}"), "digits has a baseline for logits"),
        (("example=3", "example=200"), "example 200 of digits is not one of the 200 samples"),
    ],
)
def test_declared_files_that_are_none_fall_short(repository, store, tmp_path, change, says):
    """What is wrong with the files of a declaration fails the checks that need them, in a sentence."""
    declaration = repository / "gate" / "digits.py"
    declaration.write_text(declaration.read_text().replace(*change))
    where = (f"--models-dir={repository / 'gate'}", f"--artifacts={store}", "-p", "no:xdist")
    run = run_gate(*where, "tests/test_accuracy.py", "--delegate", "builtin", folder=tmp_path)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert says in run.named("tests/test_accuracy.py::test_float32_file_reaches_the_baseline"), run.text
    assert "Traceback" not in run.text
