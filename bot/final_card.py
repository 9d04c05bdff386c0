"""What a closed card looks like: the answer, its sources, votes, pager and footer, and where a long one goes on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.actions import Action
from bot.conversations import Answer, CardState, Source
from bot.feedback import REASONS
from bot.parts import split
from bot.texts import Texts
from bot.views import ANSWER, TITLE_CHARS, button, one_line
from feishu import card as build
from feishu.card import Card, Element, card_bytes
from feishu.markdown import escape_text, safe_markdown
from rag.events import NO_EVIDENCE_TEXT

SUMMARY_CHARS = 80
SOURCES_SHOWN = 8
REASONING_CHARS = 3_000
READ_CHARS = 2_000
SUGGESTION_CHARS = 60
PLAIN_CHARS = 6_000
CARD_BYTES = 28_000  # the platform's limit is 30 KB
PART_BYTES = (16_000, 8_000, 4_000, 2_000)  # of answer text on one card: tried in turn until every card fits
TEMPLATES = {"completed": "green", "unanswered": "orange", "stopped": "grey", "failed": "red"}


@dataclass(frozen=True, slots=True)
class Final:
    """The last state of a card: as designed, without markup, as a text message, and the cards that continue it.

    `key` names the answer and what is shown of it, so that continuations are sent once.
    """

    key: str
    card: Card
    plain_card: Card
    text: str
    summary: str
    more: tuple[Card, ...] = ()


def final(state: CardState, texts: Texts) -> Final:
    """The closed card of a stored answer; of a question that was taken back nothing is left."""
    if state.turn.recalled:
        blank = build.card([build.markdown(texts.recalled, size="notation")], summary=texts.recalled)
        return Final(state.answer.id, blank, blank, texts.recalled, texts.recalled)
    shown = replace(state, answer=_localised(state.answer, texts))
    summary = _summary(shown.answer)
    body = "\n\n".join(part for part in (shown.answer.text, shown.answer.notice) if part) or "…"
    card, more = _cards(shown, texts)
    plain = build.card(
        [build.plain(body[:PLAIN_CHARS]), *_buttons(shown, texts)], header=_header(shown), summary=summary
    )
    return Final(shown.answer.id, card, plain, f"{texts.new_card_note}\n{body}", summary, more)


def _cards(state: CardState, texts: Texts) -> tuple[Card, tuple[Card, ...]]:
    """The card, and where it would exceed the platform's limit, its continuations."""
    whole = _card(state, texts)
    if card_bytes(whole) <= CARD_BYTES:
        return whole, ()
    for part_bytes in PART_BYTES:
        parts = split(state.answer.text, part_bytes)
        first = _card(_first_part(state, parts, texts), texts)
        more = [_continuation(state, part, number, len(parts), texts) for number, part in enumerate(parts[1:], 2)]
        if all(card_bytes(card) <= CARD_BYTES for card in (first, *more)):
            break
    return first, tuple(more)


def _first_part(state: CardState, parts: list[str], texts: Texts) -> CardState:
    notice = texts.continued.format(count=len(parts)) if len(parts) > 1 else ""
    notices = "\n".join(each for each in (notice, state.answer.notice) if each)
    return replace(state, answer=replace(state.answer, text=parts[0], notice=notices, reasoning=""))


def _continuation(state: CardState, part: str, number: int, count: int, texts: Texts) -> Card:
    question = one_line(state.turn.question, TITLE_CHARS)
    title = texts.continuation.format(number=number, count=count, question=question)
    return build.card(
        [build.markdown(safe_markdown(part), element_id=ANSWER)],
        header=build.header(title, template=TEMPLATES.get(state.answer.outcome, "blue")),
        summary=one_line(part, SUMMARY_CHARS),
    )


def _card(state: CardState, texts: Texts) -> Card:
    answer = state.answer
    elements: list[Element] = []
    if answer.reasoning:
        thought = safe_markdown(answer.reasoning[:REASONING_CHARS])
        elements.append(build.collapsible_panel(texts.reasoning, [build.markdown(thought, size="notation")]))
    elements += _reading(state, texts)
    if answer.text:
        elements.append(build.markdown(safe_markdown(answer.text), element_id=ANSWER))
    for notice in filter(None, (answer.notice, texts.sent_apart if answer.sent_apart else "")):
        elements.append(build.markdown(escape_text(notice), size="notation"))
    elements += _sources(answer, texts)
    elements += _suggestions(state, texts)
    elements += _buttons(state, texts)
    if state.wants_mention:
        elements.append(build.note(texts.follow_up_hint))
    elements.append(build.note(_footer(state, texts)))
    if state.asks_reason:
        elements.append(reason_form(answer.id, texts))
    return build.card(elements, header=_header(state), summary=_summary(answer))


def _reading(state: CardState, texts: Texts) -> list[Element]:
    """What was read from an image or a forward, and how a follow-up was understood."""
    elements: list[Element] = []
    if state.turn.read_text:
        read = build.markdown(escape_text(state.turn.read_text[:READ_CHARS]), size="notation")
        elements.append(build.collapsible_panel(texts.image_text, [read], element_id="read"))
    if state.turn.standalone:
        understood = texts.understood.format(question=one_line(state.turn.standalone, 200))
        elements.append(build.markdown(escape_text(understood), size="notation"))
    return elements


def _suggestions(state: CardState, texts: Texts) -> list[Element]:
    """Questions that could come next, each on a button."""
    if not state.suggestions:
        return []
    return [build.note(texts.suggestions), *_asking(state.suggestions)]


def _asking(questions: Sequence[tuple[str, str]]) -> list[Element]:
    return [
        button(one_line(question, SUGGESTION_CHARS), "ask", each, name=f"ask{number}")
        for number, (each, question) in enumerate(questions)
    ]


