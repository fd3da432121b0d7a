"""Each build and each evaluation is done once, and nobody waits for one that will never be there."""

import dataclasses
import json
import shutil
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import AuthenticationError
from pathlib import Path
from threading import Event
from time import sleep

import numpy as np
import pytest

from fixtures.harness import scheduler as scheduling
from fixtures.harness import specs, versions
from fixtures.harness.artifacts import Outputs, build_address
from fixtures.harness.children import JobError
from fixtures.harness.probing import REMEDIES
from fixtures.harness.scheduler import Client, Leg, Scheduler, Server
from fixtures.harness.targets import TARGETS
from tests.harness.flatbuffer import smallest
from tests.harness.stand_in import LABELS

BUILDS = {
    "good": "return smallest('weights')",
    "other": "return smallest('other weights')",
    "poisoned": "return smallest('poison')",
    "puzzling": "return smallest('riddle')",
    "failing": "raise ValueError('there are no weights')",
    "deadly": "import os; os.kill(os.getpid(), 9)",
    "endless": "import threading; threading.Event().wait()",
}
"""What the `build` of each model does."""

DECLARATION = """
from models.spec import Budget, ModelSpec, Recipe

def build(batch_size):
    from tests.harness.flatbuffer import smallest

    {body}

MODEL = ModelSpec({name!r}, build, Recipe("mnist", epochs=1, seed=0), budget=Budget(baseline=0.9))
"""
FROM_FILES = """
from models.spec import ModelSpec

PAIR = ModelSpec("pair", fp32="a.tflite", fp16="b.tflite", data="eval.npz")
ALONE = ModelSpec("alone", fp16="b.tflite", data="eval.npz")
TRAINED = ModelSpec("trained", keras_model="model.keras", data="eval.npz")
"""
LEGS = [Leg("good", precision, target) for precision in ("fp32", "fp16") for target in ("reference", "xnnpack")]


@pytest.fixture
def models(tmp_path):
    """A folder that declares a model for each of BUILDS."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name, body in BUILDS.items():
        (folder / f"{name}.py").write_text(DECLARATION.format(name=name, body=body))
    return folder


@pytest.fixture
def announced():
    """What the test's schedulers announce, as subject and text."""
    return []


@pytest.fixture
def at_work():
    """Set as soon as a process of the test's schedulers says that it is at work."""
    return Event()


@pytest.fixture
def open_scheduler(store, models, announced, at_work, monkeypatch):
    """Open a scheduler whose processes are stand-ins; it is closed when the test ends."""
    monkeypatch.setattr(scheduling, "BUILDER", "tests.harness.stand_in")
    monkeypatch.setattr(scheduling, "RUNNER", "tests.harness.stand_in")
    opened = []

    def announce(subject, text, share):
        announced.append((subject, text))
        if (text or "").startswith("at work"):
            at_work.set()

    def begin(*, anew=False, **options):
        opened.append(Scheduler(store, specs.find([models])[0], anew=anew, announce=announce, **options))
        return opened[-1]

    yield begin
    for scheduler in opened:
        scheduler.close()


@pytest.fixture
def scheduler(open_scheduler):
    """A scheduler on an empty store."""
    return open_scheduler()


def asked(store):
    """Return how often processes were asked for what."""
    lines = (store.root / "asked").read_text().splitlines()
    return Counter(line.partition(" ")[2] for line in lines)


def processes(store):
    """Return which process was asked for what."""
    lines = (store.root / "asked").read_text().splitlines()
    return {what: process for process, _, what in (line.partition(" ") for line in lines)}


def test_build_is_done_once_for_all_threads(scheduler, store):
    """Threads that ask for one build at a time are given the same folder, built once."""
    with ThreadPoolExecutor(8) as threads:
        folders = set(threads.map(scheduler.build, ["good"] * 8))

    assert len(folders) == 1
    assert asked(store) == {"build good": 1}


def test_leg_is_done_once_for_all_threads(scheduler, store):
    """Threads that ask for one evaluation are given the same folder; it and its build are done once."""
    with ThreadPoolExecutor(8) as threads:
        folders = set(threads.map(scheduler.outputs, LEGS[:1] * 8))

    assert len(folders) == 1
    assert asked(store) == {"build good": 1, "run good fp32 on reference": 1}


