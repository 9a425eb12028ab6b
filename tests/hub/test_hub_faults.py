"""Every fault of the Hub leads to success after another try, or to one clear line and nothing half done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from builders.errors import UserError
from builders.hub.failures import redacted
from builders.testing.hub import HubFault
from builders.testing.hub.faults import FOREVER
from builders.testing.hub.server import TOKEN
from builders.testing.hub.store import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from builders.testing.hub import HubDouble

FILES = {
    "README.md": b"---\nlicense: mit\n---\n# demo\n",
    "data/train-0.parquet": b"rows" * 300,
    "data/train-1.parquet": b"more" * 900,
}
STEPS = (
    "whoami",
    "info",
    "create",
    "refs",
    "tree",
    "preupload",
    "batch",
    "upload",
    "verify",
    "commit",
    "tag",
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own waits between tries take seconds each."""
    import time

    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))


def complete(hub: HubDouble) -> bool:
    repository = hub.store.get("dataset", "owner/demo")
    assert repository is not None
    there = {path: hub.store.content(entry) for path, entry in repository.files.items()}
    return FILES.items() <= there.items() and repository.tags.get("v1") is repository.head


@pytest.mark.parametrize("kind", ["cut", "lost"])
@pytest.mark.parametrize("route", STEPS)
async def test_a_connection_that_is_cut_at_any_step_is_made_again(
    hub: HubDouble, pushed_here: Callable[..., Any], route: str, kind: Any
) -> None:
    hub.script(HubFault(route=route, kind=kind))
    await pushed_here(FILES)
    assert complete(hub)
    assert hub.statuses(route)[0] in (0, 200)
    assert hub.commits == (0 if (route, kind) == ("commit", "lost") else 1)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("route", STEPS)
async def test_a_busy_or_broken_hub_is_asked_again(
    hub: HubDouble, pushed_here: Callable[..., Any], route: str, status: int
) -> None:
    hub.script(HubFault(route=route, status=status, retry_after_s=0 if status == 429 else None, times=2))
    await pushed_here(FILES)
    assert complete(hub)
    assert hub.statuses(route)[:3].count(status) == 2
    assert hub.commits == 1


@pytest.mark.parametrize("status", [401, 403, 429, 503])
@pytest.mark.parametrize(
    "route", [step for step in STEPS if step != "verify"]
)  # what is not verified is there
async def test_what_does_not_pass_is_one_line_and_nothing_is_half_visible(
    hub: HubDouble, pushed_here: Callable[..., Any], route: str, status: int
) -> None:
    hub.script(HubFault(route=route, status=status, retry_after_s=0, times=FOREVER))
    with pytest.raises(UserError) as told:
        await pushed_here(FILES)
    line = str(told.value)
    assert "\n" not in line
    assert TOKEN not in line
    assert "signature=" not in line or "signature=***" in line
    repository = hub.store.get("dataset", "owner/demo")
    visible = set(repository.files) if repository else {".gitattributes"}
    assert visible in ({".gitattributes"}, {".gitattributes", *FILES})
    hub.script()
    await pushed_here(FILES)
    assert complete(hub)


