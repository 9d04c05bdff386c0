"""Relative places in settings become absolute, seen from the configuration's folder."""

import os
from pathlib import Path

from bot.settings.models import Settings


def anchored(settings: Settings, folder: Path) -> Settings:
    """The same settings, with absolute places, for whatever folder the bot is started in."""
    rag, bot = settings.rag, settings.bot
    embedding = rag.embedding.model_copy(update={"model": _model_place(rag.embedding.model, folder)})
    changes = {
        "knowledge": [_absolute(path, folder) for path in rag.knowledge],
        "collections": {
            name: item.model_copy(update={"folders": [_absolute(path, folder) for path in item.folders]})
            for name, item in rag.collections.items()
        },
        "index_dir": _absolute(rag.index_dir, folder),
        "embedding": embedding,
    }
    url = _database_place(bot.database_url, folder)
    return settings.model_copy(
        update={"rag": rag.model_copy(update=changes), "bot": bot.model_copy(update={"database_url": url})}
    )


def _absolute(path: Path, folder: Path) -> Path:
    return Path(os.path.normpath(folder / path.expanduser()))


def _model_place(model: str, folder: Path) -> str:
    """A folder when it is written as one (./, ../, ~, /) or is there; otherwise a name on the model hub."""
    as_path = Path(model)
    if model.startswith(("./", "../", "~")) or (not as_path.is_absolute() and model and (folder / as_path).is_dir()):
        return str(_absolute(as_path, folder))
    return model


def _database_place(url: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        return url
    file, mark, query = url.removeprefix(prefix).partition("?")
    return f"{prefix}{_absolute(Path(file), folder)}{mark}{query}"