def test_each_leg_is_done_once(scheduler, store):
    """Several evaluations, begun ahead and then asked for, are done once each, after one build."""
    scheduler.prefetch(["good"], LEGS)
    with ThreadPoolExecutor(8) as threads:
        folders = set(threads.map(scheduler.outputs, LEGS * 3))

    assert len(folders) == len(LEGS)
    assert asked(store) == {"build good": 1, **{f"run {leg}": 1 for leg in LEGS}}


def test_leg_is_of_the_build_it_asks_for(scheduler):
    """The file that is run is the build's."""
    folder = scheduler.outputs(Leg("other", "fp16", "builtin"))

    assert b"other weights" in (folder / "outputs-0.npy").read_bytes()


def test_stored_results_are_not_done_again(open_scheduler, store):
    """A later run takes builds and evaluations from the store, and starts no process."""
    first = open_scheduler().outputs(LEGS[0])
    asked_before = asked(store)

    assert open_scheduler().outputs(LEGS[0]) == first
    assert asked(store) == asked_before


def test_stored_results_are_done_again_on_request(open_scheduler, store):
    """With `anew`, each is done once more, and once only."""
    open_scheduler().outputs(LEGS[0])
    scheduler = open_scheduler(anew=True)
    scheduler.outputs(LEGS[0])
    scheduler.outputs(LEGS[0])

    assert asked(store) == {"build good": 2, "run good fp32 on reference": 2}


def test_each_build_has_a_process_of_its_own(scheduler, store):
    """No process builds two models: Keras keeps state between them."""
    scheduler.build("good")
    scheduler.build("other")

    assert len(set(processes(store).values())) == 2


def test_expected_build_has_its_process_before_it_is_asked_for(scheduler):
    """What is to be built is expected: one process is there, and the build takes it."""
    scheduler.expect_builds(["good", "other"])
    (started,) = scheduler._builders.all
    scheduler.build("good")

    assert scheduler._builders.all == [started]


def test_nothing_is_expected_of_what_is_stored_or_not_named(open_scheduler):
    """A stored build, and models that nobody named, start no process."""
    open_scheduler().build("good")
    warm = open_scheduler()
    warm.expect_builds(["good"])
    warm.expect_builds([])

    assert not warm._builders.all


def test_tensorflow_leg_runs_where_tensorflow_is_loaded(scheduler, store):
    """A leg that needs TensorFlow goes to the process that built; loading it again would take longer than to wait."""
    scheduler.outputs(Leg("good", "fp16", "tf_lite"))

    assert processes(store)["run good fp16 on tf_lite"] == processes(store)["build good"]


def test_other_legs_run_elsewhere(scheduler, store):
    """A leg that does not need TensorFlow runs in a process without it."""
    scheduler.outputs(Leg("good", "fp16", "xnnpack"))

    assert processes(store)["run good fp16 on xnnpack"] != processes(store)["build good"]


@pytest.mark.parametrize("leg", [Leg("failing", "fp32", "reference"), Leg("failing", "fp16", "xnnpack")], ids=str)
def test_failed_build_fails_its_legs_with_the_cause(scheduler, leg):
    """Who asks for an evaluation of a model that cannot be built is told why it cannot."""
    with pytest.raises(JobError, match=r"(?s)failing: .*ValueError: there are no weights"):
        scheduler.outputs(leg)


def test_failed_build_is_not_tried_again(scheduler, store):
    """A build that failed once in a run is not tried for each leg."""
    for attempt in (scheduler.build, scheduler.build, lambda name: scheduler.outputs(Leg(name, "fp32", "reference"))):
        with pytest.raises(JobError):
            attempt("failing")

    assert asked(store) == {"build failing": 1}


def test_killed_builder_fails_its_model_only(scheduler):
    """A builder that dies is an error that says of which signal; other models are built."""
    with pytest.raises(JobError, match=r"deadly: .* was killed by SIGKILL"):
        scheduler.build("deadly")

    assert scheduler.build("good")


def test_killed_runner_fails_its_leg_only(scheduler):
    """A file that kills the process that runs it fails its own evaluation; others run in a new process."""
    with pytest.raises(JobError, match=r"poisoned fp32 on xnnpack: .* was killed by SIGKILL"):
        scheduler.outputs(Leg("poisoned", "fp32", "xnnpack"))

    assert scheduler.outputs(LEGS[0])


