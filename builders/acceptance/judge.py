"""The judge: tidies a draft and puts it to the checks of a corpus."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.acceptance.base import Candidate, Check, first_rejection
from builders.acceptance.clean import clean_document
from builders.acceptance.defaults import default_checks
from builders.acceptance.grounding import audit
from builders.acceptance.language import English
from builders.acceptance.seed_copy import SeedCopy
from builders.method import Grounding, Judgement
from builders.seeds.documents.overlap import containment, longest_shared_run

if TYPE_CHECKING:
    from builders.corpora.base import Corpus
    from builders.method import Draft

_SENTENCE_END = re.compile(r"[.!?][\"'\u201d\u2019)\]]*(?=\s|$)")


@dataclass(frozen=True)
class CorpusJudge:
    """Judges drafts one by one; fulfils :class:`builders.method.Judge`."""

    checks: tuple[Check, ...]

    @classmethod
    def of(cls, corpus: Corpus) -> CorpusJudge:
        """The judge with a corpus' limits."""
        checks = default_checks(
            min_words=corpus.min_words, max_words=corpus.max_words, leak_words=corpus.leak_words
        )
        checks = (*checks, SeedCopy())
        return cls(
            tuple(check for check in checks if corpus.language_check or not isinstance(check, English))
        )

    def __call__(self, draft: Draft) -> Judgement:
        """Tidy, then check. An answer cut at `max_tokens` first loses its unfinished sentence."""
        text = clean_document(whole_sentences(draft.text) if draft.cut else draft.text)
        rejection = first_rejection(self.checks, Candidate(text=text, prompts=draft.prompts, seed=draft.seed))
        return Judgement(text=text, rejection=rejection, grounding=_grounding(text, draft.seed))


def _grounding(text: str, seed: str) -> Grounding | None:
    if not seed:
        return None
    return Grounding(
        overlap=containment(text, seed),
        longest_run=longest_shared_run(text, seed),
        claims=audit(text, seed),
    )


def whole_sentences(text: str) -> str:
    """A text up to its last finished sentence; all of it where none is finished."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else text
