"""The text of one Word paragraph as Word shows it with all changes accepted, and what hangs on it: boxes and notes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.ingestion.readers.left_out import LeftOut
from rag.ingestion.readers.office_drawings import formula, graphic_text, paragraph_text, shown_branch
from rag.ingestion.readers.office_package import Part, attribute, child, is_on, local, reference, whole
from rag.ingestion.readers.parsed import linked
from rag.ingestion.readers.symbol_fonts import is_symbol_font, symbol
from rag.ingestion.readers.word_fields import CONTENTS, Fields
from rag.ingestion.readers.word_styles import Styles

_THROUGH = frozenset({"ins", "moveTo", "customXml", "smartTag", "dir", "bdo", "sdtContent", "oMathPara"})
_GONE = frozenset({"del", "moveFrom"})
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_GROUPS = frozenset({"wgp", "grpSp", "wpc"})


@dataclass
class Line:
    """A paragraph's text; `boxes` are the contents of its text boxes, or the words of its drawings."""

    text: str = ""
    boxes: list[Any] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    """Kind and id of the footnotes and endnotes that it refers to."""


class Story:
    """One part of a document with running text: its body, a header, its footnotes."""

    def __init__(
        self, part: Part, styles: Styles, left: LeftOut, *, dropped: frozenset[str], include_hidden: bool
    ) -> None:
        self.part = part
        self._styles = styles
        self._left = left
        self._include_hidden = include_hidden
        self.fields = Fields(part.root, dropped)
        self._link_starts: list[tuple[list[str], int]] = []
        self.note_mark: Callable[[str, str], str] = lambda kind, identity: ""

    def shown(self, element: Any) -> Iterator[Any]:
        """The children that Word shows, those of wrappers in their place, without what changes delete."""
        waiting = list(reversed(element))
        while waiting:
            each = waiting.pop()
            name = local(each)
            if name in _THROUGH:
                waiting += reversed(each)
            elif name == "AlternateContent":
                waiting += reversed(shown_branch(each))
            elif name == "sdt":
                waiting += reversed(self._control(each))
            elif name in _GONE:
                self._left.add("deleted", any(True for _ in each.iter("{*}delText", "{*}t")))
            elif name == "fldSimple":
                if not self.fields.is_dropped(attribute(each, "instr")):
                    waiting += reversed(each)
            elif name:
                yield each

    def _control(self, element: Any) -> list[Any]:
        """What stands in a content control, without a prompt to fill it in, and without a table of contents."""
        properties = child(element, "sdtPr")
        prompt = child(properties, "showingPlcHdr")
        if prompt is not None and is_on(attribute(prompt, "val", "1")):
            self._left.add("prompts")
            return []
        gallery = child(properties, "docPartObj", "docPartGallery")
        if gallery is not None and attribute(gallery, "val") == "Table of Contents":
            self._left.add("contents")
            return []
        return list(element)

    def is_gone(self, paragraph: Any) -> bool:
        """Whether the end of a paragraph is deleted or hidden, so that the next one goes on in it."""
        mark = child(paragraph, "pPr", "rPr")
        if child(mark, "del") is not None or child(mark, "moveFrom") is not None:
            return True
        if child(mark, "specVanish") is not None:  # what Word calls a style separator, after a heading within a line
            return False
        return not self._include_hidden and self._styles.is_hidden(mark, self._styles.of(paragraph))

    def line(self, paragraph: Any) -> Line:
        """A paragraph; read each once, in order."""
        line = Line()
        texts: list[str] = []
        styles = self._styles.of(paragraph)
        is_contents = self._styles.is_contents(paragraph)
        self._inline(paragraph, styles, line, texts)
        if is_contents and "".join(texts).strip():
            self._left.add("contents")
            return Line()
        line.text = "".join(texts)
        if self.fields.has_dropped & CONTENTS:
            self._left.add("contents")
        return line

    def _inline(self, element: Any, styles: tuple[Any, ...], line: Line, texts: list[str]) -> None:
        before = ""
        for each in self.shown(element):
            name = local(each)
            if name == "r":
                self._run(each, styles, line, texts)
            elif name == "hyperlink":
                inner: list[str] = []
                self._inline(each, styles, line, inner)
                texts.append(linked("".join(inner), self._address(each)))
            elif name == "oMath" and self.fields.is_shown:
                texts.append(f"{' ' if before == name else ''}{formula(each)}")
            before = name

    def _address(self, link: Any) -> str:
        relation = self.part.relations.get(reference(link))
        return relation.target if relation is not None and relation.is_outside else ""

    def _mark(self, element: Any, texts: list[str]) -> None:
        """The beginning, the middle or the end of a field; one that is a link becomes one, if in one paragraph."""
        address = self.fields.address if attribute(element, "fldCharType") == "end" else ""
        if attribute(element, "fldCharType") == "separate":
            self._link_starts.append((texts, len(texts)))
        elif attribute(element, "fldCharType") == "end" and self._link_starts:
            begun, start = self._link_starts.pop()
            if begun is texts and address:
                texts[start:] = [linked("".join(texts[start:]), address)]
        texts.append(self.fields.mark(element))

    def _run(self, run: Any, styles: tuple[Any, ...], line: Line, texts: list[str]) -> None:
        is_hidden = not self._include_hidden and self._styles.is_hidden(child(run, "rPr"), styles)
        for each in self.shown(run):
            name = local(each)
            if name == "fldChar":
                self._mark(each, texts)
            elif name == "instrText":
                self.fields.add_code(each.text or "")
            elif name != "rPr" and self.fields.is_shown:
                if is_hidden:
                    self._left.add("hidden", name == "t" and bool(each.text))
                else:
                    self._piece(each, name, styles, line, texts)

    def _piece(self, element: Any, name: str, styles: tuple[Any, ...], line: Line, texts: list[str]) -> None:
        if name == "t":
            texts.append(_in_font(element.text or "", child(element.getparent(), "rPr", "rFonts")))
        elif name in _SIGNS:
            texts.append(_SIGNS[name])
        elif name == "sym":
            texts.append(self._symbol(element))
        elif name == "ruby":
            self._left.add("readings")
            base = child(element, "rubyBase")
            if base is not None:
                self._inline(base, styles, line, texts)
        elif name in ("footnoteReference", "endnoteReference"):
            kind, identity = name.removesuffix("Reference"), attribute(element, "id")
            texts.append(self.note_mark(kind, identity))
            line.notes.append((kind, identity))
        elif name in ("drawing", "pict"):
            line.boxes += self._graphics(element)
        elif name == "object":
            self._left.add("objects")
        elif name == "contentPart":
            self._left.add("pictures")

    def _symbol(self, element: Any) -> str:
        try:
            code = int(attribute(element, "char"), 16)
        except ValueError:
            code = 0
        sign = symbol(code, attribute(element, "font"))
        self._left.add("symbols", not sign)
        return sign

    def _graphics(self, element: Any) -> Iterator[Any]:
        """The contents of text boxes, and the words of drawings, in a drawing or a shape."""
        name = local(element)
        if name == "txbxContent":
            yield element
        elif name in ("pic", "imagedata", "contentPart"):
            self._left.add("pictures")
        elif name == "textpath":
            yield attribute(element, "string")
        elif name == "txBody":
            yield "\n".join(paragraph_text(each) for each in element if local(each) == "p")
        elif name in ("OLEObject", "control"):
            self._left.add("objects")
        elif name == "graphicData" and (text := graphic_text(element, self.part)) is not None:
            yield text
        elif not self._include_hidden and _is_hidden_shape(element):
            self._left.add("shapes")
        else:
            for each in _in_order(element, name):
                yield from self._graphics(each)


