"""The double of the Hub: its routes, its faults, and a log of what it was asked."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from builders.serve.endpoint import base_url, listen
from builders.testing.hub.accounts import Account
from builders.testing.hub.faults import MESSAGES
from builders.testing.hub.reading import PAGE, Reading
from builders.testing.hub.refusals import Refused
from builders.testing.hub.store import MAIN, Entry, Store
from builders.testing.hub.writing import Writing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from builders.testing.hub.faults import HubFault

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TOKEN = "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"  # noqa: S105 - of the double's own user
OWNER = "owner"
LARGEST = 1 << 30
PART = 16 * 1024 * 1024
SHUTDOWN_S = 0.1
UPLOADS = frozenset({"upload", "part"})

_OF_A_REPOSITORY = "/api/{kind:models|datasets|spaces}/{owner}/{name}"
_PAGES = ("/{kind:datasets|spaces}/{owner}/{name}", "/{owner}/{name}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and how it was answered; `status` 0 is a connection that was cut."""

    route: str
    method: str
    path: str
    status: int
    with_token: bool


class HubDouble:
    """A server with the Hub's routes, on loopback.

    Attributes:
        url: what `HF_ENDPOINT` shall be; no slash at its end.
        store: what it holds.
        asked: every request so far.
        faults: what goes wrong from now on; may be changed at any time.
    """

    def __init__(
        self,
        *,
        accounts: Mapping[str, Account] | None = None,
        faults: Sequence[HubFault] = (),
        part_size: int = PART,
        page: int = PAGE,
    ) -> None:
        self.url = ""
        self.store = Store()
        self.asked: list[Asked] = []
        self.faults = list(faults)
        self.accounts = dict(accounts or {TOKEN: Account(OWNER)})
        self._counts: Counter[str] = Counter()
        self._held: dict[str, tuple[asyncio.Event, asyncio.Event]] = {}
        self._reading = Reading(self.store, self.accounts, page=page)
        self._writing = Writing(self.store, self.accounts, part_size=part_size)
        self._runner: web.AppRunner | None = None

    def statuses(self, *routes: str) -> list[int]:
        """Of the requests of some routes, in order."""
        return [one.status for one in self.asked if one.route in routes]

    @property
    def uploads(self) -> int:
        """Large files, and parts of them, that were taken."""
        return sum(one.route in UPLOADS and one.status == 200 for one in self.asked)

    @property
    def commits(self) -> int:
        """Commits that were made."""
        return sum(one.route == "commit" and one.status == 200 for one in self.asked)

    def script(self, *faults: HubFault) -> None:
        """Let these go wrong from now on; requests are counted anew."""
        self.faults = list(faults)
        self._counts.clear()

    def hold(self, route: str, reached: asyncio.Event, release: asyncio.Event) -> None:
        """Let the next request of a route wait, its body unread, and tell when it came."""
        self._held[route] = (reached, release)

    async def start(self) -> None:
        """Listen on any free port."""
        listener = listen("127.0.0.1", 0)
        self.url = base_url(listener)
        self._runner = web.AppRunner(self._application(), shutdown_timeout=SHUTDOWN_S, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def close(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST)
        reading, writing, of = self._reading, self._writing, _OF_A_REPOSITORY
        routes: list[tuple[str, str, str, Handler]] = [
            ("whoami", "GET", "/api/whoami-v2", reading.whoami),
            ("create", "POST", "/api/repos/create", writing.create),
            ("validate", "POST", "/api/validate-yaml", writing.validate),
            ("listing", "GET", "/api/datasets", reading.listing),
            ("info", "GET", of, reading.info),
            ("info", "GET", f"{of}/revision/{{revision}}", reading.info),
            ("refs", "GET", f"{of}/refs", reading.refs),
            ("commits", "GET", f"{of}/commits/{{revision}}", reading.commits),
            ("tree", "GET", f"{of}/tree/{{revision}}", reading.tree),
            ("tree", "GET", f"{of}/tree/{{revision}}/{{path:.*}}", reading.tree),
            ("paths", "POST", f"{of}/paths-info/{{revision}}", reading.paths),
            ("xet", "GET", f"{of}/xet-write-token/{{revision}}", writing.xet),
            ("preupload", "POST", f"{of}/preupload/{{revision}}", writing.preupload),
            ("commit", "POST", f"{of}/commit/{{revision}}", writing.commit),
            ("tag", "POST", f"{of}/tag/{{revision}}", writing.tag),
            ("branch", "POST", f"{of}/branch/{{revision}}", writing.branch),
            ("upload", "PUT", "/lfs/{oid}", writing.upload),
            ("part", "PUT", "/lfs/{oid}/parts/{number}", writing.part),
            ("complete", "POST", "/lfs/{oid}/complete", writing.complete),
            ("cdn", "GET", "/cdn/{oid}", reading.cdn),
        ]
        for prefix in _PAGES:
            routes += [
                ("resolve", "GET", f"{prefix}/resolve/{{revision}}/{{path:.*}}", reading.resolve),
                ("batch", "POST", f"{prefix}.git/info/lfs/objects/batch", writing.batch),
                ("verify", "POST", f"{prefix}.git/info/lfs/objects/verify", writing.verify),
            ]
        for name, method, path, handler in routes:
            own = self._met(name, handler)
            application.router.add_route(method, path, own)
            if method == "GET":
                application.router.add_route("HEAD", path, own)
        return application

    def _met(self, route: str, handler: Handler) -> Handler:
        """The handler with what goes wrong on its way, and the log."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if route in self._held:
                reached, release = self._held.pop(route)
                reached.set()
                await release.wait()
            number = self._counts[route]
            self._counts[route] += 1
            fault = next((one for one in self.faults if one.route == route and one.meets(number)), None)
            status = 0
            try:
                response = await self._answer(request, handler, fault)
                status = response.status if response else 0
            except ConnectionError:  # the client left in the middle of its body
                response = None
            except Refused as refused:
                response = refused.answer()
                status = refused.status
            finally:
                token = "Authorization" in request.headers
                self.asked.append(Asked(route, request.method, request.path, status, token))
            return response or _hang_up(request)

        return handle

    async def _answer(
        self, request: web.Request, handler: Handler, fault: HubFault | None
    ) -> web.StreamResponse | None:
        """The answer; None where the connection is to end without one."""
        if fault is None:
            return await handler(request)
        match fault.kind:
            case "status":
                await request.read()
                wait = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
                raise Refused(fault.status, MESSAGES.get(fault.status, "Error"), headers=wait)
            case "cut":
                await _read_half(request)
                return None
            case "lost":
                with suppress(Refused):
                    await handler(request)
                return None
            case "moved":
                self._somebody_commits(request)
                return await handler(request)

    def _somebody_commits(self, request: web.Request) -> None:
        told = request.match_info
        repository = self.store.get(told["kind"].rstrip("s"), f"{told['owner']}/{told['name']}")
        if repository:
            files = {**repository.files, "NOTE.md": Entry(f"{len(self.asked)}".encode())}
            repository.commit(MAIN, files, title="Update NOTE.md", author="somebody")


async def _read_half(request: web.Request) -> None:
    wanted = (request.content_length or 0) // 2
    while wanted > 0:
        chunk = await request.content.read(min(wanted, 1 << 16))
        if not chunk:
            return
        wanted -= len(chunk)


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@asynccontextmanager
async def hub_double(
    *,
    accounts: Mapping[str, Account] | None = None,
    faults: Sequence[HubFault] = (),
    part_size: int = PART,
    page: int = PAGE,
) -> AsyncIterator[HubDouble]:
    """Run a double of the Hub inside this event loop for as long as the context lasts.

    Args:
        accounts: who may do what, by token; by default `owner` with the token `TOKEN`.
        faults: what goes wrong.
        part_size: larger files are uploaded in parts of so many bytes.
        page: entries of a listing in one answer.
    """
    hub = HubDouble(accounts=accounts, faults=faults, part_size=part_size, page=page)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.close()
