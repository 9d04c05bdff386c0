"""How much of a model's context window is left for passages."""

from rag.settings import RagSettings, RetrievalSettings

PROMPT_TOKENS = 1_500
"""For what the model is told beside the passages: its task, the question, and what was said before."""
LEAST_TOKENS = 400
CONVERSATION_TOKENS = 12_000
"""Of a conversation to sum up, where the window is not known to be smaller: a long one gets a worse summary, too."""


def retrieval_within(settings: RagSettings) -> RetrievalSettings:
    """The retrieval's settings, with no more tokens of passages than a window that is known to be small holds."""
    if not settings.llm.context_tokens:
        return settings.retrieval
    room = settings.llm.context_tokens - settings.llm.max_tokens - PROMPT_TOKENS
    budget = max(LEAST_TOKENS, min(settings.retrieval.budget_tokens, room))
    return settings.retrieval.model_copy(update={"budget_tokens": budget})


def conversation_tokens(settings: RagSettings) -> int:
    """How many tokens of a conversation go into one prompt."""
    if not settings.llm.context_tokens:
        return CONVERSATION_TOKENS
    room = settings.llm.context_tokens - settings.llm.max_tokens - PROMPT_TOKENS
    return max(LEAST_TOKENS, min(CONVERSATION_TOKENS, room))