def _in_font(text: str, fonts: Any) -> str:
    """A text as its font shows it: the signs of symbol fonts stand at the places of other letters."""
    font = attribute(fonts, "ascii") if fonts is not None else ""
    if not is_symbol_font(font):
        return text
    return "".join(symbol(ord(letter), font) or letter for letter in text)


def _is_hidden_shape(element: Any) -> bool:
    properties = next((found for kind in ("docPr", "cNvPr") if (found := child(element, kind)) is not None), None)
    if properties is not None and is_on(attribute(properties, "hidden", "0")):
        return True
    return "visibility:hidden" in attribute(element, "style").replace(" ", "").lower()


def _in_order(element: Any, name: str) -> list[Any]:
    """The children; those of a group from top to bottom and from left to right."""
    found = []
    for each in element:
        found += shown_branch(each) if local(each) == "AlternateContent" else [each]
    return sorted(found, key=_offset) if name in _GROUPS else found


def _offset(shape: Any) -> tuple[int, int]:
    for kind in ("spPr", "grpSpPr", "xfrm"):
        offset = child(shape, "off") if kind == "xfrm" else child(shape, kind, "xfrm", "off")
        if offset is not None:
            return whole(attribute(offset, "y")), whole(attribute(offset, "x"))
    return 0, 0
