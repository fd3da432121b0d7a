"""What there is of a target is measured on it; what is not there says why, and what cures that."""

import numpy as np
import pytest

from fixtures.harness.libraries import described
from fixtures.harness.probing import (
    CURES,
    KEPT_BITS,
    REMEDIES,
    copying_file,
    kept,
    numbers,
)
from fixtures.harness.scheduler import Scheduler
from fixtures.harness.store import Store
from fixtures.harness.targets import TARGETS, as_job, external
from fixtures.harness.tflite_file import read
from tests import vulkan
from tests.vulkan import SWIFTSHADER

GPU = pytest.mark.parametrize("where", ["gpu"], indirect=True)
GPUS = [TARGETS["gpu"], TARGETS["gpu_fp16"]]
SILENT = 5
"""Seconds for which a driver that hangs is waited for."""


def to_bfloat16(values):
    """Return float32 *values* rounded to the nearest bfloat16, ties to even."""
    bits = values.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
    return rounded.astype(np.uint32).view(np.float32)


ROUNDED = {
    "float32": lambda values: values,
    "float16": lambda values: values.astype(np.float16).astype(np.float32),
    "bfloat16": to_bfloat16,
}
"""What each arithmetic makes of float32 values, rounding to nearest."""


def cut(values, bits):
    """Return float32 *values*, rounded to zero after so many bits."""
    return (values.view(np.uint32) & np.uint32(2**32 - 2 ** (23 - bits))).view(np.float32)


@pytest.mark.parametrize("arithmetic", KEPT_BITS)
def test_numbers_tell_arithmetics_apart(arithmetic):
    """The numbers that are copied come out of each arithmetic as of no other."""
    assert kept(numbers(), ROUNDED[arithmetic](numbers())) == arithmetic


@pytest.mark.parametrize(("bits", "arithmetic"), [(10, "float16"), (7, "bfloat16")])
def test_numbers_tell_arithmetics_that_cut_apart(bits, arithmetic):
    """An arithmetic that rounds to zero is told from others, too."""
    assert kept(numbers(), cut(numbers(), bits)) == arithmetic


@pytest.mark.parametrize("arithmetic", KEPT_BITS)
@pytest.mark.parametrize("seed", range(20))
def test_any_numbers_tell_arithmetics_apart(arithmetic, seed):
    """So do any other 32 numbers between 1 and 2."""
    given = np.random.default_rng(seed).uniform(1, 2, 32).astype(np.float32)

    assert kept(given, ROUNDED[arithmetic](given)) == arithmetic


@pytest.mark.parametrize("bit", [23, 22, 11, 9])
def test_one_number_that_is_off_by_more_is_seen(bit):
    """An arithmetic keeps all numbers as well as it claims: one that is off is enough to doubt it."""
    copied = numbers()
    copied[5] += np.float32(2.0**-bit)

    assert kept(numbers(), copied) == {23: "float16", 22: "float16", 11: "float16", 9: "bfloat16"}[bit]


@pytest.mark.parametrize(
    "copied",
    [np.zeros(32), np.full(32, np.nan), np.full(32, np.inf), numbers() * 1.5, numbers()[::-1], -numbers()],
    ids=["zeros", "NaN", "infinity", "scaled", "reversed", "negated"],
)
def test_wrong_numbers_are_no_arithmetic(copied):
    """Numbers that no rounding explains are none of the arithmetics; among them those that NaN would hide."""
    assert kept(numbers(), copied.astype(np.float32)) is None


def test_one_wrong_number_is_no_arithmetic():
    """A single NaN among right numbers is seen."""
    copied = numbers()
    copied[31] = np.nan

    assert kept(numbers(), copied) is None


def test_file_is_a_dense_layer(tmp_path):
    """The file that is run is the one operator that accelerators are made for."""
    (tmp_path / "probe.tflite").write_bytes(copying_file())
    file = read(tmp_path / "probe.tflite")

    assert [op.name for op in file.subgraphs[0].operators] == ["FULLY_CONNECTED"]
    assert [tensor.shape for tensor in (*file.entry.inputs.values(), *file.entry.outputs.values())] == [(1, 32)] * 2


ARITHMETICS = {name: target.arithmetic for name, target in TARGETS.items() if target.package == "ai-edge-litert"}


