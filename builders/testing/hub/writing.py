"""The routes of the double that change something."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import yaml
from aiohttp import web

from builders.testing.hub.accounts import account_of, may_read, may_write
from builders.testing.hub.reading import front_matter, storage
from builders.testing.hub.refusals import Refused
from builders.testing.hub.store import Entry, is_large

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builders.testing.hub.accounts import Account
    from builders.testing.hub.store import Repository, Store

LFS = "application/vnd.git-lfs+json"
EVAL_RESULTS = ".eval_results/"


class Writing:
    """Answers what changes something.

    Args:
        store: what there is.
        accounts: who there is, by token.
        part_size: larger files are uploaded in parts of so many bytes.
    """

    def __init__(self, store: Store, accounts: Mapping[str, Account], *, part_size: int) -> None:
        self._store, self._accounts, self._part_size = store, accounts, part_size

    async def create(self, request: web.Request) -> web.Response:
        """`POST /api/repos/create`."""
        told = await request.json()
        account = account_of(request.headers.get("Authorization"), self._accounts)
        owner = told.get("organization") or (account.name if account else "")
        kind = told.get("type", "model")
        prefix = "" if kind == "model" else f"{kind}s/"
        where = {"url": f"{request.url.origin()}/{prefix}{owner}/{told['name']}", "name": told["name"]}
        may_write(account, owner)
        if self._store.get(kind, f"{owner}/{told['name']}"):
            error = f"You already created this {kind} repo"
            return web.json_response(
                {"error": error, **where}, status=409, headers={"X-Error-Message": error}
            )
        private = told.get("visibility") == "private" or bool(told.get("private"))
        self._store.create(kind, owner, told["name"], private=private)
        return web.json_response({**where, "id": f"{owner}/{told['name']}"})

    async def validate(self, request: web.Request) -> web.Response:
        """`POST /api/validate-yaml`: of a card."""
        told = await request.json()
        content, errors = told["content"], []
        if content.startswith("---") and not front_matter(content.encode()):
            errors = [{"message": "the metadata is no YAML mapping"}]
        warnings = [] if content.startswith("---") else [{"message": "empty or missing yaml metadata"}]
        return web.json_response({"errors": errors, "warnings": warnings}, status=400 if errors else 200)

    async def preupload(self, request: web.Request) -> web.Response:
        """`POST .../preupload/REVISION`: which files are large, and what of them is there."""
        repository, _ = self._writable(request)
        tip = self._tip(repository, request.match_info["revision"])
        told = await request.json()
        return web.json_response(
            {
                "files": [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs" if is_large(file["path"], file["size"]) else "regular",
                        "shouldIgnore": False,
                        "oid": (entry.sha256 or entry.oid) if (entry := tip.get(file["path"])) else None,
                    }
                    for file in told["files"]
                ]
            }
        )

    async def batch(self, request: web.Request) -> web.Response:
        """`POST .../info/lfs/objects/batch`: where each large file goes; nowhere if it is there."""
        self._writable(request)
        told = await request.json()
        origin = request.url.origin()
        verify = f"{origin}{request.path.removesuffix('batch')}verify"
        objects = []
        for wanted in told["objects"]:
            oid, size = wanted["oid"], wanted["size"]
            actions = {
                "upload": self._upload(f"{storage(request)}/lfs/{oid}", size),
                "verify": {"href": verify},
            }
            known = {} if oid in self._store.large else {"actions": actions}
            objects.append({"oid": oid, "size": size, **known})
        transfer = "multipart" if "multipart" in told["transfers"] else "basic"
        return web.json_response({"transfer": transfer, "objects": objects}, content_type=LFS)

    def _upload(self, place: str, size: int) -> dict[str, Any]:
        if size <= self._part_size:
            return {"href": f"{place}?signature=loopback"}
        parts = range(1, -(-size // self._part_size) + 1)
        urls = {str(part): f"{place}/parts/{part}?signature=loopback" for part in parts}
        return {
            "href": f"{place}/complete?signature=loopback",
            "header": {"chunk_size": str(self._part_size), **urls},
        }

    async def upload(self, request: web.Request) -> web.Response:
        """`PUT` of a large file, whole."""
        self._signed(request)
        if not self._store.keep_large(request.match_info["oid"], await request.read()):
            raise Refused(400, "BadDigest")
        return web.Response(status=200)

    async def part(self, request: web.Request) -> web.Response:
        """`PUT` of a part."""
        self._signed(request)
        number = int(request.match_info["number"])
        self._store.parts.setdefault(request.match_info["oid"], {})[number] = await request.read()
        return web.Response(status=200, headers={"ETag": f'"part-{number}"'})

    async def complete(self, request: web.Request) -> web.Response:
        """`POST` after the last part."""
        self._signed(request)
        oid, told = request.match_info["oid"], await request.json()
        parts = self._store.parts.get(oid, {})
        numbers = [part["partNumber"] for part in told["parts"]]
        if not all(number in parts for number in numbers):
            raise Refused(400, "InvalidPart")
        if not self._store.keep_large(oid, b"".join(parts[number] for number in sorted(numbers))):
            raise Refused(400, "BadDigest")
        return web.json_response({"success": True})

    async def verify(self, request: web.Request) -> web.Response:
        """`POST .../info/lfs/objects/verify`."""
        self._writable(request)
        told = await request.json()
        content = self._store.large.get(told["oid"])
        if content is None or len(content) != told["size"]:
            raise Refused(404, "Object not found")
        return web.json_response({})

    async def xet(self, request: web.Request) -> web.Response:
        """`GET .../xet-write-token/REVISION`: this double has no Xet storage."""
        raise Refused(501, "no Xet storage here: set HF_HUB_DISABLE_XET=1")

    async def commit(self, request: web.Request) -> web.Response:
        """`POST .../commit/REVISION`: all of it or none."""
        repository, account = self._writable(request)
        branch = request.match_info["revision"]
        lines = [json.loads(line) for line in (await request.read()).splitlines() if line.strip()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        files = dict(self._tip(repository, branch))
        parent = header.get("parentCommit")
        if parent and not repository.branches[branch].oid.startswith(parent):
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        for line in lines:
            self._apply(files, line["key"], line["value"])
        made = repository.commit(branch, files, title=header["summary"], author=account.name)
        prefix = "" if repository.kind == "model" else f"{repository.kind}s/"
        url = f"{request.url.origin()}/{prefix}{repository.id}/commit/{made.oid}"
        return web.json_response({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})

    def _apply(self, files: dict[str, Entry], key: str, value: dict[str, Any]) -> None:
        path = value.get("path", "")
        if key == "file":
            content = base64.b64decode(value["content"])
            _check_eval_results(path, content)
            files[path] = Entry(content)
        elif key == "lfsFile":
            if value["oid"] not in self._store.large:
                raise Refused(400, f"LFS pointer pointed to a file that does not exist: {path}")
            files[path] = Entry(sha256=value["oid"], large_size=len(self._store.large[value["oid"]]))
        elif key == "deletedFile":
            if files.pop(path, None) is None:
                raise Refused(404, f"A file with this name doesn't exist: {path}", code="EntryNotFound")
        elif key == "deletedFolder":
            for name in [name for name in files if name.startswith(f"{path.rstrip('/')}/")]:
                del files[name]

    async def tag(self, request: web.Request) -> web.Response:
        """`POST .../tag/REVISION`."""
        repository, _ = self._writable(request)
        name = (await request.json())["tag"]
        commit = repository.at(request.match_info["revision"])
        if commit is None:
            raise Refused(404, "Invalid rev id", code="RevisionNotFound")
        if name in repository.tags:
            raise Refused(409, f"Tag reference exists already: {name}")
        repository.tags[name] = commit
        return web.json_response({})

    async def branch(self, request: web.Request) -> web.Response:
        """`POST .../branch/NAME`."""
        repository, _ = self._writable(request)
        told = json.loads(await request.read() or b"{}")
        commit = repository.at(told.get("startingPoint", "main"))
        name = request.match_info["revision"]
        if commit is None:
            raise Refused(404, "Invalid rev id", code="RevisionNotFound")
        if name in repository.branches:
            raise Refused(409, f"Reference already exists: {name}")
        repository.branches[name] = commit
        return web.json_response({})

    def _writable(self, request: web.Request) -> tuple[Repository, Account]:
        kind = request.match_info.get("kind", "models").rstrip("s")
        repo_id = f"{request.match_info['owner']}/{request.match_info['name']}"
        account = account_of(request.headers.get("Authorization"), self._accounts)
        repository = may_read(account, self._store.get(kind, repo_id))
        return repository, may_write(account, repository.owner)

    def _tip(self, repository: Repository, branch: str) -> dict[str, Entry]:
        if branch not in repository.branches:
            raise Refused(404, f"Invalid rev id: {branch}", code="RevisionNotFound")
        return repository.branches[branch].files

    def _signed(self, request: web.Request) -> None:
        if request.query.get("signature") != "loopback":
            raise Refused(403, "AccessDenied")


def _check_eval_results(path: str, content: bytes) -> None:
    """The Hub looks at result files when they are pushed."""
    if not path.startswith(EVAL_RESULTS):
        return
    try:
        entries = yaml.safe_load(content)
        sound = all(
            {"id", "task_id"} <= entry["dataset"].keys() and isinstance(entry["value"], int | float)
            for entry in entries
        )
    except (yaml.YAMLError, TypeError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise Refused(400, f"{path}: invalid evaluation results")
