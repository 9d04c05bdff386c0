"""What was filled in and written onto a PDF page: values of form fields, boxes that are checked, text annotations."""

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.ingestion.readers.pdf_characters import Box, Sheet
from rag.ingestion.readers.pdf_layout import Run

MOST_ON_A_PAGE = 5000
_MOST_CHARS = 100_000
_PASSWORD = 1 << 13
_HIDDEN_FLAGS = 2 | 32


@dataclass(slots=True)
class WrittenOn:
    """Texts with their places on the page, notes to be read after it, and how many parts are hidden."""

    runs: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hidden: int = 0


def written_on(page: Any, form: Any, sheet: Sheet, beside: Callable[[Box], bool]) -> WrittenOn:
    """What is written onto a page; `form` is the document's form environment, None where there is none. `beside` tells
    whether there are words on a box's line: a field without has its name written before it."""
    import pypdfium2.raw as raw

    found = WrittenOn()
    for annotation in _annotations(page):
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        is_hidden = bool(raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN_FLAGS)
        if kind == raw.FPDF_ANNOT_WIDGET:
            text = _value(annotation, form, beside, sheet) if form else ""
        else:
            text = _contents(annotation, kind)
        if not text:
            continue
        if is_hidden and kind != raw.FPDF_ANNOT_POPUP:
            found.hidden += 1
        elif kind in (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT):
            found.runs += _runs(text, _box(annotation, sheet))
        elif text not in found.notes:
            found.notes.append(text)
    return found


def _annotations(page: Any) -> Iterator[Any]:
    import pypdfium2.raw as raw

    for index in range(min(raw.FPDFPage_GetAnnotCount(page), MOST_ON_A_PAGE)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if annotation:
            try:
                yield annotation
            finally:
                raw.FPDFPage_CloseAnnot(annotation)


def _contents(annotation: Any, kind: int) -> str:
    import pypdfium2.raw as raw

    known = (
        *(raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_TEXT, raw.FPDF_ANNOT_HIGHLIGHT, raw.FPDF_ANNOT_UNDERLINE),
        *(raw.FPDF_ANNOT_SQUIGGLY, raw.FPDF_ANNOT_STRIKEOUT, raw.FPDF_ANNOT_CARET, raw.FPDF_ANNOT_STAMP),
        *(raw.FPDF_ANNOT_SQUARE, raw.FPDF_ANNOT_CIRCLE, raw.FPDF_ANNOT_POLYGON, raw.FPDF_ANNOT_INK),
    )
    if kind not in known:
        return ""
    return _string(lambda buffer, size: raw.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, size))


def _value(annotation: Any, form: Any, beside: Callable[[Box], bool], sheet: Sheet) -> str:
    """A field's value as it is shown; ☑ or ☐ for boxes."""
    import pypdfium2.raw as raw

    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    box = _box(annotation, sheet)
    if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
        mark = "☑" if raw.FPDFAnnot_IsChecked(form, annotation) else "☐"
        return mark if beside(box) else f"{mark} {_name(annotation, form)}".strip()
    if kind in (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX):
        text = _chosen(annotation, form)
    elif kind == raw.FPDF_FORMFIELD_TEXTFIELD:
        if raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
            return ""
        text = ""
    else:
        return ""
    text = text or _string(lambda buffer, size: raw.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size))
    name = "" if not text or beside(box) else _name(annotation, form)
    return f"{name}{': ' if name.isascii() else '：'}{text}" if name else text


def _chosen(annotation: Any, form: Any) -> str:
    import pypdfium2.raw as raw

    count = min(raw.FPDFAnnot_GetOptionCount(form, annotation), MOST_ON_A_PAGE)
    labels = (
        _string(lambda buffer, size, at=at: raw.FPDFAnnot_GetOptionLabel(form, annotation, at, buffer, size))
        for at in range(max(0, count))
        if raw.FPDFAnnot_IsOptionSelected(form, annotation, at)
    )
    return "、".join(filter(None, labels))


def _name(annotation: Any, form: Any) -> str:
    import pypdfium2.raw as raw

    for named in (raw.FPDFAnnot_GetFormFieldAlternateName, raw.FPDFAnnot_GetFormFieldName):
        if name := _string(lambda buffer, size, named=named: named(form, annotation, buffer, size)):
            return name
    return ""


def _string(call: Callable[..., int]) -> str:
    """A text that pdfium writes as UTF-16 into a buffer whose size it tells first."""
    import pypdfium2.raw as raw

    size = min(call(None, 0), 2 * _MOST_CHARS)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    call(ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw[:size].decode("utf-16-le", "ignore").replace("\x00", "").strip()


def _box(annotation: Any, sheet: Sheet) -> Box:
    import pypdfium2.raw as raw

    rect = raw.FS_RECTF()
    with contextlib.suppress(ctypes.ArgumentError):
        raw.FPDFAnnot_GetRect(annotation, ctypes.byref(rect))
    bottom, top = sorted((rect.bottom, rect.top))
    return sheet.shown(rect.left, bottom, rect.right, top)


def _runs(text: str, box: Box) -> list[Run]:
    """The lines of a text as they stand in its box."""
    left, top, right, bottom = box
    lines = [" ".join(line.split()) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    lines = list(filter(None, lines))
    step = (bottom - top) / max(1, len(lines))
    height = min(step, 12.0)
    found = []
    for number, line in enumerate(lines):
        middle = top + step * (number + 0.5)
        width = min(right - left, height * len(line))
        found.append(Run(line, left, middle - height / 2, left + width, middle + height / 2, True))
    return found
