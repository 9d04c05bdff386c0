"""Who is asked about what, by the settings and by what was decided before. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.repositories.owner_decisions import Decided, OwnerDecision
from bot.settings.people import PeopleSettings

Key = tuple[str, str]
"""Collection and source of a document."""


@dataclass(slots=True)
class Duties:
    """Whoever said that an item or a document is not theirs is not asked about it any more; where nobody is left, the
    admins are. Documents that nobody looks after, and none ever did, are asked of nobody."""

    people: PeopleSettings
    decisions: Sequence[OwnerDecision]
    obsolete: frozenset[Key] = field(init=False)
    _declined: dict[str | Key, set[str]] = field(init=False)
    _decided: dict[tuple[str, Decided], float] = field(init=False)

    def __post_init__(self) -> None:
        self.obsolete = frozenset(each.document for each in self.decisions if each.what == "obsolete")
        self._declined = defaultdict(set)
        self._decided = defaultdict(float)
        for each in self.decisions:
            if each.what == "not_mine":
                self._declined[each.document if each.kind == "stale" else each.item].add(each.by.open_id)
            place = (each.item, each.what)
            self._decided[place] = max(self._decided[place], each.at)

    def right_at(self, item: str) -> float:
        """When somebody said last that an item is right as it is; 0 for never."""
        return self._decided.get((item, "right"), 0.0)

    def lookers(self, document: Key) -> tuple[str, ...]:
        """Who looks after a document."""
        return self._left(document, self.people.owners_of([document[0]]))

    def asked(self, items: Iterable[str], owners: Iterable[str]) -> tuple[str, ...]:
        """Of the owners of an item, which has any of these keys, those who are asked about it."""
        declined = set[str]().union(*(self._declined.get(item, ()) for item in items))
        return self._without(declined, tuple(owners))

    def part_of(self, person: str, item: str, documents: Sequence[Key]) -> list[Key]:
        """The documents of an item that somebody is asked about; none where they are not asked."""
        lookers = {document: self.lookers(document) for document in documents if document not in self.obsolete}
        owners = dict.fromkeys(looker for each in lookers.values() for looker in each)
        if person not in self.asked([item], owners):
            return []
        own = [document for document, each in lookers.items() if person in each]
        return own or [document for document, each in lookers.items() if each]

    def _left(self, document: Key, owners: tuple[str, ...]) -> tuple[str, ...]:
        return self._without(self._declined.get(document, set()), owners)

    def _without(self, declined: set[str], owners: tuple[str, ...]) -> tuple[str, ...]:
        left = tuple(each for each in owners if each not in declined)
        if left or not owners:
            return left
        return tuple(each for each in self.people.admins if each not in declined)
