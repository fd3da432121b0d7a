"""`--junitxml` carries where each check stands and its numbers, as properties that programs read."""

from xml.etree import ElementTree

import pytest


def cases(file):
    """Return the properties of each check in *file*, by its name; no name of a property is there twice."""
    found = {}
    for case in ElementTree.parse(file).iter("testcase"):
        properties = [(one.get("name"), one.get("value")) for one in case.iter("property")]
        assert len({name for name, _ in properties}) == len(properties)
        found[case.get("name")] = dict(properties)
    return found


@pytest.mark.parametrize("workers", ["-n0", "-n2", "-p no:xdist"])
def test_check_has_its_place_and_its_numbers(gate, pinned_models, tmp_path, workers):
    """Model, precision, target and property stand for themselves, and each measured value beside its bounds."""
    gate(pinned_models, *workers.split(), "tests/test_size.py", "tests/test_delegates.py")
    found = cases(tmp_path / "results.xml")

    leg = found["test_outputs_match_the_reference_kernels[quick-fp16-xnnpack]"]
    place = {name: leg[name] for name in ("model", "precision", "target", "property")}
    assert place == {"model": "quick", "precision": "fp16", "target": "xnnpack", "property": "delegates"}
    assert 0 < float(leg["measured[0].value"]) <= float(leg["measured[0].at_most"])
    assert leg["measured[1].quantity"] == "rms error / rms output"
    assert "measured[0].at_least" not in leg
    size = found["test_float_constants_take_exactly_half[quick]"]
    assert size.pop("requirement").startswith("The float constants take half as many bytes")
    assert size == {
        "model": "quick",
        "property": "size",
        "measured[0].quantity": "bytes of float constants, float16 / float32",
        "measured[0].value": "0.5",
        "measured[0].at_least": "0.5",
        "measured[0].at_most": "0.5",
        "measured[0].holds": "true",
    }


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_file_is_xml_whatever_names_and_numbers_are(gate, pinned_models, tmp_path, workers):
    """Quantities with control characters and markup, NaN and infinity are properties that XML can hold."""
    (tmp_path / "test_names.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')], ids=['a', 'b', 'c'])\n"
        "@pytest.mark.parametrize('name', ['<&\"', '\\x00\\x1b[31m', '\\u202e', '\\U0001f600', 'n' * 200])\n"
        "def test_it(judge, name, value):\n"
        "    judge(name, value, at_most=1.0)\n"
    )
    gate(pinned_models, workers, "tests/test_size.py", tmp_path / "test_names.py")
    found = {name: one for name, one in cases(tmp_path / "results.xml").items() if name.startswith("test_it")}

    assert len(found) == 15
    assert {one["measured[0].value"] for one in found.values()} == {"NaN", "Infinity", "-Infinity"}
    assert {one["measured[0].at_most"] for one in found.values()} == {"1.0"}
    assert {one["measured[0].holds"] for one in found.values()} == {"true", "false"}
    assert {'<&"', "😀", "n" * 200} < {one["measured[0].quantity"] for one in found.values()}
