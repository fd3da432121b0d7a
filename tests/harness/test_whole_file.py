"""A file is written whole, or stays what it was."""

from pathlib import Path

import pytest

from fixtures.harness.whole_file import write


def test_file_is_replaced_whole(tmp_path):
    """It replaces what was there, in a folder that is made, and leaves nothing beside it."""
    file = tmp_path / "new" / f"{'ü' * 120}.md"
    write("one", file)
    write("two", file)

    assert file.read_text() == "two"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("", "it is there and is not a file"),
        ("device", "it is there and is not a file"),
        ("file/summary.md", "its folder is a file"),
        ("x" * 300, "File name too long"),
    ],
)
def test_place_that_no_file_can_take_is_an_error(tmp_path, place, says):
    """A folder, a device and a path through a file are refused, and stay what they were."""
    (tmp_path / "device").symlink_to("/dev/null")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, check=lambda error: error.strerror == says):
        write("", tmp_path / place)

    assert (tmp_path / "file").read_text() == "mine"
    assert Path("/dev/null").is_char_device()
