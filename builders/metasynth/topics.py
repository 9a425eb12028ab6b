"""Topic labels of seed documents, by the Topic Label Expert; asked for once each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.endpoints.base import Sampling
from builders.endpoints.errors import Incomplete, Rejected
from builders.metasynth.answers import read_json, read_line
from builders.metasynth.briefing import domain_adjective
from builders.metasynth.experts import all_experts
from builders.metasynth.staff import TOPIC_WORDS
from builders.method import TraceCall, derive_seed
from builders.seeds.documents.overlap import withhold

if TYPE_CHECKING:
    from builders.corpora.base import Decoding
    from builders.endpoints.base import Chat, JsonSchema, Message
    from builders.seeds.documents import SeedDocument

TOPIC_LABEL_EXPERT = "Topic Label Expert"
LABEL_TOKENS = 60
TOPIC_SCHEMA: JsonSchema = {
    "type": "object",
    "properties": {"topic": {"type": "string", "minLength": 4, "maxLength": 60}},
    "required": ["topic"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Label:
    """The label of a document.

    Attributes:
        number: of the document, in the index.
        topic: empty where the call failed for good.
        call: as a trace shows it; None where it failed.
    """

    number: int
    topic: str
    call: TraceCall | None

    @property
    def key(self) -> str:
        """What is compared: labels that differ in case and punctuation only are one."""
        return " ".join("".join(char if char.isalnum() else " " for char in self.topic.casefold()).split())


class TopicLabels:
    """Asks for labels; one depends on its document and the build's seed alone.

    Args:
        domain: what the expert is told that it labels.
        corpus_seed: seed of the whole build.
        decoding: how labels are sampled.
        guided: labels are asked for as JSON.
    """

    def __init__(self, *, domain: str, corpus_seed: int, decoding: Decoding, guided: bool) -> None:
        self._domain = domain_adjective(domain)
        self._corpus_seed = corpus_seed
        self._decoding = decoding
        self._schema = TOPIC_SCHEMA if guided else None
        self._known: dict[int, Label] = {}

    async def label(self, document: SeedDocument, *, excerpt: str, chat: Chat) -> Label:
        """The label of a document, of which the expert reads the excerpt.

        Raises:
            EndpointError: the call failed, and may be made again.
        """
        if document.number not in self._known:
            self._known[document.number] = await self._ask(document, excerpt, chat)
        return self._known[document.number]

    async def _ask(self, document: SeedDocument, excerpt: str, chat: Chat) -> Label:
        system = all_experts()[TOPIC_LABEL_EXPERT].system_prompt(domain=self._domain)
        asked = f"Label the topic of this text:\n\n{excerpt}"
        messages: list[Message] = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
        sampling = Sampling(
            max_tokens=LABEL_TOKENS,
            temperature=self._decoding.temperature,
            top_p=self._decoding.top_p,
            frequency_penalty=self._decoding.frequency_penalty,
            seed=derive_seed("topic", self._corpus_seed, document.number),
        )
        try:
            answer = await chat.chat(messages, sampling, self._schema)
        except (Incomplete, Rejected):
            return Label(document.number, "", None)
        call = TraceCall(
            role=TOPIC_LABEL_EXPERT,
            instruction=withhold(asked, document.text),
            output=withhold(answer.text, document.text),
            sampling=sampling,
            completion=answer,
            parent=None,
        )
        return Label(document.number, read_topic(answer.text), call)


def read_topic(output: str) -> str:
    """The label of an answer, as JSON or as text; empty where there is none."""
    parsed = read_json(output)
    told = str(parsed.get("topic", "")) if isinstance(parsed, dict) else output
    lead, colon, rest = told.strip().partition(":")
    if colon and "topic" in lead.casefold() and rest.strip():
        told = rest
    return read_line(told, max_words=TOPIC_WORDS)
