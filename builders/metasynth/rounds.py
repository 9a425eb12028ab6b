"""The rounds of an attempt: the meta-LM speaks, the experts work, the meta-LM is told, until it finishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from builders.endpoints.errors import Incomplete, Rejected
from builders.metasynth.memory import ContextTooSmallError, fit
from builders.metasynth.protocol import Finish
from builders.method import META_LM, Rejection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from builders.calls import CallSequence
    from builders.corpora.base import Corpus, Decoding
    from builders.endpoints.base import Message
    from builders.metasynth.experts import Expert
    from builders.metasynth.menu import Menu
    from builders.metasynth.protocol import ExpertCall, TurnProtocol
    from builders.method import Narrator


class Bench(Protocol):
    """The state of an attempt, as far as its rounds depend on it."""

    @property
    def rejections(self) -> list[Rejection]:
        """Why drafts, or the attempt, did not stand."""
        ...

    @property
    def finishable(self) -> bool:
        """Whether what was asked for is there."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether the attempt has used up its rewrites."""
        ...

    def allowed(self) -> list[str]:
        """Who may be called next."""
        ...


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """How the meta-LM and its experts take turns.

    Attributes:
        corpus: the limit of rounds.
        team: who may be called at all.
        protocol: how turns are read.
        decoding: room for answers.
        context_tokens: prompt plus answer must fit into so many tokens.
        narrate: hears who works.
        made: what is made, in a word.
    """

    corpus: Corpus
    team: tuple[Expert, ...]
    protocol: TurnProtocol
    decoding: Decoding
    context_tokens: int
    narrate: Narrator
    made: str

    def require_room(self, opening: list[Message]) -> None:
        """Raise `ContextTooSmallError` unless an opening and one exchange fit the model."""
        longest: Message = {"role": "user", "content": "word " * self.corpus.max_words}
        fit([*opening, longest, longest], budget=self._prompt_tokens)

    async def until_finished(
        self,
        opening: list[Message],
        bench: Bench,
        menu: Menu,
        calls: CallSequence,
        *,
        work: Callable[[ExpertCall, int], Awaitable[str]],
        news: Callable[[int, list[str]], Message],
    ) -> Finish | None:
        """Go on until the meta-LM finishes; None when the attempt is dropped, with the reason on the bench.

        Args:
            opening: what every round begins with.
            bench: the state of the attempt.
            menu: suggestions for it.
            calls: where calls are asked and traced.
            work: has an expert work, called by the turn of that number; what the meta-LM is told of it.
            news: what the meta-LM is shown before the round of that number, given the reports of the last.

        Raises:
            ContextTooSmallError: there is no room for the first exchange.
        """
        self.require_room(opening)
        log = list(opening)
        try:
            for number in range(1, self.corpus.max_rounds + 1):
                turn = await calls.ask(
                    META_LM,
                    fit(log, budget=self._prompt_tokens),
                    max_tokens=self.decoding.turn_tokens,
                    schema=self.protocol.turn_schema(bench.allowed(), menu),
                )
                parent = len(calls.trace) - 1
                read = self.protocol.read(turn.text, self.team)
                reports = list(read.problems)
                for move in read.moves:
                    if isinstance(move, Finish) and bench.finishable:
                        return move
                    if isinstance(move, Finish):
                        reports.append(f"The {self.made} cannot be finished yet.")
                        continue
                    self.narrate(calls.trajectory, move.expert.name)
                    reports.append(await work(move, parent))
                    if bench.exhausted:
                        return None
                log.append({"role": "assistant", "content": turn.text})
                log.append(news(number + 1, reports))
        except (Incomplete, Rejected) as error:
            bench.rejections.append(Rejection("call-failed", str(error)))
        except ContextTooSmallError as error:
            bench.rejections.append(Rejection("context-full", str(error)))
        else:
            bench.rejections.append(Rejection("round-limit", "not finished within the round limit"))
        return None

    @property
    def _prompt_tokens(self) -> int:
        return self.context_tokens - max(self.decoding.turn_tokens, self.decoding.document_tokens)
