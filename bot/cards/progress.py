"""One answer: its state while it grows, how it may end, and what is stored and shown of it.

A pure fold over the answerer's events. The words for an end stand here, too: the one place where an error becomes a
sentence for a person.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, assert_never

from bot.models import Answer, AnswerOutcome, Source
from bot.texts import Texts
from rag import errors as rag_errors
from rag.documents import Chunk, Passage, link_at
from rag.events import AnswerEvent, Delta, Ending, Finished, Grounding, NoEvidence, Reasoning, Retrieved, Verification
from rag.generation.citations import CitationFilter
from rag.text.support import quoted

SNIPPET_CHARS = 200
REASONING_KEPT_CHARS = 8_000

_TABLE_RULE = re.compile(r"\|?[\s:|-]*-{3}[\s:|-]*")
_MARKS = re.compile(r"\*\*|__|`+|(?:^|(?<=\s))(?:#{1,6}|>)(?=\s)")
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (rag_errors.ModelTimeout, "failed_model_timeout"),
    (rag_errors.ModelOverloaded, "failed_model_overloaded"),
    (rag_errors.ModelUnavailable, "failed_model_unavailable"),
    (rag_errors.NoCredit, "failed_no_credit"),
    (rag_errors.NoSuchModel, "failed_no_such_model"),
    (rag_errors.NotAModel, "failed_not_a_model"),
    (rag_errors.ModelRejected, "failed_model_rejected"),
    (rag_errors.ContextTooLong, "failed_too_long"),
    (rag_errors.ContentRefused, "failed_refused"),
    (rag_errors.IndexMissing, "failed_index_missing"),
    (rag_errors.IndexUnusable, "failed_index"),
    (rag_errors.EmbeddingFailed, "failed_embedding"),
)


@dataclass(frozen=True, slots=True)
class Completed:
    """The answerer reached its end (answered or not)."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody pressed stop."""

    by: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be answered; `error` tells why."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Unread:
    """What the question consists of could not be read: `said` tells the person why, `by_us` whether we failed."""

    said: str
    by_us: bool = False


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Every attempt failed; the job is buried."""

    attempts: int


@dataclass(frozen=True, slots=True)
class Expired:
    """The platform could not be reached for a day; the job is buried."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The rules on people changed while the question waited; `why` names a field `refused_…` of `bot.texts.Texts`."""

    why: str


Outcome = Completed | Stopped | Failed | Unread | Exhausted | Expired | Refused


def words(outcome: Outcome, texts: Texts, *, has_text: bool, ending: Ending = "") -> str:
    """What the card says about the end; "" for a plain completion. `ending` is how a completed text was cut off."""
    match outcome:
        case Completed():
            return _cut(ending, texts)
        case Stopped():
            return texts.stopped if has_text else texts.stopped_empty
        case Unread(said):
            return said
        case Refused(why):
            return str(getattr(texts, f"refused_{why}"))
        case Exhausted(attempts):
            sentence = texts.failed_many_attempts.format(attempts=attempts)
            return f"{sentence}\n{texts.failed_partial}" if has_text else sentence
        case Expired():
            return f"{texts.failed_too_old}\n{texts.failed_partial}" if has_text else texts.failed_too_old
        case Failed(error):
            key = next((key for kind, key in _WORDS if isinstance(error, kind)), "failed_other")
            sentence = getattr(texts, key)
            return f"{sentence}\n{texts.failed_partial}" if has_text else sentence


