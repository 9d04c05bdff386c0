"""What a closed card looks like: the answer, its sources, votes, pager and footer; where a long one goes on; and what
stands in its place when the platform takes less than that."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.cards.buttons import foot, one_line, regenerate, row, suggestions
from bot.cards.pagination import split
from bot.cards.source_list import SOURCES_SHOWN, plain_source, source_panel
from bot.cards.streaming_view import ANSWER, TITLE_CHARS
from bot.cards.verified import verified_line
from bot.models import Answer, CardState, LeftOut, ShownAs
from bot.texts import Texts
from feishu.cards import elements as build
from feishu.cards.elements import Card, Element, card_bytes
from feishu.cards.foreign_text import web_url
from feishu.cards.markdown import broken_text, escape_text, safe_markdown
from rag.events import NO_EVIDENCE_TEXT

SUMMARY_CHARS = 80
REASONING_CHARS = 3_000
READ_CHARS = 2_000
PLAIN_CHARS = 6_000
CARD_BYTES = 28_000  # the platform's limit is 30 KB
PART_BYTES = (16_000, 8_000, 4_000, 2_000)  # of answer text on one card: tried in turn until every card fits
TEMPLATES = {"answered": "green", "hedged": "yellow", "no_evidence": "orange", "stopped": "grey", "failed": "red"}
MOST_LEFT_OUT = 6


@dataclass(frozen=True, slots=True)
class CardPart:
    """What a long answer goes on in: a card, the same words without markup, as a text, and the words that stand there
    when none of them is taken."""

    number: int
    card: Card
    plain_card: Card
    text: str
    withheld: str


@dataclass(frozen=True, slots=True)
class Final:
    """The last state of a card, from the top of the ladder to its foot: as designed, without markup (None where that
    cannot hold it), as a text message; then the cards that stand where the answer does not: that it follows below, and
    that it may not be shown. The last two hold no word of question, answer or documents."""

    key: str
    """The answer's id."""
    card: Card
    apart_card: Card
    """The same in the message beside a card that could not be written for a while."""
    plain_card: Card | None
    text: str
    summary: str
    moved: Card
    withheld: Card
    withheld_text: str
    more: tuple[CardPart, ...] = ()
    shown_as: ShownAs = ""

    def answer_cards(self) -> list[tuple[ShownAs, Card]]:
        """The cards that hold the answer, best first; none where it is known that no card may."""
        if self.shown_as in ("moved", "withheld"):
            return []
        plain: list[tuple[ShownAs, Card]] = [("plain", self.plain_card)] if self.plain_card else []
        return plain if plain and self.shown_as == "plain" else [("whole", self.card), *plain]

    def redrawn(self) -> list[Card]:
        """What a card that was closed before is drawn as: the first that is taken; it stays as it is where none is."""
        cards = [card for _, card in self.answer_cards()]
        return cards or [self.moved if self.shown_as == "moved" else self.withheld]

    def redrawn_apart(self) -> list[Card]:
        """What the message that holds the answer beside that card is drawn as."""
        return [self.apart_card if card is self.card else card for card in self.redrawn()]


def final(state: CardState, texts: Texts) -> Final:
    """The closed card of a stored answer; of a question that was taken back nothing is left."""
    if state.turn.recalled:
        blank = build.card([build.markdown(texts.recalled, size="notation")], summary=texts.recalled)
        gone = texts.recalled
        return Final(state.answer.id, blank, blank, None, gone, gone, moved=blank, withheld=blank, withheld_text=gone)
    shown = replace(state, answer=_localised(state.answer, texts))
    body = _body(shown.answer, texts)
    card, more = _cards(shown, texts)
    return Final(
        key=shown.answer.id,
        card=card,
        apart_card=_apart_card(shown, texts) if shown.answer.sent_apart else card,
        plain_card=_plain_card(shown, body, texts) if not more and len(body) <= PLAIN_CHARS else None,
        text=f"{texts.new_card_note}\n{body}",
        summary=_summary(shown.answer),
        moved=_stand_in(texts.moved_title, texts.moved, foot(shown, texts)),
        withheld=_stand_in(texts.filtered_title, texts.filtered, [row(regenerate(shown, texts), shown, texts)]),
        withheld_text=texts.filtered_text,
        more=more,
        shown_as=shown.answer.shown_as,
    )


