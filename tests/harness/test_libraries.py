"""Another build of a library is noticed, whatever its name and however alike it looks."""

import os
import subprocess
import sys

import pytest

from fixtures.harness.libraries import described, verify_unchanged
from fixtures.harness.sessions import InferenceError
from fixtures.harness.versions import ROOT


@pytest.fixture
def library(tmp_path):
    """A file, and what it was described as."""
    file = tmp_path / "lib of mine.so"
    file.write_text("one")
    return file, [described(str(file))]


def test_same_file_is_unchanged(library):
    """A file that nobody touched is the same."""
    verify_unchanged(library[1])


@pytest.mark.parametrize("content", ["other", "two"])
def test_replaced_file_is_noticed(library, content):
    """A file of other content is another one, of the same size and with its time set back too."""
    file, held = library
    before = file.stat()
    file.unlink()
    file.write_text(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(InferenceError, match=r"lib of mine\.so was replaced during the run; run again$"):
        verify_unchanged(held)


def test_removed_file_is_noticed(library):
    """A file that is gone is not the one that was loaded."""
    file, held = library
    file.unlink()

    with pytest.raises(InferenceError, match=r"lib of mine\.so was replaced"):
        verify_unchanged(held)


def test_code_is_found_whatever_its_name(compiled, tmp_path):
    """A library that is not named as one is among what a process has loaded."""
    plain = tmp_path / "plain.bin"
    plain.write_bytes(compiled("driver.c").read_bytes())
    code = (
        f"import ctypes; ctypes.CDLL({str(plain)!r}); from fixtures.harness.libraries import loaded; print(*loaded())"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert str(plain) in told
    assert "libc" in told
