"""The words of SmartArt, charts and formulas, which Word, PowerPoint and Excel keep in the same way."""

import datetime
import math
import re
from collections.abc import Iterator
from typing import Any

from rag.ingestion.readers.office_package import Part, attribute, child, children, is_on, local, whole
from rag.ingestion.readers.parsed import markdown_table, one_line

_FIRST_DAY = datetime.datetime(1899, 12, 30)
_MOST_POINTS = 20_000
"""Of a series: one that says it has more is read as far as this."""
_PROPERTIES = frozenset({"pPr", "rPr", "endParaRPr"})
_BESIDE = {"f": "/", "sSup": "^", "sSub": "_", "limLow": "_", "limUpp": "^", "func": " ", "mr": " "}
_ROWS = frozenset({"eqArr", "m"})


def shown_branch(alternate: Any) -> list[Any]:
    """The shown children of a `mc:AlternateContent`: the first choice, or the fallback where there is none."""
    for name in ("Choice", "Fallback"):
        for branch in alternate:
            if local(branch) == name:
                return list(branch)
    return []


def paragraph_text(paragraph: Any) -> str:
    """A paragraph of DrawingML, on one line, without the number of the slide."""
    texts = []
    for each in _shown(paragraph):
        name = local(each)
        if name == "br":
            texts.append(" ")
        elif name == "t":
            texts.append(each.text or "")
        elif name == "oMath":
            texts.append(formula(each))
    return one_line("".join(texts))


def _shown(element: Any) -> Iterator[Any]:
    waiting = list(reversed(element))
    while waiting:
        each = waiting.pop()
        name = local(each)
        if name == "AlternateContent":
            waiting += reversed(shown_branch(each))
        elif name in ("br", "t", "oMath"):
            yield each
        elif not (name == "fld" and attribute(each, "type") == "slidenum") and name not in _PROPERTIES:
            waiting += reversed(each)


def formula(element: Any) -> str:
    """A formula on one line: a/b, x^2, a_1, √(x)."""
    name = local(element)
    if name == "t":
        return element.text or ""
    if name in _BESIDE:
        return _BESIDE[name].join(_bracketed(formula(each)) for each in element if not local(each).endswith("Pr"))
    if name in _ROWS:
        return "; ".join(formula(each) for each in element if not local(each).endswith("Pr"))
    if name == "rad":
        return f"√({formula(inner)})" if (inner := child(element, "e")) is not None else ""
    if name == "d":
        return "(" + ", ".join(formula(each) for each in element if local(each) == "e") + ")"
    if name == "nary":
        sign = attribute(sign, "val") if (sign := child(element, "naryPr", "chr")) is not None else "∫"
        parts = {local(each): formula(each) for each in element}
        for key, mark in (("sub", "_"), ("sup", "^")):
            sign += f"{mark}{_bracketed(parts[key])}" if parts.get(key) else ""
        return f"{sign} {parts.get('e', '')}"
    return "".join(formula(each) for each in element if not local(each).endswith("Pr"))


def _bracketed(text: str) -> str:
    return text if len(text) < 2 or text.isalnum() else f"({text})"


def graphic_text(graphic: Any, part: Part) -> str | None:
    """The words of a chart or of SmartArt in a `a:graphicData`; None where it is neither."""
    for each in graphic:
        name = local(each)
        if name == "relIds":
            return smartart_text(part, attribute(each, "dm"))
        if name == "chart":
            return chart_text(part.related(attribute(each, "id")))
        if name == "AlternateContent":
            inner = [graphic_text([branch], part) for branch in shown_branch(each)]
            return next((text for text in inner if text is not None), None)
    return None


def smartart_text(part: Part, relation: str) -> str:
    """The points of SmartArt, as a list in the order of its outline."""
    found = part.related(relation)
    root = found.root if found is not None else None
    if root is None:
        drawing = part.first("diagramDrawing")
        root = drawing.root if drawing is not None else None
        lines = [paragraph_text(each) for each in root.iter("{*}p")] if root is not None else []
    else:
        lines = [_point_text(each) for each in _outline(root)]
    return _listed(lines)


def _listed(lines: list[str]) -> str:
    filled = [line for line in lines if line]
    return "\n".join(f"- {line}" for line in filled) if len(filled) > 1 else "".join(filled)


def _point_text(point: Any) -> str:
    properties = child(point, "prSet")
    if properties is not None and attribute(properties, "phldr") and is_on(attribute(properties, "phldr")):
        return ""  # a prompt that nobody has written over
    text = child(point, "t")
    return " ".join(filter(None, map(paragraph_text, children(text, "p"))))


def _outline(root: Any) -> Iterator[Any]:
    """Points from parents to children, then those that hang nowhere; each once, whatever leads in a circle."""
    points = {attribute(each, "modelId"): each for each in children(child(root, "ptLst"), "pt")}
    below: dict[str, list[tuple[int, str]]] = {}
    for each in children(child(root, "cxnLst"), "cxn"):
        if attribute(each, "type", "parOf") == "parOf":
            order = whole(attribute(each, "srcOrd"))
            below.setdefault(attribute(each, "srcId"), []).append((order, attribute(each, "destId")))
    starts = [name for name, point in points.items() if attribute(point, "type") == "doc"]
    waiting = [*reversed([name for name in points if name not in starts]), *reversed(starts)]
    while waiting:
        name = waiting.pop()
        point = points.pop(name, None)
        if point is None:
            continue
        if attribute(point, "type") != "pres":
            yield point
        waiting += [after for _, after in sorted(below.get(name, ()), key=lambda entry: -entry[0])]


