"""Vulkan drivers for tests: how to have only one, and how to make one that does not work."""

import json
import subprocess
from pathlib import Path

from fixtures.harness.versions import ROOT

SWIFTSHADER = Path("/usr/lib/chromium/vk_swiftshader_icd.json")
"""The manifest of a software device without float16 arithmetic, where Debian's package chromium-common has it."""

FAILING = ROOT / "tests" / "harness" / "driver.c"
"""The source of a driver that aborts, or hangs, as TEST_DRIVER says."""


def only(manifest: Path | str) -> dict[str, str]:
    """Return the environment in which the driver of *manifest* is the only one."""
    return {"VK_DRIVER_FILES": str(manifest), "VK_ICD_FILENAMES": str(manifest)}


def manifest(library: Path, folder: Path) -> Path:
    """Return the manifest, in *folder*, of the driver *library*."""
    icd = {"library_path": str(library), "api_version": "1.3.0"}
    file = folder / "driver.json"
    file.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": icd}))
    return file


def compiled(source: Path, folder: Path) -> Path:
    """Return the shared library, in *folder*, that the C file *source* is compiled to."""
    library = folder / f"lib{source.stem}.so"
    command = ["cc", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", library, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library
