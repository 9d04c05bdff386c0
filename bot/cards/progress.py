"""The state of one answer while it grows: a pure fold over the answerer's events."""

from dataclasses import dataclass, replace
from typing import assert_never

from bot.cards.outcomes import Outcome
from rag.documents import Passage
from rag.events import AnswerEvent, Delta, Finished, Grounding, NoEvidence, Reasoning, Retrieved


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known so far. `passages` is None until retrieval has ended; `outcome` is None until the turn has."""

    passages: tuple[Passage, ...] | None = None
    text: str = ""
    reasoning: str = ""
    no_evidence: bool = False
    finished: Finished | None = None
    outcome: Outcome | None = None

    @property
    def grounding(self) -> Grounding:
        """What stands behind the answer, as far as it is known."""
        if self.no_evidence:
            return "no_evidence"
        return self.finished.outcome if self.finished else "answered"


def fold(progress: Progress, event: AnswerEvent) -> Progress:
    """The next state. Never raises; a delta is a delta."""
    match event:
        case Retrieved(passages=passages):
            return replace(progress, passages=passages)
        case Reasoning(text=text):
            return replace(progress, reasoning=progress.reasoning + text)
        case Delta(text=text):
            return replace(progress, text=progress.text + text)
        case NoEvidence(nearest=nearest):
            return replace(progress, no_evidence=True, passages=nearest)
        case Finished(text=text):
            return replace(progress, text=text, finished=event)
        case _:
            assert_never(event)


def ended(progress: Progress, outcome: Outcome) -> Progress:
    """The last state."""
    return replace(progress, outcome=outcome)
