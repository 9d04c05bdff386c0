"""The versions of the prompts that were written in the browser: each change is kept, with who made it and why."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from bot.storage.database import Database
from bot.storage.tables import prompt_versions
from feishu.clock import Clock

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One text of one prompt (`rag.settings.PromptSettings`); "" goes back to the text of the settings."""

    id: int
    name: str
    text: str
    saved_by: str
    note: str
    at: float


class PromptVersions:
    """Reads and writes them. Raises `StoreError`."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def save(self, name: str, text: str, *, by: str, note: str) -> None:
        """A new version, which is in force from now on."""
        values = {"name": name, "text": text, "saved_by": by, "note": note, "at": self._clock.time()}
        await self._database.write(
            lambda connection: connection.execute(insert(prompt_versions).values(values)) and None
        )

    async def all(self) -> list[PromptVersion]:
        """The newest first."""
        columns = [prompt_versions.c[name] for name in PromptVersion.__slots__]
        statement = select(*columns).order_by(prompt_versions.c.id.desc()).limit(MOST_SHOWN)
        return await self._database.read(lambda c: [PromptVersion(*row) for row in c.execute(statement)])

    async def of(self, version_id: int) -> PromptVersion | None:
        """One of them."""
        columns = [prompt_versions.c[name] for name in PromptVersion.__slots__]
        statement = select(*columns).where(prompt_versions.c.id == version_id)
        row = await self._database.read(lambda connection: connection.execute(statement).one_or_none())
        return PromptVersion(*row) if row else None

    async def newest(self) -> dict[str, str]:
        """The text of each prompt that was ever changed."""
        newest = select(func.max(prompt_versions.c.id)).group_by(prompt_versions.c.name)
        statement = select(prompt_versions.c.name, prompt_versions.c.text).where(prompt_versions.c.id.in_(newest))

        def work(connection: Connection) -> dict[str, str]:
            return dict(connection.execute(statement).all())

        return await self._database.read(work)
