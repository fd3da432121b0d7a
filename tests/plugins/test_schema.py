"""What real runs write is as its schema says, whatever the model is like, and a slip in it is not."""

import copy
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils

from fixtures.harness.versions import ROOT
from tests import documents
from tests.gate import ON_CPU, environment, run_gate
from tests.harness.flatbuffer import adding_a_class, changing_values
from tests.once import once

SAMPLES = 300

REAL = {"quick": "passed", "rejudged": "failed", "nan": "failed", "class": "passed", "pinned": "failed"}
"""The real documents and their verdicts: of a green run, the same judged again, pairs of files of which one has NaN and
one puts out an integer too, and a model with another pin."""

ENDS = {"fp32": ".tflite", "fp16": ".tflite", "data": ".npz"}
"""How the files end that options take."""

BY_OTHERS = {"metrics", "did_not_run", "explained", "figures", "packages", "bounds", "fp32", "fp16"}
"""The objects whose names are not ours but those of outputs, checks, packages and bounds: any name may be missing."""

ANYTHING = "figures"
"""The object of what there is no name for yet."""

OTHERS = {bool: "yes", int: "many", float: "many", str: 7, list: "word", dict: "word", type(None): [["odd"]]}
"""What nothing in the place of a value may be, by the value's type."""


@pytest.fixture(scope="session")
def real(provider, pins, store, shared):
    """The folder of the real documents, made once for all workers."""

    def write(folder):
        put = f"--gate-json={folder}"
        write_pairs(provider.build("mnist_cnn"), folder)
        run_gate(f"--models-dir={pins.parent}", f"--artifacts={store}", *ON_CPU, f"{put}/quick.json", folder=folder)
        for name in ("nan", "class"):
            pair = (f"--{option}={folder / name}_{option}{end}" for option, end in ENDS.items())
            run_gate(*pair, f"--artifacts={store}", "--delegate=builtin", f"{put}/{name}.json", folder=folder)
        shutil.copytree(pins.parent, folder / "pinned")
        pin = folder / "pinned" / "__snapshots__" / "quick-fp16.txt"
        pin.write_text(pin.read_text().replace("\n000000  7", "\n000000  8"))
        where = (f"--models-dir={folder / 'pinned'}", f"--artifacts={store}", *ON_CPU, "tests/test_predictions.py")
        run_gate(*where, f"{put}/pinned.json", folder=folder)
        again = ("-m", "fixtures.rejudge", folder / "quick.json", "--bound=baseline=0.95", f"{put}/rejudged.json")
        subprocess.run([sys.executable, *again], cwd=ROOT, env=environment(), check=False)

    return once(shared / "real", write)


def write_pairs(build, folder):
    """Write pairs and their data: one with NaN among the float16 file's weights, and one that puts out integers."""

    def spoil(values):
        values[:2] = np.nan

    shutil.copyfile(build.file("fp32"), folder / "nan_fp32.tflite")
    for precision, name, change in (
        ("fp16", "nan", changing_values(spoil)),
        ("fp16", "class", adding_a_class),
        ("fp32", "class", adding_a_class),
    ):
        model = flatbuffer_utils.read_model(str(build.file(precision)))
        change(model)
        flatbuffer_utils.write_model(model, str(folder / f"{name}_{precision}.tflite"))
    x, y = (build.samples.rows(column, 0, SAMPLES).copy() for column in ("x", "y"))
    np.savez(folder / "nan_data.npz", x=x, y=y)
    np.savez(folder / "class_data.npz", x=x, y_output_0=y)


@pytest.fixture(params=["rejudged", "nan", "pinned"])
def document(real, request):
    """A real document, with no more in its lists than has something new to say of the schema."""
    return sparse(documents.read(real / f"{request.param}.json"))


def sparse(value):
    """Return *value*, and of each list of objects in it those that have names, types or laws which none before has."""
    if isinstance(value, dict):
        return {name: sparse(one) for name, one in value.items()}
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return value
    kept, seen = [], set()
    for one in map(sparse, value):
        if not {*facts(one)} <= seen:
            kept.append(one)
            seen |= {*facts(one)}
    return kept


