"""Publishing: what both repositories will hold, shown or pushed; nothing goes anywhere else."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builders.errors import UserError
from builders.hub.repository import HubRepository, MovedError
from harness.publish.entrants import folder_of, material
from harness.publish.model import OWNED, model_files
from harness.publish.publication import publication
from harness.publish.results import results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builders.hub.difference import Content
    from builders.hub.repository import Pushed
    from harness.compare.records import Report
    from harness.leaderboard.records import Leaderboard
    from harness.publish.benchmarks import BenchmarkRecord
    from harness.publish.entrants import Material, PublishRequest

ROUNDS = 5
"""Times that the leaderboard is made anew because others published meanwhile."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was, or would be, published.

    Attributes:
        results, model: of both repositories.
        benchmarks: tasks whose scores went into `.eval_results/`.
    """

    results: Pushed
    model: Pushed
    report: Report
    board: Leaderboard
    benchmarks: dict[str, BenchmarkRecord]


def publish(
    request: PublishRequest,
    *,
    say: Callable[[str], None],
    dry_run: bool = False,
    output: Path | None = None,
    repositories: tuple[HubRepository, HubRepository] | None = None,
) -> Published:
    """Publish a model and its results, or show what that would do.

    Args:
        request: what is published where.
        say: takes a line for the user.
        dry_run: change nothing on the Hub.
        output: write all files of both repositories below this folder, too.
        repositories: of the results and of the model; by default on the Hub of `HF_ENDPOINT`.

    Raises:
        UserError: something is missing or does not belong together, or the Hub fails for good.
    """
    if request.repo_id == request.leaderboard_id:
        raise UserError("--repo and --leaderboard are the same: give a model's name and a dataset's")
    board_place, model_place = repositories or (
        HubRepository(request.leaderboard_id, "dataset", say),
        HubRepository(request.repo_id, "model", say),
    )
    found = material(request, say)
    told = publication(found, model_place)
    model = model_files(found, told)
    board, told_results = _results(
        found, board_place, say, dry_run=dry_run, output=output and output / folder_of(request.leaderboard_id)
    )
    if output:
        _write(output / folder_of(request.repo_id), model)
    if dry_run:
        told_model = model_place.plan(model, owned=OWNED)
    else:
        told_model = model_place.push(
            model,
            message=f"{found.run.method} of {found.report.first.name}, {found.run.tokens:,} tokens",
            private=request.private,
            owned=OWNED,
            tagged=False,
        )
    return Published(told_results, told_model, found.report, board, told.benchmarks)


def _results(
    found: Material,
    repository: HubRepository,
    say: Callable[[str], None],
    *,
    dry_run: bool,
    output: Path | None,
) -> tuple[Leaderboard, Pushed]:
    """The results dataset: the leaderboard is of what was there when it is pushed."""
    for _ in range(ROUNDS):
        state = repository.state()
        with tempfile.TemporaryDirectory(prefix="metasynth-publish-") as work:
            made = results(found, repository, state, Path(work), say)
            if output:
                _write(output, made.files)
            if dry_run:
                return made.board, repository.plan(made.files)
            try:
                pushed = repository.push(
                    made.files,
                    message=f"Results of {found.report.second.name}",
                    private=found.request.private,
                    tagged=False,
                    expected=state.head,
                )
            except MovedError:
                say(f"somebody else published to {repository.repo_id}: ranking anew")
                continue
            return made.board, pushed
    raise UserError(
        f"others keep publishing to {repository.repo_id}: run the same command when they are done"
    )


def _write(folder: Path, made: Mapping[str, Content]) -> None:
    for path, content in made.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            place.write_bytes(content)
        else:
            shutil.copyfile(content, place)
