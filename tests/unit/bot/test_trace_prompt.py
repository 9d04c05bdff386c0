"""A trace shows the prompt as the model got it."""

import pytest

from bot.observability.tracing import Trace
from rag.documents import Chunk, Passage
from rag.events import Exchange, Finished, Question, Retrieved
from rag.generation.prompts import messages
from rag.scope import EVERYTHING
from rag.settings import PromptSettings

PASSAGES = (Passage(Chunk(1, "a", "差旅", (), "须在 15 个工作日内提交。", 0, 1), 1.0),)
OWN = PromptSettings(system="Be brief. {{json}}", answer="{passages}\n{question}")


@pytest.mark.parametrize("so_far", ["", "须在 15"])
@pytest.mark.parametrize("prompts", [PromptSettings(), OWN])
def test_the_prompt_of_a_trace_is_what_the_model_got(prompts: PromptSettings, so_far: str) -> None:
    history = tuple(Exchange(f"问{number}", f"答{number}") for number in range(9))
    question = Question("多久？", EVERYTHING, history=history, so_far=so_far)
    trace = Trace(question, prompts, lambda: 0.0)
    trace.note(Retrieved(PASSAGES, 0.1))
    trace.note(Finished("好", "hedged", model="m"))
    told = trace.body()["prompt"]
    assert told == messages(prompts, question, PASSAGES)
    assert "{{" not in told[0]["content"] and "[[NO_ANSWER]]" in told[0]["content"]
    assert [each["content"] for each in told if each["role"] == "assistant"][-1] == (so_far or "答8")
