"""How much of a model's context window is left for passages."""

from rag.settings import RagSettings, RetrievalSettings

PROMPT_TOKENS = 1_500
"""For what the model is told beside the passages: its task, the question, and what was said before."""
LEAST_TOKENS = 400


def retrieval_within(settings: RagSettings) -> RetrievalSettings:
    """The retrieval's settings, with no more tokens of passages than a window that is known to be small holds."""
    if not settings.llm.context_tokens:
        return settings.retrieval
    room = settings.llm.context_tokens - settings.llm.max_tokens - PROMPT_TOKENS
    budget = max(LEAST_TOKENS, min(settings.retrieval.budget_tokens, room))
    return settings.retrieval.model_copy(update={"budget_tokens": budget})
