"""What a generated document must pass before it enters a corpus."""

from __future__ import annotations

from builders.acceptance.base import Candidate, Check, Rejection, first_rejection
from builders.acceptance.chatter import Chatter
from builders.acceptance.clean import clean_document
from builders.acceptance.defaults import default_checks
from builders.acceptance.degenerate import Degenerate
from builders.acceptance.duplicates import ExactDuplicates
from builders.acceptance.judge import CorpusJudge
from builders.acceptance.language import English
from builders.acceptance.leak import PromptLeak
from builders.acceptance.length import Length
from builders.acceptance.near_duplicates import Match, NearDuplicates
from builders.acceptance.refusal import Refusal
from builders.acceptance.truncated import Truncated

__all__ = [
    "Candidate",
    "Chatter",
    "Check",
    "CorpusJudge",
    "Degenerate",
    "English",
    "ExactDuplicates",
    "Length",
    "Match",
    "NearDuplicates",
    "PromptLeak",
    "Refusal",
    "Rejection",
    "Truncated",
    "clean_document",
    "default_checks",
    "first_rejection",
]
