"""Weights where the usual hub is not: a mirror of it over HTTP, ModelScope by its own library, and their caches."""

import hashlib
import importlib.machinery
import json
import socket
import sys
import threading
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rag.embedding.model_files import fetch, hub_is_reachable, local_folder
from rag.errors import SettingsMismatch
from rag.settings import EmbeddingSettings

MODEL = "team/bge-tiny-zh-v1.5"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "README.md": b"not wanted"}


class Mirror(BaseHTTPRequestHandler):
    """As much of the hub's interface as a snapshot takes."""

    asked: list[str]

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(path)
        name = path.removeprefix(f"/{MODEL}/resolve/{COMMIT}/")
        if path.startswith(f"/api/models/{MODEL}"):
            siblings = [{"rfilename": file} for file in FILES]
            about = {"id": MODEL, "modelId": MODEL, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
            tree = [
                {"type": "file", "path": file, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for file, content in FILES.items()
            ]
            self._send(json.dumps(tree if "/tree/" in path else about).encode(), with_body, {})
        elif name in FILES:
            etag = hashlib.sha1(FILES[name]).hexdigest()
            self._send(FILES[name], with_body, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})
        else:
            self.send_error(404)

    def _send(self, content: bytes, with_body: bool, headers: dict[str, str]) -> None:
        self.send_response(200)
        for key, value in {**headers, "Content-Length": str(len(content)), "Content-Type": "application/json"}.items():
            self.send_header(key, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def no_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches of both hubs; nothing of this machine's environment."""
    for name in ("HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    return tmp_path


@pytest.fixture
def mirror(no_caches: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A mirror of the hub named by HF_ENDPOINT; what it was asked for."""
    handler = type("Handler", (Mirror,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield handler.asked
        server.shutdown()
        thread.join(timeout=30)


def test_a_mirror_named_by_the_environment_is_where_weights_come_from(
    mirror: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="huggingface_hub is not installed (extra bge)")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # it is read when the library is imported: long ago, here
    assert hub_is_reachable()
    assert fetch(EmbeddingSettings(model=MODEL))
    folder = local_folder(MODEL)
    assert folder is not None and (folder / "model.safetensors").read_bytes() == b"weights"
    assert not (folder / "README.md").exists()
    assert mirror and constants.ENDPOINT not in mirror[0]


def test_a_proxy_on_the_way_counts_as_the_way(mirror: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.corp.invalid")
    assert not hub_is_reachable()
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        assert hub_is_reachable()
    monkeypatch.setenv("NO_PROXY", "hub.corp.invalid")
    assert not hub_is_reachable()


@pytest.fixture
def somewhere() -> Iterator[str]:
    """An address that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def modelscope_that(fetches: object, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("modelscope")
    module.snapshot_download = fetches  # type: ignore[attr-defined]
    module.__spec__ = importlib.machinery.ModuleSpec("modelscope", None)
    monkeypatch.setitem(sys.modules, "modelscope", module)


def test_modelscope_is_asked_through_its_own_library(
    no_caches: Path, somewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def snapshot_download(model: str, *, allow_patterns: list[str]) -> str:
        asked.append((model, "*.safetensors" in allow_patterns))
        folder = no_caches / "ms" / "models" / model.replace("/", "--") / "snapshots" / "master"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_text("weights")
        return str(folder)

    modelscope_that(snapshot_download, monkeypatch)
    assert local_folder(MODEL) is None
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "http://127.0.0.1:1")
    assert not fetch(EmbeddingSettings(model=MODEL, hub="modelscope")) and asked == []
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", somewhere)
    assert fetch(EmbeddingSettings(model=MODEL, hub="modelscope"))
    assert asked == [(MODEL, True)] and local_folder(MODEL) is not None


def test_modelscope_without_its_library_names_the_extra(no_caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "modelscope", None)
    with pytest.raises(SettingsMismatch, match=r"feishu-rag\[modelscope\]"):
        fetch(EmbeddingSettings(model=MODEL, hub="modelscope"))


def test_a_hub_that_fails_is_no_model(no_caches: Path, somewhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", somewhere)

    def fails(model: str, **more: object) -> str:
        raise RuntimeError("404")

    modelscope_that(fails, monkeypatch)
    assert not fetch(EmbeddingSettings(model=MODEL, hub="modelscope"))


@pytest.mark.parametrize(
    "place",
    [
        "models/team--bge-tiny-zh-v1.5/snapshots/master",
        "models/team/bge-tiny-zh-v1___5",
        "hub/models/team/bge-tiny-zh-v1___5",
        "hub/team/bge-tiny-zh-v1___5",
    ],
)
def test_the_cache_of_modelscope_is_found_in_each_of_its_layouts(no_caches: Path, place: str) -> None:
    folder = no_caches / "ms" / place
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert local_folder(MODEL) is None
    (folder / "model.safetensors").write_text("weights")
    assert local_folder(MODEL) == folder
