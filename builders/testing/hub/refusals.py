"""How the Hub says no: a status, a JSON body, and the headers that the client looks at."""

from __future__ import annotations

from aiohttp import web


class Refused(Exception):
    """A request that is answered with an error.

    Args:
        status: of the answer.
        message: in the body and in `X-Error-Message`.
        code: in `X-Error-Code`, such as `RepoNotFound`.
        headers: more of them.
    """

    def __init__(
        self, status: int, message: str, *, code: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {"X-Error-Message": message, **(headers or {})}
        if code:
            self.headers["X-Error-Code"] = code

    def answer(self) -> web.Response:
        """As the client gets it."""
        return web.json_response({"error": self.message}, status=self.status, headers=self.headers)
