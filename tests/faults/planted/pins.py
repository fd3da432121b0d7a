"""Faults of what is kept between runs: pins that are stale or were edited, a store that is not what it says."""

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from fixtures.harness.artifacts import array_file, build_address
from fixtures.harness.store import Store
from fixtures.snapshots import FOLDER
from tests.faults.bench import Case, Fault, Named, NotPlanted, Severity, put_through
from tests.faults.planted.editing import edit_tensor
from tests.faults.workshop import ZOO

PINNED = "tests/test_predictions.py::test_predictions_are_the_pinned_ones"
WEIGHTS = "tests/test_training.py::test_training_reproduces_the_pinned_weights"
FILES = "tests/test_training.py::test_conversion_gives_the_pinned_files"
LEFT = "tests/test_predictions.py::test_no_pin_is_left_behind"
BASELINE = "tests/test_accuracy.py::test_keras_reaches_the_baseline"
OTHERS = "tests/test_predictions.py::test_other_predictions_are_close_calls"
KERAS = "tests/test_accuracy.py::test_float32_file_computes_what_keras_does"
CLASSES = "tests/test_accuracy.py::test_float32_file_predicts_what_keras_does"
MOVED = "tests/test_delegates.py::test_float16_weights_move_outputs_little"

ROW = re.compile(r"^(\d{6}  )(\d)", re.MULTILINE)
"""The beginning of a line of pinned classes, or of pinned means."""

MARGIN = re.compile(r"^(\d{6}  \d+ \d+ +)(\d+)\.(\d+)$", re.MULTILINE)
"""A close call."""

CLASSIFIERS = tuple(model for model in ZOO if model != "mnist_autoencoder")


def edit_pin(case: Case, what: str, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], count: int) -> None:
    """Change so many places of a pinned text, 0 for all."""
    file = case.folder / "models" / FOLDER / f"{case.name}-{what}.txt"
    file.write_text(pattern.sub(by, file.read_text(), count=count))


def predictions_edited(case: Case, count: int) -> None:
    """Change the first prediction of so many lines of the float16 file's pin."""
    edit_pin(case, "fp16", ROW, lambda found: f"{found[1]}{1 - min(1, int(found[2]))}", count)


def margin_edited(case: Case, steps: int) -> None:
    """Move a pinned margin by so many steps of the last place."""

    def by(found: re.Match[str]) -> str:
        moved = int(found[2] + found[3]) + steps
        return f"{found[1]}{moved // 10 ** len(found[3])}.{moved % 10 ** len(found[3]):0{len(found[3])}}"

    edit_pin(case, "fp16", MARGIN, by, 1)


def pin_removed(case: Case, what: str) -> None:
    """Remove what is pinned."""
    (case.folder / "models" / FOLDER / f"{case.name}-{what}.txt").unlink()


def pin_cut(case: Case) -> None:
    """Remove the last line of the float16 file's pin."""
    file = case.folder / "models" / FOLDER / f"{case.name}-fp16.txt"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))


def pin_left(case: Case, name: str) -> None:
    """Leave a file beside the pins, which belongs to no model if it is one of them."""
    (case.folder / "models" / FOLDER / name).write_text("0" * 64 + "  weights\n")


def digest_edited(case: Case, what: str, digits: int) -> None:
    """Change so many hexadecimal digits at the beginning of what is pinned of weights or files."""
    file = case.folder / "models" / FOLDER / f"{case.name}-{what}.txt"
    text = file.read_text()
    file.write_text("".join(f"{15 - int(digit, 16):x}" for digit in text[:digits]) + text[digits:])