@pytest.mark.parametrize("where", [name for name in ARITHMETICS if name != "openvino"], indirect=True)
def test_arithmetic_is_measured(where, presence):
    """Each target computes in what it was asked for, as the numbers that it copies show."""
    assert presence(where).arithmetic == ARITHMETICS[where]


@pytest.mark.parametrize("where", ["openvino"], indirect=True)
def test_arithmetic_of_openvino_is_the_cpus(where, evaluators, presence):
    """OpenVINO computes in bfloat16 where the CPU has it, and in float32 where it may not use it."""
    job = {"target": as_job(TARGETS["openvino"])}
    held = evaluators("openvino", ONEDNN_MAX_CPU_ISA="AVX2").ask(job, print)

    assert held["arithmetic"] == "float32"
    assert presence(where).arithmetic in {"float32", "bfloat16"}


@GPU
def test_adapter_is_named(where, presence):
    """A GPU is there with its name, and both of its targets are on the same one."""
    there = [presence(name) for name in ("gpu", "gpu_fp16")]

    assert there[0].adapter
    assert (there[0].adapter, there[0].software) == (there[1].adapter, there[1].software)
    assert not ("llvmpipe" in there[0].adapter and not there[0].software)


@GPU
def test_llvmpipe_computes_in_float16(where, presence):
    """Mesa's llvmpipe, which has float16, computes in it where that is asked for: it is not taken for absent."""
    if "llvmpipe" not in presence(where).adapter:
        pytest.skip(f"{presence(where).adapter} is not llvmpipe")

    assert (presence("gpu_fp16").why_not, presence("gpu_fp16").arithmetic) == (None, "float16")


@pytest.fixture
def find(tmp_path):
    """Return what there is of targets, as the gate finds it out: in processes of their own, ended when silent."""
    opened = []

    def ask(*targets, silence=60):
        scheduler = Scheduler(
            Store(tmp_path / "store"), [], anew=False, announce=lambda *_: None, targets=targets, silence=silence
        )
        opened.append(scheduler)
        scheduler.begin_probes()
        return [scheduler.presence(target.name) for target in targets]

    yield ask
    for scheduler in opened:
        scheduler.close()


@pytest.fixture
def use_driver(monkeypatch):
    """Have Vulkan's loader use the driver of a manifest, and no other."""

    def use(manifest):
        for variable, value in vulkan.only(manifest).items():
            monkeypatch.setenv(variable, value)

    return use


@pytest.fixture
def use_library(use_driver, tmp_path):
    """Have Vulkan's loader use a library as the only driver."""
    return lambda library: use_driver(vulkan.manifest(library, tmp_path))


@pytest.mark.skipif(not SWIFTSHADER.is_file(), reason=f"SwiftShader is not here: {SWIFTSHADER} is missing")
@GPU
def test_adapter_without_float16_is_refused_for_it(where, find, use_driver):
    """An adapter that silently computes in float32 is a GPU for float32, and none for float16."""
    use_driver(SWIFTSHADER)
    full, half = find(*GPUS)

    assert (full.why_not, full.software, full.arithmetic) == (None, True, "float32")
    assert "SwiftShader" in full.adapter
    assert half.why_not == (
        f"{full.adapter} computes in float32 although float16 was asked for; needed: an adapter with shaderFloat16"
    )


@GPU
def test_machine_without_a_driver_says_so(where, find, use_driver, tmp_path):
    """Where there is no Vulkan driver, the cause and the cure are told, of each target alike."""
    use_driver(tmp_path / "missing.json")

    for found in find(*GPUS):
        assert "No adapters found" in found.why_not
        assert found.why_not.endswith(f"; needed: {CURES['gpu']}")


@GPU
@pytest.mark.parametrize("manifest", ["", "{", "{}", '{"ICD": {}}'])
def test_damaged_manifest_is_no_driver(where, find, use_driver, tmp_path, manifest):
    """A driver's manifest that says nothing is no driver."""
    (tmp_path / "driver.json").write_text(manifest)
    use_driver(tmp_path / "driver.json")
    (found,) = find(TARGETS["gpu"])

    assert "No adapters found" in found.why_not
    assert found.why_not.endswith(f"; needed: {CURES['gpu']}")


