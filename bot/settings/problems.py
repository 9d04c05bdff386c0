"""Words for what pydantic finds wrong: what a value must be, and how to write it. Never the value itself."""

from typing import Any

_WHAT: dict[str, tuple[str, str]] = {
    "int_parsing": ("must be a whole number", "like 8"),
    "int_type": ("must be a whole number", "like 8"),
    "int_from_float": ("must be a whole number", "like 8"),
    "float_parsing": ("must be a number", "like 0.5"),
    "float_type": ("must be a number", "like 0.5"),
    "finite_number": ("must be a finite number", "like 0.5"),
    "bool_parsing": ("must be true or false", "write one of the two"),
    "bool_type": ("must be true or false", "write one of the two"),
    "string_type": ("must be text", "put the value in quotes"),
    "path_type": ("must be a path", "put the value in quotes"),
    "list_type": ("must be a list", "write [first, second], or one item a line with a dash before it"),
    "dict_type": ("must hold keys", "put them on indented lines under it"),
    "model_type": ("must hold keys", "put them on indented lines under it"),
    "missing": ("is missing", "add it"),
    "extra_forbidden": ("is not a setting", "see docs/configuration.md"),
}

_BOUNDS = {
    "greater_than": ("gt", "must be greater than {}"),
    "greater_than_equal": ("ge", "must be {} or more"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be {} or less"),
    "string_too_short": ("min_length", "must not be shorter than {} characters"),
    "string_too_long": ("max_length", "must not be longer than {} characters"),
    "too_short": ("min_length", "must have {} items or more"),
    "too_long": ("max_length", "must have {} items or fewer"),
    "literal_error": ("expected", "must be one of {}"),
}


def sentence_of(error: dict[str, Any]) -> tuple[str, str]:
    """(what is wrong, how to put it right) of one entry of `ValidationError.errors(include_input=False)`."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WHAT:
        return _WHAT[kind]
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return words.format(context.get(name, "its limit")), "see docs/configuration.md"
    if kind == "value_error":  # our own validators, which show no value
        return str(context.get("error", "cannot be used")), ""
    return "cannot be used", "see docs/configuration.md"
