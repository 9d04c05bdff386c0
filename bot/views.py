"""What a card looks like: pure functions from what is known to Card JSON 2.0 and to streamed texts."""

import re
from dataclasses import replace

from bot.actions import Action, ActionKind
from bot.conversations import Answer, Source, Turn
from bot.delivery import Final
from bot.progress import Progress
from bot.texts import Texts
from feishu import card as build
from feishu.card import ButtonType, Card, Element, card_bytes
from feishu.markdown import escape_text, safe_markdown
from rag.events import NO_EVIDENCE_TEXT

STAGE = "stage"
ANSWER = "answer"

TITLE_CHARS = 80
SUMMARY_CHARS = 80
SOURCES_SHOWN = 8
CARD_BYTES = 28_000  # the platform's limit is 30 KB
TEMPLATES = {"completed": "green", "unanswered": "orange", "stopped": "grey", "failed": "red"}

# The client types 1 character every 70 ms unless told otherwise; a frame comes five times a second, and a fast model
# writes 200 characters a second: 3 characters every 30 ms bridge the gap, and `fast` shows at once what is late.
STREAMING = build.streaming_config(print_frequency_ms=30, print_step=3)


def opening_card(turn: Turn, answer: Answer, texts: Texts, *, resumed: bool) -> Card:
    """The card as it opens: the question, a stage line, room for the answer, and a stop button."""
    elements = [
        build.markdown(texts.resuming if resumed else texts.retrieving, element_id=STAGE, size="notation"),
        build.markdown("", element_id=ANSWER),
        _button(texts.button_stop, "stop", answer, type="danger_text"),
    ]
    return build.card(
        elements,
        header=build.header(_one_line(turn.question, TITLE_CHARS), template="blue"),
        summary=texts.generating_preview,
        streaming=True,
        streaming_config=STREAMING,
    )


def frame(progress: Progress, texts: Texts) -> dict[str, str]:
    """Element id → its text now. The answer only ever grows; nothing decorative enters it."""
    shown = {STAGE: stage(progress, texts)}
    streamed = safe_markdown(progress.text, streaming=True)
    if streamed:
        shown[ANSWER] = streamed
    return shown


def stage(progress: Progress, texts: Texts) -> str:
    """检索中 → 找到 n 段资料 → 生成中."""
    if progress.passages is None:
        return texts.retrieving
    if not progress.passages:
        return texts.found_none
    found = texts.found.format(count=len(progress.passages))
    return f"{found} · {texts.generating}" if progress.text or progress.reasoning else found


def final(turn: Turn, answer: Answer, texts: Texts) -> Final:
    """The closed card of a stored answer, in its three strengths."""
    shown = _localised(answer, texts)
    full = _final_card(turn, shown, texts)
    if card_bytes(full) > CARD_BYTES:
        full = _final_card(turn, _cut(turn, shown, texts), texts)
    body = "\n\n".join(part for part in (shown.text, shown.notice) if part)
    plain = build.card(
        [build.plain(body[:6_000] or "…"), _buttons(shown, texts)],
        header=build.header(_one_line(turn.question, TITLE_CHARS), template=TEMPLATES.get(shown.outcome, "blue")),
        summary=_summary(shown),
    )
    return Final(card=full, plain_card=plain, text=f"{texts.new_card_note}\n{body}", summary=_summary(shown))


def _localised(answer: Answer, texts: Texts) -> Answer:
    """The refusal's fixed words in the reader's language, with advice."""
    if answer.outcome != "unanswered":
        return answer
    text = answer.text.replace(NO_EVIDENCE_TEXT, texts.no_evidence)
    return replace(answer, text=text, notice=texts.no_evidence_advice)


def _final_card(turn: Turn, answer: Answer, texts: Texts) -> Card:
    elements: list[Element] = []
    if answer.text:
        elements.append(build.markdown(safe_markdown(answer.text), element_id=ANSWER))
    if answer.notice:
        elements.append(build.markdown(escape_text(answer.notice), element_id="notice", size="notation"))
    sources = _sources(answer, texts)
    if sources is not None:
        elements.append(sources)
    elements.append(_buttons(answer, texts))
    elements.append(build.note(_footer(answer, texts)))
    return build.card(
        elements,
        header=build.header(_one_line(turn.question, TITLE_CHARS), template=TEMPLATES.get(answer.outcome, "blue")),
        summary=_summary(answer),
    )


def _cut(turn: Turn, answer: Answer, texts: Texts) -> Answer:
    """The answer shortened at a paragraph until its card fits."""
    text = answer.text
    while len(text) > 200:
        text = text[: int(len(text) * 0.8)].rsplit("\n\n", 1)[0]
        shorter = replace(answer, text=text, notice=f"{texts.too_long_cut} {answer.notice}".strip())
        if card_bytes(_final_card(turn, shorter, texts)) <= CARD_BYTES:
            return shorter
    return replace(answer, text=text, sources=())


def _sources(answer: Answer, texts: Texts) -> Element | None:
    """The cited passages; or, where nothing was answered, the nearest ones."""
    unanswered = answer.outcome == "unanswered"
    shown = [source for source in answer.sources if source.cited or unanswered][:SOURCES_SHOWN]
    if not shown:
        return None
    title = (texts.nearest if unanswered else texts.sources).format(count=len(shown))
    lines = [build.markdown(_source_line(source), size="notation") for source in shown]
    return build.collapsible_panel(title, lines, element_id="sources", expanded=False)


def _source_line(source: Source) -> str:
    """`[1] Title › heading` (linked where the document has a link), and the passage's beginning."""
    heading = " › ".join(part for part in (source.title, source.heading_path) if part)
    name = escape_text(_one_line(heading, 120))
    linked = f"[{name}]({source.link})" if source.link and _is_web_link(source.link) else f"**{name}**"
    return f"**&#91;{source.number}&#93;** {linked}\n{escape_text(_one_line(source.snippet, 120))}"


def _buttons(answer: Answer, texts: Texts) -> Element:
    votable = answer.outcome in ("completed", "unanswered", "stopped")
    buttons = [_button(texts.button_regenerate, "regenerate", answer)]
    if votable:
        buttons = [
            _button(texts.button_up, "up", answer),
            _button(texts.button_down, "down", answer),
            *buttons,
        ]
    return build.column_set([build.column([button]) for button in buttons], flex_mode="flow")


def _button(text: str, kind: ActionKind, answer: Answer, *, type: ButtonType = "default") -> Element:
    value = Action(kind, answer.id).pack()
    return build.button(text, value=value, element_id=f"btn_{kind}", type=type, size="small")


def _footer(answer: Answer, texts: Texts) -> str:
    """Model, seconds, tokens, version: quiet facts."""
    parts = [answer.model or (texts.footer_extractive if answer.outcome == "completed" else "")]
    if answer.seconds is not None:
        parts.append(texts.footer_seconds.format(seconds=answer.seconds))
    if answer.usage:
        parts.append(texts.footer_tokens.format(tokens=sum(answer.usage.values())))
    if answer.version > 1:
        parts.append(texts.footer_version.format(version=answer.version))
    return " · ".join(part for part in parts if part) or "—"


def _summary(answer: Answer) -> str:
    """The chat list's preview: the answer's beginning without markup."""
    text = re.sub(r"[*_`#<>|\[\]]+|\(https?://[^)]*\)", " ", answer.text or answer.notice)
    return _one_line(text, SUMMARY_CHARS) or "…"


def _one_line(text: str, limit: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _is_web_link(link: str) -> bool:
    return bool(re.fullmatch(r"https?://[^\s()<>\"'\[\]]+", link))
