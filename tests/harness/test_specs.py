"""Declarations are found without importing TensorFlow, and an unusable one is an error that names its file."""

import subprocess
import sys

import pytest

from fixtures.harness.specs import SpecError, declared, find
from fixtures.harness.versions import ROOT
from models.spec import ModelSpec, Recipe

DECLARATION = """
from models.spec import Budget, ModelSpec, Recipe

def build(batch_size):
    raise AssertionError("reading a declaration builds nothing")

MODEL = ModelSpec("{name}", build, Recipe("mnist", epochs=1, seed=0), budget=Budget(baseline=0.9))
"""


@pytest.fixture
def declare(tmp_path):
    """Write a file into a folder of declarations; return the folder."""

    def write(file, text, folder="models"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / file).write_text(text)
        return tmp_path / folder

    return write


def found(*folders):
    """Return the models that *folders* declare, all files of which can be imported."""
    specs, unreadable = find([*folders])
    assert unreadable == {}
    return specs


def test_models_are_found_in_the_order_of_their_files(declare):
    """Every model is found, whatever its file is called, in the order of the files' names."""
    declare("b.py", DECLARATION.format(name="second"))
    folder = declare("a.py", DECLARATION.format(name="first"))

    assert [spec.name for spec in found(folder)] == ["first", "second"]


def test_models_of_several_folders_are_found(declare):
    """Folders are read one after the other."""
    folders = [declare("m.py", DECLARATION.format(name=name), folder=name) for name in ("one", "other")]

    assert [(spec.name, spec.source.parent) for spec in found(*folders)] == [("one", folders[0]), ("other", folders[1])]


def test_several_models_of_one_file_are_found(declare):
    """A file may declare more than one model."""
    folder = declare("m.py", DECLARATION.format(name="one") + 'OTHER = ModelSpec("other", build, MODEL.recipe)')

    assert [spec.name for spec in found(folder)] == ["one", "other"]


def test_imported_model_is_not_declared_again(declare):
    """A model that a file imports from another one belongs to that one."""
    folder = declare("m.py", "from models.mnist_cnn import MNIST_CNN\n" + DECLARATION.format(name="own"))

    assert [spec.name for spec in found(folder)] == ["own"]


def test_model_that_is_imported_with_its_module_is_not_declared_again(declare):
    """A module beside the declarations is not taken apart: what it holds is declared where it lies."""
    declare("alpha_of_specs.py", DECLARATION.format(name="one"))
    importing = "import alpha_of_specs\nfrom alpha_of_specs import MODEL as BEST\n"
    folder = declare("beta.py", importing + DECLARATION.format(name="other"))

    assert [(spec.name, spec.source.name) for spec in found(folder)] == [
        ("one", "alpha_of_specs.py"),
        ("other", "beta.py"),
    ]


def test_model_with_an_imported_builder_is_found(declare):
    """A model belongs to the file that declares it, wherever its builder comes from."""
    declare("blocks_of_specs.py", "def build(batch_size): ...\n", folder="models")
    folder = declare(
        "m.py", DECLARATION.format(name="m").replace("def build(", "from blocks_of_specs import build\ndef _(")
    )

    assert [(spec.name, spec.source) for spec in found(folder)] == [("m", folder / "m.py")]


def test_builder_may_be_any_callable(declare):
    """A builder without code of its own, such as a partial function, is one too."""
    partial = "import functools\nbuild = functools.partial(lambda size, batch_size: ..., 3)\nMODEL = "
    folder = declare("m.py", DECLARATION.format(name="m").replace("MODEL = ", partial))

    assert [spec.name for spec in found(folder)] == ["m"]


def test_second_name_of_a_model_is_no_second_model(declare):
    """A model that its file gives two names is declared once."""
    folder = declare("m.py", DECLARATION.format(name="m") + "BEST = MODEL\nALL = [MODEL, BEST]\n")

    assert [spec.name for spec in found(folder)] == ["m"]


