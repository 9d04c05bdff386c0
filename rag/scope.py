"""What an asker may see. A question cannot be made without it, so that nothing can forget to ask who is asking."""

from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT_COLLECTION = "default"
"""The collection of documents that were given without one."""
DOCUMENT = "@document:"
"""Begins a name that stands for a single document among the collections behind something; its source follows."""
Principal = str
"""Somebody or some group that a document may be open to; whoever gives scopes and access lists says what it means."""
Audience = frozenset[frozenset[Principal]]
"""People, each as all the principals that stand for them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The collections that may be seen, and who will read the answer. `names` None is all collections there are; an
    empty set is none of them.

    A document with rights of its own (`rag.access_lists`) is seen only if every member of the `audience` shares a
    principal with its readers. An empty audience asks for no rights: it is the owner.
    """

    names: frozenset[str] | None
    audience: Audience = frozenset()

    @classmethod
    def of(cls, names: Iterable[str]) -> "Scope":
        """These collections and no other."""
        return cls(frozenset(names))

    def shows(self, collections: Iterable[str]) -> bool:
        """Whether all of these collections may be seen. Of the rights of single documents it says nothing, also where
        their names (`DOCUMENT`) are among them."""
        return self.names is None or self.names.issuperset(
            name for name in collections if not name.startswith(DOCUMENT)
        )

    def within(self, other: "Scope") -> "Scope":
        """What both show: to the readers of both."""
        audience = self.audience | other.audience
        if self.names is None or other.names is None:
            return Scope(other.names if self.names is None else self.names, audience)
        return Scope(self.names & other.names, audience)


EVERYTHING = Scope(None)
"""For whoever owns the documents: the terminal, evaluations, the keys of admins."""
