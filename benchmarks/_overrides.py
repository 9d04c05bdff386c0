"""Settings of a run: the defaults, and what `--set` says instead."""

import argparse
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
