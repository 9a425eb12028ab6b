"""What goes wrong, by route: scripted before, met by the requests that it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["status", "cut", "lost", "moved"]
FOREVER = 10**9
MESSAGES = {
    401: "Invalid credentials in Authorization header",
    403: "Forbidden",
    409: "Another commit is in progress",
    412: "A commit has happened since. Please refresh and try again.",
    429: "Too Many Requests",
    500: "Internal Error - We're working hard to fix this as soon as possible!",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFault:
    """A fault of some requests of a route.

    Attributes:
        route: name of a route, such as `commit`; see `ROUTES` of the server.
        kind: `status` refuses; `cut` reads half of the body and ends the connection; `lost` does what is
            asked and ends the connection before it answers; `moved` lets somebody else commit first.
        status: of a refusal.
        retry_after_s: seconds in `Retry-After`.
        skip: requests of the route that come through before.
        times: requests that meet it.
    """

    route: str
    kind: Kind = "status"
    status: int = 500
    retry_after_s: int | None = None
    skip: int = 0
    times: int = 1

    def meets(self, number: int) -> bool:
        """Whether the route's request of a number, from 0, meets this fault."""
        return self.skip <= number < self.skip + self.times