@GPU
def test_text_is_no_driver(where, find, use_library, tmp_path):
    """A driver's library that is none is told apart from a driver, and the loader's complaint is shown."""
    (tmp_path / "libvulkan_none.so").write_text("not a library\n")
    use_library(tmp_path / "libvulkan_none.so")
    (found,) = find(TARGETS["gpu"])

    assert "No adapters found" in found.why_not
    assert found.why_not.endswith(f"; needed: {CURES['gpu']}")


@GPU
def test_driver_that_aborts_is_told(where, find, use_library, compiled, monkeypatch):
    """A driver that kills who loads it is broken, not absent: it is told by which signal, with its last words."""
    monkeypatch.setenv("TEST_DRIVER", "abort")
    use_library(compiled("driver.c"))

    for found in find(*GPUS):
        assert found.broken
        assert "was killed by SIGABRT; its last lines: test driver: abort; what may help: " in found.why_not
        assert found.why_not.endswith(REMEDIES["gpu"])


@GPU
def test_driver_that_hangs_is_told(where, find, use_library, compiled, monkeypatch):
    """A driver that never answers is broken: nobody waits for it for good."""
    monkeypatch.setenv("TEST_DRIVER", "hang")
    use_library(compiled("driver.c"))

    for found in find(*GPUS, silence=SILENT):
        assert found.broken
        assert f"said nothing for {SILENT} s and was ended" in found.why_not
        assert found.why_not.endswith(REMEDIES["gpu"])


def test_library_is_there(find, external_target):
    """A delegate library that takes a file, or leaves it to the runtime, is there."""
    for found in find(external_target(take="none"))[0], find(external_target())[0]:
        assert (found.why_not, found.arithmetic) == (None, "float32")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"colour": "red"}, "test delegate: unknown option colour=red"),
        ({"mode": "no_device"}, "test delegate: no device found"),
        ({"mode": "refuse"}, "test delegate: this model is refused"),
        ({"mode": "create_abort"}, "was killed by SIGABRT"),
        ({"mode": "prepare_abort"}, "was killed by SIGABRT"),
        ({"take": "all", "mode": "invoke_abort"}, "was killed by SIGABRT"),
        ({"take": "all", "mode": "fail"}, "test delegate: the run fails"),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_broken_library_is_told(find, external_target, options, told):
    """A delegate library that fails or crashes at any time is told with its own words, and no traceback."""
    (found,) = find(external_target(**options))

    assert told in found.why_not
    assert "Traceback" not in found.why_not
    assert found.broken
    assert found.why_not.endswith(REMEDIES["external"])


def test_library_that_computes_wrongly_is_told(find, external_target):
    """A delegate library that gives zeros for numbers is told so: what it computes is no arithmetic."""
    (found,) = find(external_target(take="all"))

    assert found.broken
    assert found.why_not.startswith("external:libdelegate.so computes wrongly: 1 * 1.03125 gives 0.0; what may help: ")


@pytest.mark.parametrize(("content", "told"), [(b"not a library\n", "lib.so"), (b"", "lib.so")], ids=["text", "empty"])
def test_file_that_is_no_library_is_told(find, tmp_path, content, told):
    """A file that cannot be loaded as a library is an absence that names it."""
    (tmp_path / "lib.so").write_bytes(content)
    (found,) = find(external(f"external:{tmp_path / 'lib.so'}", {}))

    assert told in found.why_not
    assert found.why_not.endswith(f"; needed: {CURES['external']}")


def test_another_library_is_told(find, another_library):
    """A library that is no delegate is an absence that says which function it lacks."""
    (found,) = find(external(f"external:{another_library}", {}))

    assert "tflite_plugin_create_delegate" in found.why_not.partition("; needed: ")[0]
    assert found.why_not.endswith(f"; needed: {CURES['external']}")


def test_library_that_vanished_is_told(find, tmp_path):
    """A library that is gone when it is to be loaded is an absence, not a crash."""
    (tmp_path / "lib.so").touch()
    target = external(f"external:{tmp_path / 'lib.so'}", {})
    (tmp_path / "lib.so").unlink()
    (found,) = find(target)

    assert "lib.so" in found.why_not


def test_loaded_libraries_are_told(find, external_target):
    """What an accelerator has loaded is told with size and time, so that another build of it is another target."""
    target = external_target()
    (found,) = find(target)

    assert described(target.library) in found.libraries
