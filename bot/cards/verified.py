"""Who stands for an answer, as a line; and the cards that ask people to stand for one, or whether one still holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.cards.buttons import Action, one_line
from bot.repositories.verified_answers import MOST_WORDING_CHARS, Approved
from bot.repositories.verified_likeness import Alike, OtherFigure
from bot.texts import Texts
from feishu.cards import elements as build
from feishu.cards.elements import Card, Element
from feishu.cards.foreign_text import web_url
from feishu.cards.markdown import escape_text, safe_markdown
from rag.events import Verification

FIELD_CHARS = 1_000
"""The platform's limit for a text field: a longer answer is approved as it is, and changed in the browser."""
VALIDITIES = (90, 180, 365, 0)
"""Days to choose from; 0: without an end."""
SHOWN_CHARS = 200
ANSWER_CHARS = 6_000
TITLE_CHARS = 60


def verified_line(verified: Verification | None, texts: Texts) -> str:
    """`✓ Verified by Zhang San · valid until 2026-05-31`, as plain text; "" for nobody, and for who is forgotten."""
    if verified is None or not verified.by:
        return ""
    line = texts.verified_by.format(name=one_line(verified.by, TITLE_CHARS))
    until = "" if verified.until is None else texts.verified_until.format(date=day_of(verified.until))
    return " · ".join(part for part in (line, until) if part)


def day_of(at: float) -> str:
    """A date in this machine's time."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody is asked to approve: the id of what they answered, their words, and who would see them. `against`
    are lines about what speaks against it."""

    id: str
    wording: str
    answer: str
    collections: Sequence[str]
    days: int
    against: Sequence[str] = ()


def offer_card(offer: Offer, texts: Texts) -> Card:
    """The form to approve an answer by."""
    seen = texts.approve_seen.format(collection=offer.collections[0])
    note = f"{texts.approve_note}{seen if len(offer.collections) == 1 else texts.approve_seen_by}"
    choice = []
    if len(offer.collections) > 1:
        options = [(one_line(name, TITLE_CHARS), name) for name in offer.collections]
        choice = [build.select("collection", options, placeholder=texts.approve_collection, required=True)]
    fields = [
        build.input_(
            "wording",
            label=texts.approve_question,
            value=offer.wording[:MOST_WORDING_CHARS],
            required=True,
            max_length=MOST_WORDING_CHARS,
        ),
        *_answer_field(offer.answer, texts),
        *choice,
        _validity(offer.days, texts),
        _submit(texts.button_approve, Action("approve", offer.id)),
    ]
    elements = [build.markdown(escape_text(note)), *_shown(offer.answer), *_against(offer.against)]
    return build.card(
        [*elements, build.form("verified_form", fields)],
        header=build.header(texts.approve_title, template="blue"),
        summary=texts.approve_title,
    )


def again_card(approved: Approved, reasons: Sequence[str], days: int, texts: Texts, *, link: str = "") -> Card:
    """Asks whether an answer is still right, for these reasons in words; `link` leads to it in the browser."""
    draft, shown_version = approved.draft, f"{approved.id}.{approved.version}"
    fields = [
        *_answer_field(draft.answer, texts),
        _validity(days, texts),
        _submit(texts.button_keep, Action("keep", shown_version)),
    ]
    sure = build.confirm(texts.button_withdraw, texts.again_withdraw_sure)
    presses = [
        build.button(
            texts.button_withdraw,
            value=Action("withdraw", shown_version).pack(),
            element_id="btn_withdraw",
            type="danger",
            size="small",
            confirm=sure,
        )
    ]
    if web_url(link):
        presses.append(build.button(texts.button_edit, url=link, element_id="btn_edit", size="small"))
    elements = [
        build.markdown(f"**{escape_text(one_line(draft.wording, SHOWN_CHARS))}**"),
        *_shown(draft.answer),
        *_against(reasons),
        build.form("verified_form", fields),
        build.column_set([build.column([each]) for each in presses], flex_mode="flow"),
    ]
    return build.card(elements, header=build.header(texts.again_title, template="orange"), summary=texts.again_title)


def decided_card(said: str, approved: Approved, texts: Texts, *, is_seen: bool = True) -> Card:
    """What takes the form's place once somebody has decided; `said` has a place for the question. Without `is_seen` it
    shows no word of question and answer."""
    line = said.format(question=one_line(approved.draft.wording, SHOWN_CHARS) if is_seen else "…")
    shown = _shown(approved.draft.answer, always=True) if is_seen else []
    elements = [build.markdown(escape_text(line)), *shown]
    if not approved.is_withdrawn:
        elements.append(build.note(verified_line(approved.given.verification, texts)))
    return build.card(elements, summary=one_line(line, SHOWN_CHARS))


def against_lines(alike: Sequence[Alike], figures: Sequence[OtherFigure], texts: Texts) -> list[str]:
    """What speaks against an answer, a line each."""
    wordings = {
        "conflict": texts.approve_conflict,
        "duplicate": texts.approve_duplicate,
        "near": texts.approve_near,
        "same_answer": texts.approve_same_answer,
    }
    others = [
        wordings[each.how].format(
            name=each.other.by.name,
            question=one_line(each.other.draft.wording, SHOWN_CHARS),
            answer=one_line(each.other.draft.answer, SHOWN_CHARS),
        )
        for each in alike
    ]
    said = [
        texts.approve_figure.format(
            title=one_line(each.title, TITLE_CHARS),
            own=each.own,
            theirs=each.theirs,
            sentence=one_line(each.sentence, SHOWN_CHARS),
        )
        for each in figures
    ]
    return [*others, *said]


def _answer_field(answer: str, texts: Texts) -> list[Element]:
    if len(answer) > FIELD_CHARS:
        return []
    return [
        build.input_(
            "answer",
            label=texts.approve_answer,
            value=answer,
            required=True,
            multiline=True,
            max_length=FIELD_CHARS,
        )
    ]


def _shown(answer: str, *, always: bool = False) -> list[Element]:
    """The answer as it is read, where no field holds it."""
    if len(answer) <= FIELD_CHARS and not always:
        return []
    return [build.markdown(safe_markdown(answer[:ANSWER_CHARS]))]


def _against(lines: Sequence[str]) -> list[Element]:
    return [build.markdown(escape_text(line), size="notation") for line in lines]


def _validity(days: int, texts: Texts) -> Element:
    options = [(_days(each, texts), str(each)) for each in sorted({*VALIDITIES, days}, key=lambda each: each or 10**6)]
    return build.select("days", options, placeholder=texts.approve_until, required=True, chosen=str(days))


def _days(days: int, texts: Texts) -> str:
    return texts.approve_days.format(days=days) if days else texts.approve_for_ever


def _submit(text: str, action: Action) -> Element:
    return build.button(
        text,
        value=action.pack(),
        name="send",
        element_id="btn_send",
        type="primary",
        size="small",
        submit=True,
    )
