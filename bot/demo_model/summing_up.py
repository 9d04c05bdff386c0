"""How the scripted model sums up a conversation: by marks of questions, decisions and promises in the messages."""

import re
from collections.abc import Iterator, Sequence

from bot.demo_model.asked import Summarising, ThreadMessage
from bot.demo_model.wording import Wording, wording
from rag.text.tokenizer import terms

LINE_CHARS = 80
MOST_LINES = 3
MOST_ANSWERS = 3
NEXT = 3

_DECIDES = re.compile(
    r"(?<!没)(?<!未)(?:就这么定|定了|定在|决定|就按|同意|确定)(?!.*[?？])|\b(?:agreed|decided|let'?s go with|we'll)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？]")
_PROMISES = re.compile(r"我来|我去|我负责|交给我|我会|\bI(?:'ll| will| can take)\b", re.IGNORECASE)
_MENTION = re.compile(r"@(\S{1,20})")


def summed_up(asked: Summarising) -> str:
    """A summary in four parts; or what the messages say to a question."""
    said = asked.said
    own = wording(asked.question or " ".join(each.words for each in said))
    if not said:
        return own.not_said
    return _answer(asked, own) if asked.question else "\n\n".join(_parts(said, own))


def _answer(asked: Summarising, own: Wording) -> str:
    """The messages that share most words with the question."""
    wanted = set(terms(asked.question))
    shared = [(len(wanted & set(terms(each.words))), each) for each in asked.said]
    most = max(count for count, _ in shared)
    near = [each for count, each in shared if count and count == most][-MOST_ANSWERS:]
    return "\n".join(f"- **{each.who}** · {each.at}: {_short(each.words)}" for each in near) or own.not_said


def _parts(said: Sequence[ThreadMessage], own: Wording) -> Iterator[str]:
    people = list(dict.fromkeys(each.who for each in said))
    first, last = said[0], said[-1]
    begun = own.begun.format(
        who=first.who, words=_short(first.words), count=len(people), last=last.who, end=_short(last.words)
    )
    about, who, decisions, questions = own.headings
    yield f"**{about}**\n\n{begun}"
    yield _listed(who, [f"**{each}**: {_gist(each, said)}" for each in people], own)
    decided = [f"{_short(each.words)} ({each.who})" for each in said if _DECIDES.search(each.words)]
    yield _listed(decisions, decided, own)
    asking = [at for at, each in enumerate(said) if _ASKS.search(each.words)]
    still = [_open(said, at, own) for at in asking if not _is_settled(said[at + 1 :])]
    yield _listed(questions, still, own)


def _gist(who: str, said: Sequence[ThreadMessage]) -> str:
    own = [_short(each.words) for each in said if each.who == who]
    return " / ".join(own[:MOST_LINES])


def _is_settled(after: Sequence[ThreadMessage]) -> bool:
    """Whether somebody decided within the next messages."""
    return any(_DECIDES.search(each.words) for each in after[:NEXT])


def _open(said: Sequence[ThreadMessage], at: int, own: Wording) -> str:
    """An open question, with who was asked by name or took it on within the next messages."""
    question = said[at]
    named = _MENTION.search(question.words)
    took = next((each.who for each in said[at + 1 : at + 1 + NEXT] if _PROMISES.search(each.words)), "")
    to = took or (named[1] if named else own.none)
    return own.open_to.format(words=_short(question.words), who=question.who, to=f"→ {to}")


def _listed(heading: str, lines: Sequence[str], own: Wording) -> str:
    return f"**{heading}**\n\n" + "\n".join(f"- {line}" for line in lines or [own.none])


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= LINE_CHARS else line[: LINE_CHARS - 1] + "…"
