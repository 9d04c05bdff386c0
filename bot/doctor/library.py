"""Index and embedding model, as the running bot would load them."""

import asyncio
from typing import TYPE_CHECKING

from bot.doctor.findings import Finding, State
from bot.settings import Settings

if TYPE_CHECKING:
    from rag.health import LibraryStatus, Part
    from rag.knowledge_base import KnowledgeBase
    from rag.settings import RagSettings

_closing: set["asyncio.Task[None]"] = set()


async def check_library(settings: Settings, *, load_s: float = 60.0) -> list[Finding]:
    """The index, whole; the embedding model, loaded within `load_s` and held against the index."""
    from rag.errors import RagError
    from rag.knowledge_base import KnowledgeBase

    try:
        library = await KnowledgeBase.open(settings.rag)
    except RagError as error:
        return [Finding("library", "fail", *split(str(error), "correct the setting that is named"))]
    try:
        async with asyncio.timeout(load_s):
            await library.warm_up()
    except TimeoutError:
        return [_index(library.status(), settings.rag), _still_loading(library, load_s)]
    status = library.status()
    await library.aclose()
    return [_index(status, settings.rag), await _embedding(status, settings.rag)]


def split(sentence: str, otherwise: str) -> tuple[str, str]:
    """What is wrong, and what to do about it, where the sentence says both."""
    what, separator, fix = sentence.partition("; ")
    if not separator:
        what, separator, fix = sentence.partition(": set ")
        fix = f"set {fix}"
    return (what, fix) if separator else (sentence, otherwise)


def _still_loading(library: "KnowledgeBase", load_s: float) -> Finding:
    """Closing waits for the thread that loads, so nobody waits for it here."""
    task = asyncio.get_running_loop().create_task(library.aclose())
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    detail = f"not looked at: the model was still loading after {load_s:.1f} s"
    return Finding("embedding", "unknown", detail, "feishu-rag doctor --timeout 60 waits for it")


def _index(status: "LibraryStatus", rag: "RagSettings") -> Finding:
    part = status.index
    if part.ok:
        return Finding("index", "ok", f"{part.name}: {part.detail}")
    if rag.store == "milvus" and "Milvus at" in part.detail:
        fix = "see that the server runs and can be reached from here; correct RAG__MILVUS__URI or RAG__MILVUS__TOKEN"
        return Finding("index", "fail", part.detail, fix)
    return Finding("index", "fail", part.detail, "feishu-rag ingest")


async def _embedding(status: "LibraryStatus", rag: "RagSettings") -> Finding:
    part, asked = status.embedding, rag.embedding.provider
    if not status.index.ok and asked != "none":
        return await _without_index(part, rag)
    if part.ok and (part.name != "none" or asked == "none"):
        return Finding("embedding", "ok", part.detail)
    state: State = "warn" if asked == "auto" else "fail"
    return Finding("embedding", state, *split(part.detail, "search goes by words alone until this is put right"))


async def _without_index(part: "Part", rag: "RagSettings") -> Finding:
    """The model alone, tried by one text: there is nothing to hold it against."""
    from rag.embedding import PROBE_TEXT, choose
    from rag.errors import EmbeddingFailed

    choice = choose(rag.embedding)
    if choice.open is None:
        return Finding("embedding", "warn", *split(part.detail, "search goes by words alone until this is put right"))
    open_model = choice.open

    def tried() -> int:
        embedder = open_model()
        try:
            return int(embedder.embed_passages([PROBE_TEXT]).shape[1])
        finally:
            embedder.close()

    try:
        dimension = await asyncio.to_thread(tried)
    except EmbeddingFailed as error:
        return Finding("embedding", "fail", *split(str(error), "correct rag.embedding as it says"))
    detail = f"{choice.detail} {dimension} dimensions; not held against an index: there is none"
    return Finding("embedding", "unknown", detail, "feishu-rag ingest")
