"""The table of checks filters, sorts, shows more and unfolds, with a mouse and with a keyboard."""

import math
import re

import pytest

FILTERS = {"result": "status", "model": "model", "property": "property", "precision": "precision", "target": "target"}
"""The filters that have a list of values, and what they are called in the document."""

TOGETHER = [
    {"result": "failed", "model": "digits"},
    {"model": "quick", "precision": "fp16", "target": "xnnpack"},
    {"property": "accuracy", "target": "tf_lite", "text": "drop"},
    {"result": "passed", "model": "digits", "property": "delegates", "precision": "fp16", "target": "builtin"},
    {"result": "failed", "text": "SAMPLE 000250 pinned"},
    {"result": "skipped", "model": "quick"},
]

STEP = 100
"""So many rows are shown at first, and more with each click."""

ORDER = ("error", "failed", "skipped", "passed")

BEFORE_DIGITS = "_-,;:!?.'\"()[]{}@*/\\&#%"
"""Marks in the order of the Unicode collation algorithm."""


@pytest.fixture
def table(visit, red):
    """The red report."""
    return visit(red.page)


def wanted(report, filters):
    """Return the names of the checks of a *report* that *filters* leave, in the document's order."""
    words = filters.get("text", "").lower().split()
    return [
        check["name"]
        for check in report.checks
        if all(check[key] == filters[name] for name, key in FILTERS.items() if name in filters)
        and all(word in f"{check['name']} {check['requirement']} {check['message']}".lower() for word in words)
    ]


def values(report, key):
    """Return the values that the checks of a *report* have of *key*."""
    return sorted({check[key] for check in report.checks if check[key]})


def figure(text):
    """Return the number that the text of a cell begins with after its words, infinity for none."""
    found = re.search(
        r"(?:^|: |at least |at most |exactly )(-?[\d ]+(?:\.\d+)?(?:e[+-]\d+)?)(?: ✗| to .*)?$", text.split("\n")[0]
    )
    return float(found[1].replace(" ", "")) if found else math.inf


def letters(text):
    """Return what *text* sorts by: marks, then numbers by their value, then letters."""
    return [
        (1, int(part)) if part.isdigit() else (0, BEFORE_DIGITS.index(part)) if part in BEFORE_DIGITS else (2, part)
        for part in re.findall(r"\d+|.", text)
    ]


KEYS = {
    "result": lambda text: ORDER.index(text.split()[-1]),
    "check": letters,
    "model": letters,
    "property": letters,
    "precision": letters,
    "target": letters,
    "measured": figure,
    "allowed": figure,
    "seconds": float,
}
"""What the columns are sorted by, in their order."""


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_leaves_its_rows(table, red, name):
    """Each value of a list leaves the checks that have it, and the count says how many those are."""
    offered = table.page.locator(f"#filters [data-filter={name}] option").evaluate_all(
        "options => options.map((one) => one.value)"
    )
    assert sorted(offered) == ["", *values(red, FILTERS[name])]
    for value in offered[1:]:
        table.choose(**{name: value})
        names = wanted(red, {name: value})
        assert table.count() == f"{len(names)} of {len(red.checks)} checks, {min(len(names), STEP)} of them shown"
        table.show_all()
        assert sorted(table.shown()) == sorted(names)


@pytest.mark.parametrize("filters", TOGETHER, ids=lambda filters: " ".join(filters.values()))
def test_filters_work_together(table, red, filters):
    """Several leave the checks that pass all of them, the text's words in any order and letter case."""
    table.choose(**filters)
    names = wanted(red, filters)

    assert sorted(table.shown()) == sorted(names)
    assert table.count() == f"{len(names)} of {len(red.checks)} checks, {len(names)} of them shown"
    assert table.page.locator("#count").get_attribute("aria-live") == "polite"


