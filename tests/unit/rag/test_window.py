"""A model with a small window gets fewer passages."""

from pathlib import Path

import pytest

from rag.generation.context_window import LEAST_TOKENS, PROMPT_TOKENS, retrieval_within
from rag.settings import LlmSettings, RagSettings, RetrievalSettings


def budget(window: int, max_tokens: int = 1000) -> int:
    settings = RagSettings(
        index_dir=Path("x"),
        llm=LlmSettings(context_tokens=window, max_tokens=max_tokens),
        retrieval=RetrievalSettings(budget_tokens=6000),
    )
    return retrieval_within(settings).budget_tokens


@pytest.mark.parametrize(
    ("window", "expected"),
    [(0, 6000), (128_000, 6000), (4096, 4096 - 1000 - PROMPT_TOKENS), (2048, LEAST_TOKENS), (1, LEAST_TOKENS)],
)
def test_passages_take_what_a_known_window_leaves(window: int, expected: int) -> None:
    assert budget(window) == expected