def _apart_card(state: CardState, texts: Texts) -> Card:
    notice = "\n".join(part for part in (texts.new_card_note, state.answer.notice) if part)
    return _cards(replace(state, answer=replace(state.answer, sent_apart=False, notice=notice)), texts)[0]


def _body(answer: Answer, texts: Texts) -> str:
    """Everything an answer says, without markup of ours: its text, its notice, its sources."""
    sources = "\n".join(plain_source(source, texts) for source in answer.on_card[:SOURCES_SHOWN])
    verified = verified_line(answer.verified, texts) if answer.verified else ""
    return "\n\n".join(part for part in (broken_text(answer.text), verified, answer.notice, sources) if part) or "…"


def _plain_card(state: CardState, body: str, texts: Texts) -> Card:
    elements = [build.plain(body), *foot(state, texts)]
    return build.card(elements, header=_header(state), summary=_summary(state.answer))


def _stand_in(title: str, words: str, elements: Sequence[Element]) -> Card:
    return build.card([build.markdown(words), *elements], header=build.header(title, template="grey"), summary=title)


def _cards(state: CardState, texts: Texts) -> tuple[Card, tuple[CardPart, ...]]:
    """The card, and where it would exceed the platform's limit, its continuations. Quotes give way to the answer."""
    for with_quotes in (True, False):
        whole = _card(state, texts, with_quotes=with_quotes)
        if card_bytes(whole) <= CARD_BYTES:
            return whole, ()
    for part_bytes in PART_BYTES:
        parts = split(state.answer.text, part_bytes)
        first = _card(_first_part(state, parts, texts), texts, with_quotes=False)
        more = [_continuation(state, part, number, len(parts), texts) for number, part in enumerate(parts[1:], 2)]
        if all(card_bytes(card) <= CARD_BYTES for card in (first, *(part.card for part in more))):
            break
    return first, tuple(more)


def _first_part(state: CardState, parts: list[str], texts: Texts) -> CardState:
    notice = texts.continued.format(count=len(parts)) if len(parts) > 1 else ""
    notices = "\n".join(each for each in (notice, state.answer.notice) if each)
    return replace(state, answer=replace(state.answer, text=parts[0], notice=notices, reasoning=""))


def _continuation(state: CardState, part: str, number: int, count: int, texts: Texts) -> CardPart:
    question = one_line(state.turn.question, TITLE_CHARS)
    title = texts.continuation.format(number=number, count=count, question=question)
    untitled = texts.continuation_untitled.format(number=number, count=count)

    def card(element: Element, title: str) -> Card:
        header = build.header(title, template=TEMPLATES.get(state.answer.outcome, "blue"))
        return build.card([element], header=header, summary=one_line(broken_text(part), SUMMARY_CHARS))

    return CardPart(
        number,
        card(build.markdown(_linked(part, state.answer), element_id=ANSWER), title),
        card(build.plain(broken_text(part)), untitled),
        f"{untitled}\n{broken_text(part)}",
        f"{untitled}\n{texts.filtered_text}",
    )


def _linked(text: str, answer: Answer) -> str:
    """The answer's words, its citations leading to their places."""
    places = {source.number: url for source in answer.sources if (url := web_url(source.best_link or ""))}
    return safe_markdown(text, citations=places)


def _card(state: CardState, texts: Texts, *, with_quotes: bool) -> Card:
    answer = state.answer
    elements: list[Element] = []
    if answer.reasoning:
        thought = safe_markdown(answer.reasoning[:REASONING_CHARS])
        elements.append(build.collapsible_panel(texts.reasoning, [build.markdown(thought, size="notation")]))
    elements += _reading(state, texts)
    if answer.text:
        elements.append(build.markdown(_linked(answer.text, answer), element_id=ANSWER))
    if answer.verified and (line := verified_line(answer.verified, texts)):
        elements.append(build.plain(line, element_id="verified", size="notation", color="green"))
    for notice in filter(None, (answer.notice, texts.sent_apart if answer.sent_apart else "")):
        elements.append(build.markdown(escape_text(notice), size="notation"))
    elements += source_panel(answer, texts, with_quotes=with_quotes)
    elements += foot(state, texts)
    elements += suggestions(state, texts)
    if state.wants_mention:
        elements.append(build.note(texts.follow_up_hint))
    elements.append(build.note(_footer(state, texts)))
    return build.card(elements, header=_header(state), summary=_summary(answer))


