"""What the journal stores of an answer, as versioned models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from builders.endpoints.base import Completion  # noqa: TC001 - pydantic reads it
from builders.endpoints.errors import EndpointError, Incomplete, Rejected

FINAL_ERRORS: dict[str, type[EndpointError]] = {"Incomplete": Incomplete, "Rejected": Rejected}
"""Errors that asking again would not mend: journaled like an answer, so a replay meets them too.

A trajectory survives these and no others: one that went on after an error that is not journaled
would go another way in a replay, and ask anew for everything behind it.
"""


class Answer(BaseModel):
    """An answered call: a completion, or an error that is final."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    completion: Completion | None = None
    error: str = ""
    detail: str = ""

    def result(self) -> Completion:
        """The completion; raises the recorded error where there is none."""
        if self.completion is None:
            raise FINAL_ERRORS[self.error](self.detail)
        return self.completion