def chart_text(part: Part | None) -> str:
    """A chart's title, its axes' titles, and its categories and values as a table with the series' names on top."""
    root = part.root if part is not None else None
    if part is None or root is None:
        return ""
    titles = [_rich(each) for each in root.iter("{*}title")]
    series = [_series(each) for each in root.iter("{*}ser")] or _extended(root)
    tables = []
    while series:
        labels = series[0][1]
        same = [each for each in series if each[1] == labels]
        series = [each for each in series if each[1] != labels]
        count = max([len(labels), *(len(each[2]) for each in same)])
        rows = [["", *(name for name, _, _ in same)]]
        rows += [[_at(labels, row), *(_at(values, row) for _, _, values in same)] for row in range(count)]
        tables.append(markdown_table(rows))
    notes = [paragraph_text(each) for shapes in part.all("chartUserShapes") for each in _paragraphs(shapes.root)]
    return "\n\n".join(filter(None, [*titles, *tables, *notes]))


def _paragraphs(root: Any) -> Iterator[Any]:
    return iter(root.iter("{*}p")) if root is not None else iter(())


def _rich(element: Any) -> str:
    lines = [paragraph_text(each) for each in element.iter("{*}p")]
    return " ".join(filter(None, lines)) or " ".join(one_line(each.text) for each in element.iter("{*}v"))


def _at(values: list[str], row: int) -> str:
    return values[row] if row < len(values) else ""


def _series(element: Any) -> tuple[str, list[str], list[str]]:
    """A series' name, its categories and its values."""
    name = child(element, "tx")
    values = child(element, "val") if child(element, "val") is not None else child(element, "yVal")
    labels = child(element, "cat") if child(element, "cat") is not None else child(element, "xVal")
    sizes = _points(child(element, "bubbleSize"))
    found = [" ".join(filter(None, pair)) for pair in zip(_points(values), sizes, strict=False)] or _points(values)
    return (" ".join(_points(name)) or _rich(name) if name is not None else ""), _points(labels), found


def _points(element: Any) -> list[str]:
    """The values that are kept of a reference, levels joined from the outer to the inner one."""
    if element is None:
        return []
    levels = [_level(each) for each in element.iter("{*}lvl")]
    if not levels:
        caches = [each for each in element.iter() if local(each) in ("strCache", "numCache", "strLit", "numLit")]
        levels = [_level(cache) for cache in caches[:1]]
    if len(levels) < 2:
        return levels[0] if levels else []
    count = max(map(len, levels))
    outer = [_filled(level, count) for level in reversed(levels[1:])]
    inner = levels[0] + [""] * (count - len(levels[0]))
    return [" ".join(filter(None, row)) for row in zip(*outer, inner, strict=True)]


def _filled(level: list[str], count: int) -> list[str]:
    """A label of an outer level holds until the next one."""
    found, last = [], ""
    for at in range(count):
        last = _at(level, at) or last
        found.append(last)
    return found


def _level(element: Any) -> list[str]:
    is_number = "num" in f"{local(element)} {local(element.getparent())}"
    code = child(element, "formatCode")
    pattern = one_line(code.text) if code is not None else attribute(element, "formatCode")
    values: dict[int, str] = {}
    for each in element:
        if local(each) == "pt" and 0 <= (at := whole(attribute(each, "idx"))) < _MOST_POINTS:
            inner = child(each, "v")
            text = one_line(inner.text if inner is not None else each.text)
            values[at] = shown_number(text, attribute(each, "formatCode") or pattern) if is_number else text
    return [values.get(at, "") for at in range(max(values, default=-1) + 1)]


def _extended(root: Any) -> list[tuple[str, list[str], list[str]]]:
    """The series of the newer kinds of charts: funnels, waterfalls, tree maps."""
    by_id = {}
    for each in root.iter("{*}data"):
        by_id[attribute(each, "id")] = _points(child(each, "strDim")), _points(child(each, "numDim"))
    found = []
    for each in root.iter("{*}series"):
        link = child(each, "dataId")
        labels, values = by_id.get(attribute(link, "val") if link is not None else "0", ([], []))
        name = child(each, "tx")
        found.append((_rich(name) if name is not None else "", labels, values))
    return found


def shown_number(text: str, pattern: str) -> str:
    """A number as a chart shows it: percent, thousands, decimals and days by the pattern; otherwise as it stands."""
    try:
        number = float(text)
        if not math.isfinite(number):
            return text
        plain = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.|_.', "", pattern.partition(";")[0])
        decimals = re.search(r"\.([0#]+)", plain)
        if "%" in plain:
            return f"{number * 100:.{len(decimals.group(1))}f}%" if decimals else f"{number * 100:.10g}%"
        if re.search(r"(?i)y", plain) and re.search(r"(?i)[md]", plain):
            return (_FIRST_DAY + datetime.timedelta(days=number)).date().isoformat()
        if (decimals or "#,#" in plain) and "E" not in plain:
            return f"{number:{',' if '#,#' in plain else ''}.{len(decimals.group(1)) if decimals else 0}f}"
        return f"{number:.10g}"
    except (ValueError, OverflowError):
        return text
