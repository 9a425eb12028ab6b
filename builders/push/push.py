"""A corpus to its repository, from the checks to the tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.hub.repository import HubRepository
from builders.push.contents import contents_of
from builders.push.truth import check_corpus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builders.hub.repository import Pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """What is pushed where.

    Attributes:
        folder: of a finished corpus.
        repo_id: `OWNER/NAME`.
        private: make the repository private, and refuse one that is public.
        revision: branch.
        tag: of this version; by default the next of v1, v2, ...
        unchecked, allow_simulated: see :func:`builders.push.truth.check_corpus`.
    """

    folder: Path
    repo_id: str
    private: bool = False
    revision: str = "main"
    tag: str | None = None
    unchecked: bool = False
    allow_simulated: bool = False


def push(request: PushRequest, *, say: Callable[[str], None], dry_run: bool = False) -> Pushed:
    """Push a corpus in one commit, or say what that would do.

    Raises:
        UserError: the corpus may not be shown as it is, or the Hub or the network fails for good.
    """
    repository = HubRepository(request.repo_id, "dataset", say, revision=request.revision)
    say(f"checking {request.folder} against its card")
    facts = check_corpus(request.folder, unchecked=request.unchecked, allow_simulated=request.allow_simulated)
    contents = contents_of(request.folder)
    if dry_run:
        return repository.plan(contents.files, owned=contents.owned, tag=request.tag)
    return repository.push(
        contents.files,
        message=f"{facts.name}: {facts.documents:,} documents, {facts.tokens:,} tokens",
        private=request.private,
        owned=contents.owned,
        tag=request.tag,
    )
