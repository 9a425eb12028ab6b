"""A build from end to end: a corpus and an endpoint in, a dataset folder out."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from builders import __version__
from builders.acceptance import CorpusJudge
from builders.acceptance.instruction import DocumentInstructionJudge
from builders.accepted import Accepted
from builders.baselines import Template, load_exemplars
from builders.crew import TrajectoryListener
from builders.dataset.package import write_dataset
from builders.dataset.rows import BuildFacts
from builders.diversity.brief import baseline_beside, brief
from builders.document_source import open_source
from builders.endpoints.base import Sampling
from builders.endpoints.connect import connect
from builders.endpoints.errors import Incomplete, Rejected
from builders.endpoints.opening import opened_pool
from builders.endpoints.pool import Pool, Retries
from builders.endpoints.timeouts import Timeouts
from builders.errors import UserError
from builders.finished import build_digest, finished, note_finished
from builders.journal import Budget, Journal, Purse, Recorder, build_lock, model_name
from builders.metasynth import Conductor, GuidedProtocol, TextProtocol
from builders.metasynth.instruct import InstructConductor
from builders.metasynth.memory import ContextTooSmallError
from builders.metasynth.reseeding import SeedChain
from builders.method import derive_seed
from builders.seeding import open_seeds, seed_facts
from builders.seeds import load_hierarchy
from builders.steering import STOCK_OPENING, Pilot
from builders.trajectories import Target, run_trajectories

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from builders.corpora.base import Corpus
    from builders.dataset.rows import SeedFacts
    from builders.endpoints.base import Completion, Endpoint, EndpointInfo
    from builders.metasynth.instruct import Documents
    from builders.method import Method
    from builders.seeds.documents import SeedIndex
    from builders.tokenizer import NamedTokenizer
    from builders.trajectories import Outcome

JOURNAL_FOLDER = ".journal"
EMBEDDED_PARALLEL = 4
MODEL = "model"
CONTEXT = "context_tokens"
UNTOLD_CONTEXT = 8192
"""Context assumed of a server that does not tell its own, in tokens."""

PROBE_SCHEMA = {
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What the user asked for.

    Attributes:
        corpus: what to build.
        target: how much to accept.
        tokenizer: what counts tokens; None for the served model's.
        seed: seed of the whole build.
        folder: the dataset folder.
        endpoints: base URLs; none for the embedded endpoint.
        adapter: `chat`, or `text-generation` for TGI's native routes.
        dialect: how structured output is asked for; None to go by what the server says.
        protocol: `text` or `guided`; None to go by what the endpoint supports.
        concurrency: calls in flight at most; None for what the endpoints take.
        retries: how often a call is asked again.
        timeouts: how long an endpoint is waited for.
        budget: what the build may spend.
        allow_model_change: go on when an endpoint serves another model than before.
        source: of instructions, name or folder of the documents' corpus; None for what the corpus says.
    """

    corpus: Corpus
    target: Target
    seed: int
    folder: Path
    tokenizer: NamedTokenizer | None = None
    endpoints: tuple[str, ...] = ()
    adapter: str = "chat"
    dialect: Literal["tgi", "openai"] | None = None
    protocol: Literal["text", "guided"] | None = None
    concurrency: int | None = None
    retries: Retries = field(default_factory=Retries)
    timeouts: Timeouts = field(default_factory=Timeouts)
    budget: Budget = field(default_factory=Budget)
    allow_model_change: bool = False
    source: str | None = None


class Display(TrajectoryListener, Protocol):
    """Shows a build to a person."""

    def started(self, request: BuildRequest, info: EndpointInfo, protocol: str) -> None:
        """The endpoint answers; work begins."""
        ...

    def called(self, trajectory: int, event: str) -> None:
        """A trajectory calls an expert."""
        ...

    def answered(self, completion: Completion, *, recorded: bool) -> None:
        """A call was answered."""
        ...

    def say(self, line: str) -> None:
        """Tell what a person should know."""
        ...

    def draining(self) -> None:
        """The first Ctrl-C: calls in flight are finished."""
        ...


