"""What trajectories are run with: endpoints, a recorder, and the method set up for the model that answers."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from builders.acceptance import CorpusJudge
from builders.acceptance.instruction import DocumentInstructionJudge
from builders.baselines import Template, load_exemplars
from builders.document_source import open_source
from builders.endpoints.base import Sampling
from builders.endpoints.connect import connect
from builders.endpoints.errors import Incomplete, Rejected
from builders.endpoints.opening import opened_pool
from builders.errors import UserError
from builders.interrupts import first_interrupt
from builders.journal import Journal, Purse, Recorder, model_name
from builders.metasynth import Conductor, GuidedProtocol, TextProtocol
from builders.metasynth.instruct import InstructConductor
from builders.metasynth.memory import ContextTooSmallError
from builders.metasynth.reseeding import SeedChain
from builders.method import derive_seed
from builders.seeding import open_seeds
from builders.seeds import load_hierarchy
from builders.steering import Pilot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractContextManager

    from builders.endpoints.base import Endpoint, EndpointInfo
    from builders.endpoints.pool import Pool
    from builders.metasynth.instruct import Documents
    from builders.method import Method
    from builders.request import BuildRequest, Display
    from builders.seeds.documents import SeedIndex

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


def _drained_by_interrupt(recorder: Recorder, display: Display) -> AbstractContextManager[None]:
    """The first Ctrl-C stops new calls; a second one stops at once."""

    def drain() -> None:
        recorder.drain()
        display.draining()

    return first_interrupt(drain)
