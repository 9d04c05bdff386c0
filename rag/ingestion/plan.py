"""What an ingest has to do: the items of today held against what the index knows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from rag.errors import Unreadable
from rag.index.base.types import Key, Known
from rag.ingestion.sources import Item, Unlisted


@dataclass(slots=True)
class Plan:
    """Items to read, documents to drop, and what stays as it is. `failed` are items that cannot be read, and why."""

    new: list[tuple[Item, str]] = field(default_factory=list)
    changed: list[tuple[Item, str]] = field(default_factory=list)
    gone: list[Key] = field(default_factory=list)
    unchanged: int = 0
    failed: dict[Key, str] = field(default_factory=dict)
    newly_failed: dict[Key, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the index is already what it should be."""
        return not (self.new or self.changed or self.gone or self.newly_failed)


def difference(
    items: Sequence[Item],
    known: Mapping[Key, Known],
    *,
    unlisted: Sequence[Unlisted] = (),
    spares: Callable[[Key], bool] = lambda key: False,
    reread: Collection[Key] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """Fingerprint every item and sort it. What could not be read is read again only when it changed.

    `spares` names documents that are none of these items and stay. Those of `reread` count as changed.
    """
    plan = Plan()
    seen: set[Key] = set()
    for done, item in enumerate(items):
        progress(done, len(items))
        seen.add(item.key)
        before = known.get(item.key)
        try:
            fingerprint = item.fingerprint()
        except Unreadable as error:
            plan.failed[item.key] = error.reason
            if before is None or (before.fingerprint, before.failure) != ("", error.reason):
                plan.newly_failed[item.key] = error.reason
            continue
        if before is None:
            plan.new.append((item, fingerprint))
        elif before.fingerprint != fingerprint or item.key in reread:
            plan.changed.append((item, fingerprint))
        elif before.failure:
            plan.failed[item.key] = before.failure
        else:
            plan.unchanged += 1
    progress(len(items), len(items))
    plan.gone = [key for key in known if not (key in seen or spares(key) or _is_kept(key, unlisted))]
    return plan


def _is_kept(key: Key, unlisted: Sequence[Unlisted]) -> bool:
    collection, source = key
    return any(place.keeps and place.collection == collection and source.startswith(place.prefix) for place in unlisted)