async def build(request: BuildRequest, display: Display) -> BuildFacts:
    """Build a corpus, or go on with one, and package it as a dataset.

    Raises:
        UserError: what the user can mend.
        EndpointError: the endpoint failed for good. Everything answered is in the journal.
        DrainingError: stopped by Ctrl-C. Likewise.
    """
    corpus = request.corpus
    work = request.folder / JOURNAL_FOLDER
    compared = corpus.method == "metasynth"
    baseline = baseline_beside(request.folder, domain=corpus.domain) if compared else None
    with build_lock(work), closing(Journal(work)) as journal, closing(Accepted(corpus, work)) as accepted:
        async with open_workshop(request, display, journal) as shop:
            digest = build_digest(
                corpus.model_dump(mode="json"),
                [asdict(request.target), request.seed, shop.protocol, str(request.tokenizer)],
                replace(shop.pool.info, url="", max_concurrent_requests=None),
                shop.method.ingredients,
                baseline.digest if baseline else None,
            )
            if facts := finished(journal, digest, request.folder):
                return facts
            outcome = await run_trajectories(
                corpus,
                shop.method,
                recorder=shop.recorder,
                journal=journal,
                target=request.target,
                concurrency=lambda: at_work(shop.pool.concurrency),
                accepted=accepted,
                listener=display,
                steering=shop.pilot,
            )
        facts = gather_facts(request, shop.pool.info, shop.protocol, journal=journal, outcome=outcome)
        facts = facts.model_copy(
            update={
                "diversity": brief(accepted.texts(), facts.documents, baseline),
                "growth": accepted.growth.facts(),
                "source": shop.documents
                and shop.documents.facts.model_copy(update={"used": documents_used(journal)}),
                "seeds": _seed_facts(corpus, shop, journal),
                "steering": shop.pilot and shop.pilot.report(outcome.redrafted.get(STOCK_OPENING, 0)),
            }
        )
        write_dataset(request.folder, documents=accepted.rows(), facts=facts)
        note_finished(journal, digest, facts, request.folder)
        return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What trajectories are run with: an open pool, its recorder, the method, and its protocol's name.

    `pilot` steers them, where the corpus asks for it; `documents` are what instructions are made from, and
    `seeds` what documents start from.
    """

    pool: Pool
    recorder: Recorder
    method: Method
    protocol: str
    pilot: Pilot | None
    documents: Documents | None
    seeds: SeedIndex | None


@asynccontextmanager
async def open_workshop(request: BuildRequest, display: Display, journal: Journal) -> AsyncIterator[Workshop]:
    """Connect, and set up the method for what answers; the first Ctrl-C stops new calls.

    Raises:
        UserError: what the user can mend.
    """
    documents = source_documents(request, journal)
    seeds = await open_seeds(request.corpus, display.say)
    async with AsyncExitStack() as stack:
        if seeds:
            stack.callback(seeds.close)
        pool = await stack.enter_async_context(open_pool(request, display))
        recorder = Recorder(
            journal,
            pool,
            listener=display.answered,
            purse=Purse(request.budget, journal),
            model=build_model(journal, pool.info, allow_change=request.allow_model_change, say=display.say),
            tokenizer=request.tokenizer,
        )
        with _drained_by_interrupt(recorder, display):
            protocol = "template"
            if request.corpus.method != "template":
                protocol = request.protocol or await supported_protocol(recorder, request.seed)
            info = replace(pool.info, max_total_tokens=context_tokens(journal, pool.info))
            method = make_method(request, info, protocol, display, documents=documents, seeds=seeds)
            display.started(request, pool.info, protocol)
            yield Workshop(
                pool=pool,
                recorder=recorder,
                method=method,
                protocol=protocol,
                pilot=make_pilot(request, method),
                documents=documents,
                seeds=seeds,
            )


def at_work(calls: int) -> int:
    """Trajectories that keep so many calls in flight: a few wait at the door while others think."""
    return calls + max(1, calls // 8)


@asynccontextmanager
async def open_pool(request: BuildRequest, display: Display) -> AsyncIterator[Pool]:
    """Connect to the endpoints asked for, or start the embedded one."""
    async with AsyncExitStack() as stack:
        urls, start = request.endpoints, request.concurrency
        if not urls:
            from builders.serve import embedded_endpoint

            urls = (await stack.enter_async_context(embedded_endpoint(parallel=EMBEDDED_PARALLEL)),)

        def opener(number: int, url: str) -> Awaitable[Endpoint]:
            return connect(
                url,
                number=number,
                adapter=request.adapter,
                dialect=request.dialect,
                timeouts=request.timeouts,
            )

        yield await stack.enter_async_context(
            opened_pool(
                urls,
                opener,
                most=start or (None if request.endpoints else EMBEDDED_PARALLEL),
                retries=request.retries,
                allow_model_change=request.allow_model_change,
                say=display.say,
            )
        )


def build_model(
    journal: Journal,
    info: EndpointInfo,
    *,
    allow_change: bool,
    say: Callable[[str], None] = lambda _: None,
) -> str:
    """The model that the build's calls are recorded under: the one that it was begun with.

    Raises:
        UserError: the endpoint serves another one, and that is not allowed.
    """
    known, serves = journal.meta(MODEL), model_name(info)
    if known is None:
        journal.set_meta(MODEL, serves)
        return serves
    if known != serves and allow_change:
        say(
            f"begun with {known}, and {info.url} serves {serves}; the build goes on with both, as it was "
            "told to"
        )
    elif known != serves:
        raise UserError(
            f"{journal.path.parent.parent} was begun with {known}, and {info.url} serves {serves}; serve "
            "that model again, build into another --output, or go on with --allow-model-change"
        )
    return known


def context_tokens(journal: Journal, info: EndpointInfo) -> int:
    """The context that prompts are made for: the smallest that the build has seen.

    Prompts are made to fit it, so they must not change when an endpoint with less is away for a while.
    """
    serves = info.max_total_tokens or UNTOLD_CONTEXT
    known = int(journal.meta(CONTEXT) or serves)
    if str(min(known, serves)) != journal.meta(CONTEXT):
        journal.set_meta(CONTEXT, str(min(known, serves)))
    return min(known, serves)


async def supported_protocol(recorder: Recorder, seed: int) -> Literal["text", "guided"]:
    """`guided` where the endpoint keeps to a schema, else `text`; found out by one small call."""
    sampling = Sampling(max_tokens=64, temperature=0.1, top_p=0.9, seed=derive_seed("probe", seed))
    try:
        await recorder.chat([{"role": "user", "content": "Are you ready?"}], sampling, PROBE_SCHEMA)
    except (Rejected, Incomplete):
        return "text"
    return "guided"


def source_documents(request: BuildRequest, journal: Journal) -> Documents | None:
    """What instructions are made from; None for a corpus of documents.

    Raises:
        UserError: there are no such documents, or others than the build was begun with.
    """
    if request.corpus.method != "instruct":
        return None
    return open_source(
        request.corpus, journal, folder=request.folder, named=request.source, corpus_seed=request.seed
    )


def make_method(
    request: BuildRequest,
    info: EndpointInfo,
    protocol: str,
    display: Display,
    *,
    documents: Documents | None = None,
    seeds: SeedIndex | None = None,
) -> Method:
    """The corpus' method, set up for the model that answers.

    Raises:
        UserError: the corpus' prompts do not fit the model's context.
    """
    corpus = request.corpus
    decoding = corpus.stand_in_decoding if info.stand_in else corpus.decoding
    context = info.max_total_tokens or UNTOLD_CONTEXT
    method: Conductor | Template | InstructConductor
    if corpus.method == "template":
        exemplars = load_exemplars(corpus.exemplars, seed=request.seed) if corpus.exemplars else ()
        method = Template(
            corpus=corpus,
            hierarchy=load_hierarchy(corpus.keyword_source),
            corpus_seed=request.seed,
            decoding=decoding,
            context_tokens=context,
            judge=CorpusJudge.of(corpus),
            narrate=display.called,
            exemplars=exemplars,
        )
    elif documents is not None:
        method = InstructConductor(
            corpus=corpus,
            documents=documents,
            hierarchy=load_hierarchy(corpus.keyword_source),
            corpus_seed=request.seed,
            protocol=GuidedProtocol(menus=decoding.menus)
            if protocol == "guided"
            else TextProtocol("INSTRUCTION"),
            decoding=decoding,
            context_tokens=context,
            judge=DocumentInstructionJudge.of(corpus),
            narrate=display.called,
        )
    else:
        hierarchy, chain = load_hierarchy(corpus.keyword_source), None
        if seeds is not None:
            chain = SeedChain(
                seeds,
                corpus=corpus,
                hierarchy=hierarchy,
                corpus_seed=request.seed,
                decoding=decoding,
                guided=protocol == "guided",
            )
        method = Conductor(
            corpus=corpus,
            hierarchy=hierarchy,
            corpus_seed=request.seed,
            protocol=GuidedProtocol(menus=decoding.menus) if protocol == "guided" else TextProtocol(),
            decoding=decoding,
            context_tokens=context,
            judge=CorpusJudge.of(corpus),
            narrate=display.called,
            seed_chain=chain,
        )
    try:
        method.require_context()
    except ContextTooSmallError as error:
        raise UserError(
            f"the context of {info.model_id} ({context} tokens) is too small for the prompt; {error}; "
            "use a model with more context, or fewer experts and a smaller decoding.document_tokens"
        ) from None
    return method


def make_pilot(request: BuildRequest, method: Method) -> Pilot | None:
    """What steers the build, where the corpus asks for it."""
    if not (request.corpus.steering and isinstance(method, Conductor)):
        return None
    return Pilot(method, corpus=request.corpus, hierarchy=method.hierarchy, corpus_seed=request.seed)


def _seed_facts(corpus: Corpus, shop: Workshop, journal: Journal) -> SeedFacts | None:
    if shop.seeds is None or corpus.seed_documents is None:
        return None
    return seed_facts(journal, shop.seeds, corpus.seed_documents)


def documents_used(journal: Journal) -> int:
    """Documents that an accepted instruction was made from."""
    evolved = (
        attempt.document.evolved
        for _, _, accepted, attempt in journal.attempts()
        if accepted and attempt.document
    )
    return len({made.document_id for made in evolved if made})


def gather_facts(
    request: BuildRequest, info: EndpointInfo, protocol: str, *, journal: Journal, outcome: Outcome
) -> BuildFacts:
    """Every figure of the finished build, from the journal."""
    words = tokens = calls = prompt_tokens = completion_tokens = 0
    revisions: dict[str, None] = {}
    for _, _, accepted, attempt in journal.attempts():
        calls += len(attempt.trace)
        prompt_tokens += sum(call.completion.prompt_tokens for call in attempt.trace)
        completion_tokens += sum(call.completion.completion_tokens for call in attempt.trace)
        if accepted and attempt.document:
            words += len(attempt.document.whole.split())
            tokens += attempt.document.n_tokens
            revisions[attempt.document.model_sha or ""] = None
    corpus = request.corpus
    return BuildFacts(
        version=__version__,
        name=corpus.name,
        domain=corpus.domain,
        method=corpus.method,
        description=corpus.description,
        license=corpus.license,
        server=info.server,
        model_id=info.model_id,
        model_sha=", ".join(filter(None, revisions)),
        stand_in=info.stand_in,
        simulated=info.simulated,
        protocol=protocol,
        corpus_seed=request.seed,
        tokenizer=str(request.tokenizer or ""),
        settings=corpus.model_dump(mode="json"),
        documents=outcome.documents,
        trajectories=outcome.trajectories,
        attempts=outcome.attempts,
        dropped=journal.dropped(),
        redrafted=outcome.redrafted,
        words=words,
        tokens=tokens,
        calls=calls,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
    )


@contextmanager
def _drained_by_interrupt(recorder: Recorder, display: Display) -> Iterator[None]:
    """The first Ctrl-C stops new calls; a second one stops at once."""
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)  # first: a second Ctrl-C may follow what is shown
        recorder.drain()
        display.draining()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
