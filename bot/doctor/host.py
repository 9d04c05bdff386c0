"""What the machine itself gives: room on its disks, folders that can be written, versions that fit."""

import asyncio
import os
import platform
import re
import shutil
from importlib import metadata
from pathlib import Path

from bot.doctor.findings import Finding
from bot.settings import Settings

LEAST_BYTES, FEW_BYTES = 100_000_000, 1_000_000_000
PACKAGE = "feishu-rag"
_BOUND = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9.]+)")


async def check_disk(settings: Settings) -> list[Finding]:
    """The folders of store and index: can be written, and have room."""
    from bot.storage.database import sqlite_file

    places = {"index": settings.rag.index_dir}
    if file := sqlite_file(settings.bot.database_url):
        places["store"] = Path(file).parent
    return await asyncio.to_thread(_rooms, places)


def _rooms(places: dict[str, Path]) -> list[Finding]:
    findings = []
    for name, folder in places.items():
        there = _existing(folder.absolute())
        free = shutil.disk_usage(there).free
        told = f"{free / 1e9:.1f} GB free where the {name} lies ({there})"
        if not os.access(there, os.W_OK):
            setting = "RAG__INDEX_DIR" if name == "index" else "BOT__DATABASE_URL"
            fix = f"let the user that runs the bot write there, or set {setting} to another place"
            findings.append(Finding("disk", "fail", f"{there} cannot be written", fix))
        elif free < FEW_BYTES:
            findings.append(Finding("disk", "fail" if free < LEAST_BYTES else "warn", told, "make room there"))
    return findings or [Finding("disk", "ok", "room for store and index, and both can be written")]


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())


async def check_versions(_settings: Settings) -> list[Finding]:
    """Python, this program, and its libraries against the least versions that it was made for."""
    try:
        version = metadata.version(PACKAGE)
        wanted = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        detail = "not looked at: feishu-rag is not installed, it runs from its sources"
        return [Finding("versions", "unknown", detail, "pip install feishu-rag")]
    old = []
    for line in wanted:
        if "extra ==" in line or not (match := _BOUND.match(line)):
            continue
        name, least = match.groups()
        there = metadata.version(name)
        if _numbers(there) < _numbers(least):
            old.append(f"{name} {there} (at least {least})")
    if old:
        return [Finding("versions", "fail", f"too old: {', '.join(old)}", f"pip install --upgrade {PACKAGE}")]
    return [Finding("versions", "ok", f"feishu-rag {version}, Python {platform.python_version()}")]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
