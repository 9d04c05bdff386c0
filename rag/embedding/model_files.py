"""Where a model's weights are on this machine, and how ingest may fetch them: from Hugging Face, a mirror, ModelScope.

Answering never reaches for a hub. Ingest does so only when `rag.embedding.download` allows it, HF_HUB_OFFLINE is not
set, and the hub (or HF_ENDPOINT, a mirror of it, or the proxy on the way) takes a connection within three seconds; it
says so through `progress`.
"""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from rag.errors import SettingsMismatch
from rag.settings import EmbeddingSettings

REACH_S = 3.0
_HUGGING_FACE, _MODELSCOPE = "https://huggingface.co", "https://www.modelscope.cn"
_WANTED = ["*.json", "*.txt", "*.safetensors", "*.model", "1_Pooling/*"]
_WEIGHT_SUFFIXES = frozenset({".safetensors", ".bin", ".onnx"})
_SAMPLE_BYTES = 1_000_000


def local_folder(model: str) -> Path | None:
    """The folder with the model: the setting itself when it is a folder, or in the local cache of a hub."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder if (folder / "config.json").is_file() or list(folder.glob("*.onnx")) else None
    snapshots = _hub_cache() / f"models--{model.replace('/', '--')}" / "snapshots"
    for folders in (snapshots.glob("*"), _modelscope_folders(model)):
        if usable := [path for path in folders if _is_complete(path)]:
            return max(usable, key=lambda path: path.stat().st_mtime)
    return None


def _modelscope_folders(model: str) -> Iterator[Path]:
    """Where ModelScope's library keeps a model: as it does now, and as it did before its version 1.38."""
    cache = Path(os.environ.get("MODELSCOPE_CACHE") or "~/.cache/modelscope").expanduser()
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        return
    yield from (cache / "models" / model.replace("/", "--") / "snapshots").glob("*")
    owner, name = model.split("/")
    for root in (cache, cache / "hub"):
        for folder in (root / "models", root):
            yield folder / owner / name.replace(".", "___")
            yield folder / owner / name


def _is_complete(folder: Path) -> bool:
    weights = ("model.safetensors", "pytorch_model.bin")
    return (folder / "config.json").is_file() and any((folder / name).is_file() for name in weights)


def _hub_cache() -> Path:
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    return Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser() / "hub"


def hub_is_reachable(hub: str = "huggingface") -> bool:
    """Whether the model hub, or the proxy before it, takes a connection within three seconds (names resolved)."""
    if hub == "huggingface" and os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    address = urlsplit(_address_of(hub))
    proxy = getproxies().get(address.scheme)
    if proxy and not proxy_bypass(address.hostname or ""):
        address = urlsplit(proxy if "//" in proxy else f"//{proxy}", scheme="http")
    try:
        port = address.port or (80 if address.scheme == "http" else 443)
    except ValueError:
        return False
    reached = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((address.hostname or "", port), timeout=REACH_S).close()
        except OSError:
            return
        reached.set()

    # A thread, because the system's resolver knows no time limit.
    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(REACH_S)
    return reached.is_set()


def _address_of(hub: str) -> str:
    if hub == "modelscope":
        address = os.environ.get("MODELSCOPE_ENDPOINT") or _MODELSCOPE
        return address if "//" in address else f"https://{address}"
    return os.environ.get("HF_ENDPOINT") or _HUGGING_FACE


def fetch(settings: EmbeddingSettings) -> bool:
    """Bring the weights of a hub model into that hub's cache; False when that did not work.

    Raises SettingsMismatch when the library of the hub that the settings name is not installed.
    """
    if settings.hub == "modelscope" and find_spec("modelscope") is None:
        raise SettingsMismatch(
            "rag.embedding.hub is modelscope: pip install 'feishu-rag[modelscope]', or fetch the weights another way"
        )
    if not hub_is_reachable(settings.hub):
        return False
    bring = _from_modelscope if settings.hub == "modelscope" else _from_hugging_face
    return bring(settings.model) and local_folder(settings.model) is not None


def _from_hugging_face(model: str) -> bool:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        return False
    try:
        # Both are named, since the library looks at the environment only once, when it is imported.
        address, cache = _address_of("huggingface").rstrip("/"), _hub_cache()
        snapshot_download(model, allow_patterns=_WANTED, endpoint=address, cache_dir=cache)
    except Exception:  # the hub's errors are many and none of them matters: without weights there is no model
        return False
    return True


def _from_modelscope(model: str) -> bool:
    try:
        from modelscope import snapshot_download

        snapshot_download(model, allow_patterns=_WANTED)
    except Exception:  # as above
        return False
    return True


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
