"""Two runs are compared: what got worse decides, and what chance explains is neither worse nor better."""

import numpy as np
import pytest

from fixtures.harness import model_lines, right_samples
from fixtures.harness.changes import Changes, IncomparableError, compare
from fixtures.harness.record import VERSION
from models.tasks import Classification
from tests.harness.runs import LEG, METRIC, check, document

OF = ("fell", "lost", "fixed", "gained", "still")


def figure(changes, quantity):
    """Return the one figure of *changes* whose quantity begins with *quantity*."""
    (found,) = [one for one in changes.figures if one.quantity.startswith(quantity)]
    return found


def test_same_run_is_no_worse():
    """A run compared with itself has no change at all."""
    run = document(check(value=1.0, at_most=2.0), check("skipped", "skipped", "no target"))
    changes = compare(run, run)

    assert not changes.worse
    assert changes.verdict == "no worse; nothing else changed"
    assert changes == Changes(matched=2)


@pytest.mark.parametrize(
    ("before", "now", "what", "worse"),
    [
        ("passed", "failed", "fell", True),
        ("passed", "error", "fell", True),
        ("skipped", "failed", "fell", True),
        (None, "failed", "fell", True),
        ("passed", "skipped", "lost", True),
        ("passed", None, "lost", True),
        ("failed", "skipped", "lost", True),
        ("error", None, "lost", True),
        ("failed", "passed", "fixed", False),
        ("error", "passed", "fixed", False),
        ("skipped", "passed", "gained", False),
        (None, "passed", "gained", False),
        ("failed", "error", "still", False),
        ("passed", "passed", None, False),
        ("skipped", "skipped", None, False),
        ("skipped", None, None, False),
        (None, "skipped", None, False),
    ],
)
def test_check_that_came_to_something_else(before, now, what, worse):
    """Falling short is worse and so is being left out; holding again, and being new, are better; staying is neither."""
    base, head = (
        document(check("kept"), *[check("t", status, "why")] * bool(status), verdict="failed")
        for status in (before, now)
    )
    changes = compare(base, head)
    found = {name: getattr(changes, name) for name in OF if getattr(changes, name)}

    assert list(found) == [what] * bool(what)
    assert [(one.name, one.before, one.now) for one in found.get(what, [])] == [
        ("t", before or "absent", now or "absent")
    ] * bool(what)
    assert changes.worse == worse


def test_cause_of_what_fell_and_of_what_was_left_out_is_told():
    """A failure has its message, a skip its reason, and what is gone whether the head's run came to its end."""
    base = document(check("a"), check("b"), check("c"))
    head = document(check("a", "failed", "too large"), check("b", "skipped", "no device"), verdict="failed")
    changes = compare(base, head)

    assert [one.cause for one in (*changes.fell, *changes.lost)] == [
        "too large",
        "no device",
        "it is not in the head's run",
    ]
    short = compare(base, document(check("a"), check("b", None), check("c", None), verdict="interrupted"))
    assert [one.cause for one in short.lost] == ["the head's run did not come to it, or has it no more"] * 2


def test_verdict_says_what_is_worse_and_what_is_better():
    """One sentence counts all that changed, the worse first."""
    base = document(check("a"), check("b", "failed", "x"), check("c"), check("e", "failed", "x"), verdict="failed")
    head = document(
        check("a", "failed", "x"), check("b"), check("d"), check("e", "failed", "x"), fp16_bytes=900, verdict="failed"
    )

    assert compare(base, head).verdict == (
        "worse: 1 check fell short that did not, 1 check not carried out any more; "
        "better: 1 check held that fell short, 1 check carried out that was not; "
        "1 check fell short in both runs; besides, and not decisive: 1 figure worse"
    )


@pytest.mark.parametrize("verdict", ["interrupted", "unfinished", "internal error", "nothing selected", "usage error"])
def test_head_without_a_verdict_is_worse(verdict):
    """A run that did not come to its end is no better than the base, whatever its checks came to so far."""
    changes = compare(document(), document(verdict=verdict, problems=["it broke"]))

    assert changes.worse
    assert f"the head's run has no verdict on its models ({verdict})" in changes.verdict
    assert "problem of the head's run: it broke" in changes.notes


