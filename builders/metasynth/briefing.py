"""What the meta-LM is told: the meta-prompt, the brief of a document, and the news of a round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.metasynth import prompts

if TYPE_CHECKING:
    from builders.corpora.base import Corpus
    from builders.endpoints.base import Message
    from builders.metasynth.experts import Expert
    from builders.metasynth.menu import Menu
    from builders.metasynth.protocol import TurnProtocol
    from builders.metasynth.workbench import Workbench
    from builders.steering.guidance import Guidance

DOMAIN_ADJECTIVES = {"biomed": "biomedical", "finance": "financial"}


def domain_adjective(domain: str) -> str:
    """How prompts speak of a domain."""
    return DOMAIN_ADJECTIVES.get(domain, domain.replace("-", " ").replace("_", " "))


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """Writes the meta-LM's side of the conversation.

    The system message is the same for all trajectories of a build, so that servers with a
    prefix cache compute it once; what changes comes after it.
    """

    corpus: Corpus
    team: tuple[Expert, ...]
    protocol: TurnProtocol
    guidance: Guidance
    example_personas: tuple[str, ...]

    def opening(self, bench: Workbench, menu: Menu) -> list[Message]:
        """Meta-prompt and brief: what every round of a document begins with."""
        brief = prompts.render(
            "brief.md",
            rows=bench.table.lines(),
            number=len(bench.table.rows) + 1,
            area=bench.seeds.drawn.area,
            subfield=bench.seeds.drawn.subfield,
            seed_topic=bench.seeds.text.topic if bench.seeds.text else "",
            unused=bench.seeds.unused,
            used=list(dict.fromkeys(bench.seeds.used)),
            menu=menu,
            facts=self.guidance.facts(),
            counted=self.guidance.counted,
            allowed=bench.allowed(),
        )
        return [{"role": "system", "content": self._meta_prompt()}, {"role": "user", "content": brief}]

    def news(self, bench: Workbench, *, round_number: int, reports: list[str]) -> Message:
        """What came of the last turn, and what may be called next."""
        content = prompts.render(
            "round.md",
            round=round_number,
            reports=reports,
            last=round_number == self.corpus.max_rounds,
            allowed=bench.allowed(),
        )
        return {"role": "user", "content": content}

    def _meta_prompt(self) -> str:
        return prompts.render(
            "meta.md",
            domain=domain_adjective(self.corpus.domain),
            experts=self.team,
            personas=self.example_personas,
            max_words=self.corpus.max_words,
            max_rounds=self.corpus.max_rounds,
            seeded=self.corpus.seed_documents is not None,
            protocol_rules=prompts.render(self.protocol.rules, personas=self.example_personas),
        )
