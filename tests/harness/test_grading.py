"""Each output is judged by what it means, against its own targets; what does not fit is told before anything is."""

import numpy as np
import pytest

from fixtures.harness.evaluation_data import BLOCK, DataError, open_data
from fixtures.harness.grading import Grading, foreseen, grade, gradings
from fixtures.harness.metrics import MetricsError
from models.tasks import Binary, Classification, Embedding, MultiLabel, Regression

COUNT = 30
RANDOM = np.random.default_rng(0)
CLASSES, YES_OR_NO = np.arange(COUNT) % 10, np.arange(COUNT) % 2
INPUTS = {
    "dense-fp32": {"x": (16,)},
    "dynamic-fp32": {"x": (16,)},
    "softmax-fp32": {"x": (6,)},
    "sigmoid-fp32": {"x": (6,)},
    "two-fp32": {"left": (6,), "right": (4,)},
    "entries-fp32": {"values": (4,), "others": (5,)},
}
SHAPES = {
    "dense-fp32": {"output_0": (COUNT, 10)},
    "dynamic-fp32": {"output_0": (COUNT, 10)},
    "softmax-fp32": {"output_0": (COUNT, 3)},
    "sigmoid-fp32": {"output_0": (COUNT, 3)},
    "two-fp32": {"total": (COUNT, 3), "product": (COUNT, 3)},
    "entries-fp32": {"product": (COUNT, 3), "second/product": (COUNT, 3), "second/sum": (COUNT,)},
}


@pytest.fixture
def data(saved):
    """Return evaluation data for a file, with these targets."""

    def save(name, **targets):
        inputs = {called: np.ones((COUNT, *shape), np.float32) for called, shape in INPUTS[name].items()}
        return open_data(saved(inputs | targets))

    return save


@pytest.fixture
def found(files, data):
    """Return how the outputs of a file are judged, with what is declared and these targets."""

    def judge(name, declared=None, **targets):
        return gradings(declared, files[name], data(name, **targets), SHAPES[name])

    return judge


@pytest.mark.parametrize("name", SHAPES)
def test_outputs_without_targets_have_no_task(found, name):
    """Without targets and a declaration, nobody says what outputs mean: they are compared, and have no metric."""
    assert found(name) == dict.fromkeys(SHAPES[name], Grading(None, None))


@pytest.mark.parametrize("called", ["y", "y_output_0"])
def test_targets_of_the_only_output_have_its_name_or_none(found, called):
    """The targets of a lone output may be called y, or by its name."""
    assert found("dense-fp32", **{called: CLASSES}) == {"output_0": Grading(Classification(), called)}


@pytest.mark.parametrize(
    ("name", "targets", "task"),
    [
        ("dense-fp32", CLASSES, Classification()),
        ("dense-fp32", RANDOM.normal(size=(COUNT, 10)).astype(np.float32), Regression()),
        ("dense-fp32", RANDOM.integers(0, 2, (COUNT, 10)), MultiLabel(0.0)),
        ("sigmoid-fp32", RANDOM.integers(0, 2, (COUNT, 3)), MultiLabel(0.5)),
        ("softmax-fp32", CLASSES % 3, Classification()),
        ("softmax-fp32", RANDOM.integers(0, 2, (COUNT, 3)), MultiLabel(0.5)),
        ("dense-fp32", CLASSES[:, None], Classification()),
    ],
    ids=["classes", "numbers", "labels of logits", "labels of shares", "classes of shares", "shares", "column"],
)
def test_targets_tell_the_task(found, name, targets, task):
    """What an output means follows from its targets, and whether it is a probability from what computes it."""
    assert found(name, y=targets) == {"output_0": Grading(task, "y")}


def test_declaration_tells_the_task(found):
    """What is declared counts before what the targets look like."""
    assert found("dense-fp32", Classification(top_k=3), y=CLASSES)["output_0"].task == Classification(top_k=3)


def test_outputs_are_told_apart(found):
    """Each of several outputs has its own targets and task, and one may have none."""
    assert found("two-fp32", y_product=CLASSES % 3) == {
        "total": Grading(None, None),
        "product": Grading(Classification(), "y_product"),
    }
    assert found("two-fp32", {"total": Regression("rmse")}, y_total=np.ones((COUNT, 3)), y_product=CLASSES % 3) == {
        "total": Grading(Regression("rmse"), "y_total"),
        "product": Grading(Classification(), "y_product"),
    }


