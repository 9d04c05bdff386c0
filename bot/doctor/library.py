"""Documents, index, embedding model and language model: there, whole, and answering."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bot.doctor.findings import Finding, State
from bot.settings import Settings

if TYPE_CHECKING:
    from rag.health import LibraryStatus, Part
    from rag.settings import RagSettings

PROBE_TOKENS = 8
PROBE_S = 20.0
ENOUGH_FILES = 1000


async def check_knowledge(settings: Settings) -> list[Finding]:
    """Every folder is there, can be read and holds something."""
    rag = settings.rag
    folders = [("rag.knowledge", folder) for folder in rag.knowledge]
    folders += [
        (f"rag.collections.{name}.folders", folder) for name, each in rag.collections.items() for folder in each.folders
    ]
    if found := [await asyncio.to_thread(_folder_finding, *each) for each in folders]:
        return found
    if rag.links or any(each.links for each in rag.collections.values()):
        return [Finding("knowledge", "ok", "no folders; documents on Feishu only")]
    fix = "set rag.knowledge to the folders with your documents"
    return [Finding("knowledge", "fail", "no folder is named", fix)]


def _folder_finding(key: str, folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding("knowledge", "fail", f"{folder} is not a folder", f"create it, or correct {key}")
    count = 0
    try:
        for _root, _folders, names in os.walk(folder, onerror=_raise):
            count += sum(not name.startswith(".") for name in names)
            if count >= ENOUGH_FILES:
                break
    except OSError as error:
        return Finding("knowledge", "fail", f"{folder}: {error.strerror or 'cannot be read'}", "let the bot read it")
    if not count:
        return Finding("knowledge", "fail", f"{folder} is empty", "put documents there, then run feishu-rag ingest")
    return Finding("knowledge", "ok", f"{folder}: {count}{'+' if count >= ENOUGH_FILES else ''} files")


def _raise(error: OSError) -> None:
    raise error


async def check_library(settings: Settings) -> list[Finding]:
    """Index and embedding as the running bot would load them, and one real call to the model."""
    from rag.errors import RagError
    from rag.knowledge_base import KnowledgeBase

    try:
        library = await KnowledgeBase.open(settings.rag)
    except RagError as error:
        return [Finding("library", "fail", str(error), "correct the setting that is named")]
    try:
        await library.warm_up()
        status = library.status()
    finally:
        await library.aclose()
    rag = settings.rag
    return [
        _index(status, rag),
        _embedding(status, rag),
        await _model(status.model, rag),
        *_pictures(rag),
        *await _rerank(rag),
    ]


def _index(status: "LibraryStatus", rag: "RagSettings") -> Finding:
    part = status.index
    if part.ok:
        return Finding("index", "ok", f"{part.name}: {part.detail}")
    if rag.store == "milvus" and "Milvus at" in part.detail:
        fix = "see that the server runs and can be reached from here; correct RAG__MILVUS__URI or RAG__MILVUS__TOKEN"
        return Finding("index", "fail", part.detail, fix)
    return Finding("index", "fail", part.detail, "feishu-rag ingest")


def _pictures(rag: "RagSettings") -> list[Finding]:
    """Whether what `rag.llm.vision` promises can be kept; nothing where it promises nothing."""
    from rag.generation.factory import uses_model
    from rag.ingestion.readers.pictures import can_show

    if not rag.llm.vision:
        return []
    if not uses_model(rag.llm):
        found = "rag.llm.vision is on, but there is no model to show pictures to"
        return [Finding("pictures", "warn", found, "set RAG__LLM__BASE_URL and RAG__LLM__MODEL, or switch it off")]
    if not can_show():
        found = "rag.llm.vision is on, but pictures cannot be made ready for the model"
        return [Finding("pictures", "warn", found, "pip install 'feishu-rag[vision]'")]
    return [Finding("pictures", "ok", f"{rag.llm.model} is shown pictures; it has to understand images")]


async def _rerank(rag: "RagSettings") -> list[Finding]:
    """Two texts put in order by the real reranker; nothing where there is none."""
    from rag.clock import SystemClock
    from rag.errors import EmbeddingFailed
    from rag.reranking.reranker import RerankerHandle

    retrieval = rag.retrieval
    if retrieval.rerank == "none":
        return []
    leg = RerankerHandle(retrieval, SystemClock())
    try:
        if reranker := await asyncio.to_thread(leg.reranker):
            with contextlib.suppress(EmbeddingFailed):  # the leg remembers it
                await asyncio.to_thread(reranker.scores, "hi", ["hi", "ho"])
        part = leg.part()
    finally:
        await asyncio.to_thread(leg.close)
    if part is None or part.ok:
        return [Finding("rerank", "ok", part.detail if part else "")]
    keyless = retrieval.rerank == "endpoint" and not retrieval.rerank_api_key.get_secret_value()
    fix = "set RAG__RETRIEVAL__RERANK_API_KEY if it wants a key, and " if keyless else ""
    return [Finding("rerank", "warn", part.detail, f"{fix}correct rag.retrieval.rerank_* as it says")]


def _embedding(status: "LibraryStatus", rag: "RagSettings") -> Finding:
    part, asked = status.embedding, rag.embedding.provider
    if part.ok and (part.name != "none" or asked == "none"):
        return Finding("embedding", "ok", part.detail)
    if not status.index.ok and not part.ok:
        return Finding("embedding", "warn", part.detail, "it is loaded with the index: build that first")
    state: State = "warn" if asked == "auto" else "fail"
    return Finding("embedding", state, part.detail, "search goes by words alone until this is put right")


async def _model(part: "Part", rag: "RagSettings") -> Finding:
    """A few tokens from the real model: address, key and name are right, or the answer says which is not."""
    from rag.errors import RagError
    from rag.generation.factory import uses_model

    try:
        if not uses_model(rag.llm):
            is_chosen = rag.llm.provider == "extractive"
            fix = "" if is_chosen else "set RAG__LLM__BASE_URL, RAG__LLM__MODEL and RAG__LLM__API_KEY"
            return Finding("model", "ok" if is_chosen else "warn", part.detail, fix)
        await _probe(rag)
    except RagError as error:
        return Finding("model", "fail", str(error), "correct rag.llm as it says")
    return Finding("model", "ok", f"{rag.llm.model} answers")


async def _probe(rag: "RagSettings") -> None:
    from rag.clock import SystemClock
    from rag.events import Question
    from rag.generation.llm_generator import LLMGenerator
    from rag.scope import EVERYTHING

    timeouts = rag.llm.timeouts.model_copy(update={"total_s": min(PROBE_S, rag.llm.timeouts.total_s)})
    brief = rag.llm.model_copy(update={"max_tokens": PROBE_TOKENS, "timeouts": timeouts})
    writer = LLMGenerator(brief, rag.prompts, clock=SystemClock())
    try:
        async with contextlib.aclosing(writer.write(Question("hi", EVERYTHING), ())) as events:
            await anext(events)
    finally:
        await writer.aclose()
