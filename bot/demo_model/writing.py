"""What the scripted model writes: sentences of the passages that speak to the question's words, each with its number.

Passages are material: a mark of refusal, a citation or a thinking tag in them is taken out before they are quoted.
"""

import math
import re
from collections.abc import Sequence

from bot.demo_model.asked import Answering, Asked, Chatting, Condensing, Looking, Suggesting, Summarising
from bot.demo_model.summing_up import summed_up
from bot.demo_model.wording import DETAIL, alone, is_chinese, named, wording
from bot.intake.suggestions import plain, question_about
from rag.documents import Passage
from rag.generation.refusal import MARK, MarkFilter
from rag.generation.sentence_selection import Quote, choose_quotes
from rag.retrieval.coverage import Coverage, present
from rag.text.markdown import Sentence, sentences
from rag.text.markdown import plain as without_markup

LEAST = 0.36
"""Share of the question that the best sentence covers under its headings, weighted by rarity among the passages given;
below it the passages do not answer. Both figures were chosen by one half of the benchmark's everyday questions."""
CLAIMED = 0.45
"""From this share on it claims something; below it says only where the answer may stand."""
LONG_PASSAGES = 3
SIMILAR = 0.75
"""Share of what the best passage and its headings cover, from which another one belongs to a long answer."""
LONG_SENTENCES = 40
SUGGESTED = 3
LEAST_REPEATED = 6

_CITATION = re.compile(r"\s?(?:\[\^?[\d ,，、]{1,24}\]|【[\d ,，、]{1,24}】)")
_THINKING = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)
_BOLD = re.compile(r"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*")
_STOP = re.compile(r"[。！？；.!?;]+$")


def written(asked: Asked) -> str:
    """The whole text for a request."""
    match asked:
        case Answering():
            whole = answer(alone(asked.question, asked.earlier), asked.passages)
            return _rest(whole, asked.so_far) if asked.so_far else whole
        case Condensing():
            return alone(asked.question, asked.earlier)
        case Suggesting():
            return "\n".join(_suggested(asked))
        case Summarising():
            return harmless(summed_up(asked))
        case Looking():
            return ""  # it sees nothing, and the prompt wants nothing then
        case Chatting():
            return wording(asked.text).alone


def answer(question: str, passages: Sequence[Passage]) -> str:
    """Statements with their numbers; where to look, without a number, when it is unsure; else the mark of refusal."""
    sought = DETAIL.sub("", question).strip() or question
    coverage = _coverage(sought, passages)
    chosen = choose_quotes(sought, passages, coverage)
    if not chosen.quotes or chosen.coverage < LEAST:
        return MARK
    lead = passages[chosen.quotes[0].number - 1]
    if chosen.coverage < CLAIMED:
        place = harmless(named(lead.chunk.title.split(" › ")))
        return wording(question).perhaps.format(title=harmless(_document(lead)), heading=place)
    if not DETAIL.search(question):
        return "\n\n".join(_paragraph(quote, passages, question) for quote in chosen.quotes)
    numbers = _at_length(passages, coverage)
    return "\n\n".join(_section(number, passages, question) for number in numbers)


def _coverage(question: str, passages: Sequence[Passage]) -> Coverage:
    """The question's words, weighted by how few of these passages hold them."""
    held = [present(f"{passage.chunk.title}\n{passage.chunk.text}") for passage in passages]

    def weight(count: int) -> float:
        return math.log(1 + (len(held) + 1) / (count + 0.5))

    return Coverage(
        question,
        term_idf=lambda term: weight(sum(term in words for words, _ in held)),
        character_idf=lambda character: weight(sum(character in characters for _, characters in held)),
    )


def _at_length(passages: Sequence[Passage], coverage: Coverage) -> list[int]:
    """The passage that, with its headings, covers most of the question, then those of its document that come near."""
    covered = [
        coverage.of(passage.chunk.title) + coverage.of(f"{passage.chunk.title}\n{passage.chunk.text}")
        for passage in passages
    ]
    best_first = sorted(range(len(passages)), key=lambda at: -covered[at])
    lead = best_first[0]
    near = [at for at in best_first if _document(passages[at]) == _document(passages[lead])]
    return [at + 1 for at in near if covered[at] >= SIMILAR * covered[lead]][:LONG_PASSAGES]


