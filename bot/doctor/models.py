"""The language model by a real completion, the reranker by two texts, and pictures."""

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from bot.doctor.findings import Finding
from bot.doctor.library import split
from bot.settings import Settings

if TYPE_CHECKING:
    from rag.settings import RagSettings

PROBE_TOKENS = 8
SLOW_S = 3.0
"""A first token later than this is a warning: people wait for it in front of an empty card."""


async def check_model(settings: Settings) -> list[Finding]:
    """A few tokens from the real model: address, key, name and credit are right, or the answer says which is not."""
    from rag.errors import RagError
    from rag.generation.factory import NO_MODEL, uses_model

    rag = settings.rag
    try:
        if not uses_model(rag.llm):
            is_chosen = rag.llm.provider == "extractive"
            fix = "" if is_chosen else "set RAG__LLM__BASE_URL, RAG__LLM__MODEL and RAG__LLM__API_KEY"
            return [Finding("model", "ok" if is_chosen else "warn", NO_MODEL, fix)]
        first_token_s, window = await _probe(rag)
    except RagError as error:
        return [Finding("model", "fail", *split(str(error), "correct rag.llm as it says"))]
    if first_token_s > SLOW_S:
        fix = "take a smaller model, or see what its server has to do"
        found = Finding("model", "warn", f"{rag.llm.model}: first token after {first_token_s:.1f} s", fix)
    else:
        found = Finding("model", "ok", f"{rag.llm.model} answers, first token after {first_token_s:.1f} s")
    return [found, _window(rag, window)]


async def _probe(rag: "RagSettings") -> tuple[float, int | None]:
    """Seconds to the first token, and the window that the server tells. Raises `GenerationFailed`."""
    from rag.clock import SystemClock
    from rag.events import Prompt
    from rag.generation.llm_generator import LLMGenerator

    writer = LLMGenerator(rag.llm, rag.prompts, clock=SystemClock())
    try:
        await writer.warm_up()  # its imports take a second
        began = time.monotonic()
        async with contextlib.aclosing(writer.complete(Prompt("hi", PROBE_TOKENS, 0.0, 1.0))) as events:
            await anext(events)
        return time.monotonic() - began, await writer.window()
    finally:
        await writer.aclose()


def _window(rag: "RagSettings", told: int | None) -> Finding:
    """Whether question, passages and answer fit into what the model reads."""
    from rag.generation.context_window import PROMPT_TOKENS

    needed = rag.retrieval.budget_tokens + rag.llm.max_tokens + PROMPT_TOKENS
    if rag.llm.context_tokens:
        if told and told < rag.llm.context_tokens:
            detail = f"rag.llm.context_tokens is {rag.llm.context_tokens}, but the model's server tells {told}"
            return Finding("window", "fail", detail, f"set RAG__LLM__CONTEXT_TOKENS={told}")
        return Finding("window", "ok", f"{rag.llm.context_tokens} tokens, as configured")
    if told is None:
        fix = "set RAG__LLM__CONTEXT_TOKENS to the model's window; one that is too small is found out late otherwise"
        return Finding("window", "warn", "the model's server does not tell its context window", fix)
    if told < needed:
        fix = f"set RAG__LLM__CONTEXT_TOKENS={told}, so that fewer passages are given"
        return Finding("window", "warn", f"{told} tokens; answers with all their passages take up to {needed}", fix)
    return Finding("window", "ok", f"{told} tokens; answers take up to {needed}")


async def check_pictures(settings: Settings) -> list[Finding]:
    """Whether what `rag.llm.vision` promises can be kept; nothing where it promises nothing."""
    from rag.errors import RagError
    from rag.generation.factory import uses_model
    from rag.ingestion.readers.pictures import can_show

    llm = settings.rag.llm
    if not llm.vision:
        return []
    with contextlib.suppress(RagError):  # told by the check of the model
        if not uses_model(llm):
            found = "rag.llm.vision is on, but there is no model to show pictures to"
            return [Finding("pictures", "warn", found, "set RAG__LLM__BASE_URL and RAG__LLM__MODEL, or switch it off")]
    if not can_show():
        found = "rag.llm.vision is on, but pictures cannot be made ready for the model"
        return [Finding("pictures", "warn", found, "pip install 'feishu-rag[vision]'")]
    return [Finding("pictures", "ok", f"{llm.model} is shown pictures; it has to understand images")]


async def check_rerank(settings: Settings) -> list[Finding]:
    """Two texts put in order by the real reranker; nothing where there is none."""
    from rag.clock import SystemClock
    from rag.errors import EmbeddingFailed, SettingsMismatch
    from rag.reranking.reranker import RerankerHandle

    retrieval = settings.rag.retrieval
    if retrieval.rerank == "none":
        return []
    try:
        leg = RerankerHandle(retrieval, SystemClock())
    except SettingsMismatch as error:
        return [Finding("rerank", "fail", *split(str(error), "correct rag.retrieval.rerank_* as it says"))]

    def tried() -> None:
        if reranker := leg.reranker():
            with contextlib.suppress(EmbeddingFailed):  # the leg remembers it
                reranker.scores("hi", ["hi", "ho"])

    await asyncio.to_thread(tried)
    part = leg.part()
    await asyncio.to_thread(leg.close)
    if part is None or part.ok:
        return [Finding("rerank", "ok", part.detail if part else "")]
    keyless = retrieval.rerank == "endpoint" and not retrieval.rerank_api_key.get_secret_value()
    fix = "set RAG__RETRIEVAL__RERANK_API_KEY if it wants a key, and " if keyless else ""
    return [Finding("rerank", "fail", part.detail, f"{fix}correct rag.retrieval.rerank_* as it says")]
