"""Whether an index and the configured embedding model belong together."""

from pathlib import PurePath

from rag.embedding import Choice
from rag.embedding.families import Instructions, is_given
from rag.embedding.protocol import LEAST_PROBE_COSINE
from rag.errors import IndexMismatch
from rag.index.base.manifest import EmbeddingFingerprint
from rag.settings import EmbeddingSettings


def dense_problem(mark: EmbeddingFingerprint | None, choice: Choice, settings: EmbeddingSettings) -> str | None:
    """Why the dense leg stays out, in one sentence; None when it can serve.

    Raises IndexMismatch when the settings ask for something else than what the index was built with.
    """
    if choice.open is None:
        return choice.detail
    if mark is None:
        if settings.provider == "auto":
            return "The index holds no vectors, search is by words only; to use the model: feishu-rag ingest."
        raise IndexMismatch(
            f"The index was built without embeddings but {choice.model} is configured; "
            "build it again: feishu-rag ingest"
        )
    if PurePath(mark.model).name != PurePath(choice.model).name:
        raise IndexMismatch(
            f"The index was built with {mark.model} but {choice.model} is configured; "
            f"build it again: feishu-rag ingest, or set RAG__EMBEDDING__MODEL={mark.model}"
        )
    built, wanted = instructions_of(mark), choice.instructions
    for setting, is_other in (
        ("query_instruction", built.query != wanted.query),
        ("passage_instruction", built.passage != wanted.passage),
    ):
        if is_other and is_given(getattr(settings, setting)):
            raise IndexMismatch(
                f"The index was built with another rag.embedding.{setting} than configured; build it again: "
                "feishu-rag ingest, or restore the setting"
            )
    return None


def instructions_of(mark: EmbeddingFingerprint) -> Instructions:
    """What was put before questions and passages when the index was built; questions get the same until the next."""
    return Instructions(mark.instruction, mark.passage_instruction)


def outdated(mark: EmbeddingFingerprint | None, choice: Choice) -> str:
    """A sentence for an index that serves, but was built with other instructions than its model has now; else empty."""
    if mark is None or choice.open is None or instructions_of(mark) == choice.instructions:
        return ""
    return "The index was built with other instructions before its texts, and is searched with them; " + (
        "to use those of the model's family: feishu-rag ingest."
    )


def check_probe(mark: EmbeddingFingerprint, probe: list[float], model: str) -> None:
    """Hold the loaded model's vector for the probe text against the one in the index. Raises IndexMismatch."""
    if len(probe) != mark.dimension:
        raise IndexMismatch(
            f"The index has {mark.dimension} dimensions but {model} gives {len(probe)}; "
            "build it again: feishu-rag ingest"
        )
    cosine = sum(a * b for a, b in zip(probe, mark.probe, strict=True))
    if cosine < LEAST_PROBE_COSINE:
        raise IndexMismatch(
            f"The index was built with other weights than {model} has now; build it again: feishu-rag ingest"
        )
