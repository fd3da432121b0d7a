"""Tables read the same in the terminal and in the report, and mark what is out of bounds."""

import pytest

from fixtures.harness import tables
from fixtures.harness.attribution import Deviation
from fixtures.harness.headroom import LARGEST, WARN, Activation
from fixtures.harness.tables import Table

TABLE = Table(("name", "of"), [("a<b", "1"), ("longer", "20")], frozenset({1}), "<- over")


def deviation(share, sqnr, output="", agreement=1, flipped=0, metric="F1", value=0.9):
    """Return a leg that may be off by a tenth, or 40 dB."""
    margin = 0.2 if flipped else 0
    return Deviation(
        "fp16", "gpu", output, "float32", 10, share, share, 0.1, sqnr, 40, agreement, flipped, margin, metric, value
    )


def activation(largest, reach=0.0):
    """Return an operator's output."""
    return Activation(0, "ADD", "sum", (1, 2), largest, reach, 0.5, 0.0, True)


def test_lines_are_aligned_and_marked():
    """Columns begin below their names; a marked row says so at its end."""
    assert TABLE.lines() == ["name    of", "a<b     1", "longer  20  <- over"]


@pytest.mark.parametrize(
    ("share", "sqnr", "marked"), [(0.1, 40, False), (0.11, 50, True), (0.05, 39, True), (float("nan"), 50, True)]
)
def test_leg_beyond_either_bound_is_marked(share, sqnr, marked):
    """A leg is over by its largest error or by its noise; NaN is within nothing."""
    assert tables.of_deviations([deviation(share, sqnr)]).marked == frozenset({0} if marked else ())


def cells(*deviations):
    """Return the table's rows, by the columns' names."""
    table = tables.of_deviations(deviations)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_outputs_are_named_where_there_are_several():
    """A file with one output needs no column for it; where there are several, each row has its output."""
    assert "output" not in cells(deviation(0.1, 50))[0]
    assert [row["output"] for row in cells(deviation(0.1, 50, "class"), deviation(0.1, 50, "age"))] == ["class", "age"]


def test_what_was_not_measured_is_left_empty():
    """An output without classes has no agreement and no flips, one without targets no metric."""
    (row,) = cells(deviation(0.1, 50, agreement=None, metric="", value=None))

    assert [row[name] for name in ("top-1", "flips", "margin", "metric", "value")] == [""] * 5


def test_metric_is_named_beside_its_value():
    """Each row has the metric of its output, and what it comes to; flips with the largest margin of one."""
    (row,) = cells(deviation(0.1, 50, agreement=0.75, flipped=3, metric="RMSE", value=0.123456))

    assert (row["metric"], row["value"], row["samples"]) == ("RMSE", "0.12346", "10")
    assert (row["top-1"], row["flips"], row["margin"]) == ("75.00 %", "3", "0.2")


def test_nearest_activations_come_first():
    """Operators are sorted by how near they come to 65504, by values or partial sums, and marked from WARN on."""
    table = tables.of_activations([activation(1.0), activation(2.0, reach=LARGEST), activation(WARN * LARGEST)])

    assert [row[4] for row in table.rows] == ["100 %", "25 %", "0.00153 %"]
    assert table.marked == frozenset({0, 1})
    assert len(tables.of_activations([activation(1.0)] * 9, most=3).rows) == 3


def test_only_what_is_near_is_warned_of():
    """A warning names the operator and its share; what has room is not warned of."""
    warned = tables.warnings([activation(1.0), activation(2 * LARGEST)])

    assert len(warned) == 1
    assert "operator 0 ADD (sum): values up to 1.31e+05, 2 of float16's largest" in warned[0]