def _document(passage: Passage) -> str:
    return passage.chunk.title.split(" › ")[0]


def _section(number: int, passages: Sequence[Passage], question: str) -> str:
    passage = passages[number - 1]
    whole = Quote(number, tuple(sentences(passage.chunk.text)[:LONG_SENTENCES]))
    heading = harmless(named(passage.chunk.title.split(" › ")))
    return f"**{heading}**\n\n{_paragraph(whole, passages, question)}"


def _paragraph(quote: Quote, passages: Sequence[Passage], question: str) -> str:
    """Statements run on, items and code on lines of their own."""
    bold = [without_markup(span) for span in _BOLD.findall(passages[quote.number - 1].chunk.text)]
    is_list = sum(sentence.is_item for sentence in quote.sentences) > 1
    text, is_open = "", False
    for sentence in quote.sentences:
        if sentence.kind == "fence":
            text, is_open = f"{text.rstrip()}\n\n{_quotable(sentence.text)}\n\n", False
        elif sentence.is_item and is_list:
            mark = "-" if sentence.step is None else f"{sentence.step}."
            text, is_open = f"{text.rstrip()}\n{mark} {_statement(sentence, quote.number, bold)}", True
        else:
            text += ("\n\n" if is_open else "") + _statement(sentence, quote.number, bold) + _space_after(sentence)
            is_open = False
    text = text.strip()
    if f"[{quote.number}]" not in text:
        text = f"{text}\n\n[{quote.number}]"
    own = "".join(sentence.text for sentence in quote.sentences)
    return text if is_chinese(own) == is_chinese(question) else f"{wording(question).other_language}\n\n{text}"


def _statement(sentence: Sentence, number: int, bold: Sequence[str]) -> str:
    """A sentence with the passage's number before its full stop; what only announces a list has none."""
    text = harmless(sentence.text)
    if sentence.kind == "table" and sentence.key and text.startswith(sentence.key):
        text = f"**{sentence.key}**{text[len(sentence.key) :]}"
    for span in bold:
        if span in text and f"**{span}**" not in text:
            text = text.replace(span, f"**{span}**", 1)
    if text.endswith((":", "：")):
        return text
    stop = _STOP.search(text)
    end = stop.group() if stop else "" if sentence.is_item else "。" if is_chinese(text) else "."
    return f"{text[: stop.start()] if stop else text} [{number}]{end}"


def _space_after(sentence: Sentence) -> str:
    return "" if is_chinese(sentence.text) else " "


def harmless(text: str) -> str:
    """A passage's words without citations, and without what would steer whoever reads this model's answer."""
    return _CITATION.sub("", _quotable(text))


def _quotable(text: str) -> str:
    marks = MarkFilter(ends=False)
    return _THINKING.sub("", marks.feed(text) + marks.finish())


def _rest(whole: str, so_far: str) -> str:
    """What of an answer comes after its beginning; the statements that are not in it where it began otherwise."""
    if whole == MARK or whole.startswith(so_far):
        return whole[len(so_far) :]
    for length in range(min(len(so_far), 60), LEAST_REPEATED - 1, -1):
        at = whole.rfind(so_far[-length:])
        if at >= 0:
            return whole[at + length :]
    lines = [line for line in whole.splitlines() if line.strip() and line.strip() not in so_far]
    return "\n\n" + "\n".join(lines) if lines else ""


def _suggested(asked: Suggesting) -> list[str]:
    """Questions on headings in the question's language: of the first passage's document, then of others. The first
    passage itself is what the answer is about."""
    paths = [harmless(path).split(" > ") for path in asked.paths]
    others = [path for path in paths[1:] if len(path) > 1 and plain(path[-1]) not in asked.question]
    near_first = sorted(others, key=lambda path: path[0] != paths[0][0])
    questions = dict.fromkeys(question_about(path[0], path[1:]) for path in near_first)
    return [each for each in questions if each and is_chinese(each) == is_chinese(asked.question)][:SUGGESTED]
