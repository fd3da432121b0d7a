"""The score of a run of the fault bench: what was caught, what was not, and which good models were refused.

It is printed when the run is over, stands in the HTML report, and is written to the file that `--score` names.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import pytest

from fixtures.harness import versions

RECORD = pytest.StashKey[dict[str, Any]]()
"""What a test of the bench is of, and came to: see `record` and `came_to` in conftest.py."""

RANKS = ("above the edge", "at the edge")


class Score:
    """What the bench's tests came to, heard of in the process that reports them."""

    def __init__(self, config: pytest.Config) -> None:
        """Begin with nothing."""
        self.config, self.began = config, time.time()
        self.records: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what one test came to."""
        record = getattr(report, "bench", None)
        if record is not None and (report.when == "call" or report.failed):
            # A test that could not be carried out is a fault of the bench: it has neither caught nor missed anything.
            self.records.append(record if "outcome" in record else record | {"outcome": "not planted"})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the score, and write it."""
        if not self.records:
            return
        found = self.found()
        terminalreporter.section("fault bench")
        for line in lines(found):
            terminalreporter.write_line(line, red="!" in line)
        if file := self.config.option.score:
            extent = self.config.option.bench
            runs = ",\n  ".join(json.dumps(one) for one in sorted(self.records, key=lambda one: one["test"]))
            head = json.dumps({"extent": extent, **found}, indent=1)
            Path(file).write_text(f'{head[:-2]},\n "runs": [\n  {runs}\n ]\n}}\n')  # a run a line, for diffs

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Put the score at the head of the HTML report."""
        if self.records:
            prefix.append(html(self.found()))

    def found(self) -> dict[str, Any]:
        """Return the score, with the time that it took so far."""
        minutes = round((time.time() - self.began) / 60, 1)
        return summary(self.records) | {"minutes": minutes, "processors": versions.processors()}


def summary(records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the score of *records*: of faults and of good runs, and of faults by class, by model and by severity.

    What was planted beneath a fault's edge is a good run.
    """
    records = list(records)
    faults = [one for one in records if one["rank"] in RANKS and one["outcome"] != "not planted"]
    good = [one for one in records if one["rank"] not in RANKS and one["outcome"] != "not planted"]
    edges = {one["fault"]: {"class": one["kind"], "edge": one["edge"]} for one in records if one.get("edge")}
    return {
        "planted": len(faults),
        "caught": _caught(faults),
        "good": len(good),
        "false_alarms": sum(one["outcome"] != "passed" for one in good),
        "not_planted": sum(one["outcome"] == "not planted" for one in records),
        "seconds_a_run": round(sum(one.get("seconds", 0) for one in records) / max(1, len(records)), 2),
        "by_class": _by(faults, "kind"),
        "by_model": _by(faults, "model"),
        "by_severity": _by(faults, "rank"),
        "good_by_class": {
            kind: {
                "runs": count,
                "false_alarms": sum(one["outcome"] != "passed" for one in good if one["kind"] == kind),
            }
            for kind, count in sorted(Counter(one["kind"] for one in good).items())
        },
        "edges": dict(sorted(edges.items())),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return the score for people; a line with "!" tells of something that must not be."""
    told = []
    for title, part in (("class", "by_class"), ("model", "by_model"), ("severity", "by_severity")):
        told.append(f"{'faults by ' + title:<40} planted  caught")
        told += [
            f"  {name:<38} {one['planted']:>7} {one['caught']:>7}{' !' * (one['caught'] < one['planted'])}"
            for name, one in found[part].items()
        ]
    told.append(f"{'good runs':<40}    runs  false alarms")
    told += [
        f"  {name:<38} {one['runs']:>7} {one['false_alarms']:>7}{' !' * (one['false_alarms'] > 0)}"
        for name, one in found["good_by_class"].items()
    ]
    told.append(
        f"{found['caught']} of {found['planted']} faults caught, {found['false_alarms']} false alarms in "
        f"{found['good']} good runs, {found.get('minutes', 0)} minutes, {found['seconds_a_run']} s a run"
    )
    if found["not_planted"]:
        told.append(f"! {found['not_planted']} were not planted, which says nothing of the gate")
    return told


def html(found: dict[str, Any]) -> str:
    """Return the score as tables for the HTML report."""
    tables = []
    for title, part in (("Class", "by_class"), ("Model", "by_model"), ("Severity", "by_severity")):
        rows = [(name, one["planted"], one["caught"]) for name, one in found[part].items()]
        tables.append(_table((title, "Planted", "Caught"), rows))
    rows = [(name, one["runs"], one["false_alarms"]) for name, one in found["good_by_class"].items()]
    tables.append(_table(("Good runs", "Runs", "False alarms"), rows))
    edges = [(one["class"], name, one["edge"]) for name, one in found["edges"].items()]
    tables.append(_table(("Class", "Fault", "Edge"), edges))
    return f'<section class="gate"><h2>Fault bench</h2><p>{escape(lines(found)[-1])}</p>{"".join(tables)}</section>'


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    cells = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{cells}</table>"


def _by(faults: list[dict[str, Any]], part: str) -> dict[str, dict[str, int]]:
    return {
        name: {"planted": len(some), "caught": _caught(some)}
        for name in sorted({one[part] for one in faults})
        if (some := [one for one in faults if one[part] == name])
    }


def _caught(faults: list[dict[str, Any]]) -> int:
    return sum(one["outcome"] == "caught" for one in faults)
