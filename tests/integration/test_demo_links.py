"""The demo reads Feishu links by the same way as ingest: from its own platform, and what is not there is named."""

from pathlib import Path

from tests.support.bot_process import BotProcess


async def test_a_link_that_cannot_be_read_is_named_and_the_demo_opens(tmp_path: Path) -> None:
    link = "https://example.feishu.cn/docx/NoSuchDocument"
    settings = {"BOT__PORT": "0", "BOT__WEB_PORT": "0", "RAG__LINKS": link, "RAG__EMBEDDING__PROVIDER": "none"}
    bot = BotProcess(tmp_path, settings, ("demo", "--port", "0", "--data", str(tmp_path / "data")))
    try:
        await bot.start()
        told = " ".join(str(line["event"]) for line in bot.lines)
        assert link in told and "handbook: " in told
    finally:
        await bot.kill()
