"""An entry of the store is whole and unchanged, or it is not there."""

import json
import re
from pathlib import Path

import pytest

from fixtures.harness.store import MANIFEST, Address, CorruptEntryError, Store, StoreError, file_digest
from tests.harness.writer import ADDRESS

DETERMINANTS = {"recipe": {"seed": 0, "epochs": 1}, "data": "06af", "versions": {"numpy": "2.4.6"}}
DAMAGE = {
    "a changed byte": lambda folder: (folder / "weights").write_bytes(b"0124"),
    "a truncated file": lambda folder: (folder / "weights").write_bytes(b"012"),
    "an emptied file": lambda folder: (folder / "weights").write_bytes(b""),
    "a missing file": lambda folder: (folder / "weights").unlink(),
    "a changed byte in a subfolder": lambda folder: (folder / "model" / "graph").write_bytes(b"4568"),
    "a missing file of a subfolder": lambda folder: (folder / "model" / "graph").unlink(),
    "an additional file": lambda folder: (folder / "more").write_bytes(b""),
    "an additional file in a subfolder": lambda folder: (folder / "model" / "more").write_bytes(b""),
    "an additional manifest in a subfolder": lambda folder: (folder / "model" / MANIFEST).write_text("{}"),
    "a missing manifest": lambda folder: (folder / MANIFEST).unlink(),
    "an empty manifest": lambda folder: (folder / MANIFEST).write_text(""),
    "a truncated manifest": lambda folder: (folder / MANIFEST).write_text((folder / MANIFEST).read_text()[:-20]),
    "a manifest that is none": lambda folder: (folder / MANIFEST).write_text("[]"),
    "a manifest without files": lambda folder: (folder / MANIFEST).write_text(json.dumps({"address": ADDRESS.digest})),
    "a manifest of bytes": lambda folder: (folder / MANIFEST).write_bytes(b"\xff\xfe\x00"),
    "another entry's manifest": lambda folder: (folder / MANIFEST).write_text('{"address": "06af", "files": {}}'),
}


@pytest.fixture(params=DAMAGE.values(), ids=DAMAGE)
def damaged(store, request):
    """A store whose entry was damaged after it was written."""
    request.param(store.once(ADDRESS, write))
    return store


def write(folder):
    """Write an entry of a file, and of one in a subfolder."""
    (folder / "weights").write_bytes(b"0123")
    (folder / "model").mkdir()
    (folder / "model" / "graph").write_bytes(b"4567")


def refuse(*_):
    """Fail the test that comes here."""
    pytest.fail("this was not to be called")


def test_entry_holds_what_was_written(store):
    """An entry's folder holds its files, byte for byte, and their digests."""
    folder = store.once(ADDRESS, write)

    assert (folder / "weights").read_bytes() == b"0123"
    assert json.loads((folder / MANIFEST).read_text())["files"] == {
        name: file_digest(folder / name) for name in ("model/graph", "weights")
    }


def test_entry_is_found_where_it_was_written(store):
    """A written entry is found, by the path that writing it returned."""
    assert store.once(ADDRESS, write) == store.find(ADDRESS) == store.path(ADDRESS)


def test_missing_entry_is_not_found(store):
    """An entry that nobody wrote is None, not an error."""
    assert store.find(ADDRESS) is None


def test_sound_entry_is_not_written_again(store):
    """A second caller is given the first one's entry."""
    assert store.once(ADDRESS, write) == store.once(ADDRESS, refuse)


def test_anew_writes_a_sound_entry_again(store):
    """On request, an entry is written although it is there."""
    store.once(ADDRESS, write)
    folder = store.once(ADDRESS, lambda folder: (folder / "other").write_bytes(b"4567"), anew=True)

    assert sorted(file.name for file in folder.iterdir()) == [MANIFEST, "other"]


def test_entry_is_not_there_before_it_is_whole(store):
    """While an entry is written, others find none."""
    found = []
    store.once(ADDRESS, lambda folder: (write(folder), found.append(store.find(ADDRESS))))

    assert found == [None]


def test_entry_stays_while_it_is_written_anew(store):
    """While an entry is replaced, others find the old one."""
    found, folder = [], store.once(ADDRESS, write)
    store.once(ADDRESS, lambda folder: (write(folder), found.append(store.find(ADDRESS))), anew=True)

    assert found == [folder]


def test_damaged_entry_is_noticed(damaged):
    """An entry whose files are not those that were written is an error, which names it."""
    with pytest.raises(CorruptEntryError, match=ADDRESS.digest[:16]):
        damaged.find(ADDRESS)


