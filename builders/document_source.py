"""The documents that a build of instructions begins with, and has to go on with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builders.dataset.rows import SourceFacts
from builders.errors import UserError
from builders.metasynth.instruct import Documents, read_documents

if TYPE_CHECKING:
    from pathlib import Path

    from builders.corpora.base import Corpus
    from builders.journal import Journal

SOURCE = "source"
_DIFFERENCES = {
    "name": "its name",
    "version": "the version that built it",
    "digest": "its settings, seed or model",
    "documents": "the number of its documents",
    "sha256": "its documents",
}


def open_source(
    corpus: Corpus, journal: Journal, *, folder: Path, named: str | None, corpus_seed: int
) -> Documents:
    """The documents of the corpus that instructions are made from.

    Args:
        corpus: the corpus of instructions.
        journal: of the build; holds what it was begun with.
        folder: the folder of the build, beside which the documents' corpus lies.
        named: name or folder of another corpus of documents than the corpus says.
        corpus_seed: seed of the build.

    Raises:
        UserError: there are no such documents, or others than the build was begun with.
    """
    assert corpus.instruct is not None, "a corpus of instructions says how they are made"
    place = _place(folder.parent, named or corpus.instruct.source)
    documents = read_documents(place, domain=corpus.domain, copy=journal.path.parent, corpus_seed=corpus_seed)
    known = journal.meta(SOURCE)
    if known is None:
        journal.set_meta(SOURCE, documents.facts.model_dump_json())
        return documents
    begun = SourceFacts.model_validate(json.loads(known))
    different = [what for field, what in _DIFFERENCES.items() if _differ(field, begun, documents.facts)]
    if different:
        raise UserError(
            f"{folder} was begun from {begun.name} as version {begun.version} built it "
            f"({begun.documents:,} documents, sha256 {begun.sha256[:12]}), and {place} differs in "
            f"{', '.join(different)}; put that corpus back, name it with --from, or build into another "
            "--output"
        )
    return documents


def _place(beside: Path, named: str) -> Path:
    """The corpus of that name beside the build, or else the folder itself that was named."""
    folder = beside / named
    return type(folder)(named) if not folder.is_dir() and type(folder)(named).is_dir() else folder


def _differ(field: str, begun: SourceFacts, found: SourceFacts) -> bool:
    return bool(getattr(begun, field) != getattr(found, field))
