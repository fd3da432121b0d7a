"""Accelerators on the command line: listed, run, absent, failing, and what is said of each."""

import re
import shutil

import pytest

from fixtures.harness.targets import TARGETS
from tests import vulkan
from tests.gate import run_gate
from tests.vulkan import SWIFTSHADER, only

GPU = ("--delegate", "gpu", "--delegate", "gpu_fp16")


@pytest.fixture(scope="session")
def gpu(tmp_path_factory):
    """Skip where this machine has no Vulkan device that the GPU accelerator can use."""
    listed = run_gate("--targets", "--delegate", "gpu", folder=tmp_path_factory.mktemp("listed"))
    assert "FAILS" not in listed.text
    if "gpu            yes" not in listed.text:
        pytest.skip(listed.text.splitlines()[-1])


def test_every_target_is_listed(tmp_path, gpu):
    """`--targets` says of each target whether it is there, its arithmetic, and the adapter; nothing is tested."""
    run = run_gate("--targets", folder=tmp_path)

    rows = dict(line.split(maxsplit=1) for line in run.text.splitlines())
    assert run.code == pytest.ExitCode.OK, run.text
    assert list(rows) == list(TARGETS), run.text
    assert rows["xnnpack_fp16"].startswith("yes   float16"), run.text
    assert re.match(r"yes   float16   on \S.*; LiteRT's GPU accelerator, precision loss allowed", rows["gpu_fp16"])


def test_absent_device_is_listed_with_its_cure(tmp_path):
    """`--targets` says what a target lacks, and what to install; that is a failure where the target is required."""
    run = run_gate("--targets", folder=tmp_path, **only("/nonexistent"))
    required = run_gate("--targets", "--require-delegate", "gpu", folder=tmp_path, **only("/nonexistent"))

    assert (run.code, required.code) == (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), run.text
    for name in ("gpu", "gpu_fp16"):
        (row,) = (line for line in run.text.splitlines() if line.split()[0] == name)
        assert re.match(rf"{name} +no .*No adapters found; needed: .*apt install mesa-vulkan-drivers", row), run.text


def test_absent_device_is_skipped_and_counted(gate, pinned_models):
    """Without a Vulkan device the rest is judged, and the terminal says what did not run, and why."""
    run = gate(pinned_models, "--require-delegate", "builtin", "-n2", "tests/test_delegates.py", **only("/nonexistent"))

    assert run.code == pytest.ExitCode.OK, run.text
    assert re.search(r"not run, 13 times: gpu_fp16: .*No adapters found; needed: a Vulkan driver", run.text), run.text


@pytest.mark.parametrize("asked", [["--require-delegate", "all"], ["--require-delegate", "gpu"], ["--delegate", "gpu"]])
def test_absent_device_that_was_asked_for_falls_short(gate, pinned_models, asked):
    """A required GPU that is not there is a failure with the cause and the cure."""
    run = gate(pinned_models, *asked, "tests/test_one_image.py", **only("/nonexistent"))

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    message = run.named("tests/test_one_image.py::test_one_image_is_recognized[quick-fp16-gpu]")
    assert re.search(r"gpu was asked for, but is not available here: .*apt install mesa-vulkan-drivers", message)


def test_driver_that_cannot_be_loaded_is_named(tmp_path):
    """A driver library that is none is named in the reason."""
    library = tmp_path / "driver.so"
    library.write_text("no library")
    run = run_gate("--targets", "--delegate", "gpu", folder=tmp_path, **only(vulkan.manifest(library, tmp_path)))

    assert f"{library}: file too short" in run.text, run.text


@pytest.mark.skipif(not SWIFTSHADER.exists(), reason=f"{SWIFTSHADER} is not there (apt install chromium)")
def test_device_that_computes_in_float32_is_no_float16_run(gate, pinned_models):
    """An adapter that takes float16 and computes in float32 does not count: it is reported, and red where required."""
    run = gate(pinned_models, *GPU, "tests/test_one_image.py", **only(SWIFTSHADER))

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "computes in float32 although float16 was asked for" in run.text
    assert run.fallen
    assert all("gpu_fp16" in check for check in run.fallen), run.text


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_software_device_runs_a_sample_and_says_what_that_is_worth(gate, pinned_models, gpu, workers):
    """A software adapter runs 1000 images, is named, and its limits are told; no chatter reaches the terminal."""
    run = gate(pinned_models, *GPU, workers)

    assert run.code == pytest.ExitCode.OK, run.text
    rows = re.findall(r"^  (gpu\S*) +(float\d\d) +fp\d\d .* (\d+)$", run.text, re.MULTILINE)
    assert rows == [("gpu", "float32", "1000")] * 2 + [("gpu_fp16", "float16", "1000")] * 2, run.text
    assert re.search("gpu, gpu_fp16 on .*, 1000 samples; that is a software device: .* it cannot show", run.text), (
        run.text
    )
    assert not re.search("INFO|Selected adapter|WebGPU", run.text), run.text


