"""A pytest plugin that writes down how much memory each process of a run used at its peak: `-p tests.benchmark.memory`.

Files named after the process go to the folder that the environment variable PEAKS names; workers' names begin with gw.
"""

import os
import resource
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the peak of this process, in KiB."""
    name = getattr(session.config, "workerinput", {}).get("workerid", "controller")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (Path(os.environ["PEAKS"]) / name).write_text(str(peak))
