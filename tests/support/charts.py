"""The Helm chart as tests see it: rendered by helm, where there is one."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.bot_process import REPOSITORY

CHART = REPOSITORY / "deploy" / "helm" / "feishu-rag"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs helm; skips the test where there is none. `HELM` may name the program."""
    program = os.environ.get("HELM") or shutil.which("helm")
    if program is None:
        pytest.skip("helm is not installed (docs/contributing.md says where it can be had)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)


def template(folder: Path, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """What `helm template` says with these values."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values, allow_unicode=True), "utf-8")
    return helm("template", "team", str(CHART), "--namespace", "bots", "--values", str(file))


def rendered(folder: Path, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The manifests by "Kind/name"."""
    done = template(folder, values)
    assert done.returncode == 0, done.stderr
    whole = [each for each in yaml.safe_load_all(done.stdout) if each]
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in whole}
