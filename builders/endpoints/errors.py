"""One error taxonomy for every server, and what each server's answer maps to.

DESIGN: the pool decides by class alone (retry, wait, give up); the words are the server's
own, shortened, and never hold a credential.
"""

from __future__ import annotations

import json

MAX_WORDS = 300


class EndpointError(Exception):
    """A call that got no usable answer."""


class Overloaded(EndpointError):
    """429: the server refuses for now. Wait and ask again."""


class GenerationFailed(EndpointError):
    """424 or 500: the server failed while generating. Ask again, a few times."""


class Unavailable(EndpointError):
    """503, a proxy's HTML, a refused or dropped connection, a time-out. The server is away."""


class Rejected(EndpointError):
    """422, or a plain-text 400: the request itself is wrong. Asking again is useless."""


class Unauthorized(EndpointError):
    """401 or 403: the key is missing or wrong. Nothing else will work either."""


class Incomplete(EndpointError):
    """200 with an empty text, or JSON cut at ``max_tokens``. Ask again with more room."""


class ModelChanged(EndpointError):
    """The server answers with another model than before."""


def from_status(status: int, body: str, *, api_key: str | None = None) -> EndpointError:
    """Map an HTTP answer that is not a 200 to the taxonomy.

    Args:
        status: HTTP status code.
        body: the answer's body, JSON, HTML, plain text or empty.
        api_key: the key that was sent; some servers repeat it in their words.
    """
    words = _words(body.replace(api_key, "***") if api_key else body)
    if status == 429:
        return Overloaded(words or "the server is overloaded (429)")
    if status in (401, 403):
        return Unauthorized(words or f"the server refuses the key ({status})")
    if status in (502, 503, 504) or _is_html(body):
        return Unavailable(f"the server is unavailable ({status})")
    if status in (424, 500):
        return GenerationFailed(words or f"generation failed ({status})")
    if 400 <= status < 500:
        return Rejected(words or f"the server rejects the request ({status})")
    return Unavailable(words or f"unexpected answer ({status})")


def _is_html(body: str) -> bool:
    return body.lstrip()[:15].lower().startswith(("<!doctype", "<html"))


def _words(body: str) -> str:
    """The human part of an error body: TGI's ``error``, OpenAI's ``error.message``, or the text."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return " ".join(body.split())[:MAX_WORDS]
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if isinstance(error, dict):
        error = error.get("message", error)
    return " ".join(str(error).split())[:MAX_WORDS]
