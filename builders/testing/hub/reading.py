"""The routes of the double that only read."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import yaml
from aiohttp import web

from builders.testing.hub.accounts import account_of, may_read
from builders.testing.hub.refusals import Refused
from builders.testing.hub.store import Commit, Repository, history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builders.testing.hub.accounts import Account
    from builders.testing.hub.store import Entry, Store

PAGE = 1000
TRUE = ("1", "true", "True")


class Reading:
    """Answers what asks for something.

    Args:
        store: what there is.
        accounts: who there is, by token.
        page: entries of a listing in one answer.
    """

    def __init__(self, store: Store, accounts: Mapping[str, Account], *, page: int = PAGE) -> None:
        self._store, self._accounts, self._page = store, accounts, page

    async def whoami(self, request: web.Request) -> web.Response:
        """`GET /api/whoami-v2`."""
        account = self._account(request)
        if account is None:
            raise Refused(401, "Invalid username or password.")
        return web.json_response(
            {
                "type": "user",
                "id": account.name,
                "name": account.name,
                "fullname": account.name,
                "orgs": [{"type": "org", "name": name} for name in account.organisations],
                "auth": {
                    "type": "access_token",
                    "accessToken": {"role": "write" if account.writes else "read"},
                },
            }
        )

    async def listing(self, request: web.Request) -> web.Response:
        """`GET /api/datasets`: those with all tags of `filter`."""
        account, wanted = self._account(request), request.query.getall("filter", [])
        found = [
            self._info(repository, repository.head)
            for (kind, _), repository in sorted(self._store.repositories.items())
            if kind == "dataset" and (not repository.private or (account and account.owns(repository.owner)))
        ]
        return web.json_response([info for info in found if set(wanted) <= set(info["tags"])])

    async def info(self, request: web.Request) -> web.Response:
        """`GET /api/{kind}s/OWNER/NAME[/revision/REVISION]`."""
        repository, commit = self._place(request)
        return web.json_response(self._info(repository, commit, blobs=request.query.get("blobs") in TRUE))

    async def refs(self, request: web.Request) -> web.Response:
        """`GET .../refs`."""
        repository = self._repository(request)
        told = {
            kind: [
                {"name": name, "ref": f"refs/{where}/{name}", "targetCommit": commit.oid}
                for name, commit in commits.items()
            ]
            for kind, where, commits in (
                ("branches", "heads", repository.branches),
                ("tags", "tags", repository.tags),
            )
        }
        return web.json_response({**told, "converts": [], "pullRequests": []})

    async def commits(self, request: web.Request) -> web.Response:
        """`GET .../commits/REVISION`."""
        _, commit = self._place(request)
        return web.json_response(
            [
                {
                    "id": one.oid,
                    "title": one.title,
                    "message": "",
                    "authors": [{"user": one.author}],
                    "date": _date(one),
                }
                for one in history(commit)
            ]
        )

    async def tree(self, request: web.Request) -> web.Response:
        """`GET .../tree/REVISION[/FOLDER]`, by pages."""
        _, commit = self._place(request)
        folder = request.match_info.get("path", "").strip("/")
        entries = _tree(commit, folder, recursive=request.query.get("recursive") in TRUE)
        if folder and not entries:
            raise Refused(404, f'{folder} does not exist on "{commit.oid}"', code="EntryNotFound")
        begin = int(request.query.get("cursor", "0"))
        headers = {}
        if begin + self._page < len(entries):
            following = request.url.update_query(cursor=str(begin + self._page))
            headers["Link"] = f'<{following}>; rel="next"'
        return web.json_response(list(islice(entries, begin, begin + self._page)), headers=headers)

    async def paths(self, request: web.Request) -> web.Response:
        """`POST .../paths-info/REVISION`: of those paths that there are."""
        _, commit = self._place(request)
        form = await request.post()
        known = {entry["path"]: entry for entry in _tree(commit, "", recursive=True)}
        wanted = [str(path) for path in form.getall("paths", [])]
        return web.json_response([known[path] for path in wanted if path in known])

    async def resolve(self, request: web.Request) -> web.Response:
        """`GET` and `HEAD` `.../resolve/REVISION/PATH`; a large file lies behind a redirect."""
        _, commit = self._place(request)
        path = request.match_info["path"]
        entry = commit.files.get(path)
        headers = {"X-Repo-Commit": commit.oid}
        if entry is None:
            raise Refused(404, "Entry not found", code="EntryNotFound", headers=headers)
        if entry.sha256 is None:
            return _content(request, entry.content, {**headers, "ETag": f'"{entry.oid}"'})
        headers |= {
            "X-Linked-Etag": f'"{entry.sha256}"',
            "X-Linked-Size": str(entry.size),
            "ETag": f'"{entry.sha256}"',
            "Location": f"{storage(request)}/cdn/{entry.sha256}?signature=loopback",
        }
        return web.Response(status=302, headers=headers)

    async def cdn(self, request: web.Request) -> web.Response:
        """`GET /cdn/OID`: a large file, for whoever has the signed address."""
        content = self._store.large.get(request.match_info["oid"])
        if content is None or request.query.get("signature") != "loopback":
            raise Refused(403, "AccessDenied")
        return _content(request, content, {"ETag": f'"{request.match_info["oid"]}"'})

    def _account(self, request: web.Request) -> Account | None:
        return account_of(request.headers.get("Authorization"), self._accounts)

    def _repository(self, request: web.Request) -> Repository:
        kind = request.match_info.get("kind", "models").rstrip("s")
        repo_id = f"{request.match_info['owner']}/{request.match_info['name']}"
        return may_read(self._account(request), self._store.get(kind, repo_id))

    def _place(self, request: web.Request) -> tuple[Repository, Commit]:
        repository = self._repository(request)
        revision = request.match_info.get("revision", "main")
        commit = repository.at(revision)
        if commit is None:
            raise Refused(404, f"Invalid rev id: {quote(revision)}", code="RevisionNotFound")
        return repository, commit

    def _info(self, repository: Repository, commit: Commit, *, blobs: bool = False) -> dict[str, Any]:
        card = front_matter(commit.files["README.md"].content) if "README.md" in commit.files else {}
        tags = [str(tag) for tag in card.get("tags") or []]
        return {
            "_id": commit.oid[:24],
            "id": repository.id,
            "author": repository.owner,
            "sha": commit.oid,
            "private": repository.private,
            "gated": False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [*tags, *(["benchmark:official"] if repository.benchmark else [])],
            "cardData": card,
            "createdAt": _date(history(commit)[-1]),
            "lastModified": _date(commit),
            "siblings": [
                {"rfilename": path, **(_blob(entry) if blobs else {})}
                for path, entry in sorted(commit.files.items())
            ],
        }


def front_matter(card: bytes) -> dict[str, Any]:
    """The YAML at the head of a card; empty where there is none, or none that can be read."""
    text = card.decode("utf-8", "replace")
    if not text.startswith("---\n") or "\n---" not in text[4:]:
        return {}
    try:
        read = yaml.safe_load(text[4:].split("\n---", 1)[0])
    except yaml.YAMLError:
        return {}
    return read if isinstance(read, dict) else {}


def storage(request: web.Request) -> str:
    """Where large files lie: another host than the Hub's, which is given no token."""
    return str(request.url.origin().with_host("localhost"))