def stored(case: Case, change: Callable[[Path], None], *, sealed: bool) -> None:
    """Give *case* a store of its own, with a build that *change* changes.

    sealed: whether its manifest is that of the changed files, as somebody would have to forge it.
    """
    store = Store(case.folder / "store")
    store.prepare()
    address = build_address(case.workshop.spec(case.name))

    def write(folder: Path) -> None:
        shutil.copytree(case.build, folder, ignore=shutil.ignore_patterns("manifest.json"), dirs_exist_ok=True)
        if sealed:
            change(folder)

    folder = store.once(address, write)
    if not sealed:
        change(folder)
    # What the good files compute is known: it serves wherever a file is as it was.
    for target in ("reference", *case.targets):
        for outputs in (case.store / "outputs").glob(f"{case.name}-fp??-{target}-*.1"):
            shutil.copytree(outputs, store.root / "outputs" / outputs.name)
    case.store = store.root


def build_replaced(case: Case, values: int, *, sealed: bool) -> None:
    """Change so many values of the stored float16 file's largest tensor, 0 for none and a byte behind the last."""

    def change(folder: Path) -> None:
        file = folder / "fp16.tflite"
        if not values:
            file.write_bytes(file.read_bytes() + b"\0")
            return

        def double(tensor: np.ndarray) -> None:
            tensor.reshape(-1)[-values:] *= 2

        edit_tensor(file, double)

    stored(case, change, sealed=sealed)


def keras_scaled(case: Case, factor: float) -> None:
    """Multiply what Keras computed by *factor*: the float32 file was converted from a model that is not that one."""

    def change(folder: Path) -> None:
        file = folder / array_file("keras", 0)
        outputs = np.load(file)
        np.save(file, (outputs * factor).astype(outputs.dtype))

    stored(case, change, sealed=True)


def keras_rolled(case: Case, samples: int) -> None:
    """Exchange what Keras computed for so many samples with that for their neighbours, 0 for all."""

    def change(folder: Path) -> None:
        file = folder / array_file("keras", 0)
        outputs = np.load(file)
        some = slice(0, samples or len(outputs))
        outputs[some] = np.roll(outputs[some], 1, axis=0)
        np.save(file, outputs)

    stored(case, change, sealed=True)


def declaration_edited(case: Case, old: str, new: str) -> None:
    """Edit the declaration, with a good build of what it was in the store, and pins that nobody would look at."""
    file = case.folder / "models" / f"{case.name}.py"
    if old not in file.read_text():
        raise NotPlanted(f"{file} does not have {old!r}")
    file.write_text(file.read_text().replace(old, new))
    case.arguments += ["--deselect=tests/test_predictions.py", "--deselect=tests/test_training.py"]


def outputs_forged(case: Case, samples: int, *, bad: bool = True) -> None:
    """Run the gate on a faulty float16 file, then write what the good one computes over its stored outputs.

    samples: of so many samples, 0 for all. bad: whether the file is faulty.
    """
    good = case.folder / "good.tflite"
    shutil.copyfile(case.fp16, good)
    case.store = case.folder / "store"

    def outputs() -> list[Path]:
        return sorted((case.store / "outputs").glob("*-fp16-*/outputs-0.npy"))

    run = case.folder / "run"
    run.mkdir()
    first = put_through(case, run, case.store)
    if first.verdict != "passed":
        raise NotPlanted(f"the good file does not pass: {first.fallen}")
    right = {file.parent.name.rsplit("-", 1)[0]: np.load(file) for file in outputs()}
    known = set(outputs())
    if bad:
        edit_tensor(case.fp16, lambda tensor: tensor * 2)
    if put_through(case, run, case.store).verdict == "passed":
        raise NotPlanted("the faulty file passes")
    for file in set(outputs()) - known:
        found = np.load(file)
        some = slice(0, samples or len(found))
        found[some] = right[file.parent.name.rsplit("-", 1)[0]][some]
        np.save(file, found)
    shutil.rmtree(run)


