"""How long the gate takes, as ratios measured side by side in one run: `python -m tests.benchmark [--rounds N]`.

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

from fixtures.harness import inference, specs
from fixtures.harness.datasets import dataset
from fixtures.harness.targets import REFERENCE, TARGETS
from fixtures.harness.tflite_file import read
from fixtures.harness.versions import ROOT

MODEL = "mnist_cnn"
ON_CPU = [f"--delegate={name}" for name, target in TARGETS.items() if not target.accelerator and name != REFERENCE]
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
    (spec,) = (spec for spec in specs.find([ROOT / "models"]) if spec.name == MODEL)
    images = dataset(spec.recipe.dataset).images("test")
    (path,) = store.glob(f"builds/{MODEL}-*/fp32.tflite")
    session = inference.load(read(path), TARGETS["xnnpack"])
    ours, bare = [], []
    for _ in range(5 * rounds):
        bare.append(seconds(lambda: tight_loop(path, images)))
        ours.append(seconds(lambda: session.run(images, lambda _: None)))
    return statistics.median(ours) / statistics.median(bare)


def of_memory(store: Path, folder: Path) -> float:
    """Return the largest peak of a worker in a warm run, as a ratio to a process that only imports."""
    gate(store, *ON_CPU, "-p", "tests.benchmark.memory", PEAKS=str(folder))
    peaks = [int(file.read_text()) for file in folder.glob("gw*")]
    return max(peaks) / int(process("-c", BARE))


def main() -> int:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; the median counts")
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {"tutorial": [], "cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(rounds):
            store = Path(scratch, f"store{number}")
            runs = {
                "tutorial": lambda: process("tests/benchmark/tutorial.py", "fixtures/data/mnist.npz"),
                "cold": lambda store=store: gate(store, *ON_CPU),
                "warm": lambda store=store: gate(store, *ON_CPU),
            }
            for name, run in runs.items():
                times[name].append(seconds(run))
                print(f"round {number + 1} of {rounds}: {name} {times[name][-1]:.1f} s", file=sys.stderr, flush=True)
        medians = {name: statistics.median(values) for name, values in times.items()}
        peaks = Path(scratch, "peaks")
        peaks.mkdir()
        rows = [
            ("cold run / the tutorial's script", medians["cold"] / medians["tutorial"], 1.6),
            ("warm run / the tutorial's script", medians["warm"] / medians["tutorial"], 0.25),
            ("10 000 images on xnnpack / the tight loop", of_xnnpack(store, rounds), 1.2),
            ("with both GPU targets / CPU targets alone", of_gpu(store, rounds), 3.0),
            ("--targets without a Vulkan device / without a GPU target", of_no_gpu(rounds), 2.0),
            ("peak memory of a worker / of the bare imports", of_memory(store, peaks), 4.0),
        ]
    for name, ratio, bound in rows:
        print(f"{name:56} {ratio:5.2f}  at most {bound:.2f}  {'ok' if ratio <= bound else 'OVER'}")
    return int(any(ratio > bound for _, ratio, bound in rows))


if __name__ == "__main__":
    sys.exit(main())
