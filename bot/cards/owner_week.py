"""The weekly card to an owner: what is asked about their documents, with buttons; what was decided stands in their
place."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from bot.cards.buttons import ActionKind, button, one_line
from bot.cards.verified import day_of
from bot.repositories.owner_decisions import Decided, ItemKind, OwnerCard, OwnerDecision, OwnerItem
from bot.texts import Texts
from feishu.cards import elements as build
from feishu.cards.elements import MAX_ELEMENTS, Card, Element, card_bytes
from feishu.cards.markdown import escape_text

QUESTION_CHARS = 60
SENTENCE_CHARS = 100
TITLE_CHARS = 30
BUTTON_TITLE_CHARS = 14
MOST_BYTES = 28_000
"""The platform takes 30 KB. What was decided is shorter than its buttons, so that a card that fits stays so."""
KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
OFFERS: dict[ItemKind, tuple[Decided, ...]] = {
    "gap": ("write", "not_mine"),
    "disliked": ("write", "right", "obsolete", "not_mine"),
    "stale": ("right", "obsolete", "not_mine"),
    "pair": ("right", "obsolete", "not_mine"),
}
_ACTIONS: dict[Decided, ActionKind] = {
    "write": "own_write",
    "right": "own_right",
    "obsolete": "own_obsolete",
    "not_mine": "own_not_mine",
}
_TITLES: dict[ItemKind, Callable[[Texts], str]] = {
    "gap": lambda words: words.owner_gap,
    "disliked": lambda words: words.owner_disliked,
    "stale": lambda words: words.owner_stale,
    "pair": lambda words: words.owner_pair,
}
_DID: dict[Decided, Callable[[Texts], str]] = {
    "write": lambda words: words.owner_did_write,
    "right": lambda words: words.owner_did_right,
    "obsolete": lambda words: words.owner_did_obsolete,
    "not_mine": lambda words: words.owner_did_not_mine,
}
_PRESS: dict[Decided, Callable[[Texts], str]] = {
    "write": lambda words: words.button_own_write,
    "right": lambda words: words.button_own_right,
    "obsolete": lambda words: words.button_own_obsolete,
    "not_mine": lambda words: words.button_own_not_mine,
}
DECISIONS: dict[ActionKind, Decided] = {action: what for what, action in _ACTIONS.items()}
"""What a button decides."""


@dataclass(frozen=True, slots=True)
class WeekView:
    """What a card shows besides its items: the words of their questions by turn, what was decided by item, and the
    items whose owner may not see what is behind them any more."""

    questions: Mapping[str, str]
    decided: Mapping[str, OwnerDecision]
    closed: frozenset[str] = frozenset()


def decided_of(card: OwnerCard, decisions: Iterable[OwnerDecision]) -> dict[str, OwnerDecision]:
    """The decision that stands in each item's place: its owner's newest, or one that settles it, since it was sent."""
    items = {item.key for item in card.items}
    found: dict[str, OwnerDecision] = {}
    for each in sorted(decisions, key=lambda each: each.at):
        settles = each.what in ("right", "obsolete") or each.by.open_id == card.owner
        if each.item in items and each.at >= card.at and settles:
            found[each.item] = each
    return found


def week_card(card: OwnerCard, view: WeekView, texts: Texts) -> Card:
    """The whole card."""
    elements: list[Element] = [build.note(texts.owner_note)]
    numbered = list(enumerate(card.items))
    for kind in KINDS:
        its = [(number, item) for number, item in numbered if item.kind == kind]
        if its:
            elements.append(build.markdown(f"**{_TITLES[kind](texts)}**"))
        for number, item in its:
            elements += _item(card.id, number, item, view, texts)
        if more := card.more.get(kind, 0):
            elements.append(build.note(texts.owner_more.format(count=more)))
    header = build.header(texts.owner_title, template="blue")
    return build.card(elements, header=header, summary=texts.owner_title, enable_forward=False)


def fitting(card: OwnerCard, questions: Mapping[str, str], texts: Texts) -> OwnerCard:
    """The card without what makes it too large for the platform: the last items of the kinds with most."""
    while not _fits(week_card(card, WeekView(questions, {}), texts)):
        (kind, _), *_ = Counter(item.kind for item in card.items).most_common()
        last = max(at for at, item in enumerate(card.items) if item.kind == kind)
        items = (*card.items[:last], *card.items[last + 1 :])
        card = replace(card, items=items, more={**card.more, kind: card.more.get(kind, 0) + 1})
    return card


def _fits(shown: Card) -> bool:
    return card_bytes(shown) <= MOST_BYTES and _tagged(shown) <= MAX_ELEMENTS


def _tagged(part: Any) -> int:
    """Elements, and the texts in them, which the platform counts as well."""
    if isinstance(part, dict):
        return ("tag" in part) + sum(_tagged(each) for each in part.values())
    return sum(_tagged(each) for each in part) if isinstance(part, list) else 0


def _item(card_id: str, number: int, item: OwnerItem, view: WeekView, texts: Texts) -> list[Element]:
    if item.key in view.closed:
        return [build.note(texts.owner_closed)]
    lines = "\n".join(f"{'' if at else '• '}{escape_text(line)}" for at, line in enumerate(_lines(item, view, texts)))
    shown = build.markdown(lines)
    if decision := view.decided.get(item.key):
        return [shown, build.note(said_of(decision, texts))]
    return [shown, _buttons(f"{card_id}.{number}", number, item, texts)]


def said_of(decision: OwnerDecision, texts: Texts) -> str:
    """What was done, by whom."""
    name, title = one_line(decision.by.name, TITLE_CHARS), one_line(decision.title, TITLE_CHARS)
    return _DID[decision.what](texts).format(name=name, title=title)


def _lines(item: OwnerItem, view: WeekView, texts: Texts) -> Sequence[str]:
    titles = [one_line(each.title or each.source, TITLE_CHARS) for each in item.documents]
    match item.kind:
        case "stale":
            edited = texts.owner_edited.format(date=day_of(item.at), count=item.count)
            return [f"{titles[0]} · {edited}"]
        case "pair":
            said = zip(titles, item.sentences, strict=True)
            return [texts.owner_says.format(title=t, sentence=one_line(s, SENTENCE_CHARS)) for t, s in said]
        case "gap" | "disliked":
            question = one_line(view.questions.get(item.turn_id, "") or texts.owner_forgotten, QUESTION_CHARS)
            times = texts.owner_asked_by if item.kind == "gap" else texts.owner_down
            facts = [times.format(count=item.count)]
            if titles:
                facts.append(texts.owner_cites.format(titles=", ".join(titles)))
            return [f"{question} · {' · '.join(facts)}"]


def _buttons(item_id: str, number: int, item: OwnerItem, texts: Texts) -> Element:
    """One for each decision; of two documents each may be the obsolete one."""
    presses: list[Element] = []
    for what in OFFERS[item.kind]:
        if what == "obsolete":
            presses += _obsolete(item_id, number, item, texts)
        else:
            presses.append(button(_PRESS[what](texts), _ACTIONS[what], item_id, name=f"{what}_{number}"))
    return build.column_set([build.column([each]) for each in presses], flex_mode="flow")


def _obsolete(item_id: str, number: int, item: OwnerItem, texts: Texts) -> list[Element]:
    own = [(at, each) for at, each in enumerate(item.documents) if each.is_own]
    own = own if item.kind == "pair" else own[:1]
    several = len(item.documents) > 1
    found = []
    for at, each in own:
        title = one_line(each.title or each.source, BUTTON_TITLE_CHARS)
        text = texts.button_own_obsolete_of.format(title=title) if several else _PRESS["obsolete"](texts)
        found.append(button(text, "own_obsolete", f"{item_id}.{at}", name=f"old_{number}_{at}"))
    return found
