"""Who looks after which documents."""

from bot.models import Answer
from bot.settings.people import PeopleSettings
from rag.scope import Scope


def collections_in(answer: Answer, scope: Scope) -> list[str]:
    """The collections of an answer's sources that may be seen now, the nearest first."""
    return [source.collection for source in answer.sources if scope.shows((source.collection,))]


def owners_of(settings: PeopleSettings, collections: list[str]) -> tuple[str, ...]:
    """Whom to ask about documents of these collections; the owners of everything (`*`) where none has its own."""
    own = [owner for name in dict.fromkeys(collections) for owner in settings.owners.get(name, [])]
    return tuple(dict.fromkeys(own or settings.owners.get("*", [])))
