"""Keyword seeds: a domain's hierarchy of terms, and the walk that hands them to trajectories.

A corpus is only as wide as its seeds. Terms drawn at random from one flat list would crowd where
the list is dense and leave subfields out of a small corpus altogether; so the draw walks the
hierarchy instead. One lap of the walk visits every subfield once, neighbours come from different
areas, and a later lap finds other terms in the same place.

The lists themselves are the files in ``keywords/``. A file of the user's in the same layout works
in their place::

    genres: [case report, ...]
    audiences: [medical students, ...]
    tones: [didactic, ...]
    personas: [hospital pharmacist, ...]
    areas:
      Cardiovascular medicine:
        Heart failure: [natriuretic peptides, cardiac cachexia, ...]
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from builders.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Hashable

_FOLDER = Path(__file__).with_name("keywords")
_LISTS = ("genres", "audiences", "tones", "personas")


@dataclass(frozen=True)
class Subfield:
    """One place of the hierarchy and the terms that live there."""

    area: str
    name: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class SeedHierarchy:
    """What documents of a domain can be about, be, and be written for, how and by whom.

    Attributes:
        domain: The name of the keyword file without its suffix.
        subfields: In the order of the file.
        genres: Kinds of document.
        audiences: Readers that a document can address.
        tones: Manners of writing.
        personas: Professionals who could have written a document.
    """

    domain: str
    subfields: tuple[Subfield, ...]
    genres: tuple[str, ...]
    audiences: tuple[str, ...]
    tones: tuple[str, ...]
    personas: tuple[str, ...]

    def __hash__(self) -> int:  # the default hashes a thousand terms, on every cached call
        return hash((self.domain, len(self.subfields)))


@dataclass(frozen=True)
class SeedSet:
    """The terms that one trajectory starts from, all of one subfield."""

    area: str
    subfield: str
    terms: tuple[str, ...]


def known_domains() -> tuple[str, ...]:
    """The domains whose keyword files ship with the package, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def load_hierarchy(domain_or_path: str | Path) -> SeedHierarchy:
    """Read the keyword file of a known domain, or the user's own.

    Args:
        domain_or_path: One of `known_domains`, or the path of a YAML file in the same layout.

    Raises:
        UserError: The domain is unknown, or the file cannot be read, is laid out otherwise, is
            empty somewhere or lists an entry twice (letter case aside).
    """
    path = _locate(domain_or_path)
    document = _mapping(_parse(path), path, "the file")
    if unknown := sorted(set(document) - {*_LISTS, "areas"}):
        raise UserError(f"{path}: unknown key {unknown[0]!r}; keep to {', '.join(_LISTS)} and areas")
    genres, audiences, tones, personas = (_entries(document.get(key), path, key) for key in _LISTS)
    subfields = tuple(
        Subfield(area, name, _entries(terms, path, f"areas > {area} > {name}"))
        for area, fields in _mapping(document.get("areas"), path, "areas").items()
        for name, terms in _mapping(fields, path, f"areas > {area}").items()
    )
    _refuse_shared_terms(subfields, path)
    return SeedHierarchy(path.stem, subfields, genres, audiences, tones, personas)


