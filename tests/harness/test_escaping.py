"""Text of others does nothing where it is shown, and loses nothing that is seen."""

import re
import unicodedata
from html import unescape

import pytest

from fixtures.harness.escaping import (
    line,
    markdown,
    markdown_block,
    printable,
    visible,
    workflow_data,
    workflow_property,
)
from tests.github import commands
from tests.harness.runs import HOSTILE


@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_stays_unseen(what):
    """No control character, and none that turns text around, is left; emoji are."""
    left = {unicodedata.category(one) for one in visible(HOSTILE[what]).replace("\n", "").replace("\u200d", "")}

    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible("a\u202eb\x00\ud800\r\n") == "a\\u202eb\\u0000\\ud800\n"
    assert visible("שלום 👩\u200d🔬") == "שלום 👩\u200d🔬"


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_printed_gives_no_command(what):
    """Neither of the two forms that a runner of GitHub knows is left, and what else there is reads as it did."""
    told = printable(f"a::b c\n \t{HOSTILE[what]}\n::stop-commands::{HOSTILE[what]}")

    assert commands(told) == []
    assert told.startswith("a::b c\n")
    assert (
        told.replace("\\u003a:", "::")
        .replace("#\\u0023[", "##[")
        .replace("\\u0023#[", "##[")
        .endswith(f"::stop-commands::{visible(HOSTILE[what])}")
    )


def test_first_character_of_a_command_is_what_is_escaped():
    """Colons and hash signs that make no command stay."""
    assert printable("::a::\n  ::b ##[c]##d #[e] f::g\n### h") == (
        "\\u003a:a::\n  \\u003a:b \\u0023#[c]##d #[e] f::g\n### h"
    )


@pytest.mark.parametrize("what", HOSTILE)
def test_markdown_is_one_line_of_code_without_a_mark(what):
    """What a name holds is neither markup nor a mention, and reads as it did."""
    told = markdown(HOSTILE[what])
    (inside,) = re.fullmatch("<code>(.*)</code>", told).groups()

    assert not re.search(r"[\\`*_{}\[\]()#+.!|~@<>'\"$:/&\n]", re.sub(r"&(#\d+|amp|lt|gt);", "", inside))
    assert unescape(inside) == line(HOSTILE[what])


def test_block_ends_with_its_own_tag():
    """Lines stay lines, and a message cannot end the block that it stands in."""
    told = markdown_block("a </pre>\n\n# b & c")

    assert told == "<pre>a &lt;/pre&gt;\n\n# b &amp; c</pre>"


@pytest.mark.parametrize("what", HOSTILE)
def test_workflow_command_stays_one_line(what):
    """No message ends the line of its command, and no property another property."""
    data, value = workflow_data(HOSTILE[what]), workflow_property(HOSTILE[what])

    assert not re.search(r"[\r\n]", data + value)
    assert not re.search("[:,]", value)


def test_workflow_escapes_are_those_of_github():
    """Percent signs, ends of lines and, in properties, colons and commas are what the runner decodes."""
    assert workflow_data("100%\nx: y, z") == "100%25%0Ax: y, z"
    assert workflow_property("100%\nx: y, z") == "100%25%0Ax%3A y%2C z"


@pytest.mark.parametrize("most", [10, 11])
def test_long_line_keeps_its_ends(most):
    """What is too long is cut in its middle, where names of checks differ least."""
    told = line("a" * 50 + "z" * 50, most)

    assert len(told) == most
    assert re.fullmatch("a+ … z+", told)
    assert line("a\n b\tc") == "a b c"
