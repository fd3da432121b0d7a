"""How long the gate takes, as ratios measured side by side in one run: `python -m tests.benchmark [NAME …]`.

Exits with 1 where a ratio is over its bound. Run it on a machine that does nothing else.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fixtures.harness import inference
from fixtures.harness.datasets import dataset
from fixtures.harness.feed import Feed
from fixtures.harness.targets import REFERENCE, TARGETS
from fixtures.harness.tflite_file import read
from fixtures.harness.versions import ROOT

MODEL = "mnist_cnn"
CPU = [name for name, target in TARGETS.items() if not target.accelerator and name != REFERENCE]
"""The last of them is TensorFlow's."""
ON_CPU = [f"--delegate={name}" for name in CPU]
ON_GPU = [f"--delegate={name}" for name, target in TARGETS.items() if target.accelerator == "gpu"]
BARE = "import ai_edge_litert.interpreter, numpy, resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def seconds(run: Callable[[], object]) -> float:
    """Return how long *run* takes, by the wall clock."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def process(*arguments: str | Path, allowed: tuple[int, ...] = (0,), **variables: str) -> str:
    """Run Python with *arguments* in the checkout and return what it printed; raise where that is not *allowed*."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in allowed:
        raise SystemExit(f"{' '.join(map(str, arguments))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def gate(store: Path, *arguments: str, **variables: str) -> str:
    """Run the gate on the tutorial's model with the store at *store*."""
    return process("-m", "pytest", "-n", "auto", "-q", "-k", MODEL, f"--artifacts={store}", *arguments, **variables)


def tight_loop(file: Path, images: np.ndarray) -> np.ndarray:
    """Return the outputs of *file* for *images* by the shortest loop that there is."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(file), num_threads=1)
    interpreter.allocate_tensors()
    feed, fetch = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    outputs = np.empty((len(images), *interpreter.get_output_details()[0]["shape"][1:]), np.float32)
    for number in range(len(images)):
        interpreter.set_tensor(feed, images[number : number + 1])
        interpreter.invoke()
        outputs[number] = interpreter.get_tensor(fetch)[0]
    return outputs


def of_gpu(store: Path, rounds: int) -> float:
    """Return how long a run with both GPU targets takes, as a ratio to one on the CPU alone.

    Both have all builds and shaders, and no outputs: every evaluation is done.
    """
    gate(store, *ON_CPU, *ON_GPU)
    cpu, both = [], []
    for _ in range(rounds):
        for times, delegates in ((cpu, ON_CPU), (both, [*ON_CPU, *ON_GPU])):
            shutil.rmtree(store / "outputs")
            times.append(seconds(lambda chosen=delegates: gate(store, *chosen)))
    return statistics.median(both) / statistics.median(cpu)


def of_no_gpu(rounds: int) -> float:
    """Return how long finding out that there is no Vulkan device takes, as a ratio to the start of pytest."""
    nowhere = {"VK_DRIVER_FILES": "/nonexistent", "VK_ICD_FILENAMES": "/nonexistent"}
    start, found = [], []
    for _ in range(5 * rounds):
        for times, name in ((start, "builtin"), (found, "gpu")):
            list_one = ["-m", "pytest", "--targets", f"--delegate={name}"]
            times.append(seconds(lambda arguments=list_one: process(*arguments, allowed=(0, 1), **nowhere)))
    print(f"finding no Vulkan device: {statistics.median(found) - statistics.median(start):.2f} s", file=sys.stderr)
    return statistics.median(found) / statistics.median(start)


def of_xnnpack(store: Path, rounds: int) -> float:
    """Return how long the gate's loop over all images takes on XNNPACK, as a ratio to the tight loop."""
    images = dataset("mnist").images("test")
    (path,) = store.glob(f"builds/{MODEL}-*/fp32.tflite")
    session, feed = inference.load(read(path), TARGETS["xnnpack"]), Feed({"image": images}, len(images))
    ours, bare = [], []
    for _ in range(5 * rounds):
        bare.append(seconds(lambda: tight_loop(path, images)))
        ours.append(seconds(lambda: session.run(feed, lambda _: None)))
    return statistics.median(ours) / statistics.median(bare)


def of_memory(store: Path, folder: Path) -> float:
    """Return the largest peak of a worker in a warm run, as a ratio to a process that only imports."""
    gate(store, *ON_CPU, "-p", "tests.benchmark.memory", PEAKS=str(folder))
    peaks = [int(file.read_text()) for file in folder.glob("gw*")]
    return max(peaks) / int(process("-c", BARE))


def pair(store: Path, folder: Path, samples: int) -> list[str]:
    """Return the arguments for the tutorial's model as a ready pair, with so many samples, made in *folder*."""
    (build,) = store.glob(f"builds/{MODEL}-*")
    mnist = dataset("mnist")
    rows = np.arange(samples) % len(mnist.labels("test"))
    data = folder / f"{samples}.npz"
    if not data.exists():
        np.savez(data, x=mnist.images("test")[rows], y=mnist.labels("test")[rows])
    return [f"--fp32={build / 'fp32.tflite'}", f"--fp16={build / 'fp16.tflite'}", f"--data={data}"]


def of_pair(store: Path, folder: Path, rounds: int, targets: list[str]) -> float:
    """Return how long a ready pair takes on *targets*, as a ratio to pytest's own start and a bare loop together."""
    arguments = pair(store, folder, 2000)
    files = [argument.partition("=")[2] for argument in arguments]
    chosen = [f"--delegate={name}" for name in targets]
    start, loop, ours = [], [], []
    for number in range(rounds):
        fresh = folder / f"{'-'.join(targets)}-{number}"
        runs = (
            (start, ["-m", "pytest", "-n", "auto", "-q", f"--artifacts={fresh}", "tests/benchmark/empty.py"]),
            (loop, ["tests/benchmark/pair.py", *files, REFERENCE, *targets]),
            (ours, ["-m", "pytest", "-n", "auto", "-q", f"--artifacts={fresh}", *arguments, *chosen]),
        )
        for times, command in runs:
            times.append(seconds(lambda command=command: process(*command)))
    return statistics.median(ours) / (statistics.median(start) + statistics.median(loop))


def peak(*arguments: str) -> int:
    """Return the most memory that a run of the gate and all its processes use together, in bytes.

    Shared pages count once: it is the sum of the processes' proportional set sizes, looked at again and again.
    """
    command = [sys.executable, "-m", "pytest", "-n", "auto", "-q", *arguments]
    most = 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True) as run:
        while run.poll() is None:
            most = max(most, sum(map(_memory, _of_session(run.pid))))
            time.sleep(0.02)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return most