def test_damaged_entry_is_written_again(damaged):
    """Who asks for a damaged entry is given a new one, without a trace of the old."""
    folder = damaged.once(ADDRESS, write)

    assert (folder / "weights").read_bytes() == b"0123"
    assert damaged.find(ADDRESS) == folder


def test_moved_entry_is_not_trusted(store):
    """An entry in the place of another one is not taken for it."""
    other = Address.of("builds", "model", {"recipe": 2})
    store.once(other, write).rename(store.path(ADDRESS))

    with pytest.raises(CorruptEntryError, match="written for another address"):
        store.find(ADDRESS)


def test_failed_write_leaves_nothing(store):
    """An error of the writer passes through, and leaves neither an entry nor what was written of it."""
    with pytest.raises(ZeroDivisionError):
        store.once(ADDRESS, lambda folder: (write(folder), 1 / 0))

    assert list((store.root / "builds").iterdir()) == []


def test_failed_write_keeps_the_old_entry(store):
    """An entry that could not be replaced is still there, and sound."""
    folder = store.once(ADDRESS, write)
    with pytest.raises(ZeroDivisionError):
        store.once(ADDRESS, lambda _: 1 / 0, anew=True)

    assert store.find(ADDRESS) == folder


def test_replaced_entry_is_removed(store):
    """Of an entry that was written anew, nobody keeps the old folder."""
    store.once(ADDRESS, write)
    folder = store.once(ADDRESS, write, anew=True)

    assert list(folder.parent.iterdir()) == [folder]


def test_replaced_entry_stays_while_it_is_read(store):
    """Who found an entry reads its files to the end, though others write it anew."""
    store.once(ADDRESS, write)
    old = Store(store.root).find(ADDRESS)
    folder = store.once(ADDRESS, lambda folder: (folder / "weights").write_bytes(b"4567"), anew=True)

    assert (old / "weights").read_bytes() == b"0123"
    assert (store.find(ADDRESS) / "weights").read_bytes() == (folder / "weights").read_bytes() == b"4567"


def test_replaced_entry_is_removed_when_its_readers_are_gone(store, start):
    """A reader that was killed keeps nothing: the next writer of the entry removes what it read."""
    store.once(ADDRESS, write)
    reader = start("reader", store.root)
    old = Path(reader.stdout.readline().strip())
    store.once(ADDRESS, write, anew=True)
    assert old.exists()
    reader.kill()
    reader.wait()
    folder = store.once(ADDRESS, write, anew=True)

    assert list(folder.parent.iterdir()) == [folder]


def test_entry_is_found_while_others_replace_it(store, start):
    """However often an entry is replaced, who asks for it is given a sound folder, and it stays."""
    store.once(ADDRESS, write)
    replacer = start("replacer", store.root, 40)
    assert replacer.stdout.readline() == "replacing\n"
    found = []
    while replacer.poll() is None:
        found.append(Store(store.root).find(ADDRESS))

    assert replacer.stdout.read() == "done\n"
    assert len(set(found)) > 5
    assert all((folder / "weights").read_bytes() == b"0123" for folder in found)


def test_file_in_the_place_of_an_entry_is_noticed(store):
    """A file where the entry's folder should be is an error that names it."""
    store.path(ADDRESS).write_text("no folder")

    with pytest.raises(CorruptEntryError, match=ADDRESS.digest[:16]):
        store.find(ADDRESS)


def test_file_in_the_place_of_an_entry_is_written_again(store):
    """A file where the entry's folder should be gives way to a new entry."""
    store.path(ADDRESS).write_text("no folder")
    folder = store.once(ADDRESS, write)

    assert store.find(ADDRESS) == folder
    assert list(folder.parent.iterdir()) == [folder]


@pytest.fixture
def killed(store, start):
    """A store whose writer was killed with half of the entry written."""
    process = start("writer", store.root)
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.wait()
    return store


def test_killed_writer_leaves_no_entry(killed):
    """Half an entry is not found."""
    assert killed.find(ADDRESS) is None


def test_killed_writer_is_not_waited_for(killed):
    """The next writer goes ahead at once: the kernel has freed the lock."""
    assert killed.once(ADDRESS, write, waiting=refuse) == killed.find(ADDRESS)


def test_killed_writers_files_are_cleared_away(killed):
    """The next writer starts with an empty folder, and nothing else is left beside its entry."""
    folder = killed.once(ADDRESS, write)

    assert sorted(file.name for file in folder.iterdir()) == [MANIFEST, "model", "weights"]
    assert list(folder.parent.iterdir()) == [folder]


