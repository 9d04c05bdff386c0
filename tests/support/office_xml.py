"""Word and PowerPoint files out of the XML that a test cares about; the rest of a file is as little as opens."""

import io
import zipfile
from collections.abc import Mapping

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NAMES = (
    f'xmlns:w="{W}" xmlns:r="{OFFICE}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    ' xmlns:wpg="http://schemas.microsoft.com/office/word/2010/wordprocessingGroup"'
    ' xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
    ' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
    ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    ' xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
    ' xmlns:cx="http://schemas.microsoft.com/office/drawing/2014/chartex"'
    ' xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
    ' xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    ' xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"'
)
_TYPES = {
    "word/document.xml": "wordprocessingml.document.main",
    "word/styles.xml": "wordprocessingml.styles",
    "word/numbering.xml": "wordprocessingml.numbering",
    "ppt/presentation.xml": "presentationml.presentation.main",
}
"""Of the parts that other programs open by their type."""
Parts = Mapping[str, tuple[str, str]]
"""Name → kind of relationship and XML; the name without its folder and suffix is the relationship's id."""


def root(name: str, inner: str, attributes: str = "") -> str:
    """An element with the namespaces that are used here."""
    return f"<{name} {_NAMES} {attributes}>{inner}</{name}>"


def word_file(body: str, *, styles: str = "", numbering: str = "", parts: Parts | None = None) -> bytes:
    """A document with this body."""
    own = {
        "styles.xml": ("styles", root("w:styles", styles)),
        "numbering.xml": ("numbering", root("w:numbering", numbering)),
        **(parts or {}),
    }
    files = {"word/document.xml": root("w:document", f"<w:body>{body}</w:body>")}
    files |= {f"word/{name}": xml for name, (_, xml) in own.items()}
    return _zipped(files, "word/document.xml", {"word/document.xml": own})


def slides_file(*slides: str, parts: Parts | None = None, attributes: str = "") -> bytes:
    """A deck of slides of these shapes; `parts` belong to each of them, `attributes` to the first one."""
    names = [f"slide{number}.xml" for number in range(1, len(slides) + 1)]
    listed = "".join(f'<p:sldId id="{300 + at}" r:id="{name[:-4]}"/>' for at, name in enumerate(names))
    files = {"ppt/presentation.xml": root("p:presentation", f"<p:sldIdLst>{listed}</p:sldIdLst>")}
    for name, shapes in zip(names, slides, strict=True):
        tree = f"<p:cSld><p:spTree>{shapes}</p:spTree></p:cSld>"
        files[f"ppt/{name}"] = root("p:sld", tree, attributes if name == names[0] else "")
    files |= {f"ppt/{name}": xml for name, (_, xml) in (parts or {}).items()}
    relations: dict[str, Parts] = {"ppt/presentation.xml": dict.fromkeys(names, ("slide", ""))}
    relations |= {f"ppt/{name}": parts or {} for name in names}
    return _zipped(files, "ppt/presentation.xml", relations)


def _zipped(files: Mapping[str, str], main: str, relations: Mapping[str, Parts]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("[Content_Types].xml", _types(files))
        archive.writestr("_rels/.rels", _relations({f"{main}": ("officeDocument", "")}))
        for name, xml in files.items():
            archive.writestr(name, xml)
        for name, parts in relations.items():
            folder, _, own = name.rpartition("/")
            archive.writestr(f"{folder}/_rels/{own}.rels", _relations(parts))
    return content.getvalue()


def _types(files: Mapping[str, str]) -> str:
    kinds = _TYPES | {name: "presentationml.slide" for name in files if name.startswith("ppt/slide")}
    each = "".join(
        f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.{kinds[name]}+xml"/>'
        for name in files
        if name in kinds
    )
    plain = '<Default Extension="xml" ContentType="application/xml"/>'
    plain += '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{plain}{each}</Types>'


def _relations(parts: Parts) -> str:
    each = "".join(
        f'<Relationship Id="{name.rpartition("/")[2].partition(".")[0]}" Type="{OFFICE}/{kind}" Target="{name}"/>'
        for name, (kind, _) in parts.items()
    )
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{each}</Relationships>'


def run(text: str, properties: str = "") -> str:
    """A run of text in Word."""
    own = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{own}<w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str, properties: str = "") -> str:
    """A paragraph in Word; a run that is no XML is a text."""
    own = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{own}{''.join(each if each.startswith('<') else run(each) for each in runs)}</w:p>"


def cell(*blocks: str, properties: str = "") -> str:
    """A cell in Word; a block that is no XML is a paragraph."""
    inner = "".join(each if each.startswith("<") else paragraph(each) for each in blocks)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    """A row in Word; a cell that is no XML is a text."""
    inner = "".join(each if each.startswith("<") else cell(each) for each in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{inner}</w:tr>"


def table(*rows: str) -> str:
    """A table in Word."""
    return f"<w:tbl>{''.join(rows)}</w:tbl>"


def level(at: int, kind: str, text: str, more: str = "", start: int = 1) -> str:
    """A level of a numbering."""
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbered(text: str, number: int = 1, at: int = 0) -> str:
    """A numbered paragraph."""
    properties = f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>'
    return paragraph(text, properties=properties)


def shape(text: str, *, top: int = 0, left: int = 0, holder: str = "", more: str = "") -> str:
    """A shape with a text on a slide; each line a paragraph."""
    lines = "".join(f"<a:p>{more}<a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n"))
    place = f'<a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="100" cy="100"/></a:xfrm>'
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name=""/><p:cNvSpPr/><p:nvPr>{holder}</p:nvPr></p:nvSpPr>'
        f"<p:spPr>{place}</p:spPr><p:txBody>{lines}</p:txBody></p:sp>"
    )