def _of_session(leader: int) -> list[Path]:
    """Return the folders in /proc of all processes of the session of *leader*."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
        except OSError:  # it has ended
            continue
        found += [folder] * (session == leader)
    return found


def _memory(folder: Path) -> int:
    try:
        text = (folder / "smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def of_samples(store: Path, folder: Path) -> float:
    """Return how much more memory 100,000 samples take than 1,000, in MB."""
    few, many = (
        peak(f"--artifacts={folder / f'store-{samples}'}", "--delegate=xnnpack", *pair(store, folder, samples))
        for samples in (1000, 100_000)
    )
    return (many - few) / 1e6


def of_reports(store: Path, folder: Path, rounds: int) -> float:
    """Return how long a warm run of all models takes that writes every report, as a ratio to one that writes none."""
    reports = [
        *(f"--{name}={folder / name}" for name in ("html", "gate-json", "gate-markdown", "junitxml")),
        "--self-contained-html",
        f"--bundle-failures={folder / 'failures'}",
    ]
    whole = ["-m", "pytest", "-n", "auto", "-q", f"--artifacts={store}", *ON_CPU]
    process(*whole)
    none, every = [], []
    for _ in range(2 * rounds):
        none.append(seconds(lambda: process(*whole)))
        every.append(seconds(lambda: process(*whole, *reports)))
    return statistics.median(every) / statistics.median(none)


def of_tutorial(stores: list[Path], rounds: int) -> tuple[float, float]:
    """Return how long a cold and a warm run take, as ratios to the tutorial's script; fills as many *stores*."""
    times: dict[str, list[float]] = {"tutorial": [], "cold": [], "warm": []}
    for number, store in enumerate(stores):
        runs = {
            "tutorial": lambda: process("tests/benchmark/tutorial.py", "fixtures/data/mnist.npz"),
            "cold": lambda store=store: gate(store, *ON_CPU),
            "warm": lambda store=store: gate(store, *ON_CPU),
        }
        for name, run in runs.items():
            times[name].append(seconds(run))
            print(f"round {number + 1} of {rounds}: {name} {times[name][-1]:.1f} s", file=sys.stderr, flush=True)
    medians = {name: statistics.median(values) for name, values in times.items()}
    return medians["cold"] / medians["tutorial"], medians["warm"] / medians["tutorial"]


BOUNDS = {
    "cold": ("cold run / the tutorial's script", 1.6),
    "warm": ("warm run / the tutorial's script", 0.25),
    "xnnpack": ("10 000 images on xnnpack / the tight loop", 1.2),
    "gpu": ("with both GPU targets / CPU targets alone", 3.0),
    "no-gpu": ("--targets without a Vulkan device / without a GPU target", 2.0),
    "worker": ("peak memory of a worker / of the bare imports", 4.0),
    "pair": ("a pair, 2 000 samples / start and bare loop", 1.5),
    "light-pair": ("the same without tf_lite", 1.5),
    "samples": ("100 000 samples over 1 000, MB of memory", 150.0),
    "reports": ("warm run of all models with every report / without", 1.1),
}
"""What is measured, by name, and the bound on it."""


def main() -> int:
    """Measure everything, or what is named, and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; the median counts")
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(BOUNDS)}; default all")
    given = parser.parse_args()
    rounds, names = given.rounds, given.only or [*BOUNDS]
    if unknown := sorted({*names} - {*BOUNDS}):
        parser.error(f"unknown {', '.join(unknown)}; known: {', '.join(BOUNDS)}")
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        stores = [Path(scratch, f"store{number}") for number in range(rounds)]
        store, peaks = stores[-1], Path(scratch, "peaks")
        peaks.mkdir()
        if {"cold", "warm"} & {*names}:
            ratios["cold"], ratios["warm"] = of_tutorial(stores, rounds)
        else:
            gate(store, *ON_CPU)
        measures = {
            "xnnpack": lambda: of_xnnpack(store, rounds),
            "gpu": lambda: of_gpu(store, rounds),
            "no-gpu": lambda: of_no_gpu(rounds),
            "worker": lambda: of_memory(store, peaks),
            "pair": lambda: of_pair(store, Path(scratch), rounds, CPU),
            "light-pair": lambda: of_pair(store, Path(scratch), rounds, CPU[:-1]),
            "samples": lambda: of_samples(store, Path(scratch)),
            "reports": lambda: of_reports(store, Path(scratch), rounds),
        }
        ratios |= {name: measure() for name, measure in measures.items() if name in names}
    over = 0
    for name in names:
        text, bound = BOUNDS[name]
        over += ratios[name] > bound
        print(f"{text:56} {ratios[name]:6.2f}  at most {bound:.2f}  {'OVER' if ratios[name] > bound else 'ok'}")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
