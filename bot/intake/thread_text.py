"""A conversation in writing: for the model, and for people where there is no model. Pure."""

from collections.abc import Iterable
from datetime import datetime

from bot.cards.buttons import one_line
from bot.intake.threads import Thread, Utterance
from bot.texts import Texts
from rag.text.tokenizer import likely_tokens

QUOTED = 5
QUOTED_CHARS = 120
MOST_COUNTED = 20


def written_out(said: Iterable[Utterance]) -> str:
    """A line for each message, with its time and author; further lines of a message are indented."""
    return "\n".join(f"[{_time(each.at)}] {each.who}: {_indented(each.words)}" for each in said)


def fitting(thread: Thread, most_tokens: int) -> Thread:
    """As many of the newest messages as have about so many tokens, but one at least."""
    left, kept = most_tokens, 0
    for each in reversed(thread.said):
        left -= likely_tokens(written_out([each])) + 1
        if left < 0 and kept:
            break
        kept += 1
    return thread.newest(kept)


def made_of(thread: Thread, wording: Texts, *, by_model: bool) -> str:
    """What an answer is made of: the first line of it."""
    what = getattr(wording, f"summary_{thread.kind}")
    first, last = _time(thread.said[0].at), _time(thread.said[-1].at)
    count, people = len(thread.said), len(thread.people)
    line = wording.summary_made_of.format(what=what, count=count, people=people, first=first, last=last)
    return line + (wording.summary_by_model if by_model else wording.summary_no_model)


def without_model(thread: Thread, wording: Texts) -> str:
    """Who wrote how many messages, most first, and the last ones."""
    counts = [
        f"- {wording.summary_count.format(name=name, count=count)}"
        for name, count in thread.people.most_common(MOST_COUNTED)
    ]
    last = [f"- {each.who} · {_time(each.at)}: {one_line(each.words, QUOTED_CHARS)}" for each in thread.said[-QUOTED:]]
    return "\n".join([f"**{wording.summary_counts}**", "", *counts, "", f"**{wording.summary_last}**", "", *last])


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%m-%d %H:%M")


def _indented(words: str) -> str:
    return words.replace("\n", "\n    ")
