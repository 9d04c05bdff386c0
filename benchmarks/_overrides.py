"""Settings of a run: the defaults, what `--set` says instead, and other values of a module's constants."""

import argparse
import contextlib
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from rag.settings import RagSettings

ROOT = Path(__file__).parents[1]
Overrides = dict[str, Any]


def settings_for(folder: Path, embedding: Overrides, llm: Overrides, overrides: Overrides) -> RagSettings:
    """Defaults, but for where things are, who embeds, who writes, and what `--set` says."""
    given: Overrides = {"knowledge": [str(ROOT / "knowledge")], "index_dir": str(folder)}
    for more in ({"embedding": embedding, "llm": llm}, overrides):
        given = merged(given, more)
    return RagSettings.model_validate(given)


def override(text: str) -> Overrides:
    """`rag.retrieval.passages=8` as nested keys below `rag`. Raises ArgumentTypeError."""
    key, equals, value = text.partition("=")
    names = key.strip().removeprefix("rag.").split(".")
    if not equals or not all(names):
        raise argparse.ArgumentTypeError(f"{text} is not like rag.retrieval.passages=8")
    nested: Any = yaml.safe_load(value)
    for name in reversed(names):
        nested = {name: nested}
    made: Overrides = nested
    return made


def merged(one: Overrides, other: Overrides) -> Overrides:
    """Both, down to their nested keys; where they differ, the other's."""
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], dict) and isinstance(other[key], dict):
            both[key] = merged(one[key], other[key])
    return both


def constant(text: str) -> tuple[str, Any]:
    """`rag.index.local.bm25.SYNONYM_WEIGHT=0.3` as name and value. Raises ArgumentTypeError."""
    name, equals, value = text.partition("=")
    if not equals or not _is_there(name.strip()):
        raise argparse.ArgumentTypeError(f"{text} is not like rag.index.local.bm25.SYNONYM_WEIGHT=0.3")
    return name.strip(), yaml.safe_load(value)


def _is_there(name: str) -> bool:
    module, dot, attribute = name.rpartition(".")
    try:
        return bool(dot) and hasattr(importlib.import_module(module), attribute)
    except ImportError:
        return False


@contextlib.contextmanager
def replaced(values: Mapping[str, Any]) -> Iterator[None]:
    """Other values for names of modules, like `rag.generation.sentence_selection.FIGURE_BONUS`, until the block
    ends."""
    with contextlib.ExitStack() as restoring:
        for name, value in values.items():
            module_name, _, attribute = name.rpartition(".")
            module = importlib.import_module(module_name)
            restoring.callback(setattr, module, attribute, getattr(module, attribute))
            setattr(module, attribute, value)
        yield
