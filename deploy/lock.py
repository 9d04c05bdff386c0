"""Writes `deploy/requirements.lock`: what the image installs, each file by its hash. Run it after a change of
`constraints.txt` or of the dependencies: `make lock`.

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

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "deploy" / "requirements.lock"
PYTHON = "3.12"
MACHINES = ("x86_64", "aarch64")
LIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
HEAD = f"""\
# What deploy/Dockerfile installs (Python {PYTHON}, Linux on {" and ".join(MACHINES)}), written by `make lock`.
# pip install --require-hashes --only-binary :all: --requirement deploy/requirements.lock
"""


def wanted() -> list[str]:
    """What the image needs by default, and what builds the package itself."""
    file = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = file["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["postgres"], *file["build-system"]["requires"]]


def report(machine: str) -> list[dict[str, str]]:
    """Name, version and SHA-256 of each file that pip would install there."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "report.json"
        platforms = [f"--platform={libc}_{machine}" for libc in LIBC]
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"]
        how = ["--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp", f"--target={folder}/none"]
        where = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
        what = [f"--constraint={ROOT / 'constraints.txt'}", f"--report={told}", *wanted()]
        subprocess.run([*command, *how, *platforms, *what], check=True, env={**os.environ, **where})  # noqa: S603
        installs = json.loads(told.read_text("utf-8"))["install"]
    return [
        {
            "name": each["metadata"]["name"].lower().replace("_", "-").replace(".", "-"),
            "version": each["metadata"]["version"],
            "hash": each["download_info"]["archive_info"]["hashes"]["sha256"],
        }
        for each in installs
    ]


def main() -> None:
    """Writes the file."""
    hashes: dict[str, set[str]] = {}
    for machine in MACHINES:
        for each in report(machine):
            hashes.setdefault(f"{each['name']}=={each['version']}", set()).add(each["hash"])
    lines = [
        " \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in sorted(hashes[pin]))])
        for pin in sorted(hashes)
    ]
    LOCK.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
