"""A declaration says how much a delegate takes of a graph; without one the float32 file does, but of accelerators."""

import pytest

from fixtures.harness.delegation import as_claimed, claimed
from fixtures.harness.targets import TARGETS
from models.spec import ModelSpec, Recipe

DELEGATED = [name for name, target in TARGETS.items() if target.delegated]
ACCELERATED = [name for name in DELEGATED if TARGETS[name].accelerator]
ON_CPU = [name for name in DELEGATED if not TARGETS[name].accelerator]


@pytest.fixture
def declared(tmp_path):
    """Return a model that a file declares."""

    def spec(**parts):
        return ModelSpec("model", print, Recipe("mnist", epochs=1, seed=0), source=tmp_path / "model.py", **parts)

    return spec


@pytest.fixture
def given():
    """A model of the command line, which no file declares."""
    return ModelSpec("model", fp16="b.tflite", data="eval.npz")


@pytest.mark.parametrize("name", DELEGATED)
@pytest.mark.parametrize("float32", ["whole", "part", "none"])
def test_declared_model_is_taken_as_declared(declared, name, float32):
    """Of a declared model, a delegate takes all or what its declaration says, whatever it takes of the float32 file."""
    claims = [claimed(TARGETS[name], declared(partly_delegated=of), {"delegated": float32}) for of in ({name}, set())]

    assert claims == ["part", "whole"]


@pytest.mark.parametrize("name", ON_CPU)
@pytest.mark.parametrize("float32", ["whole", "part", "none"])
def test_given_model_is_taken_as_its_float32_file(given, name, float32):
    """Of a model that nobody declares, the CPU's delegate is to take of one file what it takes of the other."""
    assert claimed(TARGETS[name], given, {"delegated": float32}) == float32


@pytest.mark.parametrize("name", ON_CPU)
def test_given_model_may_say_that_a_part_is_left(name):
    """A model of the command line that says itself that a target takes a part is taken at its word."""
    model = ModelSpec("model", fp16="b.tflite", data="eval.npz", partly_delegated=frozenset({name}))

    assert claimed(TARGETS[name], model, {"delegated": "whole"}) == "part"


@pytest.mark.parametrize("name", ACCELERATED)
@pytest.mark.parametrize("float32", ["whole", "part", "none"])
def test_accelerator_takes_all_of_a_given_model(given, name, float32):
    """An accelerator is to take all, also where it leaves as much of the float32 file."""
    assert claimed(TARGETS[name], given, {"delegated": float32}) == "whole"


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in DELEGATED])
def test_target_without_a_delegate_takes_nothing(declared, given, name):
    """What has no delegate gives it nothing, of any model."""
    assert [claimed(TARGETS[name], model, {"delegated": "whole"}) for model in (declared(), given)] == ["none", "none"]


@pytest.mark.parametrize(
    ("claim", "delegated", "left", "of_float32", "held"),
    [
        ("whole", "whole", [], [], True),
        ("whole", "part", ["CONV_2D"], [], False),
        ("whole", "none", [], [], False),
        ("part", "part", ["GATHER"], ["CAST", "GATHER"], True),
        ("part", "part", ["CONV_2D", "GATHER"], ["CAST", "GATHER"], False),
        ("part", "whole", [], ["GATHER"], False),
        ("none", "none", ["CONV_2D"], ["CONV_2D"], True),
    ],
)
def test_no_more_is_left_than_of_the_float32_file(claim, delegated, left, of_float32, held):
    """As much as is claimed is delegated, and no kind of operator is left that float32 weights do not leave."""
    facts, float32 = {"delegated": delegated, "left": left}, {"delegated": delegated, "left": of_float32}

    assert as_claimed(claim, facts, float32) == held


def test_runtime_that_does_not_tell_what_it_leaves_is_believed():
    """A compiled model says how much is taken, and not what is left."""
    assert as_claimed("whole", {"delegated": "whole"}, {"delegated": "whole"})


@pytest.mark.parametrize(("name", "left"), [("typed", {"ARG_MAX", "CAST", "GATHER", "GREATER"}), ("dense", set())])
def test_interpreter_tells_what_is_left(converted, describe, name, left):
    """Of both files of a pair, XNNPACK leaves the same kinds of operators; unpacked weights are not among them."""
    facts = [describe(converted / f"{name}-{form}.tflite", "xnnpack") for form in ("fp32", "fp16")]

    assert [set(told["left"]) for told in facts] == [left, left]
    assert as_claimed("part" if left else "whole", *facts)
