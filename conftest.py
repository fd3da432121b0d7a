pytest_plugins = (
    "fixtures.delegates",
    "fixtures.matrix",
    "fixtures.outputs",
    "fixtures.artifacts",
    "fixtures.verdicts",
    "fixtures.snapshots",
    "fixtures.report",
)
