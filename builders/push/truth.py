"""Whether a card says what the data says: every figure is computed again before anything is pushed."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from builders.dataset.contamination import file_hashes, read_contamination, record_path
from builders.dataset.package import CARD, card_of
from builders.dataset.reader import DATA, FACTS, open_dataset
from builders.dataset.untrusted import one_line
from builders.diversity.brief import own_rows
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builders.dataset.reader import DatasetReader
    from builders.dataset.rows import BuildFacts

SHOWN = 90


def check_corpus(folder: Path, *, unchecked: bool = False, allow_simulated: bool = False) -> BuildFacts:
    """See that a corpus may be shown to others.

    Args:
        folder: of a finished corpus.
        unchecked: let one through that was not checked for test items.
        allow_simulated: let one through that no language model wrote.

    Raises:
        UserError: it may not; names the file, the figure and the remedy.
    """
    reader = open_dataset(folder)
    if reader.facts.simulated and not allow_simulated:
        raise UserError(
            f"{folder.name} was written by a simulated endpoint: it is no corpus; push it with "
            "--allow-simulated if you only try the path"
        )
    if not unchecked:
        _check_contamination(folder)
    _check_facts(reader)
    _check_card(folder)
    return reader.facts


def _check_contamination(folder: Path) -> None:
    record = read_contamination(record_path(folder))
    remedy = f"run `builders check {folder.name}`, or push with --unchecked"
    if record is None:
        raise UserError(f"{folder.name} was not checked for the benchmarks' test items: {remedy}")
    shards = file_hashes(sorted(folder.glob(f"{DATA}/train-*")), folder)
    if not record.speaks_of(shards):
        raise UserError(
            f"{record_path(folder)} speaks of other documents than {folder.name} holds now: {remedy}"
        )


def _check_facts(reader: DatasetReader) -> None:
    """The counts and diversity in `build.json`, computed from the rows."""
    facts = reader.facts
    for name, told, found in _counts(reader):
        if told != found:
            raise UserError(
                f"{reader.folder / FACTS}: field {name}: {told:,}, but the rows give {found:,}: remove the "
                f"file and run `builders build {facts.name}` again"
            )
    if (measured := facts.diversity) is None:
        return
    texts = (row.text for row in reader.documents())
    rows = own_rows(texts, facts.documents, size=measured.documents, words=measured.words)
    for told_row, found_row in zip(measured.rows, rows, strict=False):
        if told_row.own != found_row.own:
            raise UserError(
                f"{reader.folder / FACTS}: diversity: {told_row.title}: {told_row.own.value}, but the "
                f"documents give {found_row.own.value}: remove the file and run "
                f"`builders build {facts.name}` again"
            )


def _counts(reader: DatasetReader) -> Iterator[tuple[str, int, int]]:
    """Name, what `build.json` says, what the rows say."""
    documents = words = tokens = 0
    for row in reader.documents():
        documents += 1
        counted = len(row.text.split())
        if row.n_words != counted:
            raise UserError(
                f"{reader.folder}: document {documents}: n_words {row.n_words:,}, but its text has "
                f"{counted:,}: run `builders build {reader.facts.name}` again"
            )
        words += counted
        tokens += row.n_tokens
    facts = reader.facts
    yield "documents", facts.documents, documents
    yield "words", facts.words, words
    yield "tokens", facts.tokens, tokens


def _check_card(folder: Path) -> None:
    """Every line of the card that holds a figure must be the one that the records give.

    Lines that a person added, or prose without figures that he changed, are his.
    """
    path = folder / CARD
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror or error}): `builders check {folder.name}` writes it "
            "anew"
        ) from None
    there = set(lines)
    for line in card_of(folder).splitlines():
        if line not in there and any(character.isdigit() for character in line):
            near = get_close_matches(line, lines, n=1, cutoff=0.8)
            place = f"line {lines.index(near[0]) + 1}: {_short(near[0])}" if near else "a line is missing"
            raise UserError(
                f"{path}: {place}; the data gives: {_short(line)}. `builders check {folder.name}` writes the "
                "card anew"
            )


def _short(line: str) -> str:
    line = one_line(line)
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."