def test_closing_frees_who_waits_for_a_build(scheduler, at_work):
    """A thread that waits for a build when the run ends is given an error."""
    with ThreadPoolExecutor() as threads:
        folder = threads.submit(scheduler.build, "endless")
        at_work.wait()
        scheduler.close()

    with pytest.raises(JobError, match="endless"):
        folder.result()


def test_closing_frees_who_waits_for_a_leg(scheduler, at_work):
    """A thread that waits for an evaluation when the run ends is given an error."""
    scheduler.build("puzzling")
    at_work.clear()
    with ThreadPoolExecutor() as threads:
        folder = threads.submit(scheduler.outputs, Leg("puzzling", "fp32", "xnnpack"))
        at_work.wait()
        scheduler.close()

    with pytest.raises(JobError, match="puzzling fp32 on xnnpack"):
        folder.result()


def test_closing_frees_who_waits_for_a_queued_build(open_scheduler, monkeypatch, at_work):
    """A build that waits for its turn when the run ends is an error, too."""
    monkeypatch.setattr(scheduling, "processors", lambda: 1)
    scheduler = open_scheduler()
    scheduler.prefetch(["endless", "good"], [])
    at_work.wait()
    scheduler.close()

    with pytest.raises(JobError, match="the run ended before it was done"):
        scheduler.build("good")


def test_closing_frees_who_waits_for_a_queued_leg(open_scheduler, monkeypatch, at_work):
    """Evaluations that wait for their turn when the run ends are errors, each of them."""
    monkeypatch.setattr(scheduling, "processors", lambda: 1)
    scheduler = open_scheduler()
    scheduler.build("puzzling")
    at_work.clear()
    legs = [Leg("puzzling", precision, target) for precision in ("fp32", "fp16") for target in TARGETS]
    scheduler.prefetch([], legs)
    at_work.wait()
    with ThreadPoolExecutor(len(legs)) as threads:
        folders = [threads.submit(scheduler.outputs, leg) for leg in legs]
        scheduler.close()

    assert [type(folder.exception(10)) for folder in folders] == [JobError] * len(legs)


def test_closed_scheduler_refuses(scheduler):
    """Who asks after the run's end is told so, of a build and of an evaluation."""
    scheduler.close()

    with pytest.raises(JobError, match="the run ended before it was done"):
        scheduler.build("good")
    with pytest.raises(JobError, match="the run ended before it was done"):
        scheduler.outputs(LEGS[0])


def test_unknown_model_is_an_error(scheduler):
    """A model that is not declared is an error that names those that are, of a build and of an evaluation."""
    with pytest.raises(JobError, match=r"nonsense is not declared; declared: .*good.*other"):
        scheduler.build("nonsense")
    with pytest.raises(JobError, match=r"nonsense is not declared"):
        scheduler.outputs(Leg("nonsense", "fp32", "reference"))


def test_idle_process_that_died_is_replaced(scheduler):
    """A process that died while nobody used it fails no evaluation."""
    scheduler.outputs(LEGS[0])
    (child,) = scheduler._runners.all
    child.kill()
    child.process.wait()

    assert scheduler.outputs(LEGS[1])


def test_closing_twice_is_harmless(scheduler):
    """The end of a run may be told more than once."""
    scheduler.build("good")
    scheduler.close()
    scheduler.close()


def test_progress_is_announced_until_the_end(scheduler, announced):
    """What a process does is announced under the subject's name, with the process, and that it is over."""
    scheduler.outputs(LEGS[0])

    assert announced == [
        (subject, text) for subject in ("good", "good fp32 on reference") for text in ("at work, on stand_in 1", None)
    ]


def test_machine_without_tensorflow_is_told_what_it_lacks(scheduler, monkeypatch):
    """A build that is not stored cannot be done without TensorFlow: the error says so, and no process is started."""
    monkeypatch.setattr(versions, "installed", lambda package: None if package == "tensorflow" else "1.0")

    with pytest.raises(
        JobError, match=r"good: .*does not hold its build, and tensorflow is not installed \(pip install"
    ):
        scheduler.build("good")
    assert not scheduler._builders.all


