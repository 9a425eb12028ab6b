"""A repository of the Hub that files are pushed to: one atomic commit, asked again until it is there.

Whatever ends a push between its steps, pushing again is right: large files that arrived are not sent
again, nothing is visible before the commit, and a commit whose answer was lost is found again, because
the files are compared by content before anything is sent.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from builders.errors import UserError
from builders.hub.difference import Content, FileChange, Remote, difference
from builders.hub.failures import MOVED, explained, is_hub_failure, passes, status_of
from builders.hub.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

Kind = Literal["dataset", "model"]
MAIN = "main"
_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_NUMBERED = re.compile(r"v(\d+)")


@dataclass(frozen=True, slots=True)
class State:
    """What is there: the tip's commit, None where the repository or branch is not there yet."""

    exists: bool
    head: str | None
    private: bool
    files: dict[str, Remote]
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push came to.

    Attributes:
        commit: the tip's hash; None in a dry run.
        tag: that names it.
        changes: of every file.
        committed: whether a commit was made.
    """

    repo_id: str
    kind: Kind
    private: bool
    commit: str | None
    tag: str | None
    changes: tuple[FileChange, ...]
    committed: bool

    @property
    def changed(self) -> list[FileChange]:
        """Files that are, or would be, added, changed or deleted."""
        return [change for change in self.changes if change.what != "keep"]


@dataclass(slots=True)
class HubRepository:
    """A repository that this user pushes to.

    Attributes:
        repo_id: `OWNER/NAME`.
        api: the Hub's client; by default that of `HF_ENDPOINT`, with the token of `HF_TOKEN` or the login.
        say: takes a line for the user.
    """

    repo_id: str
    kind: Kind
    say: Callable[[str], None]
    revision: str = MAIN
    api: Any = None
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.repo_id):
            raise UserError(f"{self.repo_id!r} names no repository: give OWNER/NAME")
        if self.api is None:
            from huggingface_hub import HfApi

            self.api = HfApi(library_name="metasynth")

    def ask(self, request: Callable[[], Any]) -> Any:
        """Ask the Hub, again where that may help."""
        return self.patience(request, repo_id=self.repo_id, say=self.say)

    def log_in(self) -> str:
        """The user's name on the Hub.

        Raises:
            UserError: there is no token, or not one that the Hub accepts.
        """
        return str(self.ask(self.api.whoami)["name"])

    def state(self) -> State:
        """What is there now."""
        info = self.ask(lambda: self._found(self.api.repo_info, repo_id=self.repo_id, repo_type=self.kind))
        if info is None:
            return State(False, None, False, {}, {})
        refs = self.ask(lambda: self.api.list_repo_refs(self.repo_id, repo_type=self.kind))
        tips = {ref.name: ref.target_commit for ref in refs.branches}
        head = tips.get(self.revision)
        tags = {ref.name: ref.target_commit for ref in refs.tags}
        return State(True, head, bool(info.private), self._files(head), tags)

    def _files(self, head: str | None) -> dict[str, Remote]:
        if head is None:
            return {}
        listed = self.ask(
            lambda: list(
                self.api.list_repo_tree(self.repo_id, recursive=True, revision=head, repo_type=self.kind)
            )
        )
        return {
            entry.path: Remote(entry.blob_id, entry.lfs.sha256 if entry.lfs else None, entry.size)
            for entry in listed
            if hasattr(entry, "blob_id")
        }

    def _found(self, request: Callable[..., Any], **arguments: Any) -> Any:
        from huggingface_hub.errors import RepositoryNotFoundError

        with suppress(RepositoryNotFoundError):
            return request(**arguments)
        return None

    def fetch(self, patterns: list[str], revision: str, folder: Path) -> None:
        """Download the files of a commit that fit a pattern, under their names."""
        self.ask(
            lambda: self.api.snapshot_download(
                self.repo_id,
                repo_type=self.kind,
                revision=revision,
                allow_patterns=patterns,
                local_dir=folder,
            )
        )

    def plan(
        self, files: Mapping[str, Content], *, owned: Iterable[str] = (), tag: str | None = None
    ) -> Pushed:
        """What a push would do; changes nothing, and needs no token for a public repository."""
        state = self.state()
        changes = difference(files, state.files, owned=owned)
        named = self._tag(state, tag, changed=any(change.what != "keep" for change in changes))
        return Pushed(self.repo_id, self.kind, state.private, None, named, tuple(changes), committed=False)

    def push(
        self,
        files: Mapping[str, Content],
        *,
        message: str,
        private: bool,
        owned: Iterable[str] = (),
        tag: str | None = None,
        tagged: bool = True,
        expected: str | None = None,
    ) -> Pushed:
        """Make these files visible, all at once, and tag them.

        Args:
            files: contents by path.
            message: of the commit.
            private: make the repository private if it is made; one that is public is then refused.
            owned: see :func:`builders.hub.difference.difference`.
            tag: by default the next of v1, v2, ...
            tagged: whether the version gets a tag at all.
            expected: the tip that `files` were made for; another is the caller's to deal with.

        Raises:
            UserError: the Hub or the network fails for good.
            MovedError: the tip is another than the one expected.
        """
        patterns, sent = tuple(owned), False
        state = self._ready(private=private)
        for left in range(self.patience.tries - 1, -1, -1):
            changes = difference(files, state.files, owned=patterns)
            wanted = [change for change in changes if change.what != "keep"]
            if wanted and expected not in (None, state.head):
                raise MovedError(self.repo_id)
            named = self._tag(state, tag, changed=bool(wanted)) if tagged else None
            try:
                commit = self._commit(files, wanted, message=message, parent=state.head) if wanted else None
            except Exception as error:
                sent = True
                self._bear(error, left)
                state = self.state()  # the commit may be there, its answer lost
                continue
            self._name(state, named, commit)
            tip = commit or state.head
            done = sent or commit is not None
            return Pushed(self.repo_id, self.kind, state.private, tip, named, tuple(changes), committed=done)
        raise AssertionError("unreachable")

    def _bear(self, error: Exception, left: int) -> None:
        """Wait before a commit is tried again, so many times at most; else give up in one line."""
        moved = status_of(error) in MOVED
        if not is_hub_failure(error):
            raise error
        if not left or not (moved or passes(error)):
            raise explained(error, self.repo_id) from None
        if moved:
            self.say(f"somebody else commits to {self.repo_id}: looking again")
        self.patience.wait(error, left, say=self.say, silent=moved)

    def _ready(self, *, private: bool) -> State:
        """The state of the repository, made where it is not there."""
        self.log_in()
        state = self.state()
        if not state.exists:
            self.say(f"making the {'private ' if private else ''}{self.kind} repository {self.repo_id}")
            self.ask(
                lambda: self.api.create_repo(
                    self.repo_id, repo_type=self.kind, private=private or None, exist_ok=True
                )
            )
            state = self.state()
        if private and not state.private:
            raise UserError(
                f"{self.repo_id} exists and is public: make it private in its settings, leave --private out, "
                "or choose another name"
            )
        if state.head is None:
            self.ask(
                lambda: self.api.create_branch(
                    self.repo_id, branch=self.revision, repo_type=self.kind, exist_ok=True
                )
            )
            state = self.state()
        return state

    def _commit(
        self, files: Mapping[str, Content], changes: list[FileChange], *, message: str, parent: str | None
    ) -> str:
        """Upload what is large, commit, and give the commit's hash."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        operations = [
            CommitOperationDelete(change.path, is_folder=False)
            if change.what == "delete"
            else CommitOperationAdd(change.path, files[change.path])
            for change in changes
        ]
        size = sum(change.size for change in changes)
        self.say(f"pushing {len(changes):,} files ({size / 1e6:,.1f} MB) to {self.repo_id}")
        made = self.api.create_commit(
            self.repo_id,
            operations,
            commit_message=message,
            repo_type=self.kind,
            revision=self.revision,
            parent_commit=parent,
        )
        return str(made.oid)

    def _tag(self, state: State, tag: str | None, *, changed: bool) -> str:
        """The name of the version: a tag of the tip if nothing changes, else the one given or the next.

        Raises:
            UserError: the tag names another version.
        """
        own = [name for name, commit in state.tags.items() if commit == state.head and not changed]
        if tag is not None:
            if tag in state.tags and tag not in own:
                raise UserError(
                    f"the tag {tag} of {self.repo_id} names another version "
                    f"({state.tags[tag][:8]}): choose another --tag"
                )
            return tag
        numbers = {int(found[1]): name for name in state.tags if (found := _NUMBERED.fullmatch(name))}
        mine = [number for number, name in numbers.items() if name in own]
        return f"v{max(mine) if mine else max(numbers, default=0) + 1}"

    def _name(self, state: State, tag: str | None, commit: str | None = None) -> None:
        commit = commit or state.head
        if tag is None or state.tags.get(tag) == commit:
            return
        self.ask(
            lambda: self.api.create_tag(
                self.repo_id, tag=tag, revision=commit, repo_type=self.kind, exist_ok=True
            )
        )


class MovedError(Exception):
    """The tip of a repository is another than the one that files were made for."""
