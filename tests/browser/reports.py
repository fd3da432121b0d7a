"""Reports of real runs of the gate, for a browser to open: a green one, a red one, a large one and a hostile one."""

import json
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.harness.versions import ROOT
from fixtures.snapshots import FOLDER
from tests.faults.planted.editing import edit, edit_tensor
from tests.gate import ON_CPU, QUICK, run_gate
from tests.harness.runs import HOSTILE

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

EDITED = (3, 250, 1111, 9876)
"""The samples of the quick model whose pinned class is edited in the red report."""

EVERY = 25
"""The pair's data are each so manieth image of the test set."""

MANY, LEAVES = 30, 60
"""How many models the large report has, and how many images each of them is run on."""

SPOILED = (4, 17)
"""Those of them whose float16 file is not what it should be."""

OUTPUTS = ("<b onmouseover=alert(3)>", "o" * 200)
"""What the outputs of the hostile models are called."""

PAIR = '''"""A classifier that somebody else converted."""

from models.spec import Budget, ModelSpec

DIGITS = ModelSpec(
    name="digits",
    title="Digits, as shipped",
    fp32="fp32.tflite",
    fp16="fp16.tflite",
    data="EVAL.npz",
    budget=Budget(baseline=0.8),
    class_names={names!r},
    example=0,
)
'''

MODELS = '''"""As many models as a team may have."""

from models.spec import Budget, ModelSpec

MODELS = [
    ModelSpec(
        name=f"many_{{n:02}}",
        title=f"Classifier {{n}}",
        fp32="fp32.tflite",
        fp16="spoiled.tflite" if n in {spoiled!r} else "fp16.tflite",
        data="EVAL.npz",
        budget=Budget(baseline=0.5),
    )
    for n in range({many})
]
'''

NASTY = '''"""Models whose names would do something where they are shown."""

from models.spec import Budget, ModelSpec
from models.tasks import Classification, Regression

MODELS = [
    ModelSpec(
        name=f"nasty_{{n}}",
        title=title,
        fp32={fp32},
        fp16={fp16},
        data={data},
        task=dict(zip({outputs!r}, (Classification(), Regression()))),
        budget=Budget(baseline={{{outputs!r}[0]: 0.5}}),
        class_names={{{outputs!r}[0]: {names}}},
    )
    for n, title in enumerate({titles})
]
'''