FAULTS = (
    Fault(
        "pinned predictions edited",
        "pins",
        "any class, and a margin by three steps of its last place; machines move one by a single step",
        (
            Severity(
                "a hundred",
                partial(predictions_edited, count=0),
                (Named(PINNED, "predictions are not as pinned"), Named(OTHERS, "pinned")),
            ),
            Severity("one", partial(predictions_edited, count=1), (Named(PINNED, "1 of"),)),
            Severity("a margin by three steps", partial(margin_edited, steps=3), (Named(PINNED, "margin"),)),
            Severity("a margin by a step", partial(margin_edited, steps=1)),
        ),
        CLASSIFIERS,
        declared=True,
    ),
    Fault(
        "stale pins",
        "pins",
        "any pin that is not of this training, is cut or is missing",
        (
            Severity("predictions missing", partial(pin_removed, what="fp16"), (Named(PINNED, "nothing is pinned"),)),
            Severity("files missing", partial(pin_removed, what="files"), (Named(FILES, "nothing is pinned"),)),
            Severity("a line missing", pin_cut, (Named(PINNED),)),
            Severity(
                "a digit of the weights' digest", partial(digest_edited, what="weights", digits=1), (Named(WEIGHTS),)
            ),
            Severity("a digit of a file's digest", partial(digest_edited, what="files", digits=1), (Named(FILES),)),
            Severity("of a model that is gone", partial(pin_left, name="gone-weights.txt"), (Named(LEFT, "gone"),)),
            Severity("a note beside them", partial(pin_left, name="README.md")),
        ),
        ZOO,
        declared=True,
    ),
    Fault(
        "store forged",
        "store",
        "a byte, where the manifest was forged as well; without that it is noticed, and built anew",
        (
            Severity("a tensor", partial(build_replaced, values=10**9, sealed=True), (Named(FILES, "fp16.tflite"),)),
            Severity("a value", partial(build_replaced, values=1, sealed=True), (Named(FILES, "fp16.tflite"),)),
            Severity("a byte", partial(build_replaced, values=0, sealed=True), (Named(FILES, "fp16.tflite"),)),
            Severity("a value, unsealed", partial(build_replaced, values=1, sealed=False)),
        ),
        ("mnist_multi", "mnist_cnn"),
        declared=True,
    ),
    Fault(
        "store stale",
        "store",
        "any change of what determines the weights; a change of bounds is none, and trains nothing",
        (
            Severity(
                "another builder",
                partial(declaration_edited, old="layers.Dense(10,", new="layers.Dense(10, trainable=False,"),
                (Named(BASELINE, "accuracy"),),
            ),
            Severity(
                "another recipe",
                partial(declaration_edited, old="learning_rate=0.01", new="learning_rate=1e-9"),
                (Named(BASELINE, "accuracy"),),
            ),
            Severity(
                "another bound that it does not reach",
                partial(declaration_edited, old="baseline=0.8", new="baseline=0.99"),
                (Named(BASELINE, "accuracy"),),
            ),
            Severity("another bound", partial(declaration_edited, old="baseline=0.8", new="baseline=0.7")),
        ),
        ("quick",),
        declared=True,
    ),
    Fault(
        "stored outputs forged",
        "store",
        "a value: what is stored is verified before it is used",
        (
            Severity("all", partial(outputs_forged, samples=0), (Named(MOVED),)),
            Severity("half", partial(outputs_forged, samples=1000), (Named(MOVED),)),
            Severity("one sample", partial(outputs_forged, samples=1), (Named(MOVED),)),
        ),
        CLASSIFIERS,
    ),
    Fault(
        "not what was trained",
        "conversion",
        "what float32 rounding explains of the largest output, about 1e-5 of it",
        (
            Severity(
                "other samples",
                partial(keras_rolled, samples=0),
                (Named(KERAS, "the conversion"), Named(CLASSES, "the conversion")),
            ),
            Severity("two samples exchanged", partial(keras_rolled, samples=2), (Named(KERAS, "the conversion"),)),
            Severity("1 % more", partial(keras_scaled, factor=1.01), (Named(KERAS, "the conversion"),)),
            Severity("0.01 % more", partial(keras_scaled, factor=1.0001), (Named(KERAS, "the conversion"),)),
            Severity("an ulp more", partial(keras_scaled, factor=1 + 2**-23)),
        ),
        ("mnist_cnn", "mnist_separable", "mnist_pair", "mnist_attention"),
        declared=True,
    ),
)
