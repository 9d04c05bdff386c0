"""A random organisation whose people may read some documents: who may read what is found by walking through it, and not
by the principals that the product compares."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from rag.access_lists import AccessLists
from rag.documents import Document
from rag.scope import Audience, Principal

PREFIX = "feishu:"
WORDS = (
    "报销",
    "年假",
    "审批",
    "VPN",
    "ERR_1042",
    "出差",
    "发票",
    "住宿",
    "会议室",
    "门禁",
    "工资",
    "入职",
    "培训",
    "35",
)


@dataclass(frozen=True, slots=True)
class Person:
    """One who is in departments and groups; somebody from outside is in nothing."""

    name: str
    departments: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    is_outside: bool = False


@dataclass(slots=True)
class Organisation:
    """Departments by the one that they belong to ("" for none), people, and whom each document was opened to."""

    above: dict[str, str] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    opened_to: dict[str, frozenset[Principal]] = field(default_factory=dict)

    def may_read(self, person: Person, source: str) -> bool:
        """By walking up from the person, kind by kind."""
        if not source.startswith(PREFIX):
            return True
        for principal in self.opened_to.get(source, ()):
            kind, _, name = principal.partition(":")
            if kind == "anyone" or (kind == "tenant" and not person.is_outside):
                return True
            if kind == "user" and name == person.name:
                return True
            if kind == "group" and name in person.groups:
                return True
            if kind == "department" and any(self._is_below(own, name) for own in person.departments):
                return True
        return False

    def _is_below(self, department: str, other: str) -> bool:
        while department:
            if department == other:
                return True
            department = self.above[department]
        return False

    def principals(self, person: Person) -> frozenset[Principal]:
        """All that stand for a person."""
        found = {"anyone", f"user:{person.name}"} | ({"tenant"} if not person.is_outside else set())
        found.update(f"group:{group}" for group in person.groups)
        for department in person.departments:
            while department:
                found.add(f"department:{department}")
                department = self.above[department]
        return frozenset(found)

    def audience(self, people: Iterable[Person]) -> Audience:
        """These people together."""
        return frozenset(map(self.principals, people))

    def lists(self) -> AccessLists:
        """The snapshot of now."""
        return AccessLists(dict(self.opened_to), controlled=PREFIX, version="of the test")


def organisation(chance: random.Random) -> Organisation:
    """A few departments in a tree, and a dozen people, one of them from outside."""
    made = Organisation()
    for number in range(chance.randint(2, 6)):
        made.above[f"d{number}"] = chance.choice(["", *made.above])
    departments, groups = list(made.above), ["g0", "g1", "g2"]
    for number in range(10):
        own = chance.sample(departments, chance.randint(0, 2))
        made.people.append(Person(f"p{number}", tuple(own), tuple(chance.sample(groups, chance.randint(0, 2)))))
    made.people.append(Person("stranger", is_outside=True))
    return made


def mark(source: str) -> str:
    """A word that stands in one document only, wherever it is named."""
    return f"记号{source.encode().hex()}号"


def documents(chance: random.Random, of: Organisation, count: int = 30) -> list[Document]:
    """In two collections, most of them opened to somebody; some texts stand in several of them."""
    shared = [" ".join(chance.choices(WORDS, k=10)) for _ in range(3)]
    made = []
    for number in range(count):
        source = f"{PREFIX if chance.random() < 0.8 else ''}{number}"
        parts = [f"# {chance.choice(WORDS)}{mark(source)}"]
        for part in range(chance.randint(1, 3)):
            said = chance.choice([*shared, " ".join(chance.choices(WORDS, k=10))])
            parts.append(f"## {part} {chance.choice(WORDS)}\n\n{said} {chance.choice(['', mark(source)])}")
        made.append(Document(source, parts[0][2:], "\n\n".join(parts), collection=chance.choice(["甲", "b"])))
        if chance.random() < 0.9:
            of.opened_to[source] = readers(chance, of)
    return made


def readers(chance: random.Random, of: Organisation) -> frozenset[Principal]:
    """Nobody, everybody, or a few people, groups and departments."""
    if (drawn := chance.random()) < 0.2:
        return frozenset({"anyone"}) if drawn < 0.07 else frozenset({"tenant"}) if drawn < 0.14 else frozenset()
    some = [f"user:{each.name}" for each in chance.sample(of.people, chance.randint(0, 3))]
    some += [f"department:{name}" for name in chance.sample(list(of.above), chance.randint(0, 2))]
    return frozenset([*some, *(f"group:g{number}" for number in chance.sample(range(3), chance.randint(0, 2)))])