def test_reset_shows_all(table, red):
    """One button clears every filter."""
    table.choose(result="failed", model="quick", text="drop")
    assert len(table.shown()) < STEP
    table.page.get_by_role("button", name="Show all").click()
    table.page.wait_for_function("document.querySelectorAll('#check-table [data-check]').length === 100")

    assert table.count().startswith(f"{len(red.checks)} of {len(red.checks)} checks, {STEP} ")
    assert table.page.locator("#filters [data-filter=text]").input_value() == ""


@pytest.mark.parametrize("down", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize("column", range(len(KEYS)), ids=KEYS.keys())
def test_each_column_sorts(table, red, column, down):
    """A click sorts all rows, the next one the other way; numbers by their value, rows without one last."""
    name, key = list(KEYS.items())[column]
    heads = table.page.locator("#check-table th")
    for _ in range(1 + down - (column == 0)):  # the first column is sorted already
        heads.nth(column).get_by_role("button").click()
    table.show_all()
    found = [key(text) for text in table.cells(column)]
    known = [value for value in found if value != math.inf]

    assert len(found) == len(red.checks)
    assert found == sorted(known, reverse=down) + [math.inf] * (len(found) - len(known))
    assert len(set(map(str, known))) > 1
    assert heads.evaluate_all("heads => heads.map((one) => one.ariaSort)") == [
        ("descending" if down else "ascending") if place == column else "none" for place in range(len(KEYS))
    ]
    assert heads.nth(column).inner_text().strip() == f"{name} {'▼' if down else '▲'}"


def test_show_more_appends_rows(table, red):
    """It shows the next hundred, then the rest, and is gone."""
    more = table.page.locator("#more")
    first = table.shown()
    assert (len(first), more.inner_text()) == (STEP, "Show 100 more")
    more.click()
    assert (len(table.shown()), more.inner_text()) == (2 * STEP, f"Show {len(red.checks) - 2 * STEP} more")
    more.click()

    assert not more.is_visible()
    assert table.shown()[:STEP] == first
    assert sorted(table.shown()) == sorted(check["name"] for check in red.checks)


@pytest.mark.parametrize("key", ["mouse", "Enter", "Space"])
def test_row_opens_and_closes(table, red, key):
    """What a passed check requires is unfolded and folded again, and the button says which it is."""
    table.choose(result="passed")
    name = wanted(red, {"result": "passed"})[0]
    button = table.rows().first.get_by_role("button")
    button.focus()
    states = []
    for _ in range(3):
        states.append((button.get_attribute("aria-expanded"), table.page.locator("#check-table .detail").count()))
        button.click() if key == "mouse" else table.page.keyboard.press(key)

    assert table.shown()[0] == name
    assert states == [("false", 0), ("true", 1), ("false", 0)]


def test_open_row_says_what_it_requires(table, red):
    """The row that a button opens is the one that it names, right under it."""
    table.choose(result="passed")
    table.rows().first.get_by_role("button").click()
    button, detail = table.rows().first.get_by_role("button"), table.page.locator("#check-table .detail")
    (check,) = (one for one in red.checks if one["name"] == table.shown()[0])

    assert detail.get_attribute("id") == button.get_attribute("aria-controls")
    assert check["requirement"] in detail.inner_text()


def test_keyboard_reaches_filters_heads_and_rows(table):
    """Tab goes from the text through the button, the table and its nine heads to the first row; each focus is seen."""
    table.choose(result="passed")
    table.page.locator("#filters [data-filter=text]").focus()
    told = """() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return [document.activeElement.innerText.split("\\n")[0].trim(), outlineStyle, parseFloat(outlineWidth)];
    }"""
    seen = []
    for _ in range(2 + len(KEYS) + 1):
        table.page.keyboard.press("Tab")
        seen.append(table.evaluate(told))
    words = [word for word, *_ in seen]

    assert words[0] == "Show all"
    assert [word.split()[0] for word in words[2:-1]] == list(KEYS)
    assert words[-1] == table.shown()[0]
    assert all(style == "solid" and width >= 2 for _, style, width in seen)
