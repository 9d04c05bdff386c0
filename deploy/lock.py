"""Writes `deploy/requirements.lock`, what the slim image installs, each file by hash, and `deploy/sbom.cdx.json`, its
bill of materials. Run it after a change of `constraints.txt` or of the dependencies: `make lock`.

The versions are those of `constraints.txt`; the hashes are PyPI's, as pip reports them, for the platforms below.
Nothing is installed. pip's configuration (mirrors, local wheels) is left out, because other files have other hashes.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from sbom import Package, bill

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "deploy" / "requirements.lock"
BILL = ROOT / "deploy" / "sbom.cdx.json"
PYTHON = "3.12"
EXTRAS = ("docs", "mcp", "postgres")
"""Of the slim image."""
MACHINES = ("x86_64", "aarch64")
LIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
HEAD = f"""\
# What deploy/Dockerfile installs (Python {PYTHON}, Linux on {" and ".join(MACHINES)}), written by `make lock`.
# pip install --require-hashes --only-binary :all: --requirement deploy/requirements.lock
"""


def project() -> dict[str, Any]:
    """`pyproject.toml`."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def needs() -> list[str]:
    """What the slim image needs to run."""
    told = project()["project"]
    return [*told["dependencies"], *(line for extra in EXTRAS for line in told["optional-dependencies"][extra])]


def report(machine: str) -> dict[str, Any]:
    """What pip would install there, and what builds the package: `install` and `environment` of pip's report."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "report.json"
        platforms = [f"--platform={libc}_{machine}" for libc in LIBC]
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"]
        how = ["--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp", f"--target={folder}/none"]
        where = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
        wanted = [*needs(), *project()["build-system"]["requires"]]
        what = [f"--constraint={ROOT / 'constraints.txt'}", f"--report={told}", *wanted]
        subprocess.run([*command, *how, *platforms, *what], check=True, env={**os.environ, **where})  # noqa: S603
        whole: dict[str, Any] = json.loads(told.read_text("utf-8"))
    return whole


def merged(installs: list[dict[str, Any]]) -> list[Package]:
    """One package for what is installed on several machines, with the hashes of all its files."""
    hashes: dict[str, set[str]] = {}
    metadata: dict[str, dict[str, Any]] = {}
    for each in installs:
        name = canonicalize_name(each["metadata"]["name"])
        metadata[name] = each["metadata"]
        hashes.setdefault(name, set()).add(each["download_info"]["archive_info"]["hashes"]["sha256"])
    return [
        Package(name, metadata[name]["version"], tuple(sorted(hashes[name])), metadata[name])
        for name in sorted(metadata)
    ]


def main() -> None:
    """Writes both files."""
    reports = [report(machine) for machine in MACHINES]
    packages = merged([each for told in reports for each in told["install"]])
    lines = [
        " \\\n    ".join([f"{each.name}=={each.version}", *(f"--hash=sha256:{digest}" for digest in each.hashes)])
        for each in packages
    ]
    LOCK.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")
    own = project()["project"]
    environment = {**reports[0]["environment"], "python_version": PYTHON, "python_full_version": f"{PYTHON}.0"}
    made = bill(own["name"], own["version"], needs(), packages, environment)
    BILL.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
