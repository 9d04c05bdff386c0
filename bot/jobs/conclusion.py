"""From the last progress of an answer to what is stored and shown of it."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from bot.cards.progress import Completed, Exhausted, Expired, Failed, Outcome, Progress, Refused, Stopped, Unread, words
from bot.models import Answer, AnswerOutcome, Source
from bot.texts import Texts
from rag.events import Grounding
from rag.generation.citations import CitationFilter

SNIPPET_CHARS = 200
REASONING_KEPT_CHARS = 8_000

_TABLE_RULE = re.compile(r"\|?[\s:|-]*-{3}[\s:|-]*")
_MARKS = re.compile(r"\*\*|__|`+|(?:^|(?<=\s))(?:#{1,6}|>)(?=\s)")


def conclude(
    answer: Answer,
    progress: Progress,
    wording: Texts,
    *,
    seconds: float | None,
    first_token_s: float | None,
    leaned_on: Iterable[str] = (),
) -> Answer:
    """The answer as it will be stored and shown. `leaned_on` are the collections behind its question and history."""
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
        sources=answer.sources if is_kept else sources_of(progress),
        model=(finished.model or "") if finished else "",
        usage=_usage(progress),
        seconds=seconds,
        first_token_s=first_token_s,
        confidence=finished.confidence if finished else None,
        level=(finished.level or "") if finished else "",
        is_calibrated=finished.is_calibrated if finished else False,
        ending=finished.ending if finished else answer.ending,
        leaned_on=tuple(sorted(behind)),
    )


def sources_of(progress: Progress) -> tuple[Source, ...]:
    """The passages as sources; those the answer cites come first in their number's order."""
    cited = set(progress.finished.citations if progress.finished else _cited_so_far(progress))
    return tuple(
        Source(
            number=number,
            title=passage.chunk.title,
            heading_path=" › ".join(name for name in passage.chunk.headings if name != passage.chunk.title),
            snippet=snippet_of(passage.chunk.text),
            source=passage.chunk.source,
            link=passage.chunk.link,
            cited=number in cited,
            collection=passage.chunk.collection,
        )
        for number, passage in enumerate(progress.passages or (), start=1)
    )


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
