"""A delegate library runs files, or what it does wrong is an error that says what it was."""

import numpy as np
import pytest

from fixtures.harness.children import JobError
from fixtures.harness.targets import external

SAMPLES = np.random.default_rng(0).uniform(size=(20, 28, 28)).astype(np.float32)


@pytest.fixture
def file(converted):
    """A file of a RESHAPE and a dense layer."""
    return converted / "image-fp16.tflite"


@pytest.fixture
def truth(file, evaluate):
    """What that file computes on the runtime's own kernels, which run what a delegate leaves."""
    (outputs,) = evaluate(file, "builtin", SAMPLES).outputs.values()
    return outputs


@pytest.mark.parametrize(("take", "told"), [("none", "none"), ("reshape", "part"), ("all", "whole")])
def test_share_of_a_library_is_told(file, describe, external_target, take, told):
    """A library that takes nothing, a part or all of a graph is told apart: no other delegate takes the rest."""
    assert describe(file, external_target(take=take))["delegated"] == told


@pytest.mark.parametrize("options", [{}, {"take": "none"}], ids=["a part", "nothing"])
def test_right_library_computes_the_same(file, evaluate, external_target, truth, options):
    """A library that computes rightly, or leaves all to the runtime, gives the runtime's own outputs."""
    (outputs,) = evaluate(file, external_target(**options), SAMPLES).outputs.values()

    np.testing.assert_array_equal(outputs, truth)


def test_coarse_library_computes_a_little_else(file, evaluate, external_target, truth):
    """A library that rounds to float16 is off by what float16 explains."""
    (outputs,) = evaluate(file, external_target(mode="coarse"), SAMPLES).outputs.values()

    assert 0 < np.abs(outputs - truth).max() < 2**-8 * np.abs(truth).max()


@pytest.mark.parametrize("options", [{"mode": "wrong"}, {"take": "all"}], ids=["wrong", "zeros"])
def test_wrong_library_computes_something_else(file, evaluate, external_target, truth, options):
    """What a library computes is what is measured: nobody mends it."""
    (outputs,) = evaluate(file, external_target(**options), SAMPLES).outputs.values()

    assert np.abs(outputs - truth).max() > 0.1 * np.abs(truth).max()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mode": "refuse"}, "test delegate: this model is refused"),
        ({"mode": "no_device"}, "test delegate: no device found"),
        ({"colour": "red"}, "test delegate: unknown option colour=red"),
    ],
    ids=["refuses the model", "finds no device", "knows no such option"],
)
def test_library_that_refuses_is_quoted(file, describe, external_target, options, told):
    """What a library says when it does not take its options, or a model, is the error."""
    with pytest.raises(
        JobError, match=rf"(?s)^image-fp16\.tflite cannot be loaded on external:libdelegate\.so: .*{told}"
    ):
        describe(file, external_target(**options))


def test_failing_run_is_quoted(file, evaluate, external_target):
    """What a library says when it fails over a sample is the error, in words and without a traceback."""
    with pytest.raises(JobError, match=r"^image-fp16\.tflite was loaded, but cannot be run: ") as error:
        evaluate(file, external_target(mode="fail"), SAMPLES)

    assert "test delegate: the run fails" in str(error.value)
    assert "Traceback" not in str(error.value)


@pytest.mark.parametrize("when", ["create", "prepare", "invoke", "unload"])
def test_crashing_library_is_an_error(file, evaluate, external_target, when):
    """A library that crashes at any time is an error with the signal, and the next file runs."""
    with pytest.raises(JobError, match=r"^the process tests\.harness\.evaluator was killed by SIGABRT"):
        evaluate(file, external_target(mode=f"{when}_abort"), SAMPLES)

    assert evaluate(file, external_target(), SAMPLES)


@pytest.mark.parametrize(("last", "finite"), [("20", 19), ("10", 18), ("21", 20)])
def test_library_is_wrong_as_often_as_it_is_told(file, evaluate, external_target, last, finite):
    """A library that gives NaN for every so many-th sample gives it for those alone."""
    (outputs,) = evaluate(file, external_target(mode="nan", at=last), SAMPLES).outputs.values()

    assert np.isfinite(outputs).all(axis=1).sum() == finite


def test_noisy_library_does_not_repeat(file, evaluate, external_target, truth):
    """A library that adds noise computes about the same, and another time something else."""
    found = evaluate(file, external_target(mode="noise", by="0.001"), SAMPLES)

    (outputs,), (again,) = found.outputs.values(), found.again.values()
    assert 0 < np.abs(outputs - truth).max() < 0.01 * np.abs(truth).max()
    assert not np.array_equal(outputs, again)


def test_slow_library_computes_rightly(file, evaluate, external_target, truth):
    """A library that sleeps over a sample for less time than one waits is right."""
    (outputs,) = evaluate(file, external_target(mode="invoke_hang", by="0.2", at="20"), SAMPLES).outputs.values()

    np.testing.assert_array_equal(outputs, truth)


def test_text_is_no_library(file, describe, tmp_path):
    """A file that is no library is an error that names it."""
    (tmp_path / "libtext.so").write_text("not a library\n")
    with pytest.raises(
        JobError, match=r"cannot be loaded on external:libtext\.so: .*libtext\.so.*(invalid ELF|too short)"
    ):
        describe(file, external(f"external:{tmp_path / 'libtext.so'}", {}))


def test_another_library_is_no_delegate(file, describe, another_library):
    """A library that is no delegate is an error that says which function it lacks."""
    with pytest.raises(JobError, match=r"cannot be loaded on external:libz\..*: .*tflite_plugin_create_delegate"):
        describe(file, external(f"external:{another_library}", {}))