@dataclass(frozen=True)
class Report:
    """The folder of a run: its page, its document, and the models that it was about."""

    folder: Path

    @property
    def page(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    @property
    def models(self) -> Path:
        """The folder with the declarations, their files and what is pinned of them."""
        return self.folder / "models"

    @cached_property
    def document(self) -> dict[str, Any]:
        """What the run found, for programs."""
        return json.loads((self.folder / "verdict.json").read_text())

    @property
    def checks(self) -> list[dict[str, Any]]:
        """The document's checks, in their order."""
        return self.document["checks"]

    def named(self, *status: str) -> list[str]:
        """Return the names of the checks of such a status, in their order."""
        return [check["name"] for check in self.checks if check["status"] in status]


def run(folder: Path, store: Path, *arguments: str, code: int = pytest.ExitCode.OK) -> None:
    """Run the gate on the models in *folder*, and leave its page and document there."""
    done = run_gate(
        "-n2",
        f"--models-dir={folder / 'models'}",
        f"--artifacts={store}",
        f"--html={folder / 'report.html'}",
        "--self-contained-html",
        f"--gate-json={folder / 'verdict.json'}",
        *arguments,
        folder=folder,
    )
    assert done.code == code, done.text


def train(folder: Path, store: Path) -> None:
    """Put the float32 and the float16 file of the quick model into *folder*."""
    (folder / "models").mkdir()
    shutil.copyfile(QUICK, folder / "models" / QUICK.name)
    run(folder, store, "--delegate=xnnpack", "tests/test_size.py")
    (build,) = (store / "builds").glob("quick-*.1")
    for file in ("fp32.tflite", "fp16.tflite"):
        shutil.copyfile(build / file, folder / file)


def write_green(folder: Path, store: Path, trained: Path) -> None:
    """Validate and pin a model that the gate trains, and a pair."""
    models = folder / "models"
    models.mkdir()
    shutil.copyfile(QUICK, models / QUICK.name)
    (models / "digits.py").write_text(PAIR.format(names=NAMES))
    copy_pair(trained, models)
    images, labels = evaluated()
    np.savez(models / "EVAL.npz", x=images[::EVERY].astype(np.float32) / 255, y=labels[::EVERY].astype(np.int64))
    run(folder, store, *ON_CPU, "--snapshot-update")


def write_red(folder: Path, store: Path, green: Path) -> None:
    """Validate the same where pins were edited, a baseline is out of reach, and the pair's float16 file was spoiled."""
    models = shutil.copytree(green / "models", folder / "models")
    declaration = models / QUICK.name
    declaration.write_text(declaration.read_text().replace("baseline=0.8", "baseline=0.999"))
    edit_pins(models / FOLDER / "quick-fp16.txt")
    spoil(models / "fp16.tflite")
    run(folder, store, *ON_CPU, code=pytest.ExitCode.TESTS_FAILED)


def write_large(folder: Path, store: Path, trained: Path) -> None:
    """Validate a good many models, two of them spoiled, on every target."""
    models = folder / "models"
    models.mkdir()
    (models / "many.py").write_text(MODELS.format(spoiled=SPOILED, many=MANY))
    copy_pair(trained, models)
    shutil.copyfile(models / "fp16.tflite", models / "spoiled.tflite")
    spoil(models / "spoiled.tflite")
    images, labels = evaluated()
    np.savez(models / "EVAL.npz", x=images[:LEAVES].astype(np.float32) / 255, y=labels[:LEAVES].astype(np.int64))
    run(folder, store, "--snapshot-update", code=pytest.ExitCode.TESTS_FAILED)


def write_hostile(folder: Path, store: Path, trained: Path) -> None:
    """Validate models with names of all kinds, whose float16 file was spoiled, so that messages name them as well."""
    models = folder / "models"
    models.mkdir()
    fp32, fp16 = "<img src=x onerror=alert(1)>.tflite", "\"'><svg onload=alert(2)>%23#.tflite"
    data = "مرحبا 👩\u200d🔬 " + "d" * 200 + ".npz"
    titles = [HOSTILE[kind] for kind in ("markup", "quotes", "right to left", "emoji", "long", "end of code")]
    code = NASTY.format(
        fp32=ascii(fp32),
        fp16=ascii(fp16),
        data=ascii(data),
        titles=ascii(titles),
        outputs=OUTPUTS,
        names=ascii(tuple(HOSTILE.values())[:10]),
    )
    (models / "nasty.py").write_text(code)
    shutil.copyfile(trained / "fp32.tflite", models / fp32)
    shutil.copyfile(trained / "fp16.tflite", models / fp16)
    for file in (models / fp32, models / fp16):
        edit(file, two_outputs)
    spoil(models / fp16)
    images, labels = evaluated()
    x = images[::EVERY].astype(np.float32) / 255
    y = {f"y_{OUTPUTS[0]}": labels[::EVERY].astype(np.int64), f"y_{OUTPUTS[1]}": x.reshape(len(x), -1)}
    with (models / data).open("wb") as file:
        np.savez(file, x=x, **y)
    run(folder, store, "--delegate=xnnpack", code=pytest.ExitCode.TESTS_FAILED)


def copy_pair(trained: Path, models: Path) -> None:
    """Put the trained pair beside its declaration."""
    for file in ("fp32.tflite", "fp16.tflite"):
        shutil.copyfile(trained / file, models / file)


def evaluated() -> tuple[np.ndarray, np.ndarray]:
    """Return the images of the test set, bytes, and their classes."""
    with np.load(ROOT / "fixtures" / "data" / "mnist.npz") as found:
        return found["x_test"], found["y_test"]


def edit_pins(file: Path) -> None:
    """Give the `EDITED` samples another pinned class, the next one."""
    lines = file.read_text().splitlines(keepends=True)
    for sample in EDITED:
        (number,) = (n for n, line in enumerate(lines) if re.match(rf"{sample // 100 * 100:06}  \d{{10}}", line))
        place = 8 + sample % 100 + sample % 100 // 10
        line = lines[number]
        lines[number] = f"{line[:place]}{(int(line[place]) + 1) % 10}{line[place + 1 :]}"
    file.write_text("".join(lines))


def spoil(file: Path) -> None:
    """Make the weights of one class larger than they were: samples of other classes are taken for it."""

    def change(weights: np.ndarray) -> None:
        weights[7] *= 2

    edit_tensor(file, change)


def two_outputs(model: Any) -> None:
    """Put out what the last layer is given as well, both by the hostile names."""
    graph, (signature,) = model.subgraphs[0], model.signatureDefs
    flat = next(n for n, tensor in enumerate(graph.tensors) if tensor.name.endswith(b"Reshape"))
    graph.outputs = [*graph.outputs, flat]
    (known,) = signature.outputs
    added = type(known)()
    known.name, added.name, added.tensorIndex = *OUTPUTS, flat
    signature.outputs = [known, added]
