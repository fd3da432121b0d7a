"""Reading what `--gate-json` wrote, and whether it is as its schema says: `python -m tests.documents FILE …`.

Ends with 0 if every FILE is such a document, and with 1 if one is not, saying where.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from fixtures.harness import record


@cache
def schema() -> dict[str, Any]:
    """Return the schema of the documents that this checkout writes."""
    return json.loads(record.SCHEMA.read_bytes())


@cache
def _validator() -> jsonschema.Draft202012Validator:
    kind = jsonschema.Draft202012Validator
    return kind(schema(), format_checker=kind.FORMAT_CHECKER)


def valid(document: object) -> bool:
    """Return whether *document* is as the schema says."""
    return _validator().is_valid(document)


def errors(document: object) -> Iterator[str]:
    """Yield where *document* is not as the schema says, and how, a line each."""
    for error in _validator().iter_errors(document):
        told = jsonschema.exceptions.best_match([error])
        yield f"{told.json_path}: {told.message[:1000]}"


def read(file: Path, text: str = "") -> dict[str, Any]:
    """Return the document in *file*; raise ValueError if it is no JSON to the letter, or not as the schema says.

    text: what the run said that wrote it, which the error repeats.
    """
    try:
        document = json.loads(file.read_bytes().decode(), parse_constant=_refuse)
    except ValueError as error:
        raise ValueError(f"{file} is no JSON: {error}\n{text}".rstrip()) from error
    if found := "\n".join(errors(document)):
        raise ValueError(f"{file} is not as {record.SCHEMA.name} says:\n{found}\n{text}".rstrip())
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"it has {constant}")


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.documents", description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what --gate-json wrote")
    wrong = 0
    for file in parser.parse_args().files:
        try:
            read(file)
        except OSError as error:
            wrong = 1
            print(f"{file} cannot be read: {error.strerror}", file=sys.stderr)
        except ValueError as error:
            wrong = 1
            print(error, file=sys.stderr)
        else:
            print(f"{file} is as {record.SCHEMA.name} says")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