@pytest.mark.parametrize("held", ["[{}]", "({},)", "{{'size 3': {}}}"], ids=["list", "tuple", "dict"])
def test_models_in_a_collection_are_found(declare, held):
    """A file may hold its models in a list, a tuple or a dict, as a loop makes them."""
    other = 'ModelSpec("other", build, MODEL.recipe)'
    folder = declare("m.py", DECLARATION.format(name="m") + f"MODELS = {held.format(other)}\n")

    assert [(spec.name, spec.source) for spec in found(folder)] == [(n, folder / "m.py") for n in ("m", "other")]


def test_models_of_the_checkout_are_found():
    """The gate's own declarations can be read."""
    assert {"mnist_cnn", "mnist_separable"} <= {spec.name for spec in found(ROOT / "models")}


def test_missing_folder_is_an_error(tmp_path):
    """A folder that is not there is named."""
    with pytest.raises(SpecError, match=f"{tmp_path}/missing is not a folder of model declarations"):
        find([tmp_path / "missing"])


def test_file_in_the_place_of_a_folder_is_an_error(declare):
    """A declaration is not a folder of declarations."""
    file = declare("m.py", DECLARATION.format(name="model")) / "m.py"

    with pytest.raises(SpecError, match=f"{file} is not a folder of model declarations"):
        find([file])


@pytest.mark.parametrize("text", ["", "VALUE = 1\n", "from models.spec import ModelSpec\n"])
def test_folder_without_models_is_an_error(declare, text):
    """A folder in which nothing is declared is named: an empty selection validates nothing."""
    folder = declare("m.py", text)

    with pytest.raises(SpecError, match=rf"no model is declared in {folder}; a file there assigns a ModelSpec"):
        find([folder])


def test_name_that_is_declared_twice_is_an_error(declare):
    """Two models of one name are an error that names both files."""
    declare("a.py", DECLARATION.format(name="model"))
    folder = declare("b.py", DECLARATION.format(name="model"))

    with pytest.raises(SpecError, match=f"the model 'model' is declared in {folder}/a.py and again in {folder}/b.py"):
        find([folder])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def build(:\n", "SyntaxError"),
        ("import nonsense_that_nobody_installed\n", "ModuleNotFoundError: No module named 'nonsense_that_nobody"),
        ("VALUE = 1 / 0\n", "ZeroDivisionError: division by zero"),
        (
            "from models.spec import ModelSpec\nMODEL = ModelSpec('model')\n",
            "ValueError: model has no origin: one of build, keras_model, fp16 was expected",
        ),
        (DECLARATION.format(name="Model-1"), "ValueError: model name 'Model-1': use lower-case letters"),
    ],
    ids=["syntax", "import", "crash", "incomplete", "name"],
)
def test_file_that_cannot_be_imported_is_an_error(declare, text, told):
    """A declaration that cannot be read is named, with what is wrong in it."""
    folder = declare("broken.py", text)

    with pytest.raises(SpecError, match=rf"{folder}/broken\.py cannot be imported: {told}"):
        find([folder])


@pytest.mark.parametrize("text", ["def build(:\n", "raise SystemExit(3)\n"], ids=["syntax", "exit"])
def test_models_of_other_files_are_found_all_the_same(declare, text):
    """A file that cannot be imported is told with its cause; the models of the others can be validated without it."""
    declare("a_broken.py", text)
    folder = declare("good.py", DECLARATION.format(name="good"))
    specs, unreadable = find([folder])

    assert [spec.name for spec in specs] == ["good"]
    assert [*unreadable] == [folder / "a_broken.py"]
    assert unreadable[folder / "a_broken.py"].startswith(f"{folder}/a_broken.py cannot be imported: ")


def test_all_files_that_cannot_be_imported_are_told(declare):
    """Where nothing can be imported, the error names every file with its cause."""
    declare("a.py", "VALUE = 1 / 0\n")
    folder = declare("b.py", "import nonsense_that_nobody_installed\n")

    with pytest.raises(
        SpecError, match=r"(?s)a\.py cannot be imported: ZeroDivision.*; .*b\.py cannot be imported: Mod"
    ):
        find([folder])


