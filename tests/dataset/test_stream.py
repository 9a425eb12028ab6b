"""Promises of the stream: what was accepted can be read while the build runs, and comes back as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import zstandard

from builders.dataset.rows import DocumentRow, TraceRow
from builders.dataset.stream import SHARD_DOCUMENTS, DocumentStream

if TYPE_CHECKING:
    from pathlib import Path


def row(number: int) -> DocumentRow:
    return DocumentRow(
        id=f"made-up-{number:06}-01",
        text=f"Zeile {number}:\u2028\n\u00e4 \U0001f600",
        domain="biomed",
        method="metasynth",
        genre="essay",
        persona="nurse",
        keywords=["a", "b"],
        summary="",
        trajectory=number,
        step=1,
        n_words=3,
        n_tokens=5,
        model_id="owner/model",
        model_sha="abc",
    )


def call(document: DocumentRow) -> TraceRow:
    return TraceRow(
        document_id=document.id,
        call=0,
        parent=None,
        role="meta-LM",
        instruction="Write.",
        output=document.text,
        sampling="{}",
        prompt_tokens=1,
        completion_tokens=2,
        latency_s=0.1234,
        model_id="owner/model",
        model_sha="abc",
    )


def test_what_went_in_comes_out_in_order_over_several_shards(tmp_path: Path) -> None:
    stream = DocumentStream(tmp_path / "accepted")
    documents = [row(number) for number in range(2 * SHARD_DOCUMENTS + 1)]
    for document in documents:
        stream.add(document, [call(document)])

    assert list(stream.rows()) == [(document, [call(document)]) for document in documents]
    assert len(list((tmp_path / "accepted").iterdir())) == 3


def test_others_can_read_what_was_flushed_while_it_is_being_written(tmp_path: Path) -> None:
    stream = DocumentStream(tmp_path / "accepted")
    stream.add(row(7), [])
    stream.flush()

    with (tmp_path / "accepted" / "00000.jsonl.zst").open("rb") as file:
        line = zstandard.ZstdDecompressor().decompressobj().decompress(file.read())

    assert json.loads(line)["document"] == row(7).model_dump()
    stream.close()


def test_an_earlier_stream_is_replaced(tmp_path: Path) -> None:
    first = DocumentStream(tmp_path / "accepted")
    first.add(row(1), [])
    first.close()

    assert list(DocumentStream(tmp_path / "accepted").rows()) == []