@pytest.mark.parametrize(
    ("subject", "name"), [("good", "fp32.tflite"), ("good fp32 on reference", "outputs-0.npy")], ids=["build", "leg"]
)
def test_corrupt_entry_is_done_again_and_announced(open_scheduler, store, announced, subject, name):
    """A build or an evaluation that was damaged since is never used: it is done again, and the run says so."""
    open_scheduler().outputs(LEGS[0])
    (damaged,) = store.root.glob(f"*/*/{name}")
    damaged.write_bytes(b"damage")
    open_scheduler().outputs(LEGS[0])

    assert b"weights" in max(store.root.glob(f"*/*/{name}")).read_bytes()
    assert (subject, f"{damaged}: its content changed after it was written; doing it again") in announced


def pretended(name="device", **options):
    """Return a target of an accelerator of which there is what *options* say: see `stand_in`."""
    return dataclasses.replace(TARGETS["gpu"], name=name, options=tuple(options.items()))


DEVICE, PROGRAM = pretended("device"), pretended("program", software="yes")


def wait_for(store, subject):
    """Return as soon as a process was asked for *subject*."""
    for _ in range(600):
        if (store.root / "asked").exists() and subject in asked(store):
            return
        sleep(0.1)
    pytest.fail(f"nobody was asked for {subject}")


def test_target_is_probed_once(open_scheduler, store):
    """Threads, legs and tests that ask what there is of a target are given the same answer, found out once."""
    scheduler = open_scheduler(targets=[DEVICE, PROGRAM])
    scheduler.begin_probes()
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(scheduler.presence, ["device", "program"] * 8))
    for precision in ("fp32", "fp16"):
        scheduler.outputs(Leg("good", precision, "device"))

    assert len(found) == 2
    assert {what: count for what, count in asked(store).items() if what.startswith("probe")} == {
        "probe device": 1,
        "probe program": 1,
    }


def test_kernels_of_the_cpu_need_no_probe(scheduler):
    """A target without an accelerator is there if its package is: no process is started to find that out."""
    found = {name: scheduler.presence(name) for name, target in TARGETS.items() if not target.accelerator}

    assert {name: there.arithmetic for name, there in found.items() if there.why_not is None} == {
        name: TARGETS[name].arithmetic for name in found
    }
    assert not scheduler._runners.all + scheduler._builders.all


def test_absent_package_needs_no_probe(open_scheduler, monkeypatch):
    """A target whose package is missing is absent, and no process is started to find that out."""
    monkeypatch.setattr(versions, "installed", lambda _: None)
    scheduler = open_scheduler()

    assert all("is not installed (pip install" in scheduler.presence(name).why_not for name in TARGETS)
    assert not any(crew.all for crew in scheduler._accelerated.values())


def test_probe_that_dies_is_a_broken_target(open_scheduler, store):
    """A target whose probe kills its process is broken, and not merely absent; it is not tried again."""
    scheduler = open_scheduler(targets=[pretended(dies="yes")])
    found = [scheduler.presence("device") for _ in range(2)]

    assert found[0] == found[1]
    assert found[0].broken
    killed = "the process tests.harness.stand_in was killed by SIGKILL, and printed nothing"
    assert found[0].why_not == f"{killed}; what may help: {REMEDIES['gpu']}"
    assert asked(store) == {"probe device": 1}


def test_probe_that_hangs_is_a_broken_target(open_scheduler):
    """A target whose probe says nothing is broken; nobody waits for it for good."""
    scheduler = open_scheduler(targets=[pretended(hangs="yes")], silence=2)

    assert "tests.harness.stand_in said nothing for 2 s and was ended" in scheduler.presence("device").why_not
    assert scheduler.presence("device").broken


def test_probe_that_dies_at_its_end_is_a_broken_target(open_scheduler, store):
    """A target that computes rightly, and kills its process as that ends in order, is broken: it would kill an app."""
    scheduler = open_scheduler(targets=[pretended(**{"dies at the end": "yes"})])

    killed = "the process tests.harness.stand_in was killed by SIGKILL as it ended, its work done, and printed nothing"
    assert scheduler.presence("device").why_not == f"{killed}; what may help: {REMEDIES['gpu']}"
    assert scheduler.presence("device").broken


