"""Promise of the lock: one build at a time in a folder, and no stale lock, however a build ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from builders.errors import UserError
from builders.journal import build_lock

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from builders.journal import build_lock

with build_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_build_in_the_folder_is_refused_until_the_first_is_gone_even_by_kill_9(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "metasynth-biomed" / ".journal"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=r"another build is at work in .*metasynth-biomed;"):
            _hold(folder)
        _hold(tmp_path / "elsewhere")
        other.send_signal(signal.SIGKILL)
    _hold(folder)


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), build_lock(tmp_path):
        raise RuntimeError
    _hold(tmp_path)


def test_a_folder_that_cannot_be_made_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --output"):
        _hold(tmp_path / "file" / ".journal")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_the_users_to_mend(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="choose another --output"):
        _hold(tmp_path / ".journal")


def _hold(folder: Path) -> None:
    with build_lock(folder):
        pass
