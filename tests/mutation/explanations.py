"""What the mutation run is over, what it left on record, and why some mutants change nothing that matters."""

import tomllib
from pathlib import Path

from tests.readme import with_part

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORD = HERE / "mutation.json"
EXPLANATIONS = HERE / "equivalent.toml"
MODULES = (
    *("statistics", "bounds", "comparison", "metrics", "scores", "labels", "grading", "weights", "size", "interface"),
    *("verdict", "delegation", "pairing", "dataflow", "predictions"),
)
"""The modules of `fixtures/harness` that decide whether a model is good."""

COLUMNS = ("mutants", "killed", "timed out", "explained", "survived")

Key = tuple[str, str]
"""What an explanation is for: the text of a line, and the mutation."""


def source(module: str) -> str:
    """Return the source of a module."""
    return (ROOT / f"fixtures/harness/{module}.py").read_text()


def explanations() -> dict[str, dict[Key, str]]:
    """Return why which mutations change nothing, by module; raise SystemExit where that is not said as it has to be."""
    found: dict[str, dict[Key, str]] = {}
    for module, entries in tomllib.loads(EXPLANATIONS.read_text()).items():
        for entry in entries:
            if set(entry) != {"line", "mutations", "why"} or module not in MODULES or not entry["why"]:
                raise SystemExit(f"{EXPLANATIONS}: {module}: {entry}: needs a module's name, line, mutations and why")
            for mutation in entry["mutations"]:
                found.setdefault(module, {})[entry["line"], mutation] = entry["why"]
    return found


def rows(record: dict[str, dict[str, int]]) -> list[tuple[str, ...]]:
    """Return the figures on *record* as a table, its head first and the sums last."""
    return [
        ("", *COLUMNS),
        *((module, *(str(record[module][one]) for one in COLUMNS)) for module in MODULES if module in record),
        ("together", *(str(sum(figures[one] for figures in record.values())) for one in COLUMNS)),
    ]


def readme(text: str, record: dict[str, dict[str, int]]) -> str:
    """Return the *text* of README.md with that table in it."""
    head, *others = (f"| {' | '.join(row)} |\n" for row in rows(record))
    table = f"{head}|{' --- |' * (1 + len(COLUMNS))}\n{''.join(others)}"
    return with_part(text, "mutation", "python -m tests.mutation", table)
