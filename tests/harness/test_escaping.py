"""Text of others does nothing where it is shown, and loses nothing that is seen."""

import re
import unicodedata
from html import unescape

import pytest

from fixtures.harness.escaping import line, markdown, markdown_block, visible, workflow_data, workflow_property
from tests.harness.runs import HOSTILE


@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_stays_unseen(what):
    """No control character, and none that turns text around, is left; emoji are."""
    left = {unicodedata.category(one) for one in visible(HOSTILE[what]).replace("\n", "").replace("\u200d", "")}

    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible("a\u202eb\x00\ud800\r\n") == "a\\u202eb\\u0000\\ud800\n"
    assert visible("שלום 👩\u200d🔬") == "שלום 👩\u200d🔬"


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
