"""Arrays are written block by block and read as mappings; one that is not whole is never taken for whole."""

import numpy as np
import pytest

from fixtures.harness import arrays
from fixtures.harness.arrays import ArrayFile, ArrayFiles, load

DTYPES = ["float32", "float16", "int64", "uint8", "bool"]
SHAPES = [(), (3,), (2, 3, 4), (0,)]


@pytest.fixture
def path(tmp_path):
    """Where an array is written."""
    return tmp_path / "rows.npy"


def rows_of(dtype, shape, count=7):
    """Return an array of *count* rows, no two alike where there is something in them."""
    return np.arange(count * int(np.prod(shape))).reshape(count, *shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_are_one_array(path, dtype, shape):
    """What was written in several blocks is read as one array, as NumPy reads it."""
    rows = rows_of(dtype, shape)
    with ArrayFile(path, 7) as file:
        for block in (rows[:3], rows[3:3], rows[3:4], rows[4:]):
            file.write(block)

    for found in (load(path), np.load(path)):
        assert (found.dtype, found.shape) == (rows.dtype, rows.shape)
        np.testing.assert_array_equal(found, rows)


def test_block_may_lie_in_memory_in_any_order(path):
    """A block that is a turned or skipping view is written in the order of its rows."""
    rows = np.arange(24, dtype=np.int32).reshape(4, 6)
    with ArrayFile(path, 10) as file:
        file.write(rows.T[:, ::2])
        file.write(rows[::-1, :2])

    assert load(path).tolist() == [*rows.T[:, ::2].tolist(), *rows[::-1, :2].tolist()]


def test_array_is_a_mapping(path):
    """Reading takes no memory before something is looked at, and what is read cannot be changed."""
    with ArrayFile(path, 1) as file:
        file.write(np.ones((1, 4), np.float32))
    found = load(path)

    assert isinstance(found, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 2


def write(path, *blocks):
    """Write *blocks* as an array of seven rows."""
    with ArrayFile(path, 7) as file:
        for block in blocks:
            file.write(block)


@pytest.mark.parametrize("written", [0, 1, 6])
def test_missing_rows_are_an_error(path, written):
    """Leaving before all rows are written is an error that says how many there are."""
    blocks = [rows_of("float32", (3,))[:written]] if written else []

    with pytest.raises(ValueError, match=rf"^rows\.npy: {written} rows were written, of 7$"):
        write(path, *blocks)


def test_too_many_rows_are_an_error(path):
    """A row more than there are to be is an error, and not the array's last."""
    rows = rows_of("float32", (3,))

    with pytest.raises(ValueError, match=r"^rows\.npy: 8 rows, of 7$"):
        write(path, rows, rows[:1])


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (np.ones((1, 4), np.float32), r"a row is float32\[4\], those before it were float32\[3\]"),
        (np.ones((1, 3), np.float64), r"a row is float64\[3\], those before it were float32\[3\]"),
        (np.ones(1, np.float32), r"a row is float32\[\], those before it were float32\[3\]"),
    ],
    ids=["size", "type", "axes"],
)
def test_rows_of_another_kind_are_an_error(path, other, told):
    """A row of another shape or type than those before it is an error that names both."""
    with pytest.raises(ValueError, match=rf"^rows\.npy: {told}$"):
        write(path, rows_of("float32", (3,))[:2], other)


def test_first_error_is_the_one_that_is_told(path):
    """What goes wrong while rows are computed is not hidden behind the rows that are missing for it."""
    with pytest.raises(AttributeError):
        write(path, rows_of("float32", (3,))[:2], "no array")


def test_file_is_replaced(path):
    """What was there before is gone, also where it was longer."""
    path.write_bytes(bytes(10_000))
    with ArrayFile(path, 2) as file:
        file.write(np.ones((2, 2), np.uint8))

    assert load(path).tolist() == [[1, 1], [1, 1]]
    assert path.stat().st_size < 1000


def test_pickled_array_is_not_loaded(path):
    """An array of Python objects is never unpickled."""
    np.save(path, np.array([{}], object), allow_pickle=True)

    with pytest.raises(ValueError, match="object"):
        load(path)


@pytest.mark.parametrize(("count", "row_bytes"), [(10, 1), (10, arrays.BLOCK), (10, 3 * arrays.BLOCK), (7, 0), (0, 4)])
def test_blocks_go_through_all_rows(count, row_bytes):
    """Blocks cover each row once, in order; each is of at most so many bytes, or of one row."""
    slices = arrays.blocks(count, row_bytes)

    assert [row for rows in slices for row in range(count)[rows]] == list(range(count))
    assert all((rows.stop - rows.start) * row_bytes <= arrays.BLOCK or rows.stop - rows.start == 1 for rows in slices)
    assert len(slices) <= max(1, -(-count * row_bytes // arrays.BLOCK))


def test_arrays_are_numbered_as_their_names_come_up(tmp_path):
    """Blocks of several arrays are told apart by name, and each array is a file with its number."""
    one, other = rows_of("float32", (2,)), rows_of("int64", ())
    with ArrayFiles(lambda number: tmp_path / f"{number}.npy", 7) as files:
        for rows in (slice(0, 3), slice(3, 7)):
            files.write("one", one[rows])
            files.write("other", other[rows])

    assert files.names == ["one", "other"]
    np.testing.assert_array_equal(np.load(tmp_path / "0.npy"), one)
    np.testing.assert_array_equal(np.load(tmp_path / "1.npy"), other)


def test_array_that_lacks_rows_is_an_error_among_others(tmp_path):
    """Of several arrays, one that is not whole is an error, which names it."""

    def write():
        with ArrayFiles(lambda number: tmp_path / f"{number}.npy", 7) as files:
            files.write("one", rows_of("float32", (2,)))
            files.write("other", rows_of("int64", (), count=3))

    with pytest.raises(ValueError, match=r"1\.npy: 3 rows were written, of 7"):
        write()
