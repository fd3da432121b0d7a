"""A check says all that it measured, also after something fell short."""

import pytest

from tests.gate import run_gate

CHECK = '''
"""A property of nobody's model."""


def test_it(model, judge):
    """It holds."""
    judge("first", 2, at_most=1, evidence="sample 811", explain=lambda failed: "it begins at operator 3")
    judge("second", 1, at_most=1)
    judge("third", 3, at_most=1, look_at="the weights", explain=lambda failed: "it begins at operator 7")
{more}
'''


@pytest.fixture
def judged(pinned_models, own_store, tmp_path):
    """Run a check of three quantities, of which two fall short, with *more* after them; return the run."""

    def run(more=""):
        file = tmp_path / "test_it.py"
        file.write_text(CHECK.format(more=f"    {more}"))
        arguments = f"--models-dir={pinned_models}", f"--artifacts={own_store}", "tests/test_declarations.py", file
        return run_gate(*arguments, folder=tmp_path)

    return run


def test_all_that_fell_short_is_told(judged):
    """The message has each quantity beyond its bounds, and where the error of the first begins."""
    run = judged()

    (message,) = run.fallen.values()
    assert message.removeprefix("Failed: ").splitlines() == [
        "first: 2 measured, at most 1 allowed",
        "sample 811",
        "it begins at operator 3",
        "",
        "third: 3 measured, at most 1 allowed",
        "look at: the weights",
    ]
    assert run.code == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[][811]", "IndexError: list index out of range"),
        ("__import__('pytest').skip('not meant for it')", "Skipped: not meant for it"),
        ("__import__('pytest').xfail('known')", "XFailed: known"),
        ("__import__('pytest').fail('it is broken')", "Failed: it is broken"),
    ],
)
def test_what_a_check_raises_hides_nothing(judged, more, said):
    """Where a check cannot go on after a quantity that fell short, both are told, and it is no skip."""
    (message,) = judged(more).fallen.values()

    assert "first: 2 measured, at most 1 allowed" in message
    assert f"and then {said}" in message
