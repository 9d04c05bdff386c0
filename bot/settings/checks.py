"""What the models cannot see: names that do not exist, and secrets in a file that gets committed."""

from collections.abc import Iterator
from typing import Any

from bot.errors import SettingsError
from bot.settings.fields import SEPARATOR, Leaf, Place, leaves, nearest, sections, variable_of
from bot.settings.files import Variable, YamlFile
from bot.settings.models import Settings
from bot.settings.secrets import holds_password

REMOVED: dict[Place, str] = {
    (
        "rag",
        "retrieval",
        "evidence_threshold",
    ): "the model decides now; see rag.retrieval.floor_words and floor_match",
    ("rag", "retrieval", "dense_evidence"): "the model decides now; see rag.retrieval.floor_standing",
    ("rag", "retrieval", "floor_coverage"): "it is measured otherwise now; see rag.retrieval.floor_match",
}
"""Settings of earlier versions, and what took their place."""
LEAVES = {leaf.path: leaf for leaf in leaves(Settings)}
SECTIONS = dict(sections(Settings))
GONE = "is no setting any more"


def yaml_problems(written: YamlFile, file: str) -> Iterator[SettingsError]:
    """Unknown keys, secrets and sections that are no sections, with their lines."""
    yield from _yaml_problems(written.tree, (), written, file)


def _yaml_problems(tree: dict[str, Any], place: Place, written: YamlFile, file: str) -> Iterator[SettingsError]:
    for name, value in tree.items():
        here = (*place, name)
        source = f"{file} line {written.lines[here]}"
        if leaf := LEAVES.get(here):
            if problem := _secret_problem(leaf, value, source):
                yield problem
            elif isinstance(value, bool) and leaf.field.annotation in (int, float):  # pydantic would take true for 1
                yield SettingsError(leaf.key, source, "like 8", what="must be a number")
        elif here not in SECTIONS:
            yield _unknown(here, source, [*LEAVES, *(section for section in SECTIONS if section)])
        elif isinstance(value, dict):
            yield from _yaml_problems(value, here, written, file)
        elif value is not None:
            fix = f"put {next(iter(SECTIONS[here].model_fields))} and the like on indented lines under it"
            yield SettingsError(".".join(here), source, fix, what="must hold keys")


def _secret_problem(leaf: Leaf, value: object, source: str) -> SettingsError | None:
    if leaf.is_secret and value not in (None, "", []):
        fix = f"take it out and set the environment variable {leaf.variable} (or put it in .env)"
        return SettingsError(leaf.key, source, fix, what="is a secret and must not be in this file")
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if any(isinstance(text, str) and holds_password(text) for text in texts):
        fix = f"take the whole address out and set the environment variable {leaf.variable} (or put it in .env)"
        return SettingsError(leaf.key, source, fix, what="holds a password, which must not be in this file")
    return None


def variable_problems(variables: list[Variable]) -> Iterator[SettingsError]:
    """Variables with our prefixes that are no settings: most often a slip in a name."""
    for variable in variables:
        place = place_of(variable)
        source = "environment" if variable.source.startswith("environment") else variable.source
        if place in SECTIONS:
            first = variable_of((*place, next(iter(SECTIONS[place].model_fields))))
            yield SettingsError(
                variable.name, variable.source, f"set its settings one by one, like {first}", what="is a section"
            )
        elif place not in LEAVES:
            if place in REMOVED:
                yield SettingsError(variable.name, source, REMOVED[place], what=GONE)
                continue
            wanted = nearest(place, LEAVES)
            fix = f"did you mean {variable_of(wanted)}?" if wanted else "see docs/configuration.md"
            yield SettingsError(variable.name, source, fix, what="is not a setting")


def _unknown(place: Place, source: str, known: list[Place]) -> SettingsError:
    if place in REMOVED:
        return SettingsError(".".join(place), source, REMOVED[place], what=GONE)
    wanted = nearest(place, known)
    fix = f"did you mean {'.'.join(wanted)}?" if wanted else "see docs/configuration.md"
    return SettingsError(".".join(place), source, fix, what="is not a setting")


def place_of(variable: Variable) -> Place:
    """BOT__PORT → ("bot", "port")."""
    return tuple(variable.name.lower().split(SEPARATOR))
