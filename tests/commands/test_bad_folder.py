"""A folder or journal that cannot be used is one line with the remedy, exit code 2, and nothing is lost.

Every case runs the real script in a process of its own.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from console import run_builders
from scripted_server import scripted_server, tgi_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from console import Run
    from scripted_server import Serve

NAME = "template-biomed"

# --- the output folder -------------------------------------------------------------------------------


async def test_a_file_in_place_of_the_folder_is_refused_and_kept(
    builders: Run, serve: Serve, tmp_path: Path
) -> None:
    server = await serve()
    (tmp_path / NAME).write_text("mine")

    error = (await builders("build", NAME, "--endpoint", server.url)).error

    assert f"cannot write to {NAME}" in error
    assert "choose another --output" in error
    assert (tmp_path / NAME).read_text() == "mine"


async def test_an_output_that_is_a_file_is_refused_with_the_usage(builders: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    ended = await builders("build", NAME, "--output", "file")

    assert ended.code == 2
    assert ended.err.splitlines()[-1] == "Error: Invalid value for '--output': Directory 'file' is a file."


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a file system in memory for the test; skips where that is not allowed."""
    folder = tmp_path / "mounted"
    folder.mkdir()

    def mount(*options: str) -> Path:
        words = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"cannot mount a tmpfs here: {done.stderr.strip()}")
        return folder

    if shutil.which("mount") is None:
        pytest.skip("there is no `mount` here")
    yield mount
    subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


async def test_a_folder_that_cannot_be_written_is_named(
    builders: Run, serve: Serve, mounted: Callable[..., Path]
) -> None:
    server = await serve()
    mounted("ro")

    error = (await builders("build", NAME, "--endpoint", server.url, "--output", "mounted")).error

    assert f"cannot write to mounted/{NAME}" in error
    assert "Read-only file system" in error


async def test_a_disk_that_fills_up_stops_the_build_and_once_freed_it_goes_on(
    builders: Run, serve: Serve, mounted: Callable[..., Path]
) -> None:
    server = await serve()
    folder = mounted("size=1m")
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(700 * 1024))
    build = ["build", NAME, "--endpoint", server.url, "--output", "mounted", "--documents", "12"]
    build += ["--concurrency", "1"]

    error = (await builders(*build)).error
    before = len(server.asked)
    ballast.unlink()
    ended = await builders(*build)

    assert "free disk space" in error
    assert "nothing that was answered is lost" in error
    assert 1 < before < 12, "the disk was to fill up in the middle"
    assert ended.code == 0, ended.err
    assert ended.out.startswith("12 documents")
    assert len(server.asked) <= 12 + 1, "only the answer that could not be kept is asked again"


async def test_a_disk_that_is_full_from_the_start_is_told_so(
    builders: Run, serve: Serve, mounted: Callable[..., Path]
) -> None:
    server = await serve()
    folder = mounted("size=64k")
    (folder / "ballast").write_bytes(bytes(64 * 1024))

    error = (await builders("build", NAME, "--endpoint", server.url, "--output", "mounted")).error

    assert "cannot write" in error
    assert "another --output" in error
    assert not server.asked


# --- the journal -------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module")
async def built(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, str]]:
    """A finished build, and the URL of the server that answered it."""
    folder = tmp_path_factory.mktemp("built")
    async with scripted_server(tgi_pages()) as server:
        words = ["build", NAME, "--endpoint", server.url, "--documents", "3"]
        ended = await run_builders(*words, folder=folder)
        assert ended.code == 0, ended.err
        yield folder, server.url


def garbage(content: bytes) -> bytes:
    return b"This is no database. " * (len(content) // 21)


def cut_in_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def last_page_lost(content: bytes) -> bytes:
    return content[:-4096]


def page_overwritten(content: bytes) -> bytes:
    start = len(content) // 2 // 4096 * 4096
    return content[:start] + b"\xff" * 4096 + content[start + 4096 :]


DAMAGES = [garbage, cut_in_half, last_page_lost, page_overwritten]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_journal_is_refused_and_left_as_it_is(
    builders: Run, built: tuple[Path, str], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    folder, url = built
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    journal = tmp_path / NAME / ".journal" / "journal.sqlite"
    damaged = damage(journal.read_bytes())
    journal.write_bytes(damaged)

    error = (await builders("build", NAME, "--endpoint", url, "--documents", "4")).error

    assert f"the journal {NAME}/.journal/journal.sqlite is damaged" in error
    assert "restore it from a copy, or move it away to start anew" in error
    assert journal.read_bytes() == damaged


async def test_an_answer_that_cannot_be_read_back_is_damage_too(
    builders: Run, built: tuple[Path, str], tmp_path: Path
) -> None:
    folder, url = built
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    journal = tmp_path / NAME / ".journal" / "journal.sqlite"
    content = journal.read_bytes()
    assert content.count(b'{"schema_version":1,"completion"') == 3
    journal.write_bytes(
        content.replace(b'{"schema_version":1,"completion"', b'#"schema_version":1,"completion"')
    )

    error = (await builders("build", NAME, "--endpoint", url, "--documents", "3")).error

    assert f"the journal {NAME}/.journal/journal.sqlite is damaged" in error
    with sqlite3.connect(journal) as kept:
        assert kept.execute("SELECT COUNT(*) FROM calls").fetchone() == (3,)


async def test_a_journal_of_a_later_release_is_refused_by_its_version(
    builders: Run, built: tuple[Path, str], tmp_path: Path
) -> None:
    folder, url = built
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with sqlite3.connect(tmp_path / NAME / ".journal" / "journal.sqlite") as journal:
        journal.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")

    assert "schema version 99" in (await builders("build", NAME, "--endpoint", url)).error


async def test_a_second_build_in_the_same_folder_is_refused_and_the_first_goes_on(
    builders: Run, serve: Serve
) -> None:
    server = await serve()
    server.hold()
    build = ["build", NAME, "--endpoint", server.url, "--documents", "1"]
    first = asyncio.create_task(builders(*build))
    await server.heard(2)  # /info and the first call

    second = await builders(*build)
    server.release()

    assert f"another build is at work in {NAME}" in second.error
    assert (await first).code == 0
    assert len(server.asked) == 1
