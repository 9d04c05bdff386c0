"""The conversation between the answerer and whoever shows the answer.

A stream of `AnswerEvent` is always: `Retrieved`, any number of `Reasoning` and `Delta`, perhaps one `NoEvidence` (the
floor or the model says that the documents do not answer), then exactly one `Finished`. Failures are raised as
`RagError`. A delta is a delta: the text so far is the sum of them; only `Finished.text` may differ from that sum, where
a refusal, or thinking without an opening tag, turned out to be one late.
"""

from dataclasses import dataclass
from typing import Literal

from rag.documents import Passage
from rag.scope import Scope
from rag.settings import PromptSettings

NO_EVIDENCE_TEXT = "根据现有资料无法回答此问题"
Grounding = Literal["answered", "hedged", "no_evidence"]
"""What stands behind an answer: cited passages; nothing that can be named (a model that cites nothing, or, without a
model, passages that are near but perhaps not it); or the documents do not answer."""
Level = Literal["high", "medium", "low"]
"""Confidence in words."""
Ending = Literal["", "length", "broken", "filtered", "overloaded"]
"""How a model's text ended: whole (""), at its limit of tokens, with the connection, by the provider's content filter,
or because the provider ran out of resources. Whatever came before the end is kept."""
NO_MODEL_NOTES = {
    "zh": "（未配置语言模型，以上为资料原文摘录。）",
    "en": "(No language model is configured; these are quotations from the documents.)",
}

CLOSEST = {"zh": "最接近的原文", "en": "Closest passages"}
"""Stands above passages that are shown without a claim."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One earlier question and its answer, and the collections that the answer came from."""

    question: str
    answer: str
    collections: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and what its asker may see. `search` says what to look for instead of `text`, one after the other
    until something is found. `so_far` is the beginning of an answer that was cut off: the model goes on where it ends.
    `attached` is the end of `text` (or all of it) that came with the question and that others may have written: prompts
    fence it. `from_documents` leaves out what somebody has answered for good (`rag.verified`). Raises ValueError for a
    history that its asker may not see."""

    text: str
    scope: Scope
    history: tuple[Exchange, ...] = ()
    search: tuple[str, ...] = ()
    so_far: str = ""
    attached: str = ""
    prompts: PromptSettings | None = None
    """Texts for this question alone; None for those in use."""
    from_documents: bool = False

    def __post_init__(self) -> None:
        if not self.scope.shows(self.leans_on):
            raise ValueError("the history of a question comes from collections outside of its scope")

    @property
    def leans_on(self) -> frozenset[str]:
        """The collections that its history came from."""
        return frozenset[str]().union(*(each.collections for each in self.history))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text for the model alone, without retrieval, and how freely it may write. `pictures` are `data:` URLs."""

    text: str
    max_tokens: int = 512
    temperature: float = 0.7
    top_p: float = 0.9
    pictures: tuple[str, ...] = ()


Purpose = Literal["answer", "rewrite", "picture", "suggest", "summary", "generate"]
"""What a language model is called for: answers, follow-ups made to stand alone, pictures read, questions proposed,
conversations summed up, and prompts of programs."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call, as the model's server counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class ModelCall:
    """What one whole call of the language model cost, and what it was for. A call that was stopped is told by no
    server."""

    purpose: Purpose
    model: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Proposed:
    """Questions a reader may ask next, and what they cost."""

    questions: tuple[str, ...] = ()
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The passages the answer may use, best first, numbered from 1 in this order. Those of an answer that somebody
    stands for come with who does."""

    passages: tuple[Passage, ...]
    seconds: float
    verified: "Verification | None" = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of a thinking model's reasoning; never part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """The documents do not answer this; `nearest` are the closest passages all the same."""

    nearest: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """Who stands for an answer: the name of who approved it, when, and until when it holds (epoch seconds; None:
    without an end). `id` names the approved answer, `collection` is behind it beside its passages."""

    id: str
    by: str
    at: float
    until: float | None
    collection: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end. `text` is the whole answer, `citations` the passage numbers it cites, in order of first use.

    `model` is None when no model wrote it (quotations, verified answers, and what the floor refuses). `confidence`, 0
    to 1, and `level` say how sure retrieval is that the passages answer (1 for a verified answer); None where nothing
    was retrieved. `is_calibrated` tells whether the team's own questions gave that figure a meaning, so that it may be
    shown as a percentage.
    """

    text: str
    outcome: Grounding
    citations: tuple[int, ...] = ()
    model: str | None = None
    usage: Usage | None = None
    seconds: float = 0.0
    confidence: float | None = None
    level: Level | None = None
    is_calibrated: bool = False
    ending: Ending = ""
    verified: Verification | None = None
    """Who stands for it; None for what was found in the documents just now."""

    @property
    def answered(self) -> bool:
        """Whether cited passages stand behind it."""
        return self.outcome == "answered"


AnswerEvent = Retrieved | Reasoning | Delta | NoEvidence | Finished
