"""A corpus on disk: written as a Hugging Face dataset repository, and read back.

    NAME/README.md    the card          NAME/data/train-*.parquet      documents
    NAME/build.json   the facts         NAME/traces/train-*.parquet    the calls behind them

Beside them, `builders check` leaves `contamination.json`; the card tells of it as long as the shards are
those that were checked.

Equal input gives equal bytes. Everything is written into `.writing/` first and then moved into
place: `build.json`, the sign of a finished build, goes away first and comes back last, and the
old shards leave before the new ones enter. So at every moment `load_dataset` finds the old
corpus, the new one, or none, and never a mixture; the next run mends what a crash left.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from builders.dataset.card import dataset_card
from builders.dataset.contamination import file_hashes, read_contamination, record_path
from builders.dataset.reader import DATA, FACTS, TRACES, DatasetReader, open_dataset
from builders.dataset.rows import row_type
from builders.dataset.shards import TRACE_SCHEMA, Shards, schema
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from builders.dataset.rows import BuildFacts, Row, TraceRow

__all__ = ["DatasetReader", "card_of", "open_dataset", "rewrite_card", "write_dataset"]

CARD = "README.md"
STAGING = ".writing"
ROWS_PER_SHARD = 50_000


def write_dataset(
    folder: Path,
    *,
    documents: Iterable[tuple[Row, Sequence[TraceRow]]],
    facts: BuildFacts,
    rows_per_shard: int = ROWS_PER_SHARD,
) -> None:
    """Write a finished corpus, in place of an earlier one.

    Args:
        folder: the corpus' folder; made where it does not exist.
        documents: every document with its trace, in their final order. Read once, and at
            most a row group of each kind is held in memory.
        facts: what the card and `build.json` say.
        rows_per_shard: most rows of one Parquet file.

    Raises:
        UserError: the folder cannot be written to, or holds files that are not a corpus'.
        ValueError: the facts count other documents than there are.
    """
    staging = folder / STAGING
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_foreign_files(folder)
        if staging.exists():
            shutil.rmtree(staging)
        staging.mkdir()
    try:
        with _writing(folder):
            columns = schema(row_type(facts.method))
            rows = Shards(staging / DATA, columns, rows_per_shard=rows_per_shard)
            traces = Shards(staging / TRACES, TRACE_SCHEMA, rows_per_shard=rows_per_shard)
        with rows, traces:
            for document, trace in documents:
                with _writing(folder):
                    rows.add(document)
                    for call in trace:
                        traces.add(call)
            if rows.count != facts.documents:
                raise ValueError(f"the facts count {facts.documents} documents, but there are {rows.count}")
            with _writing(folder):
                rows.finish()
                traces.finish()
        with _writing(folder):
            _write_text(staging / CARD, _card(facts, staging, checked=folder))
            content = json.dumps(facts.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False)
            _write_text(staging / FACTS, content + "\n")
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    with _writing(folder):
        _publish(folder)


def rewrite_card(folder: Path) -> None:
    """Write the card of a finished corpus anew, after a check for test items.

    Raises:
        UserError: there is no finished corpus, or the card cannot be written.
    """
    draft = folder / f".{CARD}.part"
    with _writing(folder):
        _write_text(draft, card_of(folder))
        draft.replace(folder / CARD)


def card_of(folder: Path) -> str:
    """The card that the records and shards of a finished corpus give.

    Raises:
        UserError: there is no finished corpus.
    """
    return _card(open_dataset(folder).facts, folder, checked=folder)


def _card(facts: BuildFacts, shards: Path, *, checked: Path) -> str:
    """The card: of the facts, the shards, and what a check found in these very shards."""
    files = file_hashes(sorted(shards.glob(f"{DATA}/train-*")), shards)
    try:
        record = read_contamination(record_path(checked))
    except UserError:  # damaged, or of another version: as good as none
        record = None
    if record and not (record.speaks_of(files) and record.text_column == "text"):
        record = None
    return dataset_card(facts, fingerprint=_fingerprint(shards), contamination=record)


def _publish(folder: Path) -> None:
    """Move what is complete in the staging folder into its place; the order is the promise."""
    staging, replaced = folder / STAGING, folder / STAGING / "replaced"
    replaced.mkdir()
    (folder / FACTS).unlink(missing_ok=True)
    for name in (DATA, TRACES):
        with suppress(FileNotFoundError):
            (folder / name).rename(replaced / name)
    for name in (CARD, TRACES, DATA, FACTS):
        (staging / name).rename(folder / name)
    shutil.rmtree(staging)


def _refuse_foreign_files(folder: Path) -> None:
    """Shards are replaced as whole folders: nothing of the user's may lie in them."""
    for name in (DATA, TRACES):
        path = folder / name
        found = [path] if path.is_file() else sorted(path.glob("[!.]*"))
        for file in found:
            if not file.match("train-*-of-*.parquet"):
                raise UserError(
                    f"{file} is no part of a built corpus: move it away, "
                    "or choose another folder with --output"
                )


def _fingerprint(folder: Path) -> str:
    """SHA-256 over the shards of both configurations, in order."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*/train-*")):
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{whole.hexdigest()}"


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Tell what the system refuses as the user's to mend."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "free some space there" if full else "make it a folder that you can write to"
        why = error.strerror or error
        raise UserError(
            f"cannot write the dataset into {folder}: {why}; {remedy}, or choose another folder with --output"
        ) from error
