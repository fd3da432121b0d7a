pytest_plugins = (
    "fixtures.matrix",
    "fixtures.outputs",
    "fixtures.artifacts",
    "fixtures.verdicts",
    "fixtures.snapshots",
    "fixtures.report",
)
