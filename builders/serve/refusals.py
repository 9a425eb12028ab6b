"""The ways in which a request is not answered with text, in TGI's words.

Source: the error enums of TGI's router (``InferError``, ``ValidationError``), version 3.3.
"""

from __future__ import annotations


class Refusal(Exception):
    """An answer that is an error: status code, words and TGI's ``error_type``."""

    status = 500
    error_type = "generation"

    def body(self) -> dict[str, str]:
        """TGI's ``ErrorResponse``."""
        return {"error": str(self), "error_type": self.error_type}


class Invalid(Refusal):
    """422: a parameter is out of range, or asks for what this server does not do."""

    status = 422
    error_type = "validation"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Input validation error: {reason}")


class BadTemplate(Refusal):
    """422: the chat template cannot render these messages."""

    status = 422
    error_type = "template_error"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Template error: {reason}")


class NoTools(Refusal):
    """422: the request brings tools."""

    status = 422
    error_type = "tool_error"

    def __init__(self) -> None:
        super().__init__("Tool error: `tools` are not supported by this server; leave them out")


class Overload(Refusal):
    """429: as many requests as the server admits are in flight."""

    status = 429
    error_type = "overloaded"

    def __init__(self) -> None:
        super().__init__("Model is overloaded")


class Failed(Refusal):
    """424: llama.cpp failed, or is down."""

    status = 424
    error_type = "generation"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Request failed during generation: {reason}")


class Unfinished(Refusal):
    """500: llama.cpp stopped answering in the middle."""

    status = 500
    error_type = "incomplete_generation"

    def __init__(self) -> None:
        super().__init__("Incomplete generation")


class Unhealthy(Refusal):
    """503: llama.cpp does not answer its health check."""

    status = 503
    error_type = "healthcheck"

    def __init__(self) -> None:
        super().__init__("unhealthy")


class Unreadable(Exception):
    """A body that cannot be read at all; answered in plain text, as axum does.

    Attributes:
        status: 400 for broken JSON, 415 for another content type, 422 for wrong types.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
