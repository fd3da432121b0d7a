"""Only a document of the gate is read, and what is none is told in a line."""

import json
from math import inf, isnan

import pytest

from fixtures.harness.run_file import RunFileError, number, read, verify
from tests.harness.runs import check, document


@pytest.mark.parametrize("version", [1, 2])
def test_documents_of_all_versions_are_read(tmp_path, version):
    """A document of each version that there was comes back as it is."""
    file, written = tmp_path / "run.json", document(check(value=1.0, at_most=2.0)) | {"version": version}
    file.write_text(json.dumps(written))

    assert read(file) == written


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no JSON document"),
        (b"\xff", "is no JSON document"),
        (b"[" * 100_000, "is no JSON document"),
        (b'{"version": NaN}', "NaN is no JSON"),
        (b"[]", "has no version"),
        (b"{}", "has no version"),
        (b'{"version": true}', "has no version"),
        (b'{"version": 3}', "is of version 3; versions 1 to 2 are read here"),
        (b'{"version": 1}', "run is no object"),
    ],
)
def test_other_content_is_refused(tmp_path, content, says):
    """What no run wrote is named with what is wrong."""
    file = tmp_path / "run.json"
    file.write_bytes(content)
    with pytest.raises(RunFileError, match=r"run\.json") as raised:
        read(file)

    assert says in str(raised.value)


def test_missing_file_is_refused(tmp_path):
    """A path without a file is named with the cause."""
    with pytest.raises(RunFileError, match=r"gone.json cannot be read \(No such file or directory\)"):
        read(tmp_path / "gone.json")


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ("checks", {}, "checks is no list"),
        ("checks", [[]], r"checks\[0\] is no object"),
        ("checks", [{"name": 1}], r"checks\[0\].name is not what it is"),
        ("models", [{"name": "a", "counts": {"passed": "x"}}], r"models\[0\].counts.passed is not what it is"),
        ("targets", None, "targets is no list"),
        ("environment", {"packages": []}, "environment.packages is no object"),
    ],
)
def test_damaged_part_is_named(part, value, says):
    """A document whose parts are not what they are is refused, with the place."""
    with pytest.raises(RunFileError, match=f"it is no document of the gate: {says}"):
        verify(document() | {part: value}, "it")


def test_unknown_status_is_refused():
    """A check can only come to what checks come to."""
    damaged = document()
    damaged["checks"][0]["status"] = "fine"
    with pytest.raises(RunFileError, match="a check has the status 'fine'"):
        verify(damaged, "it")


def test_numbers_that_json_lacks_are_numbers():
    """NaN and infinity are read as such, and what is no number is none."""
    assert (number("Infinity"), number("-Infinity"), number(10**400), number(3)) == (inf, -inf, inf, 3.0)
    assert isnan(number("NaN"))
    assert [number(one) for one in (None, True, "3", [], {})] == [None] * 5
