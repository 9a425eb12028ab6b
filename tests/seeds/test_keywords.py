"""Promises of the keyword seeds: rich shipped lists, an even walk, and errors that say what to mend."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.errors import UserError
from builders.seeds import (
    SeedHierarchy,
    SeedSet,
    Subfield,
    draw_seeds,
    known_domains,
    load_hierarchy,
)

if TYPE_CHECKING:
    from pathlib import Path

DOMAINS = ("biomed", "finance")

VALID = """\
genres: [note]
audiences: [students]
tones: [plain]
personas: [clerk]
areas:
  Law:
    Contracts: [offer, acceptance]
    Torts: [negligence]
"""


def hierarchy_of(sizes: list[int], *, terms: int = 3) -> SeedHierarchy:
    """A hierarchy whose n-th area has sizes[n] subfields of `terms` terms each."""
    subfields = tuple(
        Subfield(f"area {a}", f"field {f}", tuple(f"term {a}.{f}.{t}" for t in range(terms)))
        for a, size in enumerate(sizes)
        for f in range(size)
    )
    return SeedHierarchy("made-up", subfields, ("note",), ("students",), ("plain",), ("clerk",))


def lap_of(hierarchy: SeedHierarchy, *, lap: int = 0, corpus_seed: int = 0, k: int = 3) -> list[SeedSet]:
    n = len(hierarchy.subfields)
    return [
        draw_seeds(hierarchy, corpus_seed=corpus_seed, trajectory=t, k=k)
        for t in range(lap * n, (lap + 1) * n)
    ]


# The shipped files


def test_the_known_domains_are_those_of_the_paper() -> None:
    assert known_domains() == DOMAINS


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_shipped_domain_is_broad_and_deep(domain: str) -> None:
    hierarchy = load_hierarchy(domain)
    assert hierarchy.domain == domain
    assert len({subfield.area for subfield in hierarchy.subfields}) >= 8
    assert len(hierarchy.subfields) >= 36
    assert all(len(subfield.terms) >= 16 for subfield in hierarchy.subfields)
    assert sum(len(subfield.terms) for subfield in hierarchy.subfields) >= 750
    assert len(hierarchy.genres) >= 20
    assert len(hierarchy.audiences) >= 10
    assert len(hierarchy.tones) >= 8
    assert len(hierarchy.personas) >= 25


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_shipped_term_stands_twice_and_each_is_short(domain: str) -> None:
    terms = [term for subfield in load_hierarchy(domain).subfields for term in subfield.terms]
    assert [term for term, count in Counter(map(str.casefold, terms)).items() if count > 1] == []
    assert [term for term in terms if not 1 <= len(term.split()) <= 5 or term != " ".join(term.split())] == []


# The walk


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("corpus_seed", [0, 1, 2026])
def test_every_lap_visits_every_subfield_once(domain: str, corpus_seed: int) -> None:
    hierarchy = load_hierarchy(domain)
    places = sorted((subfield.area, subfield.name) for subfield in hierarchy.subfields)
    for lap in (0, 1, 7):
        drawn = lap_of(hierarchy, lap=lap, corpus_seed=corpus_seed)
        assert sorted((seeds.area, seeds.subfield) for seeds in drawn) == places


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("corpus_seed", range(10))
def test_a_small_corpus_touches_every_area(domain: str, corpus_seed: int) -> None:
    hierarchy = load_hierarchy(domain)
    areas = {subfield.area for subfield in hierarchy.subfields}
    lap = lap_of(hierarchy, corpus_seed=corpus_seed)
    assert {seeds.area for seeds in lap[: len(areas)]} == areas


@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=6), corpus_seed=st.integers())
def test_consecutive_trajectories_share_an_area_only_where_it_holds_the_majority(
    sizes: list[int], corpus_seed: int
) -> None:
    hierarchy = hierarchy_of(sizes)
    laps = [lap_of(hierarchy, lap=lap, corpus_seed=corpus_seed) for lap in (0, 1)]
    repeats = sum(one.area == other.area for one, other in pairwise([*laps[0], laps[1][0]]))
    # Round a circle of n places, m of one area leave at least 2m - n of them side by side.
    assert repeats == max(0, 2 * max(sizes) - sum(sizes))


# The terms


@given(
    count=st.integers(1, 20),
    k=st.integers(1, 25),
    corpus_seed=st.integers(),
    shuffle=st.integers(0, 3),
)
def test_laps_draw_disjoint_terms_until_fewer_than_k_are_left(
    count: int, k: int, corpus_seed: int, shuffle: int
) -> None:
    hierarchy = hierarchy_of([1], terms=count)
    drawn_per_lap = min(k, count)
    laps = count // drawn_per_lap
    drawn = [
        term
        for lap in range(shuffle * laps, (shuffle + 1) * laps)
        for term in draw_seeds(hierarchy, corpus_seed=corpus_seed, trajectory=lap, k=k).terms
    ]
    assert len(drawn) == len(set(drawn)) == laps * drawn_per_lap
    assert set(drawn) <= set(hierarchy.subfields[0].terms)


def test_an_exhausted_subfield_is_shuffled_anew() -> None:
    hierarchy = hierarchy_of([1], terms=18)
    first, second = (draw_seeds(hierarchy, corpus_seed=0, trajectory=t, k=18).terms for t in (0, 1))
    assert sorted(first) == sorted(second)
    assert first != second


@pytest.mark.parametrize("domain", DOMAINS)
def test_drawn_terms_belong_to_the_subfield_they_are_drawn_for(domain: str) -> None:
    hierarchy = load_hierarchy(domain)
    terms = {(subfield.area, subfield.name): set(subfield.terms) for subfield in hierarchy.subfields}
    for seeds in lap_of(hierarchy, lap=2, k=5):
        assert len(seeds.terms) == 5
        assert set(seeds.terms) <= terms[seeds.area, seeds.subfield]


# Determinism

GOLDEN = {
    0: SeedSet("area 1", "field 1", ("term 1.1.0", "term 1.1.4", "term 1.1.6")),
    7: SeedSet("area 1", "field 1", ("term 1.1.7", "term 1.1.1", "term 1.1.3")),
    1_000_000: SeedSet("area 0", "field 2", ("term 0.2.0", "term 0.2.7", "term 0.2.2")),
}


@pytest.mark.parametrize("trajectory", GOLDEN)
def test_a_draw_never_changes(trajectory: int) -> None:
    hierarchy = hierarchy_of([3, 2, 2], terms=8)
    assert draw_seeds(hierarchy, corpus_seed=42, trajectory=trajectory, k=3) == GOLDEN[trajectory]


def test_a_draw_is_the_same_in_processes_that_hash_strings_differently() -> None:
    script = (
        "from builders.seeds import draw_seeds, load_hierarchy\n"
        "hierarchy = load_hierarchy('finance')\n"
        "print([draw_seeds(hierarchy, corpus_seed=5, trajectory=t, k=4) for t in range(200)])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1")
    }
    hierarchy = load_hierarchy("finance")
    here = [draw_seeds(hierarchy, corpus_seed=5, trajectory=t, k=4) for t in range(200)]
    assert outputs == {f"{here}\n"}


def test_a_draw_does_not_depend_on_the_draws_before_it() -> None:
    forwards = [draw_seeds(load_hierarchy("biomed"), corpus_seed=3, trajectory=t, k=4) for t in range(30)]
    hierarchy = load_hierarchy("biomed")
    backwards = [draw_seeds(hierarchy, corpus_seed=3, trajectory=t, k=4) for t in reversed(range(30))]
    assert forwards == backwards[::-1]


def test_another_corpus_seed_walks_and_draws_otherwise() -> None:
    hierarchy = load_hierarchy("biomed")
    one, other = (lap_of(hierarchy, corpus_seed=corpus_seed) for corpus_seed in (0, 1))
    assert [seeds.subfield for seeds in one] != [seeds.subfield for seeds in other]
    terms_of = {seeds.subfield: seeds.terms for seeds in other}
    assert sum(seeds.terms == terms_of[seeds.subfield] for seeds in one) < len(one) / 10


def test_two_hierarchies_of_one_name_and_size_are_not_mistaken_for_each_other() -> None:
    one, other = hierarchy_of([2, 1]), hierarchy_of([1, 2])
    for hierarchy in (one, other):
        assert {(s.area, s.subfield) for s in lap_of(hierarchy)} == {
            (s.area, s.name) for s in hierarchy.subfields
        }


@pytest.mark.parametrize(("trajectory", "k"), [(-1, 3), (0, 0)])
def test_a_draw_outside_its_range_is_a_bug_of_the_caller(trajectory: int, k: int) -> None:
    with pytest.raises(ValueError, match="need trajectory >= 0 and k >= 1"):
        draw_seeds(hierarchy_of([1]), corpus_seed=0, trajectory=trajectory, k=k)


# The user's own file


def test_a_file_of_the_users_is_read_in_its_order(tmp_path: Path) -> None:
    file = tmp_path / "law.yaml"
    file.write_text(VALID, encoding="utf-8")
    assert load_hierarchy(file) == load_hierarchy(str(file))
    assert load_hierarchy(file) == SeedHierarchy(
        domain="law",
        subfields=(
            Subfield("Law", "Contracts", ("offer", "acceptance")),
            Subfield("Law", "Torts", ("negligence",)),
        ),
        genres=("note",),
        audiences=("students",),
        tones=("plain",),
        personas=("clerk",),
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("genres: [note]\n", "", "genres must be a list with at least one entry"),
        ("genres:", "genre:", "unknown key 'genre'; keep to genres, audiences"),
        ("[plain]", "plain", "tones must be a list"),
        ("[clerk]", "[]", "personas must be a list with at least one entry; add one"),
        ("[students]", "[students, Students]", "audiences: 'Students' is listed twice; remove one"),
        ("[note]", "[note, no]", "genres: False is not text; write it in quotes"),
        ("[negligence]", "[negligence, 1031]", "areas > Law > Torts: 1031 is not text"),
        ("[negligence]", "[Offer]", "Torts: 'Offer' is also in Law > Contracts; remove one"),
        ("[offer, acceptance]", "[offer, OFFER]", "Contracts: 'OFFER' is listed twice"),
        ("Torts:", "Contracts:", ", line 8: the key 'Contracts' occurs twice; mend the YAML"),
        ("[negligence]", "[negligence", "line 9: expected ',' or ']'"),
        ("  Law:", "  2026:", "areas: 2026 is not a name; write it as text"),
        (VALID[VALID.index("  Law") :], "", "areas must map names"),
        (VALID, "- offer\n- acceptance\n", "the file must map names"),
        (VALID, "", "the file must map names"),
    ],
)
def test_a_wrong_file_is_named_with_its_key_and_the_remedy(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    file = tmp_path / "law.yaml"
    assert old in VALID
    file.write_text(VALID.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_hierarchy(file)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert says in message
    assert "\n" not in message


def test_a_file_in_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "law.yaml"
    file.write_bytes(VALID.replace("plain", "pl\u00e4in").encode("latin-1"))
    with pytest.raises(UserError, match=r"law\.yaml: not readable as YAML in UTF-8"):
        load_hierarchy(file)


def test_an_unknown_domain_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match="unknown domain 'law'; known are biomed, finance"):
        load_hierarchy("law")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no keyword file at .*law\.yaml; give the path"):
        load_hierarchy(tmp_path / "law.yaml")
