"""What somebody is asked about their documents, of each kind, the most important first. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.access.rules import FILES
from bot.models import behind
from bot.owners.duties import Duties, Key
from bot.repositories.figures import DAY_S, AskedQuestion, documents
from bot.repositories.gap_report import Gap, normalised
from bot.repositories.owner_decisions import OwnedDocument, OwnerItem, item_key
from rag.text.disagreements import Disagreement
from rag.verified.answers import VerifiedAnswers

MOST_DOCUMENTS = 3
"""Titles on an item."""


@dataclass(frozen=True, slots=True)
class Lately:
    """What is asked and shown lately, as far as the person who is asked may see it."""

    person: str
    asked: Sequence[AskedQuestion]
    shows: Callable[[Iterable[str]], bool]
    duties: Duties
    now: float


def gap_items(seen: Lately, gaps: Iterable[Gap]) -> list[OwnerItem]:
    """Questions without an answer whose nearest documents are in the person's collections, most people first."""
    by_turn = {one.turn_id: one for one in seen.asked}
    found = []
    for gap in gaps:
        members = [by_turn[each.turn_id] for each in gap.members if each.turn_id in by_turn]
        keys = [item_key("gap", normalised(one.question)) for one in members]
        near = dict.fromkeys(name for one in members for name in _collections(one))
        if not members or seen.person not in seen.duties.asked(keys, seen.duties.people.owners_of(near)):
            continue
        newest, people = members[-1], len({one.asker for one in members})
        leaned_on = tuple(sorted(newest.behind))
        found.append(OwnerItem("gap", keys[-1], (), newest.turn_id, people, newest.at, leaned_on=leaned_on))
    return found


def disliked_items(seen: Lately, verified: VerifiedAnswers) -> list[OwnerItem]:
    """Questions whose answers got 👎 and cite the person's documents, most 👎 first. What somebody has called right, or
    answered for good since, is left out until it is asked and disliked again."""
    found: dict[str, OwnerItem] = {}
    for one in seen.asked:
        key = item_key("disliked", normalised(one.question))
        answers = verified.to(one.question)
        is_answered = any(answer.is_valid(seen.now) and answer.at > one.at for answer in answers)
        if not one.down or is_answered or one.at <= seen.duties.right_at(key):
            continue
        titles = {name: title for given in one.answers if given.down for name, title in given.documents.items()}
        own = seen.duties.part_of(seen.person, key, list(titles))
        if not own:
            continue
        shown = tuple(OwnedDocument(*name, titles[name]) for name in own[:MOST_DOCUMENTS])
        down = one.down + (found[key].count if key in found else 0)
        leaned_on = tuple(sorted(one.behind))
        found[key] = OwnerItem("disliked", key, shown, one.turn_id, down, one.at, leaned_on=leaned_on)
    return sorted(found.values(), key=lambda item: (-item.count, -item.at))


def stale_items(seen: Lately, edited: Mapping[Key, float], stale_days: float) -> list[OwnerItem]:
    """The person's documents that are cited or voted on lately and were not edited for so many days, nor called right
    since then, those cited most first. One without a known date (0) is left out."""
    before = seen.now - stale_days * DAY_S
    found = []
    for row in documents(seen.asked, limit=None):
        document = row["collection"], row["source"]
        key, edited_at = item_key("stale", *document), edited.get(document, 0.0)
        is_stale = 0 < edited_at < before and seen.duties.right_at(key) < before
        if is_stale and seen.shows(behind(*document)) and seen.duties.part_of(seen.person, key, [document]):
            shown = (OwnedDocument(*document, row["title"]),)
            found.append(OwnerItem("stale", key, shown, count=row["cited"], at=edited_at))
    return sorted(found, key=lambda item: (-item.count, item.at))


def pair_items(seen: Lately, pairs: Iterable[Disagreement]) -> list[OwnerItem]:
    """Sentences that two documents say with different figures, one of them at least the person's, those of documents
    cited most first."""
    cited = {(row["collection"], row["source"]): row["cited"] for row in documents(seen.asked, limit=None)}
    found = []
    for pair in pairs:
        both = (pair.one, pair.other)
        names = [each.document for each in both]
        key = item_key("pair", pair.key, *(part for each in both for part in (*each.document, *each.values)))
        is_over = seen.duties.right_at(key) > 0 or not seen.duties.obsolete.isdisjoint(names)
        if is_over or not all(seen.shows(behind(*name)) for name in names):
            continue
        own = seen.duties.part_of(seen.person, key, names)
        if own:
            shown = tuple(OwnedDocument(*each.document, each.title, each.document in own) for each in both)
            count = sum(cited.get(name, 0) for name in names)
            sentences = tuple(each.sentence for each in both)
            found.append(OwnerItem("pair", key, shown, count=count, sentences=sentences))
    return sorted(found, key=lambda item: -item.count)


def _collections(one: AskedQuestion) -> list[str]:
    """Where the nearest passages of a question are, the nearest first."""
    near = [str(each.get("collection", "")) for each in one.newest.read_sources]
    return [name for name in near if name not in ("", FILES)]