def test_processes_write_an_entry_once(store, start):
    """Of two processes that want one entry, one writes it; the other is told that it waits, and is given it."""
    first = start("writer", store.root)
    assert first.stdout.readline() == "writing\n"
    second = start("writer", store.root)
    assert second.stdout.readline() == "waiting\n"

    assert first.communicate("go on\n")[0] == "done\n"
    assert second.communicate()[0] == "done\n"


def test_waiting_is_not_called_without_another_writer(store):
    """Who does not wait is not told so, whether the entry is there or not."""
    store.once(ADDRESS, write, waiting=refuse)

    assert store.once(ADDRESS, refuse, waiting=refuse)


def test_waiting_is_called_while_another_holds_the_lock(store):
    """Who has to wait is told so before the waiting starts."""
    lock, told = store.lock(ADDRESS), []
    lock.acquire()
    store.once(ADDRESS, write, waiting=lambda: (told.append("waiting"), lock.release()))

    assert told == ["waiting"]


def test_entries_do_not_wait_for_each_other(store):
    """Another address has another lock."""
    other = Address.of("builds", "model", {"recipe": 2})
    with store.lock(other):
        assert store.once(ADDRESS, write, waiting=refuse)


def test_full_disk_is_an_error_that_names_the_store(store):
    """A writer that the disk has no room for ends in a sentence that says which store, and what helps."""
    with pytest.raises(StoreError, match=rf"{ADDRESS}.*{store.root}.*No space left on device.*--artifacts"):
        store.once(ADDRESS, lambda _: Path("/dev/full").write_bytes(b"0123"))


def test_full_disk_leaves_no_entry(store):
    """What was written before the disk was full is cleared away."""
    with pytest.raises(StoreError):
        store.once(ADDRESS, lambda folder: (write(folder), Path("/dev/full").write_bytes(b"0123")))

    assert list((store.root / "builds").iterdir()) == []


@pytest.mark.parametrize("limit", [2, 1000], ids=["in the header", "in the data"])
def test_file_beyond_the_limit_is_an_error_that_names_the_store(store, start, limit):
    """A file that the system cuts off ends as a full disk does, also where NumPy tells of it in its own words."""
    process = start("writer", store.root, limit)

    assert re.search(rf"{store.root} \(File too large\).*--artifacts", process.communicate()[0])
    assert list((store.root / "builds").iterdir()) == []


def test_writers_own_error_is_not_the_stores(store):
    """An error of the writer that has nothing to do with the disk is not taken for one."""
    with pytest.raises(FileNotFoundError):
        store.once(ADDRESS, lambda _: Path("missing").read_bytes())


def test_store_below_a_file_cannot_be_prepared(tmp_path):
    """A root that cannot be a folder is an error that names the option."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match=rf"{tmp_path}/file/store cannot be written .*--artifacts"):
        Store(tmp_path / "file" / "store").prepare()


def test_store_in_the_place_of_a_file_cannot_be_prepared(tmp_path):
    """A root that is a file already is such an error too."""
    (tmp_path / "store").write_text("")

    with pytest.raises(StoreError, match=rf"{tmp_path}/store cannot be written .*--artifacts"):
        Store(tmp_path / "store").prepare()


def test_prepared_store_can_be_prepared_again(store):
    """Preparing keeps what is there."""
    folder = store.once(ADDRESS, write)
    store.prepare()

    assert store.find(ADDRESS) == folder


@pytest.mark.parametrize(
    "other",
    [
        DETERMINANTS | {"data": "06ae"},
        DETERMINANTS | {"recipe": {"seed": 1, "epochs": 1}},
        DETERMINANTS | {"versions": {"numpy": "2.4.7"}},
        DETERMINANTS | {"versions": {"numpy": "2.4.6", "keras": "3.15.1"}},
        DETERMINANTS | {"more": None},
        {"recipe": DETERMINANTS["recipe"], "data": "06af"},
        {},
    ],
)
def test_address_depends_on_every_determinant(other):
    """What differs in any determinant lives elsewhere."""
    assert str(Address.of("builds", "model", other)) != str(Address.of("builds", "model", DETERMINANTS))


def test_address_does_not_depend_on_the_order_of_determinants():
    """The same determinants, told in another order, give the same address."""
    assert Address.of("builds", "model", dict(reversed(DETERMINANTS.items()))) == Address.of(
        "builds", "model", DETERMINANTS
    )


def test_address_is_readable():
    """A person finds an entry by its kind and name."""
    assert str(Address.of("builds", "model", DETERMINANTS)).startswith("builds/model-")
