"""The models of the project pass every check."""

from tests.gate import run_gate


def test_every_declared_model_passes(request, tmp_path):
    """The whole gate is green on all models of the project, on all targets of this machine, with several workers."""
    run = run_gate("-n", "2", f"--artifacts={request.config.option.artifacts.absolute()}", folder=tmp_path)

    assert run.code == 0, run.text
    assert not run.fallen
    assert run.checks > 200, run.text
