"""Signs of the fonts Symbol and Wingdings, which stand in files as numbers, as the signs of Unicode."""

_GREEK = "αβχδεφγηιϕκλμνοπθρστυϖωξψζ"
_GREEK_CAPITALS = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ"
_SYMBOL = {ord("a") + at: sign for at, sign in enumerate(_GREEK)}
_SYMBOL |= {ord("A") + at: sign for at, sign in enumerate(_GREEK_CAPITALS)}
_SYMBOL |= dict(
    zip(
        bytes.fromhex("a3 a5 ab ac ad ae af b0 b1 b3 b4 b5 b6 b7 b8 b9 ba bb bc c5 c6 c8 c7 ce d0 d1 d6 de e5 f2 40"),
        "≤∞↔←↑→↓°±≥×∝∂•÷≠≡≈…⊕∅∪∩∈∠∇√⇒∑∫≅",
        strict=True,
    )
)
_WINGDINGS = dict(
    zip(
        bytes.fromhex(
            "28 2a 6c 6e 71 72 73 74 75 76 77 9e 9f a1 a7 a8 ab d8 e0 df e1 e2 e8 fb fc fd fe 81 82 83 84 85"
        ),
        "☎✉●■❑❒⬧⧫◆❖⬥·•○▪☐★➢→←↑↓➔✗✓☒☑①②③④⑤",
        strict=True,
    )
)
_WINGDINGS_2 = dict(zip(bytes.fromhex("4f 50 51 52 53 54 a3 97 98"), "✗✓☒☑☒☒☐●●", strict=True))
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}


def is_symbol_font(font: str) -> bool:
    """Whether a font's letters are shown as signs."""
    return font.strip().lower() in _FONTS


def symbol(code: int, font: str) -> str:
    """The sign; "" for one that has no place in Unicode or is not known."""
    if (signs := _FONTS.get(font.strip().lower())) is not None:
        low = code - 0xF000 if 0xF000 <= code <= 0xF0FF else code
        plain = chr(low) if signs is _SYMBOL and 0x20 <= low < 0x40 else ""
        return signs.get(low, plain)
    if 0xE000 <= code <= 0xF8FF or not 0x20 <= code <= 0xFFFF or 0xD800 <= code <= 0xDFFF:
        return ""
    return chr(code)
