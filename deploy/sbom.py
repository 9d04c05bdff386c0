"""The bill of materials of the slim image's Python packages in CycloneDX: `deploy/lock.py` writes it beside the lock.

It holds names, versions, licences, hashes and who needs whom, and neither time nor place: the same packages give the
same file. The interpreter and the base image's own packages are not in it.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/docs/1.6/json/")
UNSPOKEN = ("License :: OSI Approved", "License :: Other/Proprietary License")
"""Classifiers that name no licence."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that is installed."""

    name: str
    """As canonical names are: lower case, with hyphens."""
    version: str
    hashes: tuple[str, ...]
    """SHA-256 of its files, one for each kind of machine."""
    metadata: Mapping[str, Any]
    """As pip reports it: `requires_dist`, `license_expression`, `license`, `classifier`, `summary`."""

    @property
    def ref(self) -> str:
        """Its package URL, which is its name in the bill, too."""
        return f"pkg:pypi/{self.name}@{self.version}"


def bill(
    name: str, version: str, needs: Iterable[str], packages: Iterable[Package], environment: Mapping[str, str]
) -> dict[str, Any]:
    """The bill of `name`, which needs the requirements `needs`, in an environment as pip reports it (markers)."""
    known = {each.name: each for each in packages}
    main = {"type": "application", "name": name, "version": version, "bom-ref": f"pkg:pypi/{name}@{version}"}
    graph = _graph(name, [Requirement(line) for line in needs], known, environment)
    refs = {each.name: each.ref for each in known.values()} | {name: main["bom-ref"]}
    dependencies = [
        {"ref": refs[each], "dependsOn": sorted(refs[below] for below in graph[each])} for each in sorted(graph)
    ]
    components = [_component(known[each]) for each in sorted(known)]
    content = "\n".join(digest for each in sorted(known) for digest in (known[each].ref, *known[each].hashes))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(SPACE, f'{name} {version} {content}')}",
        "version": 1,
        "metadata": {"component": {**main, "purl": main["bom-ref"], "licenses": [{"expression": "Apache-2.0"}]}},
        "components": components,
        "dependencies": dependencies,
    }


def _component(package: Package) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library",
        "name": package.name,
        "version": package.version,
        "bom-ref": package.ref,
        "purl": package.ref,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in sorted(package.hashes)],
    }
    if licences := _licences(package.metadata):
        made["licenses"] = licences
    return made


def _licences(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The SPDX expression, else what the classifiers say, else the short name that the package gives itself."""
    if expression := metadata.get("license_expression"):
        return [{"expression": expression}]
    lines = [each for each in metadata.get("classifier", []) if each.startswith("License ::")]
    names = [each.rpartition(" :: ")[2] for each in lines if each not in UNSPOKEN]
    own = (metadata.get("license") or "").strip()
    if not names and own and "\n" not in own and len(own) <= 60:
        names = [own]
    return [{"license": {"name": each}} for each in sorted(set(names))]


def _graph(
    root: str, needs: list[Requirement], known: Mapping[str, Package], environment: Mapping[str, str]
) -> dict[str, set[str]]:
    """Who needs whom, with the extras that are asked for."""
    graph: dict[str, set[str]] = {name: set() for name in (root, *known)}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(root, frozenset({""}), needs)]
    while waiting:
        parent, extras, lines = waiting.pop()
        for line in lines:
            name = canonicalize_name(line.name)
            if name not in known or not _applies(line, extras, environment):
                continue
            graph[parent].add(name)
            asked = frozenset({"", *line.extras})
            if (name, asked) not in seen:
                seen.add((name, asked))
                below = [Requirement(each) for each in known[name].metadata.get("requires_dist", [])]
                waiting.append((name, asked, below))
    return graph


def _applies(line: Requirement, extras: Iterable[str], environment: Mapping[str, str]) -> bool:
    marker = line.marker
    return marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras)