def test_outputs_of_other_signatures_have_targets(found):
    """An output of another signature is called by that one too, for which a file name has another letter."""
    assert found("entries-fp32", {"second/sum": Binary(0.0)}, y_second_sum=YES_OR_NO, y_product=CLASSES % 3) == {
        "product": Grading(Classification(), "y_product"),
        "second/product": Grading(None, None),
        "second/sum": Grading(Binary(0.0), "y_second_sum"),
    }


def test_direction_needs_no_targets(found):
    """What an embedding means is known without a target, too; another task would be judged by nothing."""
    assert found("dense-fp32", Embedding()) == {"output_0": Grading(Embedding(), None)}
    with pytest.raises(MetricsError, match=r"output_0 is declared as Regression, but has no targets: add them as y"):
        found("dense-fp32", Regression())


@pytest.mark.parametrize(
    ("name", "targets", "told"),
    [
        ("dense-fp32", {"y_other": CLASSES}, r"no output for the targets y_other; the outputs are output_0"),
        ("dense-fp32", {"y": CLASSES, "y_output_0": CLASSES}, r"no output for the targets y; "),
        ("two-fp32", {"y": CLASSES}, r"no output for the targets y; the outputs are .*: call their targets y_"),
    ],
    ids=["unknown", "twice", "whose"],
)
def test_targets_of_no_output_are_an_error(found, name, targets, told):
    """Targets that belong to no output, or to any of several, are refused: they would judge nothing."""
    with pytest.raises(DataError, match=told):
        found(name, **targets)


@pytest.mark.parametrize(
    ("name", "declared", "targets", "told"),
    [
        (
            "two-fp32",
            Regression(),
            {},
            r"one task is declared, for 2 outputs: declare a dict of them, by total, product",
        ),
        ("two-fp32", {"sum": Regression()}, {}, r"a task of sum; the outputs of two-fp32\.tflite are total, product"),
        ("dense-fp32", None, {"y": CLASSES + 1}, r"/data[^/]*: y: 10 in sample 9 is not in 0\.\.9"),
        ("dense-fp32", Binary(), {"y": YES_OR_NO}, r"/data[^/]*: y: Binary takes outputs \(samples,\)"),
        ("dense-fp32", None, {"y": np.ones((COUNT, 4))}, r"/data[^/]*: y: .* fit no task"),
    ],
    ids=["one for two", "unknown", "out of range", "another shape", "no task"],
)
def test_what_does_not_fit_is_an_error(found, name, declared, targets, told):
    """A declaration or targets that do not fit the outputs are refused, naming the data where they are to blame."""
    with pytest.raises(MetricsError, match=told):
        found(name, declared, **targets)


def test_graded_outputs_have_their_targets(found, data):
    """The outputs that have a task and targets are graded, with the targets of all samples, or of some."""
    targets = {"y_product": CLASSES % 3, "y_total": RANDOM.normal(size=(COUNT, 3)).astype(np.float32)}
    two = data("two-fp32", **targets)
    total, product = grade(found("two-fp32", **targets), two, None)
    (_, some) = grade(found("two-fp32", **targets), two, np.array([4, 2, 29]))

    assert [(one.output, one.called, one.task) for one in (total, product)] == [
        ("total", " of total", Regression()),
        ("product", " of product", Classification()),
    ]
    assert (product.targets.tolist(), some.targets.tolist()) == ((CLASSES % 3).tolist(), [1, 2, 0])
    np.testing.assert_array_equal(total.targets, targets["y_total"])


def test_lone_output_needs_no_name(found, data):
    """What is said of the only output does not name it."""
    (graded,) = grade(found("dense-fp32", y=CLASSES), data("dense-fp32", y=CLASSES), None)

    assert (graded.called, graded.targets.tolist()) == ("", CLASSES.tolist())


@pytest.mark.parametrize("kind", ["int64", "uint8"])
def test_classes_may_lie_in_arrays_of_their_own(found, data, kind):
    """Classes that are (samples, 1), as some data sets have them, are graded as (samples,); other targets stay so."""
    column = CLASSES[:, None].astype(kind)
    (graded,) = grade(found("dense-fp32", y=column), data("dense-fp32", y=column), None)
    (kept,) = grade({"output_0": Grading(Regression(), "y")}, data("dense-fp32", y=column), None)

    assert (graded.targets.tolist(), kept.targets.tolist()) == (CLASSES.tolist(), column.tolist())