def test_all_images_run_where_asked_for(gate, pinned_models, gpu):
    """`--full-gpu` runs all images on a software adapter, and judges them as on any target."""
    run = gate(pinned_models, "--delegate", "gpu_fp16", "--full-gpu", "tests/test_delegates.py")

    assert run.code == pytest.ExitCode.OK, run.text
    assert re.search(r"^  gpu_fp16 .* 10000$", run.text, re.MULTILINE), run.text


def test_errors_are_localised_where_asked_for(gate, pinned_models, tmp_path):
    """`--localise` names an operator for each target in the report, though all is within bounds."""
    file = tmp_path / "report.html"
    checks = ("tests/test_delegates.py", "tests/test_accuracy.py")
    run = gate(pinned_models, "--localise", "--delegate", "xnnpack_fp16", f"--html={file}", *checks)

    assert run.code == pytest.ExitCode.OK, run.text
    named = re.findall(r"<li>(test_\w+\[[\w-]+\]): .*?operator \d+ [A-Z_0-9]+ ", file.read_text())
    assert "test_outputs_match_the_reference_kernels[quick-fp16-xnnpack_fp16]" in named


def test_cause_is_attributed(gate, pinned_models):
    """Under the table of errors stands what they come from."""
    run = gate(pinned_models, "--delegate", "builtin", "tests/test_delegates.py")

    assert re.search(r"^  nothing is out of bounds: \w+ uses the most of what its arithmetic", run.text, re.MULTILINE)


@pytest.fixture
def failing_driver(tmp_path):
    """Return the environment whose only Vulkan driver aborts, or hangs, as soon as it is loaded."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler is here: cc")
    manifest = vulkan.manifest(vulkan.compiled(vulkan.FAILING, tmp_path), tmp_path)
    return lambda how: only(manifest) | {"TEST_DRIVER": how}


@pytest.mark.parametrize("how", ["abort", "hang"])
def test_driver_that_fails_is_red_though_nobody_asked_for_it(gate, pinned_models, gpu, failing_driver, how):
    """A driver that dies or hangs is there, and does not work: that is no absence, and fails in any case."""
    arguments = ("--require-delegate", "builtin", "--delegate-timeout", "4", "tests/test_one_image.py")
    run = gate(pinned_models, *arguments, **failing_driver(how))

    told = {"abort": "was killed by SIGABRT", "hang": "said nothing for 4 s and was ended"}[how]
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert {check.rpartition("-")[2] for check in run.fallen} == {"gpu]", "gpu_fp16]"}, run.text
    for message in run.fallen.values():
        assert f"fails on this machine: the process fixtures.harness.runner {told}" in message
        assert f"test driver: {how}; what may help: " in message
        assert ("--delegate-timeout" in message) == (how == "hang")


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_required_target_that_no_check_looks_at_is_no_pass(gate, pinned_models, workers):
    """A selection that leaves a required target out does not end well, and says which one."""
    run = gate(pinned_models, workers, "--require-delegate", "builtin", "tests/test_size.py")

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "ERROR: builtin was asked for, but no check that ran was of it" in run.text


def test_model_may_declare_what_it_is_not_meant_for(gate, pinned_models):
    """A target that a declaration excludes is skipped for that model, and counted with the reason."""
    file = pinned_models / "quick.py"
    file.write_text(file.read_text().replace("    recipe=", '    not_meant_for=frozenset({"builtin"}),\n    recipe='))
    run = gate(pinned_models, "tests/test_one_image.py")

    assert run.code == pytest.ExitCode.OK, run.text
    assert "not run, 2 times: builtin: quick declares that it is not meant for it" in run.text


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ('not_meant_for=frozenset({"gpuu"})', "quick names a target gpuu that there is not"),
        ('partly_delegated="gpu"', "partly_delegated of quick: a set of names was expected, not one name"),
    ],
)
def test_unknown_target_of_a_declaration_is_refused(gate, pinned_models, declared, says):
    """A declaration that names no target is a usage error, and no silent nothing."""
    file = pinned_models / "quick.py"
    file.write_text(file.read_text().replace("    recipe=", f"    {declared},\n    recipe="))
    run = gate(pinned_models, "tests/test_one_image.py")

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert says in run.text
