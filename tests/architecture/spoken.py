"""Finds the literals that reach a chat user: what is passed to anything that speaks, wherever it was put together."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

# Calls whose words people read: the bot's voice, and the parts of a card.
SENDS = {
    "reply", "send", "tell", "mention", "text_content", "mentioning", "note", "markdown", "plain", "button", "header",
    "collapsible_panel", "div", "toast", "heading", "panel", "show_text", "Content", "column_text",
}  # fmt: skip
# In a dictionary that is a card, a toast or a message, these hold words.
WORDED_KEYS = {"content", "text", "zh_cn", "en_us", "title", "placeholder"}
# Their words are for the job's record.
UNSAID = {"NoQuestion", "Ended"}
DEEPEST = 12


@functools.cache
def parsed_text(source: str) -> ast.Module:
    """A source's tree, which nobody changes: several tests look at each module."""
    return ast.parse(source)


@dataclass
class Module:
    """A module's functions, and what each name in it was assigned, whatever the branch."""

    tree: ast.Module
    functions: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = field(default_factory=dict)
    assigned: dict[str, list[ast.expr]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str) -> "Module":
        module = cls(parsed_text(source))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                module.functions.setdefault(node.name, []).append(node)
            for name, value in _bindings(node):
                module.assigned.setdefault(name, []).append(value)
        return module

    def spoken(self) -> Iterator[ast.Constant]:
        """Every string literal that may be a part of what is said."""
        found: dict[int, ast.Constant] = {}
        for node in ast.walk(self.tree):
            for expression in _said_in(node):
                for literal in self.literals(expression):
                    found.setdefault(id(literal), literal)
        yield from found.values()

    def literals(self, node: ast.AST | None, depth: int = 0, seen: frozenset[str] = frozenset()) -> list[ast.Constant]:
        """The literals that an expression is made of: f-strings, sums, formats, joins, branches, names, and what
        functions of the same module return."""
        if node is None or depth > DEEPEST:
            return []
        if isinstance(node, ast.Constant):
            return [node] if isinstance(node.value, str) else []
        if isinstance(node, ast.Name):
            values = self.assigned.get(node.id, []) if node.id not in seen else []
            seen |= {node.id}
            return [one for value in values for one in self.literals(value, depth + 1, seen)]
        if isinstance(node, ast.Call):
            return self._of_call(node, depth, seen)
        return [one for part in _parts(node) for one in self.literals(part, depth + 1, seen)]

    def _of_call(self, node: ast.Call, depth: int, seen: frozenset[str]) -> list[ast.Constant]:
        name = _called(node)
        if name in UNSAID:
            return []
        returned = [
            statement.value
            for function in (self.functions.get(name, []) if name not in seen else [])
            for statement in ast.walk(function)
            if isinstance(statement, ast.Return) and statement.value is not None
        ]
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        # A method of a text (format, join, strip …) speaks with the text; other receivers say nothing themselves.
        inner: list[ast.AST] = [*returned, *node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(receiver, ast.Constant | ast.JoinedStr | ast.Name | ast.BinOp):
            inner.append(receiver)
        return [one for part in inner for one in self.literals(part, depth + 1, seen | {name})]


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _unpacked(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
        yield from _unpacked(node.target, node.value)


def _unpacked(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=False):
            yield from _unpacked(one, its)


def _said_in(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call) and _called(node) in SENDS:
        yield from node.args
        yield from (keyword.value for keyword in node.keywords)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in WORDED_KEYS:
                yield value


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _parts(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.JoinedStr():
            return list(node.values)
        case ast.FormattedValue() | ast.Await() | ast.Starred():
            return [node.value]
        case ast.BinOp():
            return [node.left, node.right]
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.BoolOp():
            return list(node.values)
        case ast.List() | ast.Tuple() | ast.Set():
            return list(node.elts)
        case ast.Dict():
            return list(node.values)
        case ast.GeneratorExp() | ast.ListComp():
            return [node.elt]
        case ast.NamedExpr():
            return [node.value]
        case ast.Subscript():
            return [node.value]
    return []