@pytest.mark.parametrize(("before", "worse"), [([], True), (["gpu was asked for"], False)])
def test_problem_of_the_run_is_worse_where_it_is_new(before, worse):
    """A run that is red for no check is worse, unless the base was red for the same."""
    base = document(problems=before, verdict="failed" if before else "passed")
    changes = compare(base, document(problems=["gpu was asked for"], verdict="failed"))

    assert changes.worse == worse


def test_run_that_failed_for_no_reason_is_worse():
    """A verdict that is worse is never told as none."""
    assert compare(document(), document(verdict="failed")).verdict.startswith("worse: the run failed that passed")


def test_base_without_checks_is_refused():
    """Nothing is worse than nothing: a base run that was killed is an error, not a pass."""
    empty = document(verdict="unfinished") | {"checks": []}
    with pytest.raises(IncomparableError, match=r"the base run carried no check out \(unfinished\)"):
        compare(empty, document())


def test_base_that_was_interrupted_is_noted():
    """What it did not reach seems gained, which is said."""
    (note,) = compare(document(verdict="interrupted"), document()).notes

    assert note.startswith("the base run did not come to its end (interrupted)")


def test_models_of_one_run_alone_are_named():
    """A model that is gone is lost coverage; where no check is in both runs, that is said."""
    changes = compare(document(check("a", model="old")), document(check("b", model="new")))

    assert changes.worse
    assert changes.notes == [
        "no check is in both runs: they are of other models, or of other selections",
        "models of the base alone: old",
        "models of the head alone: new",
    ]


def test_documents_of_two_versions_are_compared_and_noted():
    """What one of them lacks is not compared, and no error."""
    changes = compare(document() | {"version": VERSION % 2 + 1}, document())

    assert not changes.worse
    assert changes.notes[0].startswith(f"the documents are of versions {VERSION % 2 + 1} and {VERSION}")


@pytest.mark.parametrize(
    ("size", "direction"),
    [(100_000, None), (100_099, None), (100_100, "worse"), (99_900, "better"), (None, "changed")],
)
def test_size_is_told_from_a_thousandth_on(size, direction):
    """Some bytes of padding are no news; a size that is not known any more is."""
    changes = compare(document(fp16_bytes=100_000), document(fp16_bytes=size))

    assert [one.direction for one in changes.figures if one.quantity == "size of fp16"] == [direction] * bool(direction)
    assert not changes.worse


@pytest.mark.parametrize(
    ("now", "direction"),
    [(0.95, None), (0.9495, None), (0.948, "changed"), (0.9, "worse"), (0.99, "better"), (float("nan"), "worse")],
)
def test_accuracy_is_worse_only_beyond_chance(now, direction):
    """Of 1000 samples, a tenth of a point is told, and some points are a change for the worse or the better."""
    changes = compare(document(), document(metric=METRIC | {"candidate": now}))

    assert [one.direction for one in changes.figures] == [direction] * bool(direction)
    assert not changes.worse


def test_chance_of_few_samples_is_told():
    """What may be chance says how much that moves."""
    moved = figure(compare(document(), document(metric=METRIC | {"candidate": 0.94})), "top-1 accuracy, fp16")

    assert (moved.before, moved.now) == ("95.000 %", "94.000 %")
    assert moved.note == "chance moves so many samples by up to 2.63 points"


def right(*wrong, samples=10_000):
    """Return what a document has of *samples* that are right but for those that are *wrong*."""
    classes = np.zeros(samples, int)
    classes[list(wrong)] = 1
    return right_samples.recorded(np.eye(2)[classes], np.zeros(samples, int), Classification())


