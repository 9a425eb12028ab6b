"""No copy of the seed: what a document may share with the real text that it started from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from builders.acceptance.base import Rejection
from builders.seeds.documents.overlap import MOST_SHARED, longest_shared_run

if TYPE_CHECKING:
    from builders.acceptance.base import Candidate


@dataclass(frozen=True, slots=True)
class SeedCopy:
    """Wants no run of more than `MOST_SHARED` words of the candidate's seed."""

    name: ClassVar[str] = "seed-copy"

    def __call__(self, candidate: Candidate) -> Rejection | None:
        """Reject as ``seed-copy``, telling how long the run is, and not what it says."""
        run = longest_shared_run(candidate.text, candidate.seed)
        if run <= MOST_SHARED:
            return None
        return Rejection("seed-copy", f"copies {run} words in a row from its seed document")
