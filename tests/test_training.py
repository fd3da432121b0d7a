"""Training and conversion give what was pinned, on every machine."""

from fixtures.harness.artifacts import PRECISIONS
from fixtures.harness.store import file_digest


def test_training_reproduces_the_pinned_weights(model, trained, build, pinned_weights, figures):
    """The trained weights have the pinned bits, whatever the machine's CPU and number of threads."""
    figures["weights_sha256"] = digest = build.facts["weights_sha256"]

    assert pinned_weights == {"weights": digest}


def test_conversion_gives_the_pinned_files(model, keras, pinned_files):
    """Both `.tflite` files are the pinned ones, byte for byte: nothing was added to them or edited."""
    digests = {keras.file(precision).name: file_digest(keras.file(precision)) for precision in PRECISIONS}

    assert pinned_files == digests
