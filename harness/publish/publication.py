"""What a publication is, as a record beside the card: with the other records it gives the card anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from builders import __version__
from harness.publish.benchmarks import BenchmarkRecord, benchmarks
from harness.publish.entrants import data_of

if TYPE_CHECKING:
    from builders.hub.repository import HubRepository
    from harness.publish.entrants import Material

PUBLICATION = "publication.json"


class SourceRecord(BaseModel):
    """Where the rows of a task came from: a dataset of the Hub, or none of these where they were local."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_id: str | None = None
    configuration: str | None = None
    revision: str | None = None


class PublicationRecord(BaseModel):
    """What was published, and where.

    Attributes:
        version: of metasynth.
        base_id: the base's Hub id; None where it has none.
        adapter: whether the weights are an adapter on it.
        benchmarks: tasks that are Benchmarks of the Hub, by their name here; asked when it was published.
        sources: of all tasks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    version: str
    repo_id: str
    leaderboard_id: str
    base_id: str | None
    adapter: bool
    datasets: tuple[str, ...]
    license: str | None
    benchmarks: dict[str, BenchmarkRecord]
    sources: dict[str, SourceRecord]


def publication(found: Material, repository: HubRepository) -> PublicationRecord:
    """The record; asks the Hub which tasks are Benchmarks now."""
    return PublicationRecord(
        version=__version__,
        repo_id=found.request.repo_id,
        leaderboard_id=found.request.leaderboard_id,
        base_id=found.base_id,
        adapter=found.is_adapter,
        datasets=tuple(found.request.datasets),
        license=found.request.license,
        benchmarks=benchmarks(found, repository),
        sources={task.task: _source(found, task.task) for task in found.report.tasks},
    )


def _source(found: Material, task: str) -> SourceRecord:
    data = data_of(found.adapted, task)
    dataset_id, _, configuration = str(data.get("hub") or "").partition(":")
    if not dataset_id:
        return SourceRecord()
    return SourceRecord(
        dataset_id=dataset_id, configuration=configuration or None, revision=data.get("revision")
    )