def test_broken_file_of_one_folder_spares_the_others(declare):
    """Folders are read on, whatever is broken in one of them."""
    broken = declare("m.py", "VALUE = 1 / 0\n", folder="broken")
    good = declare("m.py", DECLARATION.format(name="good"), folder="good")
    specs, unreadable = find([broken, good])

    assert ([spec.name for spec in specs], [*unreadable]) == (["good"], [broken / "m.py"])


FILES = {"fp16": "b.tflite", "data": "eval.npz"}
RECIPE = Recipe("mnist", epochs=1, seed=0)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({}, "model has no origin: one of build, keras_model, fp16 was expected"),
        (FILES | {"keras_model": "m.keras"}, "model has keras_model and fp16: one of"),
        ({"build": print, "recipe": RECIPE, "fp16": "b.tflite"}, "model has build and fp16: one of"),
        ({"build": print}, "model has build but no recipe"),
        (FILES | {"recipe": RECIPE}, "model has recipe but no build"),
        ({"keras_model": "m.keras", "data": "eval.npz", "fp32": "a.tflite"}, "model has fp32 but no fp16"),
        ({"fp16": "b.tflite"}, "data of model: it needs data to be evaluated on"),
        ({"keras_model": "m.keras"}, "data of model: it needs data to be evaluated on"),
        ({"build": print, "recipe": RECIPE, "data": "eval.npz"}, "data of model: its recipe names its data"),
        (FILES | {"not_meant_for": "gpu"}, "not_meant_for of model: a set of names was expected, not one name"),
    ],
)
def test_model_without_one_origin_is_refused(parts, told):
    """A model is trained, converted or ready: what is none of these, or several, is refused with what is there."""
    with pytest.raises(ValueError, match=told):
        ModelSpec("model", **parts)


def test_files_are_beside_the_declaration(declare):
    """Paths of a declaration begin at its folder, wherever pytest is started; an absolute one leads where it says."""
    text = 'from models.spec import ModelSpec\nMODEL = ModelSpec("m", fp16="sub/b.tflite", data="/data/eval.npz")\n'
    folder = declare("m.py", text)
    (spec,) = found(folder)

    assert (spec.path(spec.fp16), str(spec.path(spec.data))) == (folder / "sub" / "b.tflite", "/data/eval.npz")
    assert (spec.trained, spec.converted) == (False, False)


def test_missing_file_is_an_error(tmp_path):
    """A declaration that is gone is named."""
    with pytest.raises(SpecError, match=rf"{tmp_path}/gone\.py cannot be imported: FileNotFoundError"):
        declared(tmp_path / "gone.py")


def test_source_is_the_declaring_file(declare):
    """A model knows the file that declares it: whoever finds it fills that in."""
    folder = declare("m.py", DECLARATION.format(name="model"))
    (spec,) = found(folder)

    assert spec.source == folder / "m.py"


@pytest.mark.parametrize("name", ["", "MNIST", "2layers", "my-model", "my model", "../model", "_model", "model\n"])
def test_name_that_is_no_test_id_is_refused(name):
    """A name has to be a test id, a file name and a word for -k at once."""
    with pytest.raises(ValueError, match="use lower-case letters, digits and underscores"):
        ModelSpec(name, lambda _: None, Recipe("mnist", 1, 0))


def test_name_that_is_too_long_for_a_file_is_refused():
    """Files are called after a model, and a file system allows 255 bytes."""
    recipe = Recipe("mnist", 1, 0)

    assert ModelSpec("n" * 200, lambda _: None, recipe).name == "n" * 200
    with pytest.raises(ValueError, match="201 characters, 200 at most"):
        ModelSpec("n" * 201, lambda _: None, recipe)


def test_reading_declarations_imports_no_tensorflow():
    """Every worker reads all declarations: none of them may load TensorFlow, nor LiteRT."""
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from fixtures.harness.specs import find
assert find([Path({str(ROOT)!r}) / "models"])[0]
print(sorted({{"tensorflow", "keras", "ai_edge_litert"}} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