@pytest.mark.parametrize(
    ("shape", "scores"), [((), False), ((1,), False), ((2,), True), ((10,), True), ((2, 2), False), ((10, 10), False)]
)
def test_scores_of_classes_are_of_two_and_more(files, data, shape, scores):
    """An output has a target of one whole number where it has a score for each of several classes."""
    targets = np.zeros((COUNT, *shape), np.float32)
    (judged,) = gradings(
        Regression(), files["dense-fp32"], data("dense-fp32", y=targets), {"output_0": targets.shape}
    ).values()

    assert judged.scores_classes == scores


def test_column_of_fractions_is_no_column_of_classes(found):
    """Only whole numbers are classes: others are told as they are."""
    with pytest.raises(MetricsError, match=r"targets float64 \(30, 1\) of outputs"):
        found("dense-fp32", y=np.full((COUNT, 1), 0.5))


def test_output_that_is_an_input_is_no_probability(edited, data):
    """What no operator computes has no activation that would tell where yes begins."""

    def passing_through(model):
        model.signatureDefs[0].outputs[0].tensorIndex = model.subgraphs[0].inputs[0]
        model.subgraphs[0].outputs = model.subgraphs[0].inputs

    labels = RANDOM.integers(0, 2, (COUNT, 16))
    judged = gradings(
        None, edited("dense-fp32", passing_through), data("dense-fp32", y=labels), {"output_0": (COUNT, 16)}
    )

    assert judged["output_0"].task == MultiLabel(0.0)


@pytest.mark.parametrize(
    ("declared", "targets"), [(None, {}), (Embedding(), {}), ({"y": Regression()}, {"y_total": CLASSES % 3})]
)
def test_what_has_no_targets_or_no_task_is_not_graded(declared, targets, data):
    """An output without targets, or without a task, has no metric."""
    of = {"total": Grading(declared if isinstance(declared, Embedding) else None, None)}

    assert grade(of, data("two-fp32", **targets), None) == []
    assert grade({"total": Grading(None, "y_total")}, data("two-fp32", y_total=CLASSES), None) == []


@pytest.mark.parametrize("name", ["dense-fp32", "dynamic-fp32", "softmax-fp32", "two-fp32"])
def test_what_is_foreseen_is_what_is_found(files, data, found, name):
    """What the file says of its outputs tells before a run what their arrays tell after it."""
    targets = {f"y_{output}": CLASSES % 3 for output in SHAPES[name]}

    assert foreseen(None, files[name], data(name, **targets)) == found(name, **targets)


def test_open_shapes_are_left_to_the_run(files, saved):
    """Where the file does not say what shape an output has, nothing is foreseen, and nothing is refused."""
    of_any = open_data(saved({"steps": np.ones((COUNT, 7, 8), np.float32), "y": CLASSES}))

    assert foreseen(None, files["lengths-fp32"], of_any) is None


@pytest.mark.parametrize(
    ("shape", "known"), [([1, 3], True), ([1, 1], True), ([1, 0], True), ([1, -1], False), ([4, 3], False), ([], False)]
)
def test_shape_of_each_output_has_to_be_known(edited, data, shape, known):
    """One output of which the file does not say how large it is for one sample leaves all to the run."""

    def shaping(model):
        tensor = model.subgraphs[0].tensors[model.signatureDefs[0].outputs[0].tensorIndex]
        tensor.shape, tensor.shapeSignature = [abs(size) for size in shape], shape

    assert (foreseen(None, edited("two-fp32", shaping), data("two-fp32")) is not None) == known


def test_many_targets_are_left_to_the_run(files, data):
    """Targets that take long to read are not read before the run."""
    many = np.zeros((COUNT, BLOCK // COUNT + 1), np.uint8)

    assert foreseen(None, files["dense-fp32"], data("dense-fp32", y=many)) is None
    with pytest.raises(MetricsError):
        foreseen(None, files["dense-fp32"], data("dense-fp32", y=many[:, :7]))
