"""`leaderboard.json` and `model.json` of a results dataset, as versioned models; scores are fractions."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

MODEL = "model.json"
BOARD = "leaderboard.json"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EntrantRecord(_Record):
    """A model of the results dataset; lies beside its results.

    Attributes:
        name: its Hub id, or what it was evaluated as.
        role: `base`, or `adapted` from `base`.
        base: name of the model that it was adapted from.
        stand_in: the small model that stands in for a real one.
    """

    schema_version: Literal[1] = 1
    name: str
    role: Literal["base", "adapted"]
    base: str | None = None
    stand_in: str | None = None


class PlaceRecord(_Record):
    """A model's place on a board.

    Attributes:
        model: its folder in the results dataset.
        low, high: 95 % interval of the score; null with too few independent rows.
        best: 1 and the number of models that are significantly better.
        worst: the number of models that are not significantly worse, itself included.
    """

    model: str
    score: float
    low: float | None
    high: float | None
    best: int
    worst: int


class BoardRecord(_Record):
    """Models that answered the same rows under the same settings.

    Attributes:
        task: None for the mean over the domain's tasks.
        rows: of the task; of all tasks together for a mean.
        tasks: over which it is the mean; 1 for a task.
        places: the best first.
    """

    domain: str
    task: str | None
    metric: str
    version: str
    shots: int | None
    rows: int
    tasks: int = 1
    places: tuple[PlaceRecord, ...]


class Leaderboard(_Record):
    """Every board of a results dataset.

    Attributes:
        dataset: `OWNER/NAME`.
        entrants: by their folder.
        level: of the tests, two-sided, after Holm's correction for the pairs of a board.
        resamples, seed: of the bootstrap.
        notes: what a reader must know.
    """

    schema_version: Literal[1] = 1
    version: str
    dataset: str
    level: float
    resamples: int
    seed: int
    entrants: dict[str, EntrantRecord]
    boards: tuple[BoardRecord, ...]
    notes: tuple[str, ...]
