"""Each planted fault turns the gate red through a check that names it, and what is none leaves it green."""

from tests.faults.bench import catchers, outcome, put_through


def test_planted_fault_is_caught(planting, planted, tmp_path, gate_store, came_to):
    """A fault is caught by a check that names the property at fault; beneath its edge the gate passes."""
    run = put_through(planted, tmp_path, gate_store)

    found = outcome(planting.severity, run)
    came_to(found, run, caught_by=catchers(planting.severity, run))

    fallen = "\n".join(f"{name}: {message}" for name, message in run.fallen.items()) or "no check fell short"
    assert found in {"caught", "passed"}, f"{planting} was {found}, the verdict {run.verdict}; {fallen}"
