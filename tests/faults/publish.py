"""What the documentation says of the score: `python -m tests.faults.publish` writes it anew from `score.json`.

`score.json` is the score of a whole bench (`--bench whole --score=tests/faults/score.json`). README.md shows its
totals, and `edges.md` where each fault begins.
"""

import json
from pathlib import Path
from typing import Any

from tests.readme import README, with_part

HERE = Path(__file__).parent
SCORE, EDGES = HERE / "score.json", HERE / "edges.md"


def totals(score: dict[str, Any]) -> str:
    """Return the score in Markdown: what was planted and caught by class, by model and by severity, and good runs."""
    faults = [
        (f"{title}: {name}", one["planted"], one["caught"])
        for title, part in (("class", "by_class"), ("model", "by_model"), ("severity", "by_severity"))
        for name, one in score[part].items()
    ]
    good = [(name, one["runs"], one["false_alarms"]) for name, one in score["good_by_class"].items()]
    return (
        f"{score['caught']} of {score['planted']} planted faults were caught, and {score['false_alarms']} of "
        f"{score['good']} good runs refused, in {score['minutes']} minutes on {score['processors']} processors.\n\n"
        f"{table(('faults', 'planted', 'caught by a check that names them'), faults)}\n"
        f"{table(('good runs', 'runs', 'false alarms'), good)}"
    )


def edges(score: dict[str, Any]) -> str:
    """Return in Markdown where each fault begins to be one."""
    rows = [(one["class"], name, one["edge"]) for name, one in score["edges"].items()]
    return f"# Where each planted fault begins\n\n{table(('class', 'fault', 'edge'), sorted(rows))}"


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |\n" for line in lines)


def readme(text: str, score: dict[str, Any]) -> str:
    """Return the *text* of README.md with the score of today in it."""
    return with_part(text, "score", "python -m tests.faults.publish", totals(score))


def main() -> None:
    """Write both."""
    score = json.loads(SCORE.read_text())
    README.write_text(readme(README.read_text(), score))
    EDGES.write_text(edges(score))


if __name__ == "__main__":
    main()
