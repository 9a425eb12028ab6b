"""Promises of steering's parts: counts forget, steps dry up, drafts are sent back, builds resume exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from collapsing_builds import Silent

from builders.build import BuildRequest, build
from builders.corpora.base import Corpus
from builders.corpora.registry import find_corpus
from builders.dataset.reader import open_dataset
from builders.journal import Budget, BudgetSpentError
from builders.method import Attempt, Document, Draft, Judgement, Rejection
from builders.seeds import draw_seeds, load_hierarchy
from builders.steering import STOCK_OPENING, Guidance, Overused, Pilot, Watch
from builders.steering.growth import DIMENSIONS, PART_DOCUMENTS, Growth, word_vectors
from builders.steering.tally import RECENT, Tally
from builders.steering.yields import WHOLE_WAY_EVERY, Yields
from builders.testing import Simulation, simulated_endpoint
from builders.trajectories import Target

if TYPE_CHECKING:
    from pathlib import Path

CORPUS = Corpus(name="steered", domain="biomed", steering=True, max_rewrites=2)
HIERARCHY = load_hierarchy("biomed")


# What is counted


def test_a_trait_is_overused_from_the_least_count_on_and_counts_once_per_document() -> None:
    tally = Tally(least=3)
    for _ in range(2):
        tally.add(["case report", "case report", "letter"])
    assert tally.overused() == ()
    tally.add(["case report"])
    assert tally.overused() == (Overused("case report", 3),)


def test_counts_tell_of_the_last_documents_alone() -> None:
    tally = Tally(least=3)
    for _ in range(10):
        tally.add(["old"])
    for number in range(RECENT):
        tally.add([f"new {number}"])
    assert tally.overused() == ()
    assert len(tally) == RECENT


def test_an_even_spread_is_not_overused_and_a_favourite_is() -> None:
    tally = Tally(least=5, factor=2)
    for number in range(200):
        tally.add([f"genre {number % 20}"])
    assert tally.overused() == ()
    for _ in range(30):
        tally.add(["favourite"])
    assert [entry.what for entry in tally.overused()] == ["favourite"]


# How long a trajectory is worth its calls


def test_trajectories_are_cut_where_their_steps_dry_up_and_one_goes_on_to_find_a_recovery() -> None:
    yields = Yields()
    assert yields.most_documents(0, 10) == 10
    for _ in range(20):
        yields.add((True, True, True, False, False, False))
    assert yields.most_documents(0, 10) == 3
    assert yields.most_documents(WHOLE_WAY_EVERY - 1, 10) == 10
    for _ in range(100):
        yields.add((True,) * 10)
    assert yields.most_documents(0, 10) == 10


def test_a_corpus_that_is_bad_from_the_start_is_not_cut_short() -> None:
    yields = Yields()
    for _ in range(20):
        yields.add((False, True) * 5)
    assert yields.most_documents(0, 10) == 10


# Drafts


def written(text: str) -> Draft:
    return Draft(text=text, cut=False, prompts=())


def accepting(draft: Draft) -> Judgement:
    return Judgement(text=draft.text, rejection=None)


def test_an_overused_opening_is_sent_back_with_the_words_to_avoid_but_never_loses_the_document() -> None:
    stock = "In today's ever changing world"
    guidance = Guidance(openings=(Overused("in today's ever changing world", 12),))
    watch = Watch(accepting, guidance, CORPUS)
    answers = [watch(written(f"{stock} of care, number {number}.")).rejection for number in range(3)]
    assert [answer and answer.reason for answer in answers] == [STOCK_OPENING, STOCK_OPENING, None]
    assert answers[0] is not None
    assert '"in today\'s ever changing world"' in answers[0].detail


def test_a_trajectory_does_not_begin_or_repeat_a_document_as_it_did_before() -> None:
    watch = Watch(accepting, Guidance(), CORPUS)
    words = [f"word{number}" for number in range(100)]
    watch.ended(" ".join(words), ())
    like = watch(written(" ".join(["Another", *words[1:]])))
    assert like.rejection is not None
    assert like.rejection.reason == "near-duplicate"
    alike = watch(written(" ".join([*words[:5], *reversed(words)])))
    assert alike.rejection is not None
    assert alike.rejection.reason == STOCK_OPENING


def test_a_trajectory_that_only_repeats_itself_is_dry() -> None:
    watch = Watch(accepting, Guidance(), CORPUS)
    repeated = (Rejection("too-similar", "the same again"),)
    watch.ended(None, repeated)
    assert not watch.dry
    watch.ended(None, (Rejection("too-short", "40 words"),))
    watch.ended(None, repeated)
    assert not watch.dry
    watch.ended(None, repeated)
    assert watch.dry


# The pilot


class Recording:
    """A method that keeps the guidance that it was given."""

    def __init__(self) -> None:
        self.given: list[Guidance] = []

    def guided(self, guidance: Guidance) -> Any:
        self.given.append(guidance)
        return self


def attempt(text: str, *, genre: str = "letter", persona: str = "nurse") -> Attempt:
    return Attempt(
        document=Document(
            text=text,
            genre=genre,
            persona=persona,
            keywords=("sepsis",),
            summary="",
            n_tokens=10,
            model_id="owner/model",
            model_sha=None,
        )
    )


def pilot(method: Recording) -> Pilot:
    return Pilot(method, corpus=CORPUS, hierarchy=HIERARCHY, corpus_seed=0)


def test_a_trajectory_is_told_what_was_settled_before_it_as_counted_facts() -> None:
    method = Recording()
    steering = pilot(method)
    for trajectory in range(4):
        steering.method(trajectory)
    assert method.given[0].facts() == []
    for trajectory in range(4):
        steering.settle(
            trajectory, 2, [(attempt(f"It is known that sepsis kills {trajectory}."), True) for _ in range(2)]
        )
    steering.method(4)
    told = method.given[4]
    assert told.counted == 8
    assert told.openings == (Overused("it is known that sepsis", 8),)
    assert told.facts()[0] == 'beginnings: "it is known that sepsis" (8 documents)'
    assert steering.report(3).refused_openings == 3


def test_a_subfield_that_brought_little_is_visited_again() -> None:
    method = Recording()
    steering = pilot(method)
    lap = len(HIERARCHY.subfields)
    for trajectory in range(lap):
        steering.method(trajectory)
        brought = [(attempt(f"Text {trajectory} {step}."), trajectory != 5) for step in range(4)]
        steering.settle(trajectory, 4, brought)
    poor = draw_seeds(HIERARCHY, corpus_seed=0, trajectory=5, k=6)
    steering.method(lap)
    moved = method.given[lap]
    assert moved.subfield == poor.subfield
    again = draw_seeds(HIERARCHY, corpus_seed=0, trajectory=lap, k=6, subfield=moved.subfield)
    assert again.subfield == poor.subfield
    assert again.terms != poor.terms


# Growth


def test_parts_are_equally_large_and_a_repetitive_stretch_shows() -> None:
    growth = Growth(words=20)
    for number in range(PART_DOCUMENTS):
        growth.add(" ".join(f"w{number * 31 + place}" for place in range(60)))
    assert growth.facts() is None
    for number in range(PART_DOCUMENTS):
        growth.add(f"The same old story again {number} " + "and again it is told in the same way " * 8)
    found = growth.facts()
    assert found is not None
    first, last = found.stages
    assert (first.documents, last.documents) == (PART_DOCUMENTS, 2 * PART_DOCUMENTS)
    assert last.values["compression-ratio"] > 3 * first.values["compression-ratio"]
    assert last.values["remote-clique-of-words"] < first.values["remote-clique-of-words"] / 3
    assert (first.values["shared-openings"], last.values["shared-openings"]) == (0, 1)


def test_word_vectors_hold_every_word_once() -> None:
    assert word_vectors(["one two two"]).shape == (1, DIMENSIONS)
    assert abs(word_vectors(["word " * 7])).sum() == 7


# Whole builds


@pytest.fixture
def steered() -> Corpus:
    return find_corpus("metasynth-biomed").model_copy(
        update={"steering": True, "experts": ("Domain Expert", "Summarizer Expert")}
    )


async def test_a_steered_build_that_was_interrupted_ends_as_one_that_was_not(
    tmp_path: Path, steered: Corpus
) -> None:
    simulation = Simulation(collapse=0.12, told_time_s=0.0)

    def request(name: str, url: str, **changes: Any) -> BuildRequest:
        return BuildRequest(
            corpus=steered,
            target=Target(documents=70),
            seed=3,
            folder=tmp_path / name,
            endpoints=(url,),
            protocol="guided",
            **changes,
        )

    async with simulated_endpoint(simulation) as server:
        whole = await build(request("whole", server.url), Silent())
        for tokens in (20_000, 60_000):
            with pytest.raises(BudgetSpentError):
                await build(
                    request("parts", server.url, budget=Budget(tokens=tokens), concurrency=3), Silent()
                )
        parts = await build(request("parts", server.url, concurrency=5), Silent())
    assert whole.steering is not None
    assert whole.steering.guided > 0
    assert whole.steering.refused_openings > 0
    assert parts == whole
    assert list(open_dataset(tmp_path / "parts").documents()) == list(
        open_dataset(tmp_path / "whole").documents()
    )


def test_steering_is_refused_where_there_is_no_meta_lm() -> None:
    with pytest.raises(ValueError, match="meta-LM"):
        Corpus(name="filled", domain="biomed", method="template", steering=True)


def test_the_option_is_refused_for_a_template_corpus(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from builders.cli import main

    done = CliRunner().invoke(
        main, ["build", "template-biomed", "--steering", "on", "--output", str(tmp_path)]
    )
    assert done.exit_code == 2
    assert "--steering" in done.output
