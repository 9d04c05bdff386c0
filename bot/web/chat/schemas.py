"""What goes in and out of the chat API, as the schema shows it."""

import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.intake.intake import MAX_QUESTION_CHARS
from bot.models import Answer, AnswerOutcome, Source, Turn
from bot.repositories.votes import MAX_COMMENT_CHARS
from rag.documents import PlaceKind
from rag.events import Ending, Grounding, Level, Verification

QUESTION = "出差回来多久内要报销？"
CONVERSATION_ID = r"^[A-Za-z0-9_-]{1,64}$"
MAX_BATCH = 200
MOST_CONCURRENT = 20


def _clean(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise ValueError("must hold more than white space")
    return text


QuestionText = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION_CHARS), AfterValidator(_clean)]
Collections = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(min_length=1, max_length=100)]


class ChatRequest(BaseModel):
    """A question. With a `conversation_id` it may lean on what was asked there before."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": QUESTION}]}, hide_input_in_errors=True
    )

    question: QuestionText
    conversation_id: Annotated[str, Field(pattern=CONVERSATION_ID)] | None = Field(
        None, description="Chosen by you (letters, digits, - and _), or the one a reply gave; new when absent"
    )
    collections: Collections | None = Field(None, description="Search these collections only; all when absent")


class PlaceBody(BaseModel):
    """Where in a document."""

    kind: PlaceKind
    name: str = Field(examples=["3"])


class ChatSource(BaseModel):
    """A passage that the answer may use."""

    id: str = Field(description="`{answer_id}.{number}`; the answer cites it as [number]", examples=["a1f….1"])
    title: str
    text: str = Field(description="The first 200 characters of the passage")
    link: str | None
    place: PlaceBody | None = Field(
        None, description="Page, slide, sheet, heading, table or record; null for a document without"
    )
    link_at_place: str | None = Field(
        None,
        description="`link`, opening at the place: `#page=`, `#` with a heading's anchor, `?sheet=`, `?table=` …; "
        "null where the document has no link",
        examples=["https://acme.feishu.cn/docx/doxcnA#doxcnB"],
    )
    metadata: dict[str, Any] = Field(
        description="number, heading_path, source (file or address), cited",
        examples=[{"number": 1, "heading_path": "三、时限", "source": "finance/travel.md", "cited": True}],
    )


class VerifiedBody(BaseModel):
    """Who stands for an answer."""

    by: str = Field(description="The name of who approved it")
    approved_at: float = Field(description="Epoch seconds")
    until: float | None = Field(description="When it ends, epoch seconds; null: without an end")


class AnswerBody(BaseModel):
    """An answer, and what stands behind it."""

    answer: str = Field(examples=["请在出差结束后 10 个工作日内提交报销 [1]。"])
    outcome: AnswerOutcome
    answered: bool = Field(description='true only for the outcome "answered"')
    confidence: float = Field(
        ge=0,
        le=1,
        description="How sure retrieval is that the passages answer; 0 where nothing was searched, 1 for a verified "
        "answer",
    )
    confidence_level: Level | None = Field(description="The same in words; null where nothing was searched")
    calibrated: bool = Field(
        description="Whether `confidence` was calibrated on the team's own questions, so that it may be shown as a "
        "percentage"
    )
    ending: Ending = Field(
        description='"" for a whole text; else it was cut off: "length" at the model\'s limit of tokens, "broken" with '
        'its connection, "overloaded" for want of its resources (`continue` goes on with these), "filtered" by its '
        "content filter"
    )
    verified: VerifiedBody | None = Field(
        description="Who stands for the answer, which was found before the documents; null for what the documents gave"
    )
    sources: list[ChatSource]
    answer_id: str
    conversation_id: str
    version: int = Field(description="1 for the first answer to a question, more after regenerate and continue")
    model: str | None = Field(description="null when no model wrote it: quotations, verified answers")
    usage: dict[str, int] | None = Field(examples=[{"prompt": 812, "completion": 64}])
    seconds: float


class ChatReply(AnswerBody):
    """A whole answer, just written."""

    outcome: Grounding = Field(
        description="answered: cited passages stand behind it; hedged: no source does (check it), or, without a model, "
        "these are the closest passages and perhaps not it; no_evidence: the documents do not know"
    )
    understood: str | None = Field(
        None,
        description="How a follow-up was understood with what was said before; null where it was taken as asked",
        examples=["上海的住宿标准是多少？"],
    )


class BatchRequest(BaseModel):
    """Many questions at once, each on its own."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    questions: list[str] = Field(min_length=1, max_length=MAX_BATCH, examples=[[QUESTION, "年假有几天？"]])
    max_concurrency: int = Field(
        5, ge=1, le=1000, description=f"Answered at the same time; more than {MOST_CONCURRENT} counts as that"
    )
    collections: Collections | None = None


