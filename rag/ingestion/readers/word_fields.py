"""Word's fields: which text is a field's code, which its result, and the results that say nothing."""

import re
from typing import Any

from rag.ingestion.readers.office_package import attribute, child, children, is_on, local, whole

_BEGIN, _END = "begin", "end"
_NOT_SHOWN = frozenset({"del", "moveFrom", "Fallback"})
CONTENTS = frozenset({"TOC", "TOA", "INDEX"})
PAGE_NUMBERS = frozenset({"PAGE", "NUMPAGES", "SECTIONPAGES", "SECTION"})
REPEATS = frozenset({"STYLEREF"})
_ADDRESS = re.compile(r'\s*HYPERLINK\s+"([^"\s]+)"', re.IGNORECASE)
_BOXES = {True: "☒", False: "☐"}


class _Field:
    def __init__(self) -> None:
        self.code = ""
        self.is_code = True

    @property
    def kind(self) -> str:
        words = self.code.split(maxsplit=1)
        return words[0].upper() if words else ""


class Fields:
    """Follows the fields of one part: tell it every run's field characters in the order of the text.

    Results of the kinds in `dropped` are not shown. Beginnings without an end are passed over, so that a damaged field
    does not hide all that follows.
    """

    def __init__(self, root: Any, dropped: frozenset[str] = frozenset()) -> None:
        self._dropped = dropped | CONTENTS
        self._open: list[_Field] = []
        self._unpaired = _unpaired(root)
        self.has_dropped: set[str] = set()
        """The kinds of results that were not shown until now."""

    @property
    def is_shown(self) -> bool:
        """Whether text that comes now is shown."""
        for field in self._open:
            if field.is_code:
                return False
            if field.kind in self._dropped:
                self.has_dropped.add(field.kind)
                return False
        return True

    @property
    def address(self) -> str:
        """Where the innermost field leads to, if it is a link."""
        match = _ADDRESS.match(self._open[-1].code) if self._open else None
        return match[1] if match else ""

    def mark(self, element: Any) -> str:
        """A `w:fldChar`. Gives what a form field shows that has no result of its own."""
        kind = attribute(element, "fldCharType")
        if kind == _BEGIN and element not in self._unpaired:
            self._open.append(_Field())
            return _form_value(child(element, "ffData"))
        if self._open and kind == "separate":
            self._open[-1].is_code = False
        elif self._open and kind == _END:
            self._open.pop()
        return ""

    def add_code(self, text: str) -> None:
        """A piece of a field's code."""
        if self._open and self._open[-1].is_code:
            self._open[-1].code += text

    def is_dropped(self, code: str) -> bool:
        """Whether the result of a field in one piece, `w:fldSimple`, is not shown."""
        kind = (code.split(maxsplit=1) or [""])[0].upper()
        if kind in self._dropped:
            self.has_dropped.add(kind)
        return kind in self._dropped


def _unpaired(root: Any) -> frozenset[Any]:
    waiting: list[Any] = []
    for element in root.iter("{*}fldChar"):
        if any(local(above) in _NOT_SHOWN for above in element.iterancestors()):
            continue
        kind = attribute(element, "fldCharType")
        if kind == _BEGIN:
            waiting.append(element)
        elif kind == _END and waiting:
            waiting.pop()
    return frozenset(waiting)


def _form_value(properties: Any) -> str:
    box, choices = child(properties, "checkBox"), child(properties, "ddList")
    if box is not None:
        state = child(box, "checked") if child(box, "checked") is not None else child(box, "default")
        return _BOXES[state is not None and is_on(attribute(state, "val", "1"))]
    if choices is not None:
        entries = [attribute(each, "val") for each in children(choices, "listEntry")]
        result = child(choices, "result") if child(choices, "result") is not None else child(choices, "default")
        at = whole(attribute(result, "val")) if result is not None else 0
        return entries[at] if 0 <= at < len(entries) else ""
    return ""
