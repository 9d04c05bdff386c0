"""What an asker may see. A question cannot be made without it, so that nothing can forget to ask who is asking."""

from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT_COLLECTION = "default"
"""The collection of documents that were given without one."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The collections that may be seen. `names` None is all there are; an empty set is none of them."""

    names: frozenset[str] | None

    @classmethod
    def of(cls, names: Iterable[str]) -> "Scope":
        """These collections and no other."""
        return cls(frozenset(names))

    def shows(self, collections: Iterable[str]) -> bool:
        """Whether all of these may be seen."""
        return self.names is None or self.names.issuperset(collections)

    def within(self, other: "Scope") -> "Scope":
        """What both show."""
        if self.names is None or other.names is None:
            return other if self.names is None else self
        return Scope(self.names & other.names)


EVERYTHING = Scope(None)
"""For whoever owns the documents: the terminal, evaluations, the keys of admins."""
