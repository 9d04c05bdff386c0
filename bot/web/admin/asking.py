"""One answer for an admin to look at: written as for anybody else, and stored nowhere."""

import contextlib
import secrets
from typing import Literal

from bot.answering import AnswerRun, Answers, Recorder
from bot.cards.progress import Completed, Failed, Outcome
from bot.models import Answer
from bot.texts import language_of, texts
from rag.errors import RagError
from rag.events import Question


async def answered_once(
    recorder: Recorder, library: Answers, question: Question, language: Literal["auto", "zh", "en"]
) -> Answer:
    """The answer; one that failed says why, in words for people. It counts in no figure but what the model costs."""
    run = AnswerRun(recorder, Answer(f"x{secrets.token_hex(12)}", "", 1, "open"), is_recorded=False)

    async def understood() -> tuple[Question, Answers]:
        return question, library

    outcome: Outcome = Completed()
    try:
        async with contextlib.aclosing(run.events(understood)) as events:
            async for _ in events:
                pass
    except RagError as error:
        outcome = Failed(error)
    return run.conclude(outcome, texts(language_of(question.text, preferred=language)))