@pytest.mark.parametrize(
    ("before", "now", "direction", "note"),
    [
        (range(100), range(100), None, None),
        (range(100), range(104), None, None),  # four are lost, under a tenth of a point
        (range(100), range(4, 108), "changed", "within chance: 8 samples lost, 4 gained, exact McNemar p = 0.39"),
        (range(100), range(107), None, None),
        (range(100), range(108), "worse", "8 samples lost, 0 gained, exact McNemar p = 0.0078"),
        (range(108), range(100), "better", "0 samples lost, 8 gained, exact McNemar p = 0.0078"),
        (range(100), range(100, 200), "changed", "within chance: 100 samples lost, 100 gained, exact McNemar p = 1"),
    ],
)
def test_accuracies_on_the_same_samples_are_paired(before, now, direction, note):
    """Which samples are lost and gained decides: far fewer of them are worse than of samples drawn anew."""
    of_both = METRIC | {"samples": 10_000}
    changes = compare(
        *(
            document(metric=of_both | {"candidate": 1 - len(wrong) / 10_000, "candidate_right": right(*wrong)})
            for wrong in (before, now)
        )
    )

    assert [(one.quantity, one.direction, one.note) for one in changes.figures] == [
        ("top-1 accuracy, fp16", direction, note)
    ] * bool(direction)
    assert not changes.worse


@pytest.mark.parametrize("other", [None, right(5, samples=9_000)])
def test_accuracies_that_cannot_be_paired_are_of_samples_drawn_anew(other):
    """A run that does not say which samples are right, or says it of others, is compared by the numbers alone."""
    before = METRIC | {"candidate_right": right()}
    changes = compare(document(metric=before), document(metric=before | {"candidate": 0.94, "candidate_right": other}))

    assert figure(changes, "top-1 accuracy, fp16").note == "chance moves so many samples by up to 2.63 points"


@pytest.mark.parametrize("data", ["e" * 64, None])
def test_accuracies_on_data_that_are_not_known_to_be_the_same_are_not_paired(data):
    """Samples of other data are others, though as many of them are right."""
    runs = [
        document(metric=METRIC | {"candidate": 0.99, "candidate_right": right(*wrong)}, data=data and of_run)
        for wrong, of_run in ((range(100), "d" * 64), (range(100, 200), data))
    ]

    assert [one for one in compare(*runs).figures if one.quantity.startswith("top-1")] == []


@pytest.mark.parametrize("told", [0.5, float("nan")])
def test_accuracy_that_is_not_that_of_its_samples_is_refused(told):
    """A document that contradicts itself was changed, and nothing of it is compared."""
    sound = METRIC | {"candidate": 0.99, "candidate_right": right(*range(100))}

    with pytest.raises(IncomparableError, match=r"quick, top-1 accuracy, fp16: .* is told, .* come to 0\.99"):
        compare(document(metric=sound), document(metric=sound | {"candidate": told}))


@pytest.mark.parametrize("bits", ["!", "AAAA"])
def test_damaged_record_of_right_samples_is_refused(bits):
    """What holds no bit for each sample is an error that says of what."""
    damaged = right() | {"bits": bits}
    runs = [document(metric=METRIC | {"baseline": 1.0, "baseline_right": one}) for one in (right(), damaged)]

    with pytest.raises(IncomparableError, match="quick, top-1 accuracy, fp32: which samples are right cannot be read"):
        compare(*runs)


@pytest.mark.parametrize(("now", "direction"), [(0.1005, None), (0.11, "worse"), (0.09, "better")])
def test_error_metric_is_better_where_it_is_smaller(now, direction):
    """Of a metric that is no share of samples, a hundredth of itself is told, in its own direction."""
    error = METRIC | {"metric": "MAE", "unit": "share", "higher_is_better": False, "baseline": 0.1, "candidate": 0.1}
    changes = compare(document(metric=error), document(metric=error | {"candidate": now}))

    assert [one.direction for one in changes.figures] == [direction] * bool(direction)


def test_metric_that_was_no_number_got_better():
    """From NaN to a number is an improvement."""
    base = document(metric=METRIC | {"candidate": float("nan")})

    assert figure(compare(base, document()), "top-1 accuracy, fp16").direction == "better"


def test_other_data_are_not_better_or_worse():
    """Metrics on other data are shown side by side, and a note says so."""
    head = document(metric=METRIC | {"candidate": 0.5}, data="e" * 64)
    changes = compare(document(), head)

    assert figure(changes, "top-1 accuracy, fp16").direction == "changed"
    assert figure(changes, "digest of data").now == "e" * 12
    assert changes.notes == ["quick was evaluated on other data: its metrics are told, and not as better or worse"]