class FeedbackRequest(BaseModel):
    """A vote on an answer; a later one replaces it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    vote: Literal["up", "down"]
    reason: Literal["off_topic", "outdated", "incomplete", "wrong_source", "other"] | None = Field(
        None, description="Why it is down"
    )
    comment: str = Field("", max_length=MAX_COMMENT_CHARS)


class FeedbackReply(BaseModel):
    """The vote as stored, and all votes on the answer."""

    answer_id: str
    vote: Literal["up", "down"]
    up: int
    down: int


class StoredAnswer(AnswerBody):
    """One version of an answer, as it was stored."""

    notice: str
    reasoning: str
    vote: Literal["up", "down"] | None


class StoredTurn(BaseModel):
    """A question with all versions of its answer, oldest first."""

    question: str
    asked_at: float
    answers: list[StoredAnswer]


class ConversationReply(BaseModel):
    """A conversation of this caller, oldest turn first."""

    conversation_id: str
    turns: list[StoredTurn]


def new_conversation_id() -> str:
    """Unguessable."""
    return secrets.token_urlsafe(16)


def place_body(source: Source) -> dict[str, str] | None:
    """A `PlaceBody`."""
    return {"kind": source.place_kind, "name": source.place_name} if source.place_kind else None


def sources_body(answer_id: str, sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Sources as the API shows them."""
    return [
        {
            "id": f"{answer_id}.{source.number}",
            "title": source.title,
            "text": source.snippet,
            "link": source.link,
            "place": place_body(source),
            "link_at_place": source.best_link,
            "metadata": {
                "number": source.number,
                "heading_path": source.heading_path,
                "source": source.source,
                "cited": source.cited,
            },
        }
        for source in sources
    ]


def verified_body(verified: Verification | None) -> dict[str, Any] | None:
    """A `VerifiedBody`."""
    if verified is None:
        return None
    return {"by": verified.by, "approved_at": verified.at, "until": verified.until}


def answer_body(turn: Turn, answer: Answer) -> dict[str, Any]:
    """An `AnswerBody`."""
    return {
        "answer": answer.text,
        "outcome": answer.outcome,
        "answered": answer.outcome == "answered",
        "confidence": round(answer.confidence or 0.0, 3),
        "confidence_level": answer.level or None,
        "calibrated": answer.is_calibrated,
        "ending": answer.ending,
        "verified": verified_body(answer.verified),
        "sources": sources_body(answer.id, answer.sources),
        "answer_id": answer.id,
        "conversation_id": turn.question_message_id,
        "version": answer.version,
        "model": answer.model or None,
        "usage": answer.usage,
        "seconds": round(answer.seconds or 0.0, 3),
    }


def stored_turn(turn: Turn, versions: Sequence[Answer], votes: dict[str, str]) -> dict[str, Any]:
    """A `StoredTurn`."""
    return {
        "question": turn.question,
        "asked_at": turn.created_at,
        "answers": [
            {
                **answer_body(turn, answer),
                "notice": answer.notice,
                "reasoning": answer.reasoning,
                "vote": votes.get(answer.id),
            }
            for answer in versions
        ],
    }
