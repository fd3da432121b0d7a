pytest_plugins = (
    "fixtures.delegates",
    "fixtures.adhoc",
    "fixtures.matrix",
    "fixtures.outputs",
    "fixtures.grades",
    "fixtures.artifacts",
    "fixtures.verdicts",
    "fixtures.snapshots",
    "fixtures.report",
    "fixtures.junit",
    "fixtures.gate_json",
    "fixtures.ci",
)
