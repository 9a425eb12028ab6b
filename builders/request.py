"""What a build is asked for, and who is told how it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from builders.crew import TrajectoryListener
from builders.endpoints.pool import Retries
from builders.endpoints.timeouts import Timeouts
from builders.journal import Budget

if TYPE_CHECKING:
    from pathlib import Path

    from builders.corpora.base import Corpus
    from builders.endpoints.base import Completion, EndpointInfo
    from builders.tokenizer import NamedTokenizer
    from builders.trajectories import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What the user asked for.

    Attributes:
        corpus: what to build.
        target: how much to accept.
        tokenizer: what counts tokens; None for the served model's.
        seed: seed of the whole build.
        folder: the dataset folder.
        endpoints: base URLs; none for the embedded endpoint.
        adapter: `chat`, or `text-generation` for TGI's native routes.
        dialect: how structured output is asked for; None to go by what the server says.
        protocol: `text` or `guided`; None to go by what the endpoint supports.
        concurrency: calls in flight at most; None for what the endpoints take.
        retries: how often a call is asked again.
        timeouts: how long an endpoint is waited for.
        budget: what the build may spend.
        allow_model_change: go on when an endpoint serves another model than before.
        source: of instructions, name or folder of the documents' corpus; None for what the corpus says.
    """

    corpus: Corpus
    target: Target
    seed: int
    folder: Path
    tokenizer: NamedTokenizer | None = None
    endpoints: tuple[str, ...] = ()
    adapter: str = "chat"
    dialect: Literal["tgi", "openai"] | None = None
    protocol: Literal["text", "guided"] | None = None
    concurrency: int | None = None
    retries: Retries = field(default_factory=Retries)
    timeouts: Timeouts = field(default_factory=Timeouts)
    budget: Budget = field(default_factory=Budget)
    allow_model_change: bool = False
    source: str | None = None


class Display(TrajectoryListener, Protocol):
    """Shows a build to a person."""

    def started(self, request: BuildRequest, info: EndpointInfo, protocol: str) -> None:
        """The endpoint answers; work begins."""
        ...

    def called(self, trajectory: int, event: str) -> None:
        """A trajectory calls an expert."""
        ...

    def answered(self, completion: Completion, *, recorded: bool) -> None:
        """A call was answered."""
        ...

    def say(self, line: str) -> None:
        """Tell what a person should know."""
        ...

    def draining(self) -> None:
        """The first Ctrl-C: calls in flight are finished."""
        ...
