"""The judge of instructions: a question that stands by itself, and a response that rests on its document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.acceptance.base import Candidate, Check, Rejection, first_rejection
from builders.acceptance.chatter import Chatter
from builders.acceptance.grounded import Grounded, content_words, listed_words, longest_run
from builders.acceptance.judge import CorpusJudge
from builders.acceptance.leak import PromptLeak
from builders.acceptance.length import Length
from builders.acceptance.refusal import Refusal
from builders.acceptance.shingles import jaccard, shingle_hashes
from builders.acceptance.words import excerpt
from builders.method import Judgement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builders.corpora.base import Corpus
    from builders.method import Draft

MIN_SHARED = 0.4
"""Smallest share of the content words of a question that its document must hold."""

_LABEL = re.compile(
    r"\A[*_#>\s]*(?:(?:the |my |your |a )?(?:new |edited |rewritten |revised |harder |final |one )*"
    r"(?:question|task|instruction|prompt|exam question)[*_]*(?: \d+)?[*_]*\s*[:.][*_]*"
    r"|q\d*[.:)]|\d{1,2}[.)])\s*",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    r"\s*\n?[*_]*\b(?:answer|response|solution|explanation|note)s?[*_]*\s*:.*\Z", re.I | re.S
)
_OF_A_TEXT = re.compile(
    r"\b(?:the|this|that|your|above|following|given|provided|said) (?:\w+ )?"
    r"(?:text|document|passage|article|excerpt|essay|dialogue|transcript|paragraph|material|author|narrator)\b"
    r"|\baccording to (?:the|this) (?:text|document|passage|article|author|case|notes?)\b"
    r"|\b(?:mentioned|described|stated|listed|discussed|named|given|provided) (?:above|below|earlier|here)\b"
    r"|\bin the (?:context|words|situation) of the (?:text|document|passage|article)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_REFERENCE = re.compile(r"\[(?:document|material|persona|question|response|questions|suggestions)\]", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInstructionJudge:
    """Fulfils :class:`builders.metasynth.instruct.staff.InstructionJudge`.

    Attributes:
        asked: checks of a question by itself.
        answered: checks of a response by itself, and what tidies it.
        grounded: the check of a response against its document.
        max_copied: largest share of a response's words in one run of its document.
        threshold, shingle: how alike two questions are at most.
    """

    asked: tuple[Check, ...]
    answered: CorpusJudge
    grounded: Grounded
    max_copied: float
    threshold: float | None
    shingle: int

    @classmethod
    def of(cls, corpus: Corpus) -> DocumentInstructionJudge:
        """The judge with a corpus' limits; the corpus has the settings `instruct`."""
        limits = corpus.instruct
        assert limits is not None, "a corpus of instructions says how they are made"
        return cls(
            asked=(
                Refusal(),
                Length(min_words=limits.min_instruction_words, max_words=limits.max_instruction_words),
                Chatter(),
                PromptLeak(words=corpus.leak_words),
            ),
            answered=CorpusJudge.of(corpus),
            grounded=Grounded(min_support=limits.min_support),
            max_copied=limits.max_copied,
            threshold=corpus.near_duplicate_threshold,
            shingle=corpus.near_duplicate_shingle,
        )

    def question(self, draft: Draft, *, document: str, current: str, earlier: Sequence[str]) -> Judgement:
        """Judge a question; see :class:`builders.metasynth.instruct.staff.InstructionJudge`."""
        text = clean_question(draft.text)
        rejection = (
            first_rejection(self.asked, Candidate(text=text, prompts=draft.prompts))
            or _no_task(text)
            or _of_a_text(text)
            or _off_topic(text, document)
            or (Rejection("unchanged", "the question is as it was") if _same(text, current) else None)
            or self._repeated(text, earlier)
        )
        return Judgement(text=text, rejection=rejection)

    def response(self, draft: Draft, *, document: str, question: str) -> Judgement:
        """Judge a response; see :class:`builders.metasynth.instruct.staff.InstructionJudge`."""
        judged = self.answered(draft)
        if judged.rejection:
            return judged
        rejection = _of_a_text(judged.text) or self.grounded(judged.text, (document, question))
        if not rejection and (share := longest_run(judged.text, document)) > self.max_copied:
            rejection = Rejection("copied", f"{share:.0%} of it is one run of words of the document")
        return Judgement(text=judged.text, rejection=rejection)

    def _repeated(self, text: str, earlier: Sequence[str]) -> Rejection | None:
        if self.threshold is None:
            return None
        own = shingle_hashes(text, words=self.shingle)
        for other in earlier:
            alike = jaccard(own, shingle_hashes(other, words=self.shingle))
            if alike >= self.threshold:
                return Rejection("repeated", f"{alike:.0%} of its wording is that of {excerpt(other)}")
        return None


def clean_question(text: str) -> str:
    """A question without its packaging: labels, quotes, an answer that follows it.

    What a model adds after the first paragraph that asks something is left out. Deterministic.
    """
    text = _TRAILER.sub("", text.replace("\r\n", "\n").strip())
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip()]
    text = next(
        (paragraph for paragraph in paragraphs if "?" in paragraph), paragraphs[0] if paragraphs else ""
    )
    while (bare := _LABEL.sub("", text).strip().strip("\"'`*\u201c\u201d").strip()) != text:
        text = bare
    return " ".join(text.split())


def _no_task(text: str) -> Rejection | None:
    sentences, verbs = _SENTENCE.split(text), listed_words("task_verbs")
    asks = any(sentence.rstrip("\"')*\u201d").endswith("?") for sentence in sentences)
    told = any(re.split(r"\W", sentence.lower(), maxsplit=1)[0] in verbs for sentence in sentences)
    if not asks and not told:
        return Rejection("no-task", "it neither asks a question nor sets a task")
    if asks and not sentences[-1].rstrip("\"')*\u201d").endswith("?") and not told:
        return Rejection("answers-itself", f"goes on after its question: {excerpt(sentences[-1])}")
    if not re.search(r"[.?!:][\"')*\u201d]*$", text):
        return Rejection("truncated", f"breaks off: {excerpt('...' + text[-60:])}")
    return None


def _of_a_text(text: str) -> Rejection | None:
    if found := _OF_A_TEXT.search(text) or _REFERENCE.search(text):
        return Rejection("refers-to-text", f"speaks of a text that its reader does not see: {found[0]!r}")
    return None


def _off_topic(text: str, document: str) -> Rejection | None:
    asked = content_words(text).keys()
    shared = len(asked & content_words(document).keys())
    if shared < MIN_SHARED * max(len(asked), 1):
        return Rejection("off-topic", f"{shared} of its {len(asked)} content words occur in the document")
    return None


def _same(text: str, current: str) -> bool:
    return text.casefold() == current.casefold()
