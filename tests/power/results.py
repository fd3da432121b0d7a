"""What `python -m tests.power` leaves: a JSON file, and the table in the README that is made of it."""

import json
import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("power.json")
PLOT = Path(__file__).with_name("power.svg")
DIGITS = 6
"""So many digits of each number are kept: no machine computes them differently."""


def rounded(value: Any) -> Any:
    """Return *value* with the digits that are kept of its numbers."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value


def write(found: dict[str, Any], file: Path) -> None:
    """Write *found* to *file*: a list of numbers a line."""
    text = json.dumps(rounded(found), ensure_ascii=False, indent=1)
    text = re.sub(r"\[[^][{}]*\]", lambda numbers: " ".join(numbers.group().split()), text)
    file.write_text(f"{text}\n", encoding="utf-8")


def read() -> dict[str, Any]:
    """Return what was written last."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def table(found: dict[str, Any]) -> str:
    """Return the table of the README: a row for each number of samples."""
    rows = [
        "| samples | exclude at best, points | fall short from | caught by accuracy, points | "
        "or by changed predictions | a good model fails |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for samples, one in found["sizes"].items():
        cells = (
            grouped(int(samples)),
            _points(one["not_excluded"]),
            f"{one['lost_allowed'] + 1} lost, {one['changed_allowed'] + 1} changed",
            _points(one["caught"]["accuracy"]),
            _points(one["caught"]["gate"]),
            f"1 run in {_one_in(one['false_alarm']['run'])}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def sentences(found: dict[str, Any]) -> list[str]:
    """Return the phrases of the README that hold other figures."""
    worst = found["worst"]["run"]
    half = found["drops"].index(100 * found["budget"]["metric_drop"])
    passes = 1 - found["sizes"]["10000"]["accuracy"][half]
    return [
        f"one in {_one_in(worst['chance'])} ({grouped(worst['samples'])} samples)",
        f"passes the check of accuracy in {passes:.2%} of the runs",
        f"{grouped(sum(one['runs'] for one in found['bootstrap']))} simulated runs",
    ]


def grouped(number: float) -> str:
    """Return a whole *number* with its thousands apart."""
    return f"{int(number):,}"


def _one_in(chance: float) -> str:
    return grouped(float(f"{1 / chance:.2g}"))


def _points(drop: float) -> str:
    return f"{drop:.3g}"
