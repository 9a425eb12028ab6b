"""What the Hub refuses or the network loses: which of it passes, and one line for what does not.

Works with the clients of `huggingface_hub` 0.36 to 2, which use different HTTP libraries.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builders.dataset.untrusted import one_line
from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSING = frozenset({408, 429, 500, 502, 503, 504})
MOVED = frozenset({409, 412})
LONGEST_WAIT_S = 300.0
SHOWN = 200

_TOKEN = re.compile(r"\bhf_[A-Za-z0-9_]{8,}|(?<=Bearer )\S+|(?<=[?&]signature=)[^&\s]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """Words of a server in one line, without anything that looks like a token or a signature."""
    return _TOKEN.sub("***", one_line(text))[:SHOWN]


def holds_secret(text: str) -> bool:
    """Whether a text holds what looks like a token of the Hub."""
    return re.search(r"\bhf_[A-Za-z0-9]{20,}", text) is not None


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error; None where there was no answer."""
    for one in _causes(error):
        response = getattr(one, "response", None)
        if response is not None and getattr(response, "status_code", None):
            return int(response.status_code)
    return None


def is_network(error: BaseException) -> bool:
    """Whether the connection failed: no answer came."""
    if status_of(error) is not None:
        return False
    names = {kind.__name__ for one in _causes(error) for kind in type(one).__mro__}
    return bool(names & {"TransportError", "RequestException", "ConnectionError", "TimeoutException"})


def passes(error: BaseException) -> bool:
    """Whether the same request may succeed a little later; Xet's client has then tried again itself."""
    return status_of(error) in PASSING or (is_network(error) and not _is_xet(error))


def _is_xet(error: BaseException) -> bool:
    told = str(error).lower()
    return type(error).__module__.startswith("hf_xet") or "xet-write-token" in told or "xet" in told.split()


def wait_told(error: BaseException) -> float | None:
    """Seconds that the server asks to wait, at most `LONGEST_WAIT_S`; None where it does not say."""
    for one in _causes(error):
        headers = getattr(getattr(one, "response", None), "headers", None) or {}
        told = headers.get("Retry-After", "")
        if told.isdecimal():
            return min(float(told), LONGEST_WAIT_S)
    return None


def explained(error: BaseException, repo_id: str) -> UserError:
    """The one line that a user gets, with the remedy."""
    status, words = status_of(error), redacted(str(error).strip().partition("\n")[0] or type(error).__name__)
    if type(error).__name__ == "LocalTokenNotFoundError":
        return UserError("not logged in to the Hub: run `hf auth login`, or set HF_TOKEN")
    if type(error).__name__ == "HFValidationError":
        return UserError(f"{repo_id!r} names no repository ({words}): give OWNER/NAME")
    if type(error).__name__ == "OfflineModeIsEnabled":
        return UserError("HF_HUB_OFFLINE is set, and this needs the Hub: unset it")
    if status == 401:
        return UserError(
            f"the Hub does not accept the token for {repo_id}: run `hf auth login`, or set HF_TOKEN to "
            "another (HF_TOKEN goes before the login)"
        )
    if status == 403:
        return UserError(
            f"the token may not write to {repo_id}: take one with write access to repositories of "
            f"{repo_id.partition('/')[0]}"
        )
    if status == 404:
        return UserError(f"the Hub knows no {repo_id}, or the token may not see it: check the name")
    if status in MOVED:
        return UserError(
            f"others keep committing to {repo_id}: run the same command when they are done; nothing that is "
            "visible was changed"
        )
    if status == 429:
        return UserError(
            f"the Hub takes no more requests for now ({repo_id}): run the same command in some minutes; what "
            "was uploaded is kept"
        )
    if _is_xet(error):
        return UserError(f"Xet storage fails ({words}): set HF_HUB_DISABLE_XET=1 and run the same command")
    if passes(error):
        why = f"status {status}" if status else words
        return UserError(
            f"the Hub does not answer ({why}): run the same command later; what was uploaded is kept, and "
            f"{repo_id} is as it was or complete"
        )
    return UserError(f"the Hub refuses ({redacted(str(error))}): {repo_id} is as it was")


def is_hub_failure(error: BaseException) -> bool:
    """Whether an error is the Hub's or the network's, and not a mistake in this program."""
    if status_of(error) is not None or is_network(error):
        return True
    modules = {type(error).__module__.partition(".")[0], _raised_in(error).partition(".")[0]}
    return bool(modules & {"huggingface_hub", "hf_xet"})


def _raised_in(error: BaseException) -> str:
    """The module whose code raised an error."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return str(last.tb_frame.f_globals.get("__name__", "")) if last else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__