def test_another_metric_is_not_compared():
    """Values of two metrics are not set against each other."""
    changes = compare(document(), document(metric=METRIC | {"metric": "top-5 accuracy"}))

    assert figure(changes, "metric").note == "another metric: values are not compared"


@pytest.mark.parametrize(
    ("share", "direction"), [(0.0014, None), (0.002, "worse"), (0.0001, "better"), (float("inf"), "worse")]
)
def test_worst_error_is_told_from_a_twentieth_of_its_bound_on(share, direction):
    """An error moves by a share of what is explained, which is what says whether it matters."""
    changes = compare(document(), document(leg=LEG | {"share": share}))

    assert [one.direction for one in changes.figures] == [direction] * bool(direction)


def test_error_on_another_device_says_so():
    """Two devices may round otherwise."""
    head = document(leg=LEG | {"share": 0.009})
    head["targets"][0]["adapter"] = "another"

    changes = compare(document(), head)
    assert figure(changes, "worst error, fp16 on builtin").note == "on another device, or in other arithmetic"
    assert [(one.of, one.quantity) for one in changes.environment] == [("target builtin", "adapter")]


def test_samples_whose_predictions_changed_are_named():
    """Where all flips are recorded, those that are new and those that are gone are told; one more is chance."""
    now = {"flips": [{"sample": 9}, {"sample": 5}]}
    moved = figure(compare(document(), document(leg=LEG | {"flipped": 2, "evidence": now})), "predictions changed")

    assert (moved.before, moved.now, moved.direction) == ("1", "2", "changed")
    assert moved.note == "samples now: 5, 9; no longer: 7; within chance"


@pytest.mark.parametrize(("before", "now", "direction"), [(1, 50, "worse"), (50, 1, "better"), (50, 60, "changed")])
def test_many_changed_predictions_are_no_chance(before, now, direction):
    """More flips than chance explains are worse; which samples is not told where not all are recorded."""
    base, head = (document(leg=LEG | {"flipped": count, "evidence": {"flips": []}}) for count in (before, now))
    moved = figure(compare(base, head), "predictions changed")

    assert moved.direction == direction
    assert "samples" not in moved.note


def test_predictions_that_are_not_as_pinned_are_named():
    """Where both runs were compared with pins, the samples that are others now, and those that are not any more."""
    told = [[{"sample": number, "now": 1} for number in samples] for samples in ((3, 4), (4, 5, 6))]
    base, head = (document(**{f"{model_lines.PINNED}fp16": {"": {"changed": len(one), "told": one}}}) for one in told)
    moved = figure(compare(base, head), "predictions not as pinned, fp16")

    assert (moved.before, moved.now, moved.direction) == ("2", "3", "worse")
    assert moved.note == "samples now: 5, 6; no longer: 3"


def test_use_of_a_bound_is_told_with_its_check():
    """The largest share of a bound and each that moved by a twentieth are told, and do not decide."""
    base, head = (document(check("t", value=value, at_most=10.0)) for value in (2.0, 9.0))
    changes = compare(base, head)

    assert [(one.quantity, one.before, one.now, one.direction) for one in changes.figures] == [
        ("largest share of a bound used", "20 %, t", "90 %, t", "worse"),
        ("ratio", "2 (20 % of its bound)", "9 (90 % of its bound)", "worse"),
    ]
    assert not changes.worse


def test_quantity_that_is_not_measured_any_more_is_told():
    """A check that passes and judges less than it did is seen."""
    changes = compare(document(check("t", value=2.0, at_most=10.0)), document(check("t")))

    assert figure(changes, "ratio").now == "—"