def test_end_of_an_absent_target_is_nobodys_business(open_scheduler, store):
    """A target that is not there is absent, whatever is left of looking for it."""
    scheduler = open_scheduler(targets=[pretended(absent="no device", **{"dies at the end": "yes"})])

    assert (scheduler.presence("device").why_not, scheduler.presence("device").broken) == ("no device", False)


def test_leg_of_a_broken_target_says_why(open_scheduler):
    """Who asks for the outputs of a target that does not work is told why."""
    scheduler = open_scheduler(targets=[pretended(dies="yes")])

    with pytest.raises(JobError, match=r"^good fp16 on device: .* was killed by SIGKILL, and printed nothing; what"):
        scheduler.outputs(Leg("good", "fp16", "device"))


def test_closing_frees_who_waits_for_a_probe(open_scheduler, store):
    """A thread that waits for a silent probe when the run ends is given an error, at once."""
    scheduler = open_scheduler(targets=[pretended(hangs="yes")])
    with ThreadPoolExecutor() as threads:
        waiting = [
            threads.submit(scheduler.presence, "device"),
            threads.submit(scheduler.outputs, Leg("good", "fp16", "device")),
        ]
        wait_for(store, "probe device")
        scheduler.close()

    for future in waiting:
        with pytest.raises(JobError, match="the run ended before it was done"):
            future.result()


def test_closing_frees_who_waits_for_a_queued_probe(open_scheduler, store, monkeypatch):
    """Probes that wait for their turn when the run ends are errors, each of them."""
    monkeypatch.setattr(scheduling, "processors", lambda: 1)
    targets = [pretended(f"device{number}", hangs="yes") for number in range(4)]
    scheduler = open_scheduler(targets=targets)
    scheduler.begin_probes()
    wait_for(store, "probe device0")
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(scheduler.presence, target.name) for target in targets]
        scheduler.close()

    assert [type(future.exception(10)) for future in waiting] == [JobError] * 4


def test_accelerators_do_not_share_processes(open_scheduler, store):
    """A driver that harms its process harms no kernel of the CPU, and no other accelerator."""
    library = dataclasses.replace(DEVICE, name="library", accelerator="external")
    scheduler = open_scheduler(targets=[*TARGETS.values(), DEVICE, library])
    legs = [Leg("good", "fp32", name) for name in ("reference", "device", "library")]
    for leg in legs:
        scheduler.outputs(leg)
    found = processes(store)

    assert len({found[f"run {leg}"] for leg in legs}) == 3


def samples_run(scheduler, leg):
    """Return the indices of the samples that a process was asked to run, None for all."""
    return job_of(scheduler, leg)["samples"]


def job_of(scheduler, leg):
    """Return what a process was asked to do for *leg*."""
    return json.loads((scheduler.outputs(leg) / "job.json").read_text())


def test_software_device_runs_a_balanced_sample(open_scheduler):
    """A device that is a program runs as many samples as the budget says, of each class alike."""
    scheduler, leg = open_scheduler(targets=[PROGRAM]), Leg("good", "fp16", "program")
    spec = scheduler.specs["good"]
    chosen = samples_run(scheduler, leg)

    assert (len(set(chosen)), chosen) == (spec.budget.sample, sorted(chosen))
    assert np.ptp(np.bincount(LABELS[chosen])) <= 1
    assert scheduler.samples(leg) == chosen


def test_example_is_always_run(open_scheduler, models):
    """The sample that a model declares as its example is among those that a program runs."""
    declaration = models / "good.py"
    declaration.write_text(declaration.read_text().replace("baseline=0.9)", "baseline=0.9), example=1499"))

    assert 1499 in samples_run(open_scheduler(targets=[PROGRAM]), Leg("good", "fp16", "program"))


@pytest.mark.parametrize(
    ("leg", "options"),
    [
        (Leg("good", "fp16", "program"), {"every_sample": True}),
        (Leg("good", "fp16", "device"), {}),
        (Leg("good", "fp16", "xnnpack"), {}),
    ],
    ids=["asked for", "a device", "the CPU"],
)
def test_all_samples_are_run(open_scheduler, leg, options):
    """A device, the CPU, and where it is asked for a program too, run all samples."""
    scheduler = open_scheduler(targets=[*TARGETS.values(), DEVICE, PROGRAM], **options)

    assert (scheduler.samples(leg), samples_run(scheduler, leg)) == (None, None)


