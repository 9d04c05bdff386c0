"""Commands of the terminal that concern people's data."""

import asyncio

import typer

from bot.repositories.erasure import Erasure
from bot.settings import Settings
from bot.storage.database import Database


async def run_forget(settings: Settings, open_id: str) -> None:
    """Deletes a person's data; prints how many questions that were. Raises `StoreError`."""
    database = Database(settings.bot.database_url)
    try:
        await asyncio.to_thread(database.migrate)
        count = await Erasure(database).person(open_id)
    finally:
        await asyncio.to_thread(database.close)
    typer.echo(f"{count} question{'' if count == 1 else 's'} of {open_id} deleted, with answers, files and votes")
