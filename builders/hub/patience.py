"""Requests that are asked again while what fails may pass."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from builders.errors import UserError
from builders.hub.failures import explained, is_hub_failure, passes, wait_told

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request is asked again.

    Attributes:
        tries: at most.
        first_wait_s: doubled each time, unless the server says how long.
        longest_wait_s: at most, unless the server says so.
    """

    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0

    def __call__(self, request: Callable[[], T], *, repo_id: str, say: Callable[[str], None]) -> T:
        """The answer.

        Args:
            request: asks once; may be called again.
            repo_id: for messages.
            say: takes a line for the user.

        Raises:
            UserError: it fails for good.
        """
        for left in range(self.tries - 1, -1, -1):
            try:
                return request()
            except UserError:
                raise
            except Exception as error:
                if not is_hub_failure(error):
                    raise
                if not left or not passes(error):
                    raise explained(error, repo_id) from None
                self.wait(error, left, say=say)
        raise AssertionError("unreachable")

    def wait(self, error: Exception, left: int, *, say: Callable[[str], None], silent: bool = False) -> None:
        """Wait as long as the server says, or longer the fewer tries are left."""
        told = wait_told(error)
        own = min(self.first_wait_s * 2 ** (self.tries - 1 - left), self.longest_wait_s)
        pause = own if told is None else told
        if not silent:
            say(f"the Hub is busy or away; again in {pause:.0f} s")
        time.sleep(pause)


def quiet_client(*, bars: bool) -> None:
    """No lines of the client's own: this program says what it waits for.

    Args:
        bars: whether its progress bars may show, as on a terminal.
    """
    from huggingface_hub.utils.tqdm import disable_progress_bars

    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)
    if not bars:
        disable_progress_bars()