def test_small_data_is_run_whole(open_scheduler, models):
    """Where the budget wants as many samples as there are, all are run."""
    declaration = models / "good.py"
    declaration.write_text(declaration.read_text().replace("baseline=0.9", "baseline=0.9, sample=1500"))

    assert samples_run(open_scheduler(targets=[PROGRAM]), Leg("good", "fp16", "program")) is None


def test_sample_and_whole_are_kept_apart(open_scheduler, store):
    """The outputs for a sample are not taken for those of all, nor the other way."""
    leg = Leg("good", "fp16", "program")
    some, every = (open_scheduler(targets=[PROGRAM], every_sample=every).outputs(leg) for every in (False, True))

    assert some != every
    assert asked(store)[f"run {leg}"] == 2


def test_stored_outputs_of_a_device_are_not_computed_again(open_scheduler, store):
    """A later run on the same device finds its outputs in the store; it only makes sure that it is the same device."""
    leg = Leg("good", "fp16", "program")
    first = open_scheduler(targets=[PROGRAM]).outputs(leg)

    assert open_scheduler(targets=[PROGRAM]).outputs(leg) == first
    assert asked(store) == {"build good": 1, f"run {leg}": 1, "probe program": 2}


def test_stored_outputs_start_no_process(open_scheduler):
    """A later run takes the outputs of the CPU's kernels from the store without any process."""
    open_scheduler().outputs(LEGS[0])
    scheduler = open_scheduler()
    scheduler.outputs(LEGS[0])

    assert not scheduler._runners.all + scheduler._builders.all


def test_leg_that_falls_silent_is_ended(open_scheduler):
    """An evaluation that says nothing for too long fails, and the next one runs."""
    scheduler = open_scheduler(targets=[*TARGETS.values(), DEVICE], silence=5)
    with pytest.raises(JobError, match=r"^puzzling fp16 on device: .* said nothing for 5 s and was ended"):
        scheduler.outputs(Leg("puzzling", "fp16", "device"))

    assert scheduler.outputs(Leg("good", "fp16", "device"))


@pytest.fixture
def files(models):
    """The folder of declarations, with models of files, and these files."""
    (models / "files.py").write_text(FROM_FILES)
    for name in ("a.tflite", "b.tflite"):
        (models / name).write_bytes(smallest(name))
    (models / "model.keras").write_bytes(b"trained")
    np.savez(models / "eval.npz", x=np.zeros((1500, 28, 28), np.float32), y=LABELS)
    return models


@pytest.fixture
def of_files(files, open_scheduler, monkeypatch):
    """A scheduler of these models, on a machine without TensorFlow."""
    installed = versions.installed
    monkeypatch.setattr(versions, "installed", lambda name: None if name == "tensorflow" else installed(name))
    return open_scheduler(targets=[*TARGETS.values(), DEVICE, PROGRAM])


def test_pair_stays_where_it_is(of_files, files, store):
    """A pair of files is looked through once, without TensorFlow, and used where the user has it, as are its data."""
    build = of_files.build("pair")

    assert (build.fp32, build.fp16, build.data) == (files / "a.tflite", files / "b.tflite", files / "eval.npz")
    assert of_files.build("pair") is build
    assert asked(store) == {"prepare a.tflite and b.tflite over eval.npz": 1}


def test_float16_file_that_comes_alone_has_a_twin_in_the_store(of_files, files, store):
    """Of a float16 file without its parent, the float32 file is what was made of it."""
    build = of_files.build("alone")

    assert (build.fp32, build.fp16) == (build.folder / "fp32.tflite", files / "b.tflite")
    assert asked(store) == {"prepare b.tflite over eval.npz": 1}


@pytest.mark.parametrize("name", ["pair", "alone"])
def test_files_are_run_on_their_data(of_files, files, name):
    """What is run is the user's file, over the user's data."""
    job = job_of(of_files, Leg(name, "fp16", "xnnpack"))

    assert (job["file"], job["data"]) == (str(files / "b.tflite"), str(files / "eval.npz"))


def test_sample_of_files_is_balanced_over_their_labels(of_files):
    """A program runs some of the user's samples, of each class alike."""
    chosen = samples_run(of_files, Leg("pair", "fp16", "program"))

    assert len(chosen) == 1000
    assert np.ptp(np.bincount(LABELS[chosen])) <= 1


