"""Training gives the weights that were pinned, on every machine."""


def test_training_reproduces_the_pinned_weights(model, build, pinned_weights, figures):
    """The trained weights have the pinned bits, whatever the machine's CPU and number of threads."""
    figures["weights_sha256"] = digest = build.facts["weights_sha256"]

    assert pinned_weights == digest
