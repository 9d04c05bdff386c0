"""What a card looks like while its answer grows: pure functions to Card JSON 2.0 and to streamed texts."""

from bot.cards.buttons import button, one_line
from bot.cards.progress import Progress
from bot.models import Answer, Turn
from bot.texts import Texts
from feishu.cards import elements as build
from feishu.cards.elements import Card
from feishu.cards.markdown import safe_markdown

STAGE = "stage"
ANSWER = "answer"

TITLE_CHARS = 80
STREAMED_CHARS = 8_000  # of one element; beyond it the rest waits for the final cards

# The client types 1 character every 70 ms unless told otherwise; models write 50 to 200 a second. Who types faster than
# the model writes has nothing left long before the next frame, which is seconds away where forty cards share the app's
# frames; who types slower is helped by `fast`, which shows at once what is late. So 50 a second: no faster than models.
STREAMING = build.streaming_config(print_frequency_ms=40, print_step=2)


def opening_card(
    turn: Turn, answer: Answer, texts: Texts, *, resumed: bool, waiting: str = "", so_far: str = ""
) -> Card:
    """The card as it opens: the question, a stage line (`waiting` where it has to wait), room for the answer (`so_far`
    stands there already), and a stop button."""
    begins = texts.reading_picture if turn.unread else texts.retrieving
    elements = [
        build.markdown(waiting or (texts.resuming if resumed else begins), element_id=STAGE, size="notation"),
        build.markdown(_streamed(so_far), element_id=ANSWER),
        button(texts.button_stop, "stop", answer.id, type="danger_text"),
    ]
    return build.card(
        elements,
        header=build.header(one_line(turn.question, TITLE_CHARS), template="blue"),
        summary=texts.generating_preview,
        streaming=True,
        streaming_config=STREAMING,
    )


def paused_card(turn: Turn, answer: Answer, texts: Texts) -> Card:
    """The card while its process is away: what was written, and that it goes on here. It can still be stopped."""
    written = safe_markdown(answer.text[:STREAMED_CHARS])
    elements = [build.markdown(written, element_id=ANSWER)] if written else []
    elements += [build.markdown(texts.paused, element_id=STAGE, size="notation")]
    elements += [button(texts.button_stop, "stop", answer.id, type="danger_text")]
    header = build.header(one_line(turn.question, TITLE_CHARS), template="grey")
    return build.card(elements, header=header, summary=texts.paused)


def frame(progress: Progress, texts: Texts, *, elapsed_s: float = 0.0) -> dict[str, str]:
    """Element id → its text now. The answer only ever grows; nothing decorative enters it."""
    shown = {STAGE: stage(progress, texts, elapsed_s=elapsed_s)}
    streamed = _streamed(progress.text)
    if streamed:
        shown[ANSWER] = streamed
    return shown


def _streamed(text: str) -> str:
    return safe_markdown(text, streaming=True)[:STREAMED_CHARS]


def reading_frame(texts: Texts, *, elapsed_s: float) -> dict[str, str]:
    """Like `frame`, while pictures are read."""
    return {STAGE: f"{texts.reading_picture} · {texts.elapsed.format(seconds=int(elapsed_s))}"}


def stage(progress: Progress, texts: Texts, *, elapsed_s: float = 0.0) -> str:
    """检索中 → 找到 n 段资料 → (思考中) → 生成中, with the seconds so far until the first words come."""
    parts = [_stage(progress, texts)]
    if elapsed_s >= 1 and not progress.text:
        parts.append(texts.elapsed.format(seconds=int(elapsed_s)))
    if len(progress.text) > STREAMED_CHARS:
        parts.append(texts.long_so_far)
    return " · ".join(parts)


def _stage(progress: Progress, texts: Texts) -> str:
    if progress.passages is None:  # nothing is written before the search, where there is one
        return texts.generating if progress.text else texts.retrieving
    if not progress.passages:
        return texts.found_none
    found = texts.found.format(count=len(progress.passages))
    if progress.text:
        return f"{found} · {texts.generating}"
    return f"{found} · {texts.thinking}" if progress.reasoning else found