@pytest.mark.parametrize("name", ["a.tflite", "b.tflite", "eval.npz"])
def test_missing_file_is_an_error(of_files, files, store, name):
    """A file that is not there is named, and no process is started for it."""
    (files / name).unlink()

    with pytest.raises(JobError, match=rf"^pair: {files / name} cannot be read: No such file or directory$"):
        of_files.build("pair")
    assert not (store.root / "asked").exists()


@pytest.mark.parametrize("ask", [Scheduler.samples, Scheduler.outputs], ids=["samples", "outputs"])
def test_data_that_are_gone_are_an_error(of_files, files, ask):
    """Data that disappear during a run are an error in words for who asks what is run of them."""
    of_files.build("pair")
    (files / "eval.npz").unlink()

    with pytest.raises(JobError, match=rf"^pair fp16 on program: {files / 'eval.npz'} is not there"):
        ask(of_files, Leg("pair", "fp16", "program"))


def test_file_that_is_gone_is_an_error_of_what_looks_inside(of_files, files):
    """A file that disappears during a run is an error in words for who asks for the activations."""
    of_files.build("pair")
    (files / "b.tflite").unlink()

    with pytest.raises(JobError, match=rf"^pair headroom: {files / 'b.tflite'}: No such file or directory$"):
        of_files.headroom("pair")


def test_trained_model_needs_tensorflow(of_files):
    """A trained model is converted by TensorFlow: without it, the error says what is to be installed."""
    with pytest.raises(
        JobError, match=r"^trained: the artifact store .* does not hold its build, and tensorflow is not"
    ):
        of_files.build("trained")


def test_trained_model_is_converted_in_a_process_of_its_own(files, open_scheduler, store):
    """A trained model's files come from the store, its data from the user; no two share a process with Keras' state."""
    scheduler = open_scheduler()
    build = scheduler.build("trained")
    scheduler.build("good")

    assert (build.fp16, build.data) == (build.folder / "fp16.tflite", files / "eval.npz")
    assert b"trained" in build.fp32.read_bytes()
    assert len({processes(store)[what] for what in ("convert model.keras over eval.npz", "build good")}) == 2


def test_leg_that_no_such_file_can_have_is_refused(of_files, files, store):
    """What a target cannot run by its kind is an error in words, and nobody is asked for it."""
    (files / "a.tflite").write_bytes(smallest("a.tflite", batch_size=-1))

    with pytest.raises(
        JobError, match=r"^pair fp16 on device: x float32\[-1, 28, 28\] has a dynamic shape, which no GPU"
    ):
        of_files.outputs(Leg("pair", "fp16", "device"))
    assert not any(what.startswith("run") for what in asked(store))


@pytest.fixture
def crashing(models, converted, external_target):
    """A model, and so many targets that kill the process that runs it."""
    body = f"return open({str(converted / 'image-fp16.tflite')!r}, 'rb').read()"
    (models / "image.py").write_text(DECLARATION.format(name="image", body=body))
    target = external_target(mode="invoke_abort")
    return [dataclasses.replace(target, name=f"external:{number}") for number in range(50)]


def children():
    """Return the processes that this one started and has not ended, with their states."""
    listed = " ".join(file.read_text() for file in Path("/proc/self/task").glob("*/children"))
    stats = [Path(f"/proc/{child}/stat") for child in listed.split()]
    return {stat.parent.name: stat.read_text().rpartition(") ")[2][0] for stat in stats if stat.exists()}


def unused_shared_memory():
    """Return the pieces of shared memory that no process has a use for."""
    pieces, used = set(Path("/dev/shm").iterdir()), set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        try:
            used |= {Path(line.split()[5]) for line in maps.read_text().splitlines() if "/dev/shm/" in line}
        except OSError:  # it has ended meanwhile
            continue
    return pieces - used