@pytest.mark.parametrize(
    ("before", "now", "note"),
    [
        ({"at_most": 10.0}, {"at_most": 20.0}, "looser"),
        ({"at_most": 10.0}, {"at_most": 5.0}, "tighter"),
        ({"at_least": 0.5}, {"at_least": 0.4}, "looser"),
        ({"at_least": 0.5}, {"at_least": 0.6}, "tighter"),
        ({"at_least": 0.5, "at_most": 10.0}, {"at_most": 10.0}, "looser"),
        ({"at_most": 10.0}, {"at_least": 0.5, "at_most": 10.0}, "tighter"),
        ({"at_most": 10.0}, {"at_most": 10.05}, None),
    ],
)
def test_bound_that_moved_is_told(before, now, note):
    """A bound that was made looser is not hidden by the check that holds for it."""
    changes = compare(document(check("t", value=1.0, **before)), document(check("t", value=1.0, **now)))

    assert [one.note for one in changes.bounds] == [note] * bool(note)
    assert ("1 bound looser" in changes.verdict) == (note == "looser")


def test_declared_bounds_are_compared_where_they_are_recorded():
    """Documents that have a model's budget tell what the declaration changed."""
    base, head = document(), document()
    base["models"][0]["budget"], head["models"][0]["budget"] = {"metric_drop": 0.005}, {"metric_drop": 0.05}
    (bound,) = compare(base, head).bounds

    assert (bound.of, bound.quantity, bound.before, bound.now) == ("quick", "declared metric_drop", "0.005", "0.05")


@pytest.mark.parametrize(("median", "told"), [(0.0012, []), (0.002, ["2.00 times; not judged"])])
def test_time_is_told_and_not_judged(median, told):
    """A file that takes longer is no worse run."""
    base, head = (document(leg=LEG | {"latency": {"median": one}}) for one in (0.001, median))
    changes = compare(base, head)

    assert [one.note for one in changes.timings] == told
    assert not changes.worse


def test_times_of_other_processors_are_not_compared():
    """What a run ran on is told, and times of two machines are not."""
    base, head = (document(leg=LEG | {"latency": {"median": one}}) for one in (0.001, 0.1))
    head["environment"] |= {"cpu": "another", "packages": {"openvino": "1"}, "arguments": ["-n0"]}
    changes = compare(base, head)

    assert changes.timings == []
    assert [(one.quantity, one.before, one.now) for one in changes.environment] == [
        ("numpy", "2.4.6", "not installed"),
        ("openvino", "not installed", "1"),
        ("cpu", "one", "another"),
        ("arguments", "-n2", "-n0"),
    ]
    assert changes.notes == [
        "the runs were on other processors: times are not compared, and targets may round otherwise"
    ]


def test_target_that_is_gone_is_told():
    """A target that was there and is absent, or was not asked for, is worse; its checks decide."""
    base, absent, unasked = document(), document(), document()
    absent["targets"][0]["availability"] = "absent"
    unasked["targets"] = []

    assert [(one.now, one.direction) for one in compare(base, absent).environment] == [("absent", "worse")]
    assert [(one.now, one.direction) for one in compare(base, unasked).environment] == [("not asked for", "worse")]


def test_check_that_holds_only_by_a_looser_bound_is_no_better():
    """What fell short and holds now, though it is still beyond the bound that it had, is told apart."""
    base = document(check(status="failed", value=0.6, at_most=0.5), verdict="failed")
    found = compare(base, document(check(value=0.6, at_most=0.7)))

    assert ([one.name for one in found.relaxed], found.fixed) == (["tests/test_size.py::test_it[quick]"], [])
    assert "1 check held only by looser bounds" in found.verdict
    assert "better" not in found.verdict


def test_check_that_holds_by_its_old_bound_too_is_better():
    """A value that came within the old bound is better, whatever the new bound is."""
    base = document(check(status="failed", value=0.6, at_most=0.5), verdict="failed")
    found = compare(base, document(check(value=0.4, at_most=0.7)))

    assert ([one.name for one in found.fixed], found.relaxed) == (["tests/test_size.py::test_it[quick]"], [])


def test_head_that_fell_short_as_the_base_did_is_told():
    """That nothing got worse is no verdict on the head."""
    run = document(check(), verdict="failed", problems=["a declaration cannot be read"])
    found = compare(run, run)

    assert not found.worse
    assert found.verdict.startswith("no worse; the head's run is failed all the same")
