"""Models that others trained and published, through the whole gate, as a user would validate them.

Two packages ship them: `fer` (MIT licence) a classifier of faces in an HDF5 file of early Keras 2, `basic-pitch`
(Apache-2.0 licence) a transcriber of music in a SavedModel of Keras 2. `.ci/run` says how they are installed. Only
their model files are read.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fixtures.harness.datasets import dataset
from tests.gate import run_gate

ON_XNNPACK = ["--delegate=xnnpack", "-n0"]
RATE = 22050
"""Samples of sound a second that the music model takes, 43,844 of them at once."""


def shipped(package: str, file: str) -> Path:
    """Return *file* of an installed *package*; skip the test where there is no such package."""
    try:
        found = Path(str(distribution(package).locate_file(file)))
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed: pip install --no-deps {package}, see .ci/run")
    assert found.exists(), f"{package} does not ship {file}"
    return found


@pytest.fixture
def emotions():
    """A classifier of 64x64 faces into seven emotions."""
    return shipped("fer", "fer/data/emotion_model.hdf5")


@pytest.fixture
def pitches():
    """A transcriber of two seconds of sound into notes."""
    return shipped("basic-pitch", "basic_pitch/saved_models/icassp_2022/nmp")


@pytest.fixture
def digits(tmp_path):
    """Handwritten digits in the size of the faces, and in their range of -1 to 1."""
    images = dataset("mnist").images("test")[:100]
    larger = [np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BILINEAR)) for image in images]
    np.savez(tmp_path / "digits.npz", x=np.stack(larger)[..., None] * 2 - 1)
    return tmp_path / "digits.npz"


@pytest.fixture
def chords(tmp_path):
    """Chords of pure tones."""
    time = np.arange(43844) / RATE
    tones = [np.sin(2 * np.pi * 440 * 2 ** (step / 12) * time) for step in (-12, -5, 0, 4, 7)]
    samples = [0.2 * (tones[one] + tones[other]) for one, other in ((0, 2), (1, 3), (2, 4))]
    np.savez(tmp_path / "chords.npz", x=np.float32(samples)[..., None])
    return tmp_path / "chords.npz"


def test_published_classifier_passes(emotions, digits, tmp_path):
    """A published image classifier holds every bound, though 162 weights of two dead filters of it become zero."""
    validate = [f"--keras-model={emotions}", f"--data={digits}", f"--artifacts={tmp_path / 'store'}", *ON_XNNPACK]
    run = run_gate(*validate, folder=tmp_path)

    assert (run.code, run.fallen) == (0, {}), run.text
    assert "emotion_model: all " in run.text


def test_published_transcriber_is_caught(pitches, chords, tmp_path):
    """A published model whose epsilon, 1e-10, is zero in float16 falls short; the constant and the LOG are named."""
    where = (f"--keras-model={pitches}", f"--data={chords}", f"--artifacts={tmp_path / 'store'}")
    checks = ("tests/test_weights.py", "tests/test_delegates.py::test_float16_weights_move_outputs_little")
    run = run_gate(*where, *ON_XNNPACK, *checks, folder=tmp_path)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "normalized_log_1/add" in run.named("tests/test_weights.py::test_few_weights_become_zero")
    assert "an epsilon has to be at least 6e-8" in run.named("tests/test_weights.py::test_few_weights_become_zero")
    moved = run.named("tests/test_delegates.py::test_float16_weights_move_outputs_little[nmp-reference")
    assert "LOG" in moved, run.text