def _reading(state: CardState, texts: Texts) -> list[Element]:
    """What was read from an image or a forward, what was not and why, and how a follow-up was understood."""
    elements: list[Element] = []
    if state.turn.read_text:
        read = build.markdown(escape_text(state.turn.read_text[:READ_CHARS]), size="notation")
        elements.append(build.collapsible_panel(texts.image_text, [read], element_id="read"))
    if not_read := left_out_text(state.turn.left_out, texts):
        lines = "\n".join(escape_text(line) for line in not_read.split("\n"))
        elements.append(build.markdown(lines, element_id="left_out", size="notation"))
    if state.turn.standalone:
        understood = texts.understood.format(question=one_line(state.turn.standalone, 200))
        elements.append(build.markdown(escape_text(understood), size="notation"))
    return elements


def _header(state: CardState) -> dict[str, object]:
    template = TEMPLATES.get(state.answer.outcome, "blue")
    return build.header(one_line(state.turn.question, TITLE_CHARS), template=template)


def _localised(answer: Answer, texts: Texts) -> Answer:
    """In the reader's language: the refusal's fixed words with advice, and that nothing vouches for a hedged answer."""
    match answer.outcome:
        case "no_evidence":
            text, said = answer.text.replace(NO_EVIDENCE_TEXT, texts.no_evidence), texts.no_evidence_advice
        case "hedged":
            text, said = answer.text, texts.hedged_model if answer.model else texts.hedged_quotes
        case _:
            return answer
    return replace(answer, text=text, notice="\n".join(part for part in (answer.notice, said) if part))


def _footer(state: CardState, texts: Texts) -> str:
    """Model, confidence, seconds, tokens, version: quiet facts."""
    answer = state.answer
    if answer.verified is None:
        parts = [answer.model or (texts.footer_extractive if answer.outcome in ("answered", "hedged") else "")]
        parts.append(_confidence(answer, texts))
    else:
        parts = []  # somebody stands for it: that says who wrote it, and how sure it is
    if answer.seconds is not None:
        parts.append(texts.footer_seconds.format(seconds=answer.seconds))
    if answer.usage:
        parts.append(texts.footer_tokens.format(tokens=sum(answer.usage.values())))
    if answer.version > 1:
        parts.append(texts.footer_version.format(version=answer.version))
    return " · ".join(part for part in parts if part) or "—"


def _confidence(answer: Answer, texts: Texts) -> str:
    """A percentage where the team's own questions gave it a meaning, else one of three levels in words; "" where the
    answer claims nothing, and for what earlier versions stored."""
    if answer.outcome != "answered":
        return ""
    if answer.is_calibrated and answer.confidence is not None:
        return texts.footer_confidence.format(percent=round(100 * answer.confidence))
    levels = {"high": texts.confidence_high, "medium": texts.confidence_medium, "low": texts.confidence_low}
    return levels.get(answer.level, "")


def _summary(answer: Answer) -> str:
    """The chat list's preview: the answer's beginning without markup."""
    text = broken_text((answer.text or answer.notice)[:1_000])
    text = re.sub(r"[*_`#<>|\[\]]+|\(https?://[^)]*\)", " ", text)
    return one_line(text, SUMMARY_CHARS) or "…"


def left_out_text(left_out: Iterable[LeftOut], texts: Texts) -> str:
    """A line each, with the reason; "" for nothing."""
    lines = [_left_out_line(each, texts) for each in left_out]
    if len(lines) > MOST_LEFT_OUT:
        rest = LeftOut("message", "too_many", count=len(lines) - MOST_LEFT_OUT + 1)
        lines = [*lines[: MOST_LEFT_OUT - 1], _left_out_line(rest, texts)]
    return "\n".join(lines)


def _left_out_line(each: LeftOut, texts: Texts) -> str:
    what = getattr(texts, f"left_{each.what}").format(name=each.name, count=each.count)
    return texts.left_out.format(what=what, why=getattr(texts, f"why_{each.why}"))
