"""What changed is told the same in a terminal, on a page and in Markdown, whatever the two runs were told."""

import re
from html.parser import HTMLParser

import pytest

from fixtures.harness.change_report import LIMIT, html, text, to_markdown
from fixtures.harness.changes import compare
from fixtures.harness.wording import SNAPSHOTS_DIFFER
from tests.harness.runs import HOSTILE, METRIC, check, document


@pytest.fixture
def changes():
    """A run in which checks fell short, were left out and hold again, and figures moved."""
    base = document(check("a"), check("b"), check("c", "failed", "x"), verdict="failed")
    head = document(check("a", "failed", "too large\nmore"), check("c"), fp16_bytes=990, verdict="failed")
    return compare(base, head)


class Tags(HTMLParser):
    """The tags of a page, and whether each that is opened is closed."""

    def __init__(self, page):
        """Read the *page*."""
        super().__init__()
        self.opened, self.names, self.attributes = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note that it is open."""
        self.names.append(tag)
        self.attributes += attrs
        self.opened += [tag] * (tag not in {"meta", "wbr"})

    def handle_endtag(self, tag):
        """See that it was the last to be opened."""
        assert self.opened.pop() == tag


def test_terminal_ends_with_the_verdict(changes):
    """Tables come first, and the last line says what it comes to."""
    lines = text(changes, "base.json", "head.json").splitlines()

    assert lines[:2] == ["base: base.json", "head: head.json"]
    assert "Checks that fell short and did not before: 1" in lines
    assert re.fullmatch(r"  a +passed  failed  too large  ▼ worse", lines[lines.index("", 2) + 3])
    assert lines[-1] == changes.verdict


def test_cause_is_the_line_that_says_why():
    """Where a pin differs, it is what differs, not that it does."""
    head = document(check("a", "failed", f"{SNAPSHOTS_DIFFER}\n  3 predictions are not as pinned:\n"), verdict="failed")
    told = text(compare(document(check("a")), head), "base.json", "head.json")

    assert "failed  3 predictions are not as pinned:  ▼ worse" in told


def test_page_is_whole_and_has_tables_for_all_readers(changes):
    """Tables have captions and scopes, what a row is worth is a word, and nothing is loaded or run."""
    page = html(changes, "base.json", "head.json")
    tags = Tags(page)

    assert tags.opened == []
    assert tags.names.count("table") == tags.names.count("caption") == tags.names.count("thead") == 4
    assert {value for name, value in tags.attributes if name == "scope"} == {"col", "row"}
    assert not {"script", "link", "img", "iframe"} & {*tags.names}
    assert ("lang", "en") in tags.attributes
    assert page.count('<td class="worse">▼\u00a0worse</td>') == 3
    assert '<td class="better">▲\u00a0better</td>' in page


def test_markdown_says_the_verdict_first(changes):
    """The heading has it, and the tables follow."""
    told = to_markdown(changes, "base.json", "head.json")

    assert told.startswith("## ❌ float16 gate: <code>worse&#58; 1 check fell short that did not")
    assert (
        "| <code>a</code> | <code>passed</code> | <code>failed</code> | <code>too large</code> | ▼\u00a0worse |" in told
    )


def test_no_change_is_green():
    """Where nothing changed, no table is left, and the verdict says so."""
    changes = compare(document(), document())

    assert "<table" not in html(changes, "a", "b")
    assert to_markdown(changes, "a", "b").startswith("## ✅ float16 gate: <code>no worse")


def test_long_tables_are_counted():
    """The terminal and the Markdown have some rows and say how many there are; the page has all."""
    base = document(*(check(f"t{n}") for n in range(500)))
    changes = compare(base, document(*(check(f"t{n}", "failed", "x" * 999) for n in range(500)), verdict="failed"))

    assert "  and 488 more, which --html has" in text(changes, "a", "b")
    assert "and 488 more" in to_markdown(changes, "a", "b")
    assert html(changes, "a", "b").count('<td class="worse">') == 500


def test_markdown_keeps_its_limit():
    """What has no room is left out, and that is said."""
    names = [f"{n}{'é' * 190}" for n in range(24)]
    metric = METRIC | {"metric": "é" * 190}
    base = document(*(check(name, "failed" if n % 2 else "passed", "é" * 190) for n, name in enumerate(names)))
    head = document(*(check(name, "passed" if n % 2 else "failed", "é" * 190) for n, name in enumerate(names)))
    changes = compare(base, head)
    changes.notes += ["é" * 400] * 60
    told = to_markdown(changes, metric["metric"], "b")

    assert len(told.encode()) <= LIMIT
    assert told.endswith("The rest has no room here: it is in the page that `--html` writes.\n")


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_stays_text(what):
    """No name, message or path is markup, ends a table's row, or reaches the terminal as a control character."""
    name = HOSTILE[what]
    base = document(check(name, model=name), check("gone", model=name))
    head = document(check(name, "failed", name, model=name), problems=[name], verdict="failed", fp16_bytes=990)
    changes = compare(base, head)

    assert Tags(html(changes, name, name)).opened == []
    assert "<script" not in html(changes, name, name)
    rows = [line for line in to_markdown(changes, name, name).splitlines() if line.startswith("| ")]
    assert {row.count("|") for row in rows} <= {6, 7, 9}
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text(changes, name, name))


@pytest.mark.parametrize(("verdict", "sign"), [("passed", "✅"), ("failed", "⚠️")])
def test_sign_is_that_of_the_head_too(verdict, sign):
    """A red head that is no worse than its base is no green light."""
    run = document(check(), verdict=verdict, problems=["it"] * (verdict == "failed"))

    assert to_markdown(compare(run, run), "a", "b").startswith(f"## {sign} float16 gate")
