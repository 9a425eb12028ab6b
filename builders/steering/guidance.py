"""What a trajectory is told of the corpus so far."""

from __future__ import annotations

from dataclasses import dataclass

MOST_NAMED = 5
"""Of each list: a prompt is no place for statistics."""


@dataclass(frozen=True, slots=True)
class Overused:
    """Something that too many documents have: an opening, a kind of text, a profession, a topic.

    Attributes:
        what: in words.
        documents: that have it, among those counted.
    """

    what: str
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """Facts for one trajectory; a pure function of the trajectories settled before it was taken on.

    Lists begin with what is used most.

    Attributes:
        counted: the last accepted documents, as many as the facts are about.
        subfield: the subfield with the fewest documents for its visits, to draw seeds from; empty to
            keep to the walk through the hierarchy.
        openings: first words that many documents begin with.
        sentences: skeletons of sentences that many documents hold.
        genres: kinds of text that are written more often than their share.
        personas: likewise professions.
        topics: likewise keywords.
    """

    counted: int = 0
    subfield: str = ""
    openings: tuple[Overused, ...] = ()
    sentences: tuple[Overused, ...] = ()
    genres: tuple[Overused, ...] = ()
    personas: tuple[Overused, ...] = ()
    topics: tuple[Overused, ...] = ()

    def facts(self) -> list[str]:
        """A line for each list that is not empty, as the meta-LM reads it."""
        lists = {
            "beginnings": self.openings,
            "sentence patterns": self.sentences,
            "kinds of text": self.genres,
            "professions": self.personas,
            "topics": self.topics,
        }
        return [
            f"{name}: "
            + ", ".join(f'"{entry.what}" ({entry.documents} documents)' for entry in entries[:MOST_NAMED])
            for name, entries in lists.items()
            if entries
        ]