def _cut(ending: Ending, texts: Texts) -> str:
    match ending:
        case "":
            return ""
        case "length":
            return texts.cut_length
        case "broken":
            return texts.cut_broken
        case "overloaded":
            return texts.cut_overloaded
        case "filtered":
            return texts.cut_filtered
        case _:
            assert_never(ending)


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known so far. `passages` is None until retrieval has ended; `outcome` is None until the turn has."""

    passages: tuple[Passage, ...] | None = None
    text: str = ""
    reasoning: str = ""
    no_evidence: bool = False
    finished: Finished | None = None
    outcome: Outcome | None = None
    verified: Verification | None = None
    """Who stands for what is written; known with the passages."""

    @property
    def grounding(self) -> Grounding:
        """What stands behind the answer, as far as it is known."""
        if self.no_evidence:
            return "no_evidence"
        return self.finished.outcome if self.finished else "answered"


def fold(progress: Progress, event: AnswerEvent) -> Progress:
    """The next state. Never raises; a delta is a delta."""
    match event:
        case Retrieved(passages=passages, verified=verified):
            return replace(progress, passages=passages, verified=verified)
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


def conclude(
    answer: Answer,
    progress: Progress,
    wording: Texts,
    *,
    seconds: float | None,
    first_token_s: float | None,
    leaned_on: Iterable[str] = (),
    question: str = "",
) -> Answer:
    """The answer as it will be stored and shown. `leaned_on` are the collections behind its question and history;
    `question`, as it was understood, finds what to quote of sources that the text does not cite."""
    if progress.outcome is None:
        raise ValueError("only an ended progress can be concluded")
    finished = progress.finished
    text = progress.text or answer.text  # what was there before: written before a restart, or in the version continued
    is_kept = bool(text) and not progress.text
    ending = finished.ending if finished else ""
    behind = {*leaned_on, *(answer.leaned_on if is_kept else ())}
    said = (answer.notice, words(progress.outcome, wording, has_text=bool(text), ending=ending))
    return replace(
        answer,
        outcome=_outcome_name(progress.outcome, progress.grounding),
        text=text,
        reasoning=progress.reasoning[:REASONING_KEPT_CHARS],
        notice="\n".join(part for part in said if part),
        sources=answer.sources if is_kept else _with_quotes(sources_of(progress), progress, question),
        model=(finished.model or "") if finished else "",
        usage=_usage(progress),
        seconds=seconds,
        first_token_s=first_token_s,
        confidence=finished.confidence if finished else None,
        level=(finished.level or "") if finished else "",
        is_calibrated=finished.is_calibrated if finished else False,
        ending=finished.ending if finished else answer.ending,
        verified=finished.verified if finished else None,
        leaned_on=tuple(sorted(behind)),
    )


def sources_of(progress: Progress) -> tuple[Source, ...]:
    """The passages as sources; those the answer cites come first in their number's order."""
    cited = set(progress.finished.citations if progress.finished else _cited_so_far(progress))
    return tuple(
        source_of(number, passage, cited=number in cited)
        for number, passage in enumerate(progress.passages or (), start=1)
    )


def source_of(number: int, passage: Passage, *, cited: bool = False) -> Source:
    """A passage as a source, without a sentence that an answer leans on."""
    chunk = passage.chunk
    return Source(
        number=number,
        title=chunk.title,
        heading_path=" › ".join(name for name in chunk.headings if name != chunk.title),
        snippet=snippet_of(chunk.text),
        source=chunk.source,
        link=chunk.link,
        cited=cited,
        collection=chunk.collection,
        edited_at=chunk.edited_at,
        **_place_of(chunk, 0),
    )


def _with_quotes(sources: tuple[Source, ...], progress: Progress, question: str) -> tuple[Source, ...]:
    """Those that may be shown, with what the answer leans on: where none is cited, the nearest are."""
    has_cited = any(source.cited for source in sources)
    return tuple(
        _with_quote(source, passage.chunk, progress.text, question) if source.cited or not has_cited else source
        for source, passage in zip(sources, progress.passages or (), strict=True)
    )


def _with_quote(source: Source, chunk: Chunk, text: str, question: str) -> Source:
    found = quoted(chunk.text, text, source.number, question or text)
    if found is None:
        return source
    place = _place_of(chunk, found.at)
    return replace(source, quote=found.sentence, before=found.before, after=found.after, **place)


def _place_of(chunk: Chunk, offset: int) -> dict[str, Any]:
    """The fields of a source that say where something in the chunk stands."""
    place = chunk.place_at(offset)
    named = {"place_kind": place.kind, "place_name": place.name} if place else {}
    return {"opens": link_at(chunk.link, place), **named}


def _cited_so_far(progress: Progress) -> tuple[int, ...]:
    """The numbers in a text that did not come to its end."""
    citations = CitationFilter(len(progress.passages or ()))
    citations.feed(progress.text)
    return citations.citations


def snippet_of(text: str) -> str:
    """The beginning of a passage in one line, without Markdown's marks."""
    rows = (line for line in text.splitlines() if not _TABLE_RULE.fullmatch(line.strip()))
    line = " ".join(" ".join(rows).replace("|", " ").split())
    return _MARKS.sub("", line)[:SNIPPET_CHARS]


def _usage(progress: Progress) -> dict[str, int] | None:
    usage = progress.finished.usage if progress.finished else None
    return {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens} if usage else None


def _outcome_name(outcome: Outcome, grounding: Grounding) -> AnswerOutcome:
    match outcome:
        case Completed():
            return grounding
        case Stopped() | Refused():
            return "stopped"
        case Unread(by_us=False):  # nobody's fault: it counts among neither the failures nor the gaps
            return "stopped"
        case Failed() | Exhausted() | Expired() | Unread():
            return "failed"
        case _:
            assert_never(outcome)
