"""The whole product on one machine: the sandbox platform, the bot, and a handbook to ask about. No account, no key.

It takes nothing of a real app's settings (`FEISHU__*`, `BOT__DATABASE_URL`, the file's `feishu` section): keys are made
up at each start, data lies in its own folder, and every door is on loopback. `RAG__*` counts, so that a real model can
be tried; where none is configured, a scripted one (`bot.demo_model`) writes the answers, and is named so.
"""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from bot.settings import Settings, load_settings
from feishu.settings import FeishuSettings

APP_ID = "cli_demo"
LOOPBACK = "127.0.0.1"
_INSTALLED = Path(__file__).parent / "handbook"
HANDBOOK = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent / "knowledge"
"""The sample handbook: in the package where it was installed from a wheel (setup.py), else that of the repository."""
SCRIPTED = "demo-model (scripted)"
"""The name of the model that stands in for a real one, wherever a model's name shows."""
RIGHTS_MIN = 0.1
"""Minutes from one look at the demo's rights to the next."""
EXAMPLES = ("出差回来多久内要报销？", "年假可以跨年休吗？", "VPN 连不上怎么办？")


def demo_settings(path: Path | None, data: Path, *, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a demo whose data lies under `data`. Raises `SettingsError`."""
    everything = {**dotenv_values(".env"), **(os.environ if environ is None else environ)}
    kept = {
        name: value
        for name, value in everything.items()
        if value is not None and not name.upper().startswith("FEISHU__") and name.upper() != "BOT__DATABASE_URL"
    }
    settings = load_settings(path, environ=kept, env_file=None)
    chosen = {name.upper() for name in kept}
    rag = settings.rag.model_copy(
        update={
            "index_dir": data.absolute() / "index",
            "knowledge": settings.rag.knowledge if "RAG__KNOWLEDGE" in chosen else [HANDBOOK],
        }
    )
    bot = settings.bot.model_copy(
        update={"host": LOOPBACK, "web_host": LOOPBACK, "database_url": f"sqlite:///{data.absolute() / 'bot.db'}"}
    )
    return Settings(feishu=_random_app(), rag=rag, bot=bot)


def with_own_handbook(settings: Settings) -> Settings:
    """The same settings with a copy of the sample handbook beside the index, made once: who tries /admin may change it.
    Blocking."""
    if settings.rag.knowledge != [HANDBOOK]:
        return settings
    folder = settings.rag.index_dir.parent / "handbook"
    if not folder.is_dir():
        draft = folder.with_name(".handbook")
        shutil.copytree(HANDBOOK, draft, dirs_exist_ok=True)
        draft.rename(folder)
    return Settings(
        feishu=settings.feishu, rag=settings.rag.model_copy(update={"knowledge": [folder]}), bot=settings.bot
    )


def _random_app() -> FeishuSettings:
    return FeishuSettings(
        app_id=APP_ID,
        app_secret=SecretStr(secrets.token_urlsafe(24)),
        encrypt_key=SecretStr(secrets.token_urlsafe(24)),
        verification_token=SecretStr(secrets.token_urlsafe(24)),
        base_url=f"http://{LOOPBACK}",
    )


def with_platform(settings: Settings, base_url: str) -> Settings:
    """The same settings, speaking to the platform at `base_url`."""
    feishu = settings.feishu.model_copy(update={"base_url": base_url})
    return Settings(feishu=feishu, rag=settings.rag, bot=settings.bot)


def with_links(settings: Settings, *links: str) -> Settings:
    """The same settings, with these documents beside the handbook."""
    rag = settings.rag.model_copy(update={"links": list(links)})
    return Settings(feishu=settings.feishu, rag=rag, bot=settings.bot)


def with_rights(settings: Settings) -> Settings:
    """The same settings, with the rights of the sandbox's documents mirrored, and looked at again every few seconds:
    who changes them on the page wants to see what becomes of it."""
    access = settings.bot.access.model_copy(update={"rights": "mirror", "rights_min": RIGHTS_MIN})
    bot = settings.bot.model_copy(update={"access": access})
    return Settings(feishu=settings.feishu, rag=settings.rag, bot=bot)


def wants_scripted_model(settings: Settings) -> bool:
    """Whether nothing says which model should write, so that the scripted one may."""
    llm = settings.rag.llm
    is_named = bool(llm.base_url or llm.model or llm.api_key.get_secret_value())
    return llm.provider == "auto" and not is_named


def with_model(settings: Settings, base_url: str) -> Settings:
    """The same settings, with the scripted model at `base_url` as the one that writes."""
    return _with_llm(settings, {"provider": "openai", "base_url": base_url, "model": SCRIPTED})


def without_model(settings: Settings) -> Settings:
    """The same settings without any model: answers are quotations."""
    return _with_llm(settings, {"provider": "extractive"})


def _with_llm(settings: Settings, chosen: Mapping[str, str]) -> Settings:
    rag = settings.rag.model_copy(update={"llm": settings.rag.llm.model_copy(update=dict(chosen))})
    return Settings(feishu=settings.feishu, rag=rag, bot=settings.bot)
