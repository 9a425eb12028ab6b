"""Ctrl-C while an event loop runs: heard at once, and between two callbacks.

The handler that `asyncio.run` sets is a Python function. A signal that comes just before the loop falls
asleep waits until something else wakes the loop, and one inside a callback cancels what that callback is
about to complete. What the loop itself listens to (`loop.add_signal_handler`) wakes it and runs as a
callback of its own.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run(work)`, in the main thread.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was at work has been cancelled.
    """

    async def interruptible() -> T:
        _raise_when_interrupted()
        return await work

    return asyncio.run(interruptible())


@contextmanager
def first_interrupt(action: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C calls `action`; those after it, and after the block, raise KeyboardInterrupt."""

    def heard() -> None:
        _raise_when_interrupted()  # first: a second Ctrl-C may follow what the action shows
        action()

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, heard)
    try:
        yield
    finally:
        _raise_when_interrupted()


def _raise_when_interrupted() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, _raise)


def _raise() -> None:
    raise KeyboardInterrupt
