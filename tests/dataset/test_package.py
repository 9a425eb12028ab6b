from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from builders.dataset.package import STAGING, open_dataset, write_dataset
from builders.dataset.shards import ROWS_PER_GROUP
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DIED = 9

# Rewrites the dataset and dies, as at a power cut, before its Nth change to a name in the folder.
REWRITE_AND_DIE = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import Workshop
folder, left = Path(sys.argv[2]), int(sys.argv[3])

def count(event, args):
    global left
    changes = event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")
    if changes and str(folder) in str(args[0]):
        left -= 1
        if left < 0:
            os._exit(9)

sys.addaudithook(count)
Workshop().write(folder, 3, genre="new")
"""


def test_what_is_written_reads_back(tmp_path: Path, make: Any) -> None:
    reader = open_dataset(make.write(tmp_path / "demo", 25, rows_per_shard=10))
    assert reader.facts == make.facts(25)
    assert list(reader.documents()) == [row for row, _ in make.corpus(25)]
    for row, trace in make.corpus(25):
        assert reader.trace(row.id) == trace


def test_a_document_is_found_by_id_and_by_number_across_shards_and_row_groups(
    tmp_path: Path, make: Any
) -> None:
    count = 2 * ROWS_PER_GROUP + 300
    reader = open_dataset(make.write(tmp_path / "demo", count, rows_per_shard=ROWS_PER_GROUP + 200))
    for number in (1, ROWS_PER_GROUP, ROWS_PER_GROUP + 1, ROWS_PER_GROUP + 201, count):
        row = make.document(number - 1)
        assert reader.document(str(number)) == row
        assert reader.document(row.id) == row
    for missing in ("0", str(count + 1), "demo", "demo-999999-01", ""):
        assert reader.document(missing) is None


def test_a_trace_is_found_without_reading_every_row_group(tmp_path: Path, make: Any) -> None:
    reader = open_dataset(make.write(tmp_path / "demo", 2 * ROWS_PER_GROUP))
    (shard,) = (tmp_path / "demo/traces").iterdir()
    groups = pq.ParquetFile(shard).metadata
    ranges = [groups.row_group(group).column(0).statistics for group in range(groups.num_row_groups)]
    wanted = make.document(0).id
    assert sum(found.min <= wanted <= found.max for found in ranges) == 1 < len(ranges)
    assert len(reader.trace(wanted)) == make.calls


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path, make: Any) -> None:
    reader = open_dataset(make.write(tmp_path / "seed=3" / "demo"))
    assert reader.trace(make.document(1).id)[0].call == 0


def test_equal_input_gives_equal_bytes_wherever_and_in_whatever_order_reasons_came(
    tmp_path: Path, make: Any, snapshot: Callable[[Path], dict[str, bytes]]
) -> None:
    one, two = tmp_path / "one", tmp_path / "elsewhere" / "two"
    facts = make.facts(1_203)
    turned = {key: dict(reversed(getattr(facts, key).items())) for key in ("dropped", "settings")}
    write_dataset(one, documents=make.corpus(1_203), facts=facts, rows_per_shard=500)
    make.write(two, 9)
    write_dataset(two, documents=make.corpus(1_203), facts=make.facts(1_203, **turned), rows_per_shard=500)
    assert len(snapshot(one)) == 2 + 3 + 8
    assert snapshot(one) == snapshot(two)
    assert not any(str(tmp_path).encode() in content for content in snapshot(one).values())


def test_shards_are_full_compressed_and_numbered(tmp_path: Path, make: Any) -> None:
    make.write(tmp_path / "demo", 25, rows_per_shard=10)
    shards = sorted((tmp_path / "demo/data").iterdir())
    assert [path.name for path in shards] == [f"train-0000{n}-of-00003.parquet" for n in range(3)]
    assert [pq.ParquetFile(path).metadata.num_rows for path in shards] == [10, 10, 5]
    assert pq.ParquetFile(shards[0]).metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_corpus_is_never_held_in_memory(tmp_path: Path, make: Any) -> None:
    import tracemalloc

    size, count = 4_000, 8 * ROWS_PER_GROUP

    def documents() -> Iterator[Any]:
        for number in range(count):
            yield make.document(number, text=f"{number:0{size}}"), []

    tracemalloc.start()
    try:
        write_dataset(tmp_path / "demo", documents=documents(), facts=make.facts(count))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ROWS_PER_GROUP * size < peak < 3 * ROWS_PER_GROUP * size < count * size / 2


def test_shards_of_an_earlier_larger_build_go_and_the_journal_stays(tmp_path: Path, make: Any) -> None:
    folder = tmp_path / "demo"
    (folder / ".journal").mkdir(parents=True)
    (folder / ".journal/calls").write_text("answers")
    make.write(folder, 25, rows_per_shard=5)
    make.write(folder, 5, rows_per_shard=5)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left == {
        ".journal/calls",
        "README.md",
        "build.json",
        "data/train-00000-of-00001.parquet",
        *(f"traces/train-0000{number}-of-00003.parquet" for number in range(3)),
    }
    assert len(list(open_dataset(folder).documents())) == 5


def test_a_crash_at_any_step_leaves_old_or_new_or_unfinished_and_the_next_run_mends(
    tmp_path: Path, make: Any, snapshot: Callable[[Path], dict[str, bytes]]
) -> None:
    wanted = snapshot(make.write(tmp_path / "wanted", 3, genre="new"))
    seen = set()
    for step in itertools.count():
        folder = tmp_path / f"crash-{step}"
        make.write(folder, 5, genre="old")
        if not _rewrite_and_die(folder, step):
            break
        data = sorted(folder.glob("data/*"))
        traces = sorted(folder.glob("traces/*"))
        try:
            reader = open_dataset(folder)
        except UserError as error:
            assert "builders build" in str(error)  # noqa: PT017
            seen.add("unfinished")
            rows = (
                pq.read_table(data).num_rows if data else 0,
                pq.read_table(traces).num_rows if traces else 0,
            )
            assert rows in {(5, 15), (0, 15), (0, 0), (0, 9), (3, 9)}, "never a mixture"
        else:
            genres = {row.genre for row in reader.documents()}
            assert genres in ({"old"}, {"new"})
            assert len(list(reader.documents())) == reader.facts.documents
            seen |= genres
        make.write(folder, 3, genre="new")
        assert snapshot(folder) == wanted
    assert seen == {"old", "unfinished", "new"}


def _rewrite_and_die(folder: Path, step: int) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", REWRITE_AND_DIE, str(Path(__file__).parent), str(folder), str(step)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, DIED), done.stderr
    return done.returncode == DIED


def test_documents_that_fail_on_the_way_leave_the_old_dataset_untouched(
    tmp_path: Path, make: Any, snapshot: Callable[[Path], dict[str, bytes]]
) -> None:
    folder = make.write(tmp_path / "demo", 5)
    before = snapshot(folder)

    def broken() -> Iterator[Any]:
        yield from make.corpus(2_500)
        raise OSError("the journal cannot be read")

    with pytest.raises(OSError, match="the journal cannot be read"):  # not blamed on the folder
        write_dataset(folder, documents=broken(), facts=make.facts(3_000))
    assert snapshot(folder) == before


def test_facts_that_count_other_documents_are_a_bug(tmp_path: Path, make: Any) -> None:
    folder = make.write(tmp_path / "demo", 5)
    with pytest.raises(ValueError, match="count 4 documents, but there are 3"):
        write_dataset(folder, documents=make.corpus(3), facts=make.facts(4))
    assert open_dataset(folder).facts.documents == 5


def test_files_of_the_user_are_not_deleted(tmp_path: Path, make: Any) -> None:
    mine = tmp_path / "demo/data/thesis.parquet"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    with pytest.raises(UserError, match=r"thesis\.parquet is no part of a built corpus: move it away"):
        make.write(tmp_path / "demo")
    assert mine.read_text() == "years of work"


def test_a_corpus_without_documents_is_a_dataset_without_rows(tmp_path: Path, make: Any) -> None:
    reader = open_dataset(make.write(tmp_path / "demo", 0))
    assert list(reader.documents()) == []
    assert reader.document("1") is None


def test_hostile_text_is_kept_letter_by_letter_in_the_rows(tmp_path: Path, make: Any) -> None:
    text = make.hostile + "\x00\u202e"
    folder = make.write(tmp_path / "demo", 2, text=text, persona=text, keywords=[text, ""])
    for row in open_dataset(folder).documents():
        assert (row.text, row.persona, row.keywords) == (text, text, [text, ""])


def test_a_file_in_the_place_of_the_folder_is_the_users_to_mend(tmp_path: Path, make: Any) -> None:
    (tmp_path / "demo").write_text("not a folder")
    with pytest.raises(UserError, match=r"cannot write the dataset into .*demo: File exists; .* --output"):
        make.write(tmp_path / "demo")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    yield from _mounted(tmp_path / "tiny", "-t", "tmpfs", "-o", "size=256k", "tmpfs")


@pytest.fixture
def remount_read_only() -> Callable[[Path], None]:
    def remount(path: Path) -> None:
        subprocess.run([_mount(), "-o", "remount,ro", str(path)], check=True, capture_output=True)

    return remount


def _mount() -> str:
    return shutil.which("mount") or pytest.skip("no mount command: a full disk cannot be had")


def _mounted(path: Path, *arguments: str) -> Iterator[Path]:
    path.mkdir()
    done = subprocess.run([_mount(), *arguments, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_told_and_leaves_the_old_dataset(
    tiny_disk: Path, make: Any, snapshot: Callable[[Path], dict[str, bytes]]
) -> None:
    folder = make.write(tiny_disk / "demo", 5)
    before = snapshot(folder)
    with pytest.raises(UserError, match=r"into .*tiny/demo: No space left on device; free some space there"):
        write_dataset(folder, documents=_incompressible(make), facts=make.facts(2_000))
    assert snapshot(folder) == before
    assert not (folder / STAGING).exists()
    make.write(folder, 4)
    assert open_dataset(folder).facts.documents == 4


def _incompressible(make: Any) -> Iterator[Any]:
    for number in range(2_000):
        yield make.document(number, text=os.urandom(400).hex()), []


def test_a_read_only_folder_is_told_with_the_remedy(
    tiny_disk: Path, make: Any, remount_read_only: Callable[[Path], None]
) -> None:
    folder = make.write(tiny_disk / "demo", 5)
    remount_read_only(tiny_disk)
    with pytest.raises(UserError, match=r"into .*demo: Read-only file system; make it a folder that you can"):
        make.write(folder, 4)
    assert open_dataset(folder).facts.documents == 5


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda folder: shutil.rmtree(folder),
            "there is no corpus in .*: build it with `builders build demo`",
        ),
        (lambda folder: (folder / "build.json").unlink(), "is not finished: run `builders build demo` again"),
        (lambda folder: shutil.rmtree(folder / "traces"), "is not finished"),
        (lambda folder: (folder / "build.json").write_text('{"schema_version": 2}'), "cannot be read"),
        (lambda folder: _damage(folder / "data"), "cannot be read .*: run `builders build demo` again"),
    ],
    ids=["missing", "unfinished", "no traces", "other version", "damaged"],
)
def test_a_corpus_that_cannot_be_read_is_the_users_to_mend(
    tmp_path: Path, make: Any, spoil: Callable[[Path], Any], words: str
) -> None:
    folder = make.write(tmp_path / "demo")
    spoil(folder)
    with pytest.raises(UserError, match=words):
        list(open_dataset(folder).documents())


def test_damaged_traces_are_the_users_to_mend(tmp_path: Path, make: Any) -> None:
    folder = make.write(tmp_path / "demo")
    _damage(folder / "traces")
    with pytest.raises(UserError, match="cannot be read"):
        open_dataset(folder).trace(make.document(0).id)


def _damage(folder: Path) -> None:
    (shard,) = folder.iterdir()
    shard.write_bytes(shard.read_bytes()[:-40])