async def test_the_wait_that_the_hub_asks_for_is_kept(
    hub: HubDouble, pushed_here: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    hub.script(HubFault(route="commit", status=429, retry_after_s=7))
    _, said = await pushed_here(FILES)
    assert 7.0 in waits
    assert "the Hub is busy or away; again in 7 s" in said


async def test_a_parent_that_moved_is_looked_at_again_and_nothing_of_others_is_lost(
    hub: HubDouble, pushed_here: Callable[..., Any]
) -> None:
    hub.script(HubFault(route="commit", kind="moved", times=2))
    pushed, said = await pushed_here(FILES)
    assert hub.statuses("commit") == [412, 412, 200]
    assert complete(hub)
    repository = hub.store.get("dataset", "owner/demo")
    assert repository is not None
    assert "NOTE.md" in repository.files
    assert pushed.commit == repository.head.oid
    assert any("somebody else commits" in line for line in said)


@pytest.mark.parametrize("status", [409, 412])
async def test_a_repository_that_never_rests_is_one_line(
    hub: HubDouble, pushed_here: Callable[..., Any], status: int
) -> None:
    hub.script(HubFault(route="commit", status=status, times=FOREVER))
    with pytest.raises(UserError, match="others keep committing to owner/demo"):
        await pushed_here(FILES)


async def test_a_second_version_deletes_what_it_owns_and_gets_the_next_tag(
    hub: HubDouble, pushed_here: Callable[..., Any]
) -> None:
    await pushed_here(FILES)
    repository = hub.store.get("dataset", "owner/demo")
    assert repository is not None
    repository.commit(
        "main", {**repository.files, "LICENSE": Entry(b"theirs")}, title="Add LICENSE", author="owner"
    )
    less = {path: content for path, content in FILES.items() if path != "data/train-1.parquet"}
    pushed, _ = await pushed_here(less, owned=["data/train-*"])
    assert pushed.tag == "v2"
    assert set(repository.files) == {".gitattributes", "LICENSE", *less}
    assert set(repository.tags) == {"v1", "v2"}
    assert "data/train-1.parquet" in repository.tags["v1"].files


async def test_another_branch_is_made_and_main_stays_as_it_is(
    hub: HubDouble, pushed_here: Callable[..., Any]
) -> None:
    await pushed_here(FILES)
    repository = hub.store.get("dataset", "owner/demo")
    assert repository is not None
    main = repository.head
    await pushed_here({**FILES, "README.md": b"# next"}, revision="next/one")
    assert repository.head is main
    assert repository.branches["next/one"].files["README.md"].content == b"# next"
    assert repository.tags["v2"] is repository.branches["next/one"]


async def test_a_tag_that_names_another_version_is_refused_before_anything_is_sent(
    hub: HubDouble, pushed_here: Callable[..., Any]
) -> None:
    await pushed_here(FILES, tag="final")
    commits = hub.commits
    with pytest.raises(UserError, match="the tag final of owner/demo names another version"):
        await pushed_here({**FILES, "README.md": b"another"}, tag="final")
    assert hub.commits == commits


@pytest.mark.parametrize("hub", [{"part_size": 1000}], indirect=True)
async def test_a_large_file_goes_in_parts_and_one_that_is_cut_is_sent_again(
    pushed_here: Callable[..., Any], hub: HubDouble
) -> None:
    hub.script(HubFault(route="part", kind="cut", skip=1))
    await pushed_here(FILES)
    assert complete(hub)
    assert hub.statuses("part").count(0) == 1
    assert hub.uploads == 2 + 4


@pytest.mark.parametrize("hub", [{"page": 3}], indirect=True)
async def test_a_listing_of_many_pages_is_read_to_its_end(
    pushed_here: Callable[..., Any], hub: HubDouble
) -> None:
    many = {f"figures/{number}.json": b"{}" for number in range(10)}
    await pushed_here(many)
    pushed, _ = await pushed_here(many)
    assert not pushed.committed
    assert len(hub.statuses("tree")) > 4


async def test_two_pushes_at_once_leave_one_of_them_whole(
    hub: HubDouble, pushed_here: Callable[..., Any]
) -> None:
    other = {path: content + b"2" for path, content in FILES.items()}
    await asyncio.gather(pushed_here(FILES), pushed_here(other))
    repository = hub.store.get("dataset", "owner/demo")
    assert repository is not None
    there = {path: hub.store.content(entry) for path, entry in repository.files.items()}
    there.pop(".gitattributes")
    assert there in (FILES, other)


@pytest.mark.parametrize(
    "words",
    [f"401 for {TOKEN}", f"Bearer {TOKEN}", "PUT http://h/lfs/1?signature=loopbackSecret&x=1 failed"],
)
def test_what_looks_like_a_secret_is_not_told(words: str) -> None:
    told = redacted(words)
    assert TOKEN not in told
    assert "loopbackSecret" not in told
    assert "***" in told
