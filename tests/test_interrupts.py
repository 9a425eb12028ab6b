"""Promises of Ctrl-C while an event loop runs. `asyncio.run` alone breaks the first two."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest

from builders.interrupts import first_interrupt, run


def interrupt_soon() -> threading.Thread:
    """A Ctrl-C after a tenth of a second that this thread takes, so that the main thread sleeps on.

    So it goes for a signal between the main thread's last look at signals and its falling asleep.
    """

    def interrupt() -> None:
        time.sleep(0.1)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def test_ctrl_c_wakes_a_loop_that_sleeps() -> None:
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(asleep(10))
    assert time.monotonic() - began < 5


async def asleep(seconds: float) -> None:
    interrupt_soon()
    await asyncio.sleep(seconds)


def test_ctrl_c_does_not_break_into_a_callback() -> None:
    complaints: list[dict[str, object]] = []

    async def waiting() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, complaint: complaints.append(complaint))
        answer = loop.create_future()

        def answered() -> None:
            if not answer.done():
                os.kill(os.getpid(), signal.SIGINT)
                answer.set_result(None)

        loop.call_soon(answered)
        await answer
        await asyncio.sleep(10)

    with pytest.raises(KeyboardInterrupt):
        run(waiting())
    assert complaints == []


def test_the_first_ctrl_c_is_an_action_and_the_next_an_end() -> None:
    heard: list[str] = []

    async def working() -> None:
        with first_interrupt(lambda: heard.append("first")):
            await asleep(0.3)
            heard.append("went on")
            await asleep(10)

    with pytest.raises(KeyboardInterrupt):
        run(working())
    assert heard == ["first", "went on"]


def test_what_is_interrupted_can_clear_up() -> None:
    cleared: list[str] = []

    async def working() -> None:
        try:
            await asleep(10)
        finally:
            await asyncio.sleep(0)
            cleared.append("cleared")

    with pytest.raises(KeyboardInterrupt):
        run(working())
    assert cleared == ["cleared"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
