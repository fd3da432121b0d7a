"""The mutation run changes what decides, one thing at a time, and what it found is on record."""

import ast
import json

import pytest

from tests.mutation import mutants
from tests.mutation.explanations import MODULES, RECORD, explanations, readme, source
from tests.readme import README, with_part


def mutations(code):
    """Return the mutations of *code*, a module."""
    return [mutant.mutation for mutant in mutants.mutants(ast.parse(code), code)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a < b", ["a < b → nothing", "a < b → a <= b", "a < b → a >= b"]),
        ("x = not a", ["not a → a"]),
        ("x = a + 2", ["a + 2 → a - 2", "2 → 3", "2 → 1"]),
        ("x = 0.5", ["0.5 → 1.0", "0.5 → 0.25"]),
        ("x = any(a)", ["any(a) → all(a)"]),
        ("x = {'A', 'B'}", ["without 'A'", "without 'B'"]),
        ("x = f(a, key=b)", ["without key=b"]),
        ("x = [a for a in b if a]", ["if a → nothing", "if a → if not a"]),
        ("x = a and b", ["a and b → a or b", "a and b → b", "a and b → a"]),
        (
            "x = isinstance(a, Int | Bool)",
            ["without Int | Bool, the last argument of isinstance", "Int | Bool → Int", "Int | Bool → Bool"],
        ),
        ("def f(a) -> bool:\n    return a", ["return … → return None", "a → not a"]),
        ("if a:\n    raise ValueError(1)", ["a → not a", "raise ValueError(1) → nothing"]),
    ],
)
def test_mutants_are_slips_of_the_pen(code, expected):
    """Comparisons, operators, numbers, conditions, arguments and statements are each changed alone."""
    assert mutations(code) == expected


@pytest.mark.parametrize(
    "code",
    [
        '"""What it does."""',
        "x = 'text'",
        "x = f'{a + 1} of {b}'",
        "def f(a: int | None) -> int | str:\n    pass",
        "class A:\n    def __str__(self):\n        return 1 + 2",
        "Place = tuple[int, int]",
        "__all__ = ['f', 'g']",
    ],
)
def test_what_only_people_read_is_left(code):
    """Text, annotations, the names of types and lists of what is public have no mutants."""
    assert mutations(code) == []


def test_mutant_is_planted_where_it_was_found():
    """A planted mutant changes its place and nothing else."""
    code = "x = a < 1\ny = a < 1\n"
    tree = ast.parse(code)
    mutants.mutants(tree, code)[4].plant()

    assert ast.unparse(ast.fix_missing_locations(tree)) == "x = a < 1\ny = a <= 1"


@pytest.mark.parametrize("module", MODULES)
def test_explanations_are_of_mutants(module):
    """What is explained is there: its line, and the mutation of it."""
    code = source(module)
    there = {(mutant.line, mutant.mutation) for mutant in mutants.mutants(ast.parse(code), code)}

    assert set(explanations().get(module, {})) <= there


@pytest.mark.parametrize("module", MODULES)
def test_no_mutant_is_on_record_as_surviving(module):
    """The last mutation run of each module killed all that is not explained."""
    found = json.loads(RECORD.read_text())[module]

    assert found["survived"] == 0 < found["killed"]
    assert found["explained"] >= len(explanations().get(module, {}))


def test_readme_has_the_figures_on_record():
    """The table in the README is that of the last mutation run."""
    text = README.read_text()

    assert readme(text, json.loads(RECORD.read_text())) == text


def test_readme_without_the_part_is_refused():
    """Figures are not written where there is no place for them, or more than one."""
    part = "<!-- score: written by me -->\nold\n<!-- end of score -->\n"

    assert with_part(f"a\n{part}b\n", "score", "me", "new\n") == f"a\n{part.replace('old', 'new')}b\n"
    for text, count in (("", 0), (part * 2, 2), (part.replace("score", "power"), 0)):
        with pytest.raises(ValueError, match=f"has {count} parts"):
            with_part(text, "score", "me", "new\n")
