"""What a card offers to press: votes, 🔄, the pager, why 👎, next questions; and the cards that offer nothing else.

A button carries an `Action`, a typed value that packs and unpacks: ids only, everything else is looked up in the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from bot.models import CardState
from bot.repositories.votes import REASONS
from bot.texts import Texts
from feishu.cards import elements as build
from feishu.cards.elements import ButtonType, Card, Element

ActionKind = Literal[
    "up",
    "down",
    "regenerate",
    "continue",
    "stop",
    "show",
    "reason",
    "ask",
    "person",
    "private",
    "approve",
    "keep",
    "withdraw",
    "own_write",
    "own_right",
    "own_obsolete",
    "own_not_mine",
]

_MAX_ID_CHARS = 64
_KINDS: tuple[ActionKind, ...] = get_args(ActionKind)
SUGGESTION_CHARS = 60


@dataclass(frozen=True, slots=True)
class Action:
    """A click on a card's button. `show` turns the pager to the answer it names; `reason` sends the 👎 form,
    `ask` asks the question behind a suggestion's id, `person` asks the documents' owners, `continue` goes on with the
    answer it names where its text was cut, `private` asks its question in private; `approve` names a question that an
    owner answered, `keep` and `withdraw` a version of a verified answer, `own_…` a place on an owner's weekly card."""

    kind: ActionKind
    answer_id: str

    def pack(self) -> dict[str, str]:
        """The button's `value`: an object, because the platform's own SDKs support nothing else."""
        return {"act": self.kind, "id": self.answer_id}


def unpack(value: Mapping[str, Any]) -> Action | None:
    """The action of a callback's value; None for anything that we never packed."""
    answer_id = value.get("id")
    kind = next((kind for kind in _KINDS if kind == value.get("act")), None)
    if kind is None or not isinstance(answer_id, str) or not 0 < len(answer_id) <= _MAX_ID_CHARS:
        return None
    return Action(kind, answer_id)


def button(text: str, kind: ActionKind, answer_id: str, *, type: ButtonType = "default", name: str = "") -> Element:
    """A button that carries an action on an answer; `name` tells two of one kind apart."""
    value = Action(kind, answer_id).pack()
    return build.button(text, value=value, element_id=f"btn_{name or kind}", type=type, size="small")


def one_line(text: str, limit: int) -> str:
    """White space folded, cut with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def foot(state: CardState, texts: Texts) -> list[Element]:
    """Votes with everybody's totals (where there is something to vote on), regenerate, continue where the text was cut,
    a pager where there are versions to turn to; below it why 👎."""
    answer = state.answer
    buttons: list[Element] = []
    if answer.outcome != "failed" and not state.turn.unread:
        buttons += [
            button(_counted(texts.button_up, state.up), "up", answer.id),
            button(_counted(texts.button_down, state.down), "down", answer.id),
        ]
    buttons += regenerate(state, texts)
    if answer.can_continue:
        buttons.append(button(texts.button_continue, "continue", answer.id, type="primary"))
    if state.has_owners and answer.outcome in ("no_evidence", "hedged"):
        buttons.append(button(texts.button_person, "person", answer.id))
    pressed = row(buttons, state, texts)
    return [pressed, reason_form(answer.id, texts)] if state.asks_reason else [pressed]


def regenerate(state: CardState, texts: Texts) -> list[Element]:
    """🔄 alone."""
    return [button(texts.button_regenerate, "regenerate", state.answer.id)]


def row(buttons: Sequence[Element], state: CardState, texts: Texts) -> Element:
    """Buttons side by side, with the pager behind them."""
    columns = [build.column([each]) for each in buttons]
    return build.column_set([*columns, *_pager(state, texts)], flex_mode="flow")


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
        element_id="btn_send",
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


def reason_card(answer_id: str, texts: Texts, *, about: str = "") -> Card:
    """The form as a card of its own, for the clicker alone; `about` is the question, where it does not stand beside."""
    asked = [build.note(one_line(about, SUGGESTION_CHARS))] if about else []
    return build.card([*asked, reason_form(answer_id, texts)], summary=texts.reason_title)


def more_sources_card(answer_id: str, count: int, texts: Texts, *, about: str = "") -> Card:
    """That there is more for the asker alone; `about` is the question, where it does not stand beside."""
    asked = [build.note(one_line(about, SUGGESTION_CHARS))] if about else []
    said = texts.more_sources.format(count=count)
    press = button(texts.button_private, "private", answer_id, type="primary")
    return build.card([*asked, build.markdown(said), press], summary=said)


def thanks_card(texts: Texts) -> Card:
    """What takes the form's place once it is sent."""
    return build.card([build.markdown(texts.reason_thanks)], summary=texts.reason_thanks)


def _counted(label: str, count: int) -> str:
    return f"{label} {count}" if count else label


def suggestions(state: CardState, texts: Texts) -> list[Element]:
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
