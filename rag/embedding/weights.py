"""Where a model's weights are on this machine, and how ingest may fetch them.

Answering never reaches for the hub. Ingest does so only when `rag.embedding.download` allows it, HF_HUB_OFFLINE is not
set, and the hub takes a connection within three seconds; it says so through `progress`.
"""

import hashlib
import os
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

REACH_S = 3.0
_WEIGHT_SUFFIXES = frozenset({".safetensors", ".bin", ".onnx"})
_SAMPLE_BYTES = 1_000_000


def local_folder(model: str) -> Path | None:
    """The folder with the model: the setting itself when it is a folder, or the hub's local cache."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder if (folder / "config.json").is_file() or list(folder.glob("*.onnx")) else None
    snapshots = _hub_cache() / f"models--{model.replace('/', '--')}" / "snapshots"
    usable = [path for path in snapshots.glob("*") if _is_complete(path)]
    return max(usable, key=lambda path: path.stat().st_mtime, default=None)


def _is_complete(folder: Path) -> bool:
    weights = ("model.safetensors", "pytorch_model.bin")
    return (folder / "config.json").is_file() and any((folder / name).is_file() for name in weights)


def _hub_cache() -> Path:
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    return Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser() / "hub"


def hub_is_reachable() -> bool:
    """Whether the model hub takes a connection within three seconds (name resolution included)."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    address = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    reached = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((address.hostname or "", address.port or 443), timeout=REACH_S).close()
        except OSError:
            return
        reached.set()

    # A thread, because the system's resolver knows no time limit.
    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(REACH_S)
    return reached.is_set()


def download(model: str) -> bool:
    """Fetch the weights of a hub model into the hub's cache; False when that did not work."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        return False
    try:
        snapshot_download(model, allow_patterns=["*.json", "*.txt", "*.safetensors", "*.model", "1_Pooling/*"])
    except Exception:  # the hub's errors are many and none of them matters: without weights there is no model
        return False
    return local_folder(model) is not None


def weights_mark(model: str) -> str:
    """Tells one model's files from another's: their names and sizes, and the ends of the largest; "" where none are."""
    folder = local_folder(model)
    if folder is None:
        return ""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.suffix in _WEIGHT_SUFFIXES)
    mark = hashlib.blake2b(digest_size=16)
    for file in files:
        size = file.stat().st_size
        mark.update(f"{file.name} {size}\n".encode("utf-8", "replace"))
        with file.open("rb") as content:
            mark.update(content.read(_SAMPLE_BYTES))
            content.seek(max(0, size - _SAMPLE_BYTES))
            mark.update(content.read(_SAMPLE_BYTES))
    return mark.hexdigest()