def _blob(entry: Entry) -> dict[str, Any]:
    large = {"sha256": entry.sha256, "size": entry.size, "pointerSize": len(entry.blob)}
    return {"size": entry.size, "blobId": entry.oid, **({"lfs": large} if entry.sha256 else {})}


def _tree(commit: Commit, folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    within = f"{folder}/" if folder else ""
    found: dict[str, dict[str, Any]] = {}
    for path, entry in sorted(commit.files.items()):
        if not path.startswith(within):
            continue
        parts = path.removeprefix(within).split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            name = within + "/".join(parts[:depth])
            found[name] = {"type": "directory", "oid": commit.oid, "size": 0, "path": name}
        if recursive or len(parts) == 1:
            large = {"oid": entry.sha256, "size": entry.size, "pointerSize": len(entry.blob)}
            found[path] = {
                "type": "file",
                "oid": entry.oid,
                "size": entry.size,
                "path": path,
                **({"lfs": large} if entry.sha256 else {}),
            }
    return list(found.values())


def _content(request: web.Request, content: bytes, headers: dict[str, str]) -> web.Response:
    """A file, or the range of it that is asked for."""
    wanted = request.http_range
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=content, headers=headers)
    begin, end, _ = wanted.indices(len(content))
    told = {**headers, "Content-Range": f"bytes {begin}-{end - 1}/{len(content)}"}
    return web.Response(status=206, body=content[begin:end], headers=told)


def _date(commit: Commit) -> str:
    return f"{commit.date:%Y-%m-%dT%H:%M:%S}.000Z"
