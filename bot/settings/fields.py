"""What settings there are: the models read as a flat list of dotted keys, and the nearest name to a wrong one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

Place = tuple[str, ...]
"""A setting's place, like ("rag", "llm", "model")."""

SEPARATOR = "__"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting that takes a value."""

    path: Place
    field: FieldInfo

    @property
    def key(self) -> str:
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        return variable_of(self.path)

    @property
    def is_secret(self) -> bool:
        return _mentions(self.field.annotation, SecretStr)

    @property
    def default(self) -> Any:
        return self.field.get_default(call_default_factory=True)


def variable_of(path: Sequence[str]) -> str:
    """The environment variable over a setting: rag.llm.model → RAG__LLM__MODEL."""
    return SEPARATOR.join(path).upper()


def sections(model: type[BaseModel], path: Place = ()) -> Iterator[tuple[Place, type[BaseModel]]]:
    """The model and all models inside it, in file order, with their places; the root has the place ()."""
    yield path, model
    for name, field in model.model_fields.items():
        if inner := _model_of(field):
            yield from sections(inner, (*path, name))


def leaves(model: type[BaseModel], path: Place = ()) -> Iterator[Leaf]:
    """All settings of the model, in file order."""
    for name, field in model.model_fields.items():
        if inner := _model_of(field):
            yield from leaves(inner, (*path, name))
        else:
            yield Leaf((*path, name), field)


def nearest(path: Sequence[str], known: Iterable[Place]) -> Place | None:
    """The known place that a wrong one most likely meant: a slip in a name, or the right name in the wrong section."""
    places = {".".join(place): place for place in known}
    wrong = ".".join(path).lower()
    siblings = {key: place for key, place in places.items() if place[:-1] == tuple(path[:-1])}
    same_name = [place for place in places.values() if place[-1] == path[-1].lower()]
    if close := get_close_matches(wrong, siblings, n=1, cutoff=0.7):
        return siblings[close[0]]
    if len(same_name) == 1:
        return same_name[0]
    if close := get_close_matches(wrong, places, n=1, cutoff=0.6):
        return places[close[0]]
    by_name = {place[-1]: place for place in reversed(places.values())}
    close = get_close_matches(path[-1].lower(), by_name, n=1, cutoff=0.75)
    return by_name[close[0]] if close else None


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    annotation = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _mentions(annotation: Any, *types: type) -> bool:
    if annotation in types or getattr(annotation, "__origin__", None) in types:
        return True
    return any(_mentions(inner, *types) for inner in get_args(annotation))
