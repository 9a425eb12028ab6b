"""Writes finished corpora whose cards say what their rows say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builders.dataset.contamination import (
    CheckedCorpus,
    CheckedTask,
    Contamination,
    GroupOverlap,
    file_hashes,
    record_path,
)
from builders.dataset.package import rewrite_card, write_dataset
from builders.dataset.rows import BuildFacts, DocumentRow, TraceRow
from builders.diversity.brief import brief

if TYPE_CHECKING:
    from pathlib import Path

WORDS = "the enzyme binds a small ligand and changes its shape so that reactions run fast in cells"


def rows(count: int, *, words: int = 60) -> list[tuple[DocumentRow, list[TraceRow]]]:
    made, vocabulary = [], WORDS.split()
    for number in range(count):
        chosen = [
            vocabulary[(number * 7 + place * (number % 5 + 1)) % len(vocabulary)] for place in range(words)
        ]
        text = f"Document {number} says that {' '.join(chosen)}."
        document = DocumentRow(
            id=f"demo-{number:06d}-01",
            text=text,
            domain="biomed",
            method="metasynth",
            genre="leaflet",
            persona="nurse",
            keywords=["enzyme"],
            summary="On enzymes.",
            trajectory=number,
            step=1,
            n_words=len(text.split()),
            n_tokens=len(text) // 4,
            model_id="owner/model",
            model_sha="abc123",
        )
        call = TraceRow(
            document_id=document.id,
            call=0,
            parent=None,
            role="meta-LM",
            instruction=f"Write document {number}",
            output=text,
            sampling="{}",
            prompt_tokens=10,
            completion_tokens=20,
            latency_s=0.25,
            model_id="owner/model",
            model_sha="abc123",
        )
        made.append((document, [call]))
    return made


def write_corpus(folder: Path, count: int = 6, *, checked: bool = True, **changed: Any) -> Path:
    """A finished corpus whose card says what its rows say."""
    made = rows(count)
    facts = BuildFacts(
        **{
            "version": "0.1.0",
            "name": folder.name,
            "domain": "biomed",
            "method": "metasynth",
            "description": "Documents for a test",
            "license": "apache-2.0",
            "server": "tgi",
            "model_id": "owner/model",
            "model_sha": "abc123",
            "stand_in": False,
            "protocol": "guided",
            "corpus_seed": 11,
            "settings": {"min_words": 60},
            "documents": count,
            "trajectories": count,
            "attempts": count + 2,
            "dropped": {"too-short": 2},
            "redrafted": {},
            "words": sum(row.n_words for row, _ in made),
            "tokens": sum(row.n_tokens for row, _ in made),
            "calls": count,
            "prompt_tokens": 10 * count,
            "completion_tokens": 20 * count,
            "diversity": brief([row.text for row, _ in made], count),
            **changed,
        }
    )
    write_dataset(folder, documents=made, facts=facts, rows_per_shard=4)
    if checked:
        check(folder)
    return folder


def check(folder: Path) -> None:
    """Leave what `builders check` leaves where nothing is found."""
    files = file_hashes(sorted(folder.glob("data/train-*")), folder)
    record = Contamination(
        version="0.1.0",
        corpus=CheckedCorpus(name=folder.name, documents=6, words=400, sha256="0" * 64, files=files),
        text_column="text",
        paraphrases=None,
        tasks=(
            CheckedTask(
                group="biomed",
                name="mqp",
                source="data",
                files=(),
                sha256="1" * 64,
                items=610,
                items_found=0,
                documents=0,
                overlap=(),
            ),
        ),
        groups=(GroupOverlap(group="biomed", overlap=()),),
        flagged=(),
        hits=(),
    )
    record_path(folder).write_text(record.model_dump_json(indent=2), "utf-8")
    rewrite_card(folder)