def facts(value, *place):
    """Yield the type of each value in an object, with its place; what a law has is told from what another has."""
    yield *place, type(value)
    if isinstance(value, dict):
        law = [value["name"]] if "terms" in value else []
        for name, one in value.items():
            yield from facts(one, *place, *law, name)
    elif isinstance(value, list):
        for one in value:
            yield from facts(one, *place)


def places(value, *place):
    """Yield the place of each value in a document, with the value; of what is in a list, objects and the first."""
    yield place, value
    if isinstance(value, dict):
        for name, one in value.items():
            yield from places(one, *place, name)
    elif isinstance(value, list):
        for number, one in enumerate(value if value and isinstance(value[0], dict) else value[:1]):
            yield from places(one, *place, number)


def slipped(document, place, change):
    """Return a copy of *document* after a *change* at *place*: it is given what holds the value, and its name there."""
    found = copy.deepcopy(document)
    holder = found
    for name in place[:-1]:
        holder = holder[name]
    change(holder, place[-1])
    return found


def unnoticed(document, candidates, change):
    """Return the places, of the *candidates*, where a *change* leaves a document as the schema says."""
    return [place for place in candidates if documents.valid(slipped(document, place, change))]


def test_document_is_as_the_schema_says(real):
    """Models with NaN, integers and several outputs, and runs that were judged again, are told in one form."""
    read = {name: documents.read(real / f"{name}.json") for name in REAL}

    assert {name: one["run"]["verdict"] for name, one in read.items()} == REAL
    assert [len(read["pinned"]["models"][0]["pinned"][one]["output_0"]["told"]) for one in ("fp32", "fp16")] == [0, 1]
    assert {"NaN", "Infinity"} & {*re.findall(r"\w+", json.dumps(read["nan"]["targets"][1:]))}
    assert {one["output"] for one in read["class"]["targets"][0]["files"]} == {"output_0", "class"}
    assert read["rejudged"]["run"]["rejudged"]["bounds"] == {"baseline": 0.95}


def test_no_property_may_be_missing(document):
    """A document that lacks any property is not as the schema says."""
    named = [place for place, _ in places(document) if place and isinstance(place[-1], str)]
    ours = [place for place in named if not BY_OTHERS & {*place[-2:-1]}]

    assert len(ours) > 100
    assert unnoticed(document, ours, dict.pop) == []


def test_no_other_property_may_be_there(document):
    """A document with a property more, in any place, is not as the schema says."""
    objects = [(*place, "unheard-of") for place, value in places(document) if isinstance(value, dict)]
    closed = [place for place in objects if ANYTHING not in place]

    assert len(closed) > 30
    assert unnoticed(document, closed, lambda holder, name: holder.update({name: [["odd"]]})) == []


def test_no_value_may_be_of_another_type(document):
    """A document that has, in any place, what is of another type is not as the schema says."""
    inside = [place for place, _ in places(document) if place and ANYTHING not in place[:-1]]

    def change(holder, name):
        word = holder[name] in ("NaN", "Infinity", "-Infinity")
        holder[name] = "nan" if word else OTHERS[type(holder[name])]

    assert len(inside) > 100
    assert unnoticed(document, inside, change) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"version": NaN}', "is no JSON: it has NaN"),
        ("{", "is no JSON: "),
        ('{"version": 2}', "is not as gate-v2.schema.json says:\n$: 'run' is a required property\n"),
    ],
)
def test_file_that_is_no_such_document_is_told(real, tmp_path, content, says):
    """The command names the file and what is wrong with it, reads the others, and ends with 1."""
    file = tmp_path / "verdict.json"
    file.write_text(content)
    command = [sys.executable, "-m", "tests.documents", file, real / "quick.json"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, f"{real / 'quick.json'} is as gate-v2.schema.json says\n")
    assert done.stderr.startswith(f"{file} {says}")