def welcome_card(name: str, questions: Sequence[tuple[str, str]], texts: Texts, *, group: bool) -> Card:
    """The bot introduces itself, with questions to try."""
    title = texts.welcome_title.format(name=one_line(name, 30))
    elements: list[Element] = [build.markdown(texts.welcome_group if group else texts.welcome_private)]
    if questions:
        elements += [build.note(texts.welcome_try), *_asking(questions)]
    return build.card(elements, header=build.header(title, template="blue"), summary=title)


def _header(state: CardState) -> dict[str, object]:
    template = TEMPLATES.get(state.answer.outcome, "blue")
    return build.header(one_line(state.turn.question, TITLE_CHARS), template=template)


def _localised(answer: Answer, texts: Texts) -> Answer:
    """The refusal's fixed words in the reader's language, with advice."""
    if answer.outcome != "unanswered":
        return answer
    text = answer.text.replace(NO_EVIDENCE_TEXT, texts.no_evidence)
    return replace(answer, text=text, notice=texts.no_evidence_advice)


def _sources(answer: Answer, texts: Texts) -> list[Element]:
    """The cited passages; or, where nothing was answered, the nearest ones."""
    unanswered = answer.outcome == "unanswered"
    shown = [source for source in answer.sources if source.cited or unanswered][:SOURCES_SHOWN]
    if not shown:
        return []
    title = (texts.nearest if unanswered else texts.sources).format(count=len(shown))
    lines = [build.markdown(_source_line(source), size="notation") for source in shown]
    return [build.collapsible_panel(title, lines, element_id="sources")]


def _source_line(source: Source) -> str:
    """`[1] Title › heading` (linked where the document has a link), and the passage's beginning."""
    heading = " › ".join(part for part in (source.title, source.heading_path) if part)
    name = escape_text(one_line(heading, 120))
    linked = f"[{name}]({source.link})" if source.link and _is_web_link(source.link) else f"**{name}**"
    return f"**&#91;{source.number}&#93;** {linked}\n{escape_text(one_line(source.snippet, 120))}"


def _buttons(state: CardState, texts: Texts) -> list[Element]:
    """Votes with everybody's totals, regenerate, and a pager where there are versions to turn to."""
    answer = state.answer
    row: list[Element] = []
    if answer.outcome != "failed":
        row += [
            button(_counted(texts.button_up, state.up), "up", answer.id),
            button(_counted(texts.button_down, state.down), "down", answer.id),
        ]
    row.append(button(texts.button_regenerate, "regenerate", answer.id))
    if state.has_owners and answer.outcome == "unanswered":
        row.append(button(texts.button_person, "person", answer.id))
    columns = [build.column([element]) for element in row]
    return [build.column_set([*columns, *_pager(state, texts)], flex_mode="flow")]


def _pager(state: CardState, texts: Texts) -> list[Element]:
    count, at = len(state.versions), state.position
    if count < 2:
        return []
    columns = []
    if at > 1:
        previous = button(texts.button_previous, "show", state.versions[at - 2], type="text", name="previous")
        columns.append(build.column([previous]))
    columns.append(build.column([build.note(f"{at}/{count}")], vertical_align="center"))
    if at < count:
        following = button(texts.button_next, "show", state.versions[at], type="text", name="next")
        columns.append(build.column([following]))
    return columns


def reason_form(answer_id: str, texts: Texts) -> Element:
    """Why 👎: a kind, a comment, a button that sends both."""
    options = [(getattr(texts, f"reason_{reason}"), reason) for reason in REASONS]
    send = build.button(
        texts.reason_submit,
        value=Action("reason", answer_id).pack(),
        name="send",
        type="primary",
        size="small",
        submit=True,
    )
    return build.form(
        "reason_form",
        [
            build.markdown(texts.reason_title, size="notation"),
            build.select("reason", options, placeholder=texts.reason_kind, required=True),
            build.input_("comment", placeholder=texts.reason_comment, max_length=500),
            send,
        ],
    )


def reason_card(answer_id: str, texts: Texts) -> Card:
    """The form as a card of its own, for the clicker alone."""
    return build.card([reason_form(answer_id, texts)], summary=texts.reason_title)


def thanks_card(texts: Texts) -> Card:
    """What takes the form's place once it is sent."""
    return build.card([build.markdown(texts.reason_thanks)], summary=texts.reason_thanks)


def _counted(label: str, count: int) -> str:
    return f"{label} {count}" if count else label


def _footer(state: CardState, texts: Texts) -> str:
    """Model, confidence, seconds, tokens, version: quiet facts."""
    answer = state.answer
    parts = [answer.model or (texts.footer_extractive if answer.outcome == "completed" else "")]
    if answer.confidence is not None and answer.outcome == "completed":
        parts.append(texts.footer_confidence.format(percent=round(100 * answer.confidence)))
    if answer.seconds is not None:
        parts.append(texts.footer_seconds.format(seconds=answer.seconds))
    if answer.usage:
        parts.append(texts.footer_tokens.format(tokens=sum(answer.usage.values())))
    if answer.version > 1:
        parts.append(texts.footer_version.format(version=answer.version))
    return " · ".join(part for part in parts if part) or "—"


def _summary(answer: Answer) -> str:
    """The chat list's preview: the answer's beginning without markup."""
    text = re.sub(r"[*_`#<>|\[\]]+|\(https?://[^)]*\)", " ", (answer.text or answer.notice)[:1_000])
    return one_line(text, SUMMARY_CHARS) or "…"


def _is_web_link(link: str) -> bool:
    return bool(re.fullmatch(r"https?://[^\s()<>\"'\[\]]+", link))
