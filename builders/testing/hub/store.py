"""What the double holds: repositories with their commits, branches and tags, and large files.

In memory; a commit replaces a branch's tip in one step, so a reader sees all of it or none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

ATTRIBUTES = ".gitattributes"
LARGE = (".parquet", ".safetensors", ".bin", ".gz", ".zst", ".arrow", ".npz", ".png", ".jpg", ".pt", ".7z")
LARGE_FROM = 10 * 1024 * 1024
MAIN = "main"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit: its bytes, or the SHA-256 and size of a large one."""

    content: bytes = b""
    sha256: str | None = None
    large_size: int = 0

    @property
    def size(self) -> int:
        """In bytes, of the file itself."""
        return self.large_size if self.sha256 else len(self.content)

    @property
    def blob(self) -> bytes:
        """What git holds of it: the file, or the pointer to a large one."""
        return POINTER.format(self.sha256, self.large_size).encode() if self.sha256 else self.content

    @property
    def oid(self) -> str:
        """Git's hash of the blob."""
        return git_hash(self.blob)


@dataclass(frozen=True, slots=True)
class Commit:
    """A state of all files; `oid` is a hash of it and of everything before."""

    oid: str
    title: str
    author: str
    date: datetime
    parent: Commit | None
    files: dict[str, Entry]


@dataclass(slots=True)
class Repository:
    """A repository of the Hub.

    Attributes:
        kind: `model`, `dataset` or `space`.
        branches, tags: commits by name.
        benchmark: whether the Hub has allow-listed the dataset as a Benchmark.
    """

    kind: str
    owner: str
    name: str
    private: bool
    branches: dict[str, Commit] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    benchmark: bool = False

    @property
    def id(self) -> str:
        """`OWNER/NAME`."""
        return f"{self.owner}/{self.name}"

    @property
    def head(self) -> Commit:
        """The tip of `main`."""
        return self.branches[MAIN]

    @property
    def files(self) -> dict[str, Entry]:
        """What is visible at the tip of `main`."""
        return self.head.files

    def at(self, revision: str) -> Commit | None:
        """The commit of a branch, tag or (abbreviated) hash."""
        if revision in self.branches or revision in self.tags:
            return self.branches.get(revision) or self.tags[revision]
        tips = [*self.branches.values(), *self.tags.values()]
        found = (commit for tip in tips for commit in history(tip) if len(revision) >= 7)
        return next((commit for commit in found if commit.oid.startswith(revision)), None)

    def commit(self, branch: str, files: dict[str, Entry], *, title: str, author: str) -> Commit:
        """Make these the files of a branch."""
        parent = self.branches.get(branch)
        told = [parent.oid if parent else "", title, *(f"{path} {files[path].oid}" for path in sorted(files))]
        made = Commit(
            hashlib.sha1("\n".join(told).encode(), usedforsecurity=False).hexdigest(),
            title,
            author,
            datetime.now(UTC),
            parent,
            files,
        )
        self.branches[branch] = made
        return made


class Store:
    """All repositories, and the large files that were uploaded, committed or not."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.large: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}

    def get(self, kind: str, repo_id: str) -> Repository | None:
        """The repository of a kind and `OWNER/NAME`."""
        return self.repositories.get((kind, repo_id))

    def create(self, kind: str, owner: str, name: str, *, private: bool = False) -> Repository:
        """A new repository with its first commit, as the Hub makes it."""
        repository = Repository(kind, owner, name, private)
        lines = "".join(f"*{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LARGE)
        repository.commit(MAIN, {ATTRIBUTES: Entry(lines.encode())}, title="initial commit", author=owner)
        self.repositories[kind, repository.id] = repository
        return repository

    def content(self, entry: Entry) -> bytes:
        """The bytes of a file."""
        return self.large[entry.sha256] if entry.sha256 else entry.content

    def keep_large(self, oid: str, content: bytes) -> bool:
        """Keep an uploaded file, if it is the one that it is called; tells whether."""
        sound = hashlib.sha256(content).hexdigest() == oid
        if sound:
            self.large[oid] = content
        return sound


def history(commit: Commit | None) -> list[Commit]:
    """A commit and all before it, the latest first."""
    commits = []
    while commit is not None:
        commits.append(commit)
        commit = commit.parent
    return commits


def git_hash(content: bytes) -> str:
    """Git's hash of a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def is_large(path: str, size: int) -> bool:
    """Whether the Hub keeps a file outside git."""
    return path.endswith(LARGE) or size >= LARGE_FROM