def test_fifty_crashes_leave_nothing_behind(open_scheduler, monkeypatch, crashing, external_target):
    """After fifty evaluations that crash there is no dead process, no shared memory, and the next evaluation runs."""
    monkeypatch.setattr(scheduling, "RUNNER", "fixtures.harness.runner")
    good = external_target()
    scheduler = open_scheduler(targets=[*crashing, good])
    scheduler.build("image")
    before = unused_shared_memory()
    with ThreadPoolExecutor(4) as threads:
        legs = [threads.submit(scheduler.outputs, Leg("image", "fp16", target.name)) for target in crashing]
        deaths = [str(leg.exception()) for leg in legs]

    assert sum("was killed by SIGABRT" in death for death in deaths) == len(crashing)
    assert "Z" not in children().values()
    assert unused_shared_memory() <= before
    assert np.isfinite(Outputs(scheduler.outputs(Leg("image", "fp16", good.name))).array("output_0")).all()
    assert len(scheduler._accelerated["external"].all) <= versions.processors()


@pytest.fixture
def server(scheduler):
    """A server of the scheduler."""
    server = Server(scheduler)
    yield server
    server.close()


@pytest.fixture
def ask(server, start):
    """Start another process that asks the server; it prints what it is given."""
    address, key = server.address
    return lambda *what: start("asking", address, key.hex(), *what)


def test_process_is_given_what_another_process_builds(ask, store, models):
    """A client in another process is given the folder of the finished build."""
    (spec,) = (spec for spec in specs.find([models])[0] if spec.name == "good")

    assert ask("good").communicate()[0] == f"{store.path(build_address(spec))}\n"


def test_leg_is_done_once_for_all_processes(ask, scheduler, store):
    """Processes and threads that ask for one evaluation are given the same folder; it is done once."""
    clients = [ask("good", "fp32", "reference") for _ in range(3)]
    folders = {client.communicate()[0].strip() for client in clients}

    assert folders == {str(scheduler.outputs(LEGS[0]))}
    assert asked(store) == {"build good": 1, "run good fp32 on reference": 1}


def test_client_is_told_what_there_is(server):
    """A client in another process is given what there is of a target, and which samples a leg runs."""
    client = connected(server)
    with client.connection:
        assert (client.presence("gpu").adapter, client.samples(LEGS[0])) == ("a pretended adapter", None)


def test_process_is_told_why_a_build_failed(ask):
    """A client in another process is given the cause, as if it had built itself."""
    assert "ValueError: there are no weights" in ask("failing").communicate()[0]


def test_client_that_ends_does_not_disturb_others(ask, at_work):
    """A process that is killed while it waits leaves the server to the others."""
    impatient = ask("endless")
    at_work.wait()
    impatient.kill()

    assert "good" in ask("good").communicate()[0]


def connected(server):
    """Return a client of *server*, or fail where it does not answer."""
    with ThreadPoolExecutor() as threads:
        return threads.submit(Client, server.address).result(30)


def test_client_that_breaks_off_does_not_disturb_others(server):
    """A process that connects and is gone before it says who it is leaves the server to the others."""
    with socket.socket(socket.AF_UNIX) as broken:
        broken.connect(server.address[0])

    with connected(server).connection:
        pass


def test_client_with_a_wrong_key_does_not_disturb_others(server):
    """A process that does not know the key is refused, and the server goes on."""
    with pytest.raises((AuthenticationError, EOFError, OSError)):
        Client((server.address[0], b"wrong"))

    with connected(server).connection:
        pass


@pytest.fixture
def remote(start, store, models):
    """A process that holds a scheduler, and its client here."""
    process = start("serving", store.root, models)
    address, key = json.loads(process.stdout.readline())
    client = Client((address, bytes.fromhex(key)))
    yield process, client
    client.connection.close()
    shutil.rmtree(Path(address).parent, ignore_errors=True)  # the folder that multiprocessing made for the socket


def test_client_whose_server_dies_gets_an_error(remote):
    """Who waits for a process that is killed does not wait for good."""
    process, client = remote
    with ThreadPoolExecutor() as threads:
        folder = threads.submit(client.build, "endless")
        assert process.stdout.readline() == "endless at work, on stand_in 1\n"
        process.kill()

    with pytest.raises(JobError, match="is gone; start the run again"):
        folder.result()


def test_client_of_a_dead_server_gets_an_error(remote):
    """Who asks a process that is gone is told so."""
    process, client = remote
    process.kill()
    process.wait()

    with pytest.raises(JobError, match="is gone; start the run again"):
        client.outputs(LEGS[0])
