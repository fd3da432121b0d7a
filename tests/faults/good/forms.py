"""The same data as people save them: other types, shapes, orders and files, few of them, and unevenly spread."""

from collections.abc import Callable

import numpy as np

from tests.faults.bench import Case, arrays, computed

Columns = dict[str, np.ndarray]


def _saved(case: Case, columns: Columns, save: Callable[..., None] = np.savez) -> None:
    case.data = case.folder / "EVAL.npz"
    save(case.data, **columns)


def _chosen(case: Case, rows: Callable[[np.ndarray], np.ndarray]) -> None:
    """Keep those samples of the data, which *rows* chooses by their classes."""
    columns = arrays(case.data)
    chosen = rows(np.asarray(columns["y"]))
    _saved(case, {name: array[chosen] for name, array in columns.items()})


def compressed(case: Case) -> None:
    """Save a compressed archive."""
    _saved(case, arrays(case.data), np.savez_compressed)


def in_bytes(case: Case) -> None:
    """Save classes in bytes, as data sets come."""
    columns = arrays(case.data)
    _saved(case, {"y": columns["y"].astype(np.uint8), "x": columns["x"]})


def in_columns(case: Case) -> None:
    """Save targets of shape (samples, 1), as Keras has those of CIFAR-10."""
    columns = arrays(case.data)
    _saved(case, {"x": columns["x"], "y": columns["y"][:, None].astype(np.int32)})


def in_shards(case: Case) -> None:
    """Save a folder of shards."""
    columns = arrays(case.data)
    case.data = case.folder / "shards"
    case.data.mkdir()
    for name, array in columns.items():
        for number, some in enumerate(np.array_split(array, 7)):
            np.save(case.data / f"{name}-{number:05}.npy", some)


def one_sample(case: Case) -> None:
    """Keep one sample."""
    _chosen(case, lambda _: np.arange(1))


def a_handful(case: Case) -> None:
    """Keep seven samples."""
    _chosen(case, lambda _: np.arange(100, 107))


def one_class(case: Case) -> None:
    """Keep samples of one class."""
    _chosen(case, lambda labels: np.flatnonzero(labels == labels[0]))


def rare_class(case: Case) -> None:
    """Keep all samples of a class, and one of another."""
    _chosen(case, lambda labels: np.r_[np.flatnonzero(labels == 1), np.flatnonzero(labels == 8)[:1]])


def in_order(case: Case) -> None:
    """Sort samples by class, so that neighbours are alike."""
    _chosen(case, lambda labels: np.argsort(labels, kind="stable"))


def no_targets(case: Case) -> None:
    """Save inputs alone: nobody labelled them."""
    columns = arrays(case.data)
    _saved(case, {"x": columns["x"]})


def hard_samples(case: Case) -> None:
    """Keep the samples that the float32 file gets wrong, or finds hardest: those are what people collect."""
    (logits,) = computed(case.fp32, case.data)
    two = np.sort(logits, axis=-1)[:, -2:]
    hardest = np.argsort(two[:, 1] - two[:, 0])[:300]
    _chosen(case, lambda _: np.sort(hardest))


FORMS = (
    compressed,
    in_bytes,
    in_columns,
    in_shards,
    one_sample,
    a_handful,
    one_class,
    rare_class,
    in_order,
    no_targets,
    hard_samples,
)
