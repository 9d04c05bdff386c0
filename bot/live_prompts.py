"""The prompts in force: those of the settings, and over them what was written in the browser, without a restart."""

from typing import Protocol

import structlog

from bot.errors import StoreError
from bot.repositories.prompt_versions import PromptVersions
from feishu.clock import Clock
from rag.errors import SettingsMismatch
from rag.generation.prompts import check_prompts
from rag.settings import PromptSettings

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 15.0
NAMES = tuple(PromptSettings.model_fields)


class HasPrompts(Protocol):
    """What this needs of `rag.knowledge_base.KnowledgeBase`."""

    prompts: PromptSettings


class LivePrompts:
    """Keeps a library's prompts up to date. Other replicas' changes arrive within `LOOK_EVERY_S`."""

    def __init__(
        self, library: HasPrompts, configured: PromptSettings, versions: PromptVersions, *, clock: Clock
    ) -> None:
        self.configured = configured
        self.versions = versions
        self._library = library
        self._clock = clock

    @property
    def in_use(self) -> PromptSettings:
        """What questions are answered with now."""
        return self._library.prompts

    async def take_up(self) -> None:
        """Puts the newest versions in force. One that this program cannot use leaves the text of the settings there.
        Raises `StoreError`."""
        usable: dict[str, str] = {}
        for name, text in (await self.versions.newest()).items():
            try:
                self.changed(name, text)
            except SettingsMismatch as error:
                log.warning("prompt_version_unusable", prompt=name, reason=str(error))
            else:
                usable[name] = text
        given = {name: text for name, text in usable.items() if text}
        wanted = self.configured.model_copy(update=given)
        if wanted != self._library.prompts:
            self._library.prompts = wanted
            log.info("prompts_changed", prompts=sorted(given))

    def changed(self, name: str, text: str) -> PromptSettings:
        """The prompts in use with one of them changed; "" is the text of the settings. Raises `SettingsMismatch` for a
        text that lacks a variable, and for an unknown name."""
        if name not in NAMES:
            raise SettingsMismatch(f"There is no prompt {name}; there are {', '.join(NAMES)}.")
        prompts = self.in_use.model_copy(update={name: text or getattr(self.configured, name)})
        check_prompts(prompts)
        return prompts

    async def take_up_forever(self) -> None:
        """Looks for what others saved."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                await self.take_up()
            except StoreError as error:
                log.warning("prompts_not_read", reason=str(error))
