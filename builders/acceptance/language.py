"""English, from the first words to the last."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from builders.acceptance.base import Rejection

if TYPE_CHECKING:
    from builders.acceptance.base import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class English:
    """Wants English at both ends of the document, in the judgement of py3langid.

    Small models drift into another language half-way, so head and tail are judged apart.
    A passage is turned down when another language, or "no language", takes more than
    ``confidence`` of the probability; tables of figures stay in doubt and pass.

    Attributes:
        characters: how much of each end to read. The model walks byte by byte in Python
            (about 0.5 microseconds each), which makes this the dearest check.
        confidence: probability in [0, 1) above which another language is believed.
    """

    name: ClassVar[str] = "english"

    characters: int = 500
    confidence: float = 0.5

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``not-english``, naming the language found."""
        for passage in self._passages(candidate.text):
            language, probability = _identifier().classify(passage)
            if language != "en" and probability > self.confidence:
                return Rejection("not-english", f"reads as {language!r} with probability {probability:.2f}")
        return None

    def _passages(self, text: str) -> tuple[str, ...]:
        if len(text) <= 2 * self.characters:
            return (text,)
        return text[: self.characters], text[-self.characters :]


@cache
def _identifier() -> Any:
    """py3langid's model; loading takes about a second, so the first document pays for it."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
