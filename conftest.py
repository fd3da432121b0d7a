pytest_plugins = (
    "fixtures.delegates",
    "fixtures.adhoc",
    "fixtures.matrix",
    "fixtures.outputs",
    "fixtures.grades",
    "fixtures.artifacts",
    "fixtures.verdicts",
    "fixtures.snapshots",
    "fixtures.run",
    "fixtures.report",
    "fixtures.gate_json",
    "fixtures.bundles",
)
