"""Documents of runs of one small model, as `--gate-json` writes them, for tests of what is made of them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from fixtures.harness import model_lines, record
from fixtures.harness.record import Check
from fixtures.harness.targets import TARGETS, Presence
from fixtures.harness.verdict import Verdict
from models.spec import ModelSpec

HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "quotes": "\"'`",
    "pipe": "a|b\\|c",
    "mention": "@octocat #123 GH-1 https://example.com",
    "emphasis": "**bold** _it_ ~~x~~ [a](b) ![c](d) $x$",
    "command": "x\n::error::injected\r\n::add-mask::y ##[add-mask]z",
    "right to left": "\u202egnp.exe\u2066",
    "emoji": "👩\u200d🔬",
    "long": "n" * 200,
    "end of code": "</code></pre></details>",
    "half": "\ud800",
    "null": "\x00\x1b[31m",
}
"""Names and messages that would do something where they are shown, by what."""

LEG = {
    "precision": "fp16",
    "target": "builtin",
    "output": "",
    "arithmetic": "float32",
    "samples": 1000,
    "largest": 0.01,
    "share": 0.001,
    "allowed": 0.01,
    "sqnr": 70.0,
    "least_sqnr": 50.0,
    "agreement": 0.999,
    "flipped": 1,
    "flipped_margin": 0.01,
    "evidence": {
        "histogram": None,
        "flips": [{"sample": 7, "true": 3, "expected": 3, "now": 8, "expected_margin": 0.01, "margin": 0.02}],
        "confusion": [[3, 3, -1], [3, 8, 1]],
        "closest": [],
    },
    "metric": "top-1 accuracy",
    "value": 0.95,
}

METRIC = {
    "metric": "top-1 accuracy",
    "higher_is_better": True,
    "unit": "points",
    "samples": 1000,
    "baseline": 0.95,
    "candidate": 0.95,
    "loss": 0.0,
    "most": 0.005,
    "least": -0.005,
    "confidence": 0.99,
    "says": "1000 samples exclude a drop of more than 0.500 points",
}


def check(
    name="tests/test_size.py::test_it[quick]", status="passed", message="", model="quick", target=None, **measured
):
    """Return a check; *measured* are the fields of its one `Verdict`, none for a check without a number."""
    verdicts = [Verdict(**{"quantity": "ratio", **measured}).as_dict()] if measured else []
    found = Check(name, "It holds.", model, None, target, measured=verdicts)
    found.add(status, 0.5, message)
    return found


def _model(name, figures, checks):
    """Return what a document has of the model *name*, which may be no name that a declaration may give."""
    spec = ModelSpec(name="quick", fp16="a.tflite", data="b.npz")
    found = [replace(one, model="quick" if one.model == name else None) for one in checks]
    of_quick = record.of_model(spec, verdict="", cause="", figures=figures, checks=found, files={})
    return of_quick | {"name": name}


def _leg(leg):
    """Return the figures of a file on a target, and of the time that it takes, where *leg* has a "latency"."""
    of_file = {name: value for name, value in leg.items() if name != "latency"}
    return {"leg": of_file, f"{model_lines.LATENCY}{leg['precision']} on {leg['target']}": leg.get("latency")}


def document(*checks, verdict="passed", problems=(), metric=METRIC, leg=LEG, presence=None, data="d" * 64, **figures):
    """Return the document of a run of *checks*; *figures* are added to those of the model "quick"."""
    checks = list(checks) or [check()]
    known = {
        "fp32_bytes": 1000,
        "fp16_bytes": 550,
        "size_ratio": 0.55,
        "data_sha256": data,
        model_lines.KERAS_METRIC: {"metric": METRIC["metric"], "keras": 0.95},
        model_lines.METRIC: metric,
        **figures,
    }
    models = {one.model: None for one in checks if one.model}
    return json.loads(
        record.text(
            record.document(
                started=datetime(2026, 1, 1, tzinfo=UTC),
                environment={
                    "packages": {"numpy": "2.4.6"},
                    "python": "CPython 3.12",
                    "platform": "Linux",
                    "cpu": "one",
                    "processors": 2,
                    "arguments": ["-n2"],
                },
                verdict=verdict,
                exit_code=int(verdict != "passed"),
                problems=problems,
                checks=checks,
                models=[_model(name, known, checks) for name in models],
                targets=[
                    record.of_target(
                        TARGETS["builtin"],
                        presence or Presence(None),
                        required=False,
                        figures={name: _leg(leg) for name in models},
                    )
                ],
            )
        )
    )