def draw_seeds(
    hierarchy: SeedHierarchy, *, corpus_seed: int, trajectory: int, k: int, subfield: str = ""
) -> SeedSet:
    """The seeds of one trajectory: a pure function of its arguments, on every platform.

    Trajectories ``0 .. len(subfields) - 1`` visit each subfield once, in an order that the corpus
    seed shuffles; the following laps visit them in the same order. Two consecutive trajectories
    share an area only where one area holds more than half of the subfields. Within a subfield,
    laps draw disjoint terms until fewer than `k` are left; then its terms are shuffled anew.

    Args:
        hierarchy: Where to draw from.
        corpus_seed: Chooses the order of subfields and of terms.
        trajectory: Number of the trajectory, from 0.
        k: Terms to draw; a subfield with fewer gives all that it has.
        subfield: Name of one to draw from, outside of the walk; empty for the walk's.

    Raises:
        ValueError: `trajectory` is negative or `k` is not positive.
    """
    if trajectory < 0 or k < 1:
        raise ValueError(f"need trajectory >= 0 and k >= 1, got trajectory={trajectory}, k={k}")
    order = _walk(hierarchy, corpus_seed)
    lap, place = divmod(trajectory, len(order))
    chosen = next((field for field in order if field.name == subfield), order[place])
    k = min(k, len(chosen.terms))
    if subfield:
        terms = _shuffled_terms(chosen, corpus_seed, -1 - trajectory)
        return SeedSet(chosen.area, chosen.name, terms[:k])
    shuffle, slot = divmod(lap, len(chosen.terms) // k)
    terms = _shuffled_terms(chosen, corpus_seed, shuffle)
    return SeedSet(chosen.area, chosen.name, terms[slot * k : (slot + 1) * k])


@lru_cache(maxsize=32)
def _walk(hierarchy: SeedHierarchy, corpus_seed: int) -> tuple[Subfield, ...]:
    """One lap: a seeded permutation of the subfields that spreads every area evenly over it."""
    rng = _rng("walk", corpus_seed)
    waiting: dict[str, list[Subfield]] = {}
    for subfield in hierarchy.subfields:
        waiting.setdefault(subfield.area, []).append(subfield)
    sizes = {area: len(subfields) for area, subfields in waiting.items()}
    for subfields in waiting.values():
        rng.shuffle(subfields)

    order: list[Subfield] = []
    previous = ""
    while (left := len(hierarchy.subfields) - len(order)) > 0:
        # An area with more than half of what is left must come now, or it meets itself at the end.
        ranked = [
            (2 * len(rest) > left, len(rest) / sizes[area], rng.random(), area)
            for area, rest in waiting.items()
            if rest and area != previous
        ]
        previous = max(ranked)[-1] if ranked else previous
        order.append(waiting[previous].pop())
    return tuple(_mend_seam(order))


def _mend_seam(order: list[Subfield]) -> list[Subfield]:
    """Move the last subfield inward if the next lap would begin in its area."""
    last = order[-1]
    if last.area == order[0].area:
        for index, (before, after) in reversed(list(enumerate(pairwise(order), start=1))):
            if last.area not in (before.area, after.area):
                return [*order[:index], last, *order[index:-1]]
    return order


@lru_cache(maxsize=4096)
def _shuffled_terms(subfield: Subfield, corpus_seed: int, shuffle: int) -> tuple[str, ...]:
    terms = list(subfield.terms)
    _rng("terms", corpus_seed, subfield.area, subfield.name, shuffle).shuffle(terms)
    return tuple(terms)


def _rng(*key: Hashable) -> random.Random:
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    return random.Random(int.from_bytes(digest, "big"))


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that occurs twice, where YAML would silently keep only the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} occurs twice", problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def _locate(domain_or_path: str | Path) -> Path:
    if domain_or_path in known_domains():
        return _FOLDER / f"{domain_or_path}.yaml"
    path = Path(domain_or_path)
    if path.is_file():
        return path
    known = ", ".join(known_domains())
    if path.suffix or len(path.parts) > 1:
        raise UserError(f"no keyword file at {path}; give the path of a YAML file, or one of {known}")
    raise UserError(f"unknown domain {str(path)!r}; known are {known}, or give the path of a YAML file")


def _parse(path: Path) -> object:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 (it is safe)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: {error.problem}; mend the YAML") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as YAML in UTF-8; save it as such") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; make the file readable") from error


def _mapping(value: object, path: Path, where: str) -> dict[str, object]:
    if not isinstance(value, dict) or not value:
        raise UserError(f"{path}: {where} must map names to what they hold; see the shipped keyword files")
    for key in value:
        if not isinstance(key, str) or not key.strip():
            raise UserError(f"{path}: {where}: {key!r} is not a name; write it as text, in quotes if need be")
    return value


def _entries(value: object, path: Path, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise UserError(f"{path}: {where} must be a list with at least one entry; add one")
    seen: set[str] = set()
    for entry in value:
        if not isinstance(entry, str) or not entry.strip():
            raise UserError(f"{path}: {where}: {entry!r} is not text; write it in quotes, or remove it")
        if entry.casefold() in seen:
            raise UserError(f"{path}: {where}: {entry!r} is listed twice; remove one")
        seen.add(entry.casefold())
    return tuple(value)


def _refuse_shared_terms(subfields: tuple[Subfield, ...], path: Path) -> None:
    home: dict[str, Subfield] = {}
    for subfield in subfields:
        for term in subfield.terms:
            first = home.setdefault(term.casefold(), subfield)
            if first is not subfield:
                raise UserError(
                    f"{path}: areas > {subfield.area} > {subfield.name}: {term!r} is also in "
                    f"{first.area} > {first.name}; remove one"
                )
