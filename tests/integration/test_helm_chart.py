"""The Helm chart: its values and their schema without helm, what it renders with it."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.settings import BotSettings, Settings
from bot.settings.fields import leaves
from tests.support.charts import CHART, helm, rendered, template

SECRETS = {"FEISHU__APP_ID": "cli_chart", "FEISHU__APP_SECRET": "unused"}
WEBHOOK = {"FEISHU__ENCRYPT_KEY": "unused", "FEISHU__VERIFICATION_TOKEN": "unused"}
DATABASE = {"BOT__DATABASE_URL": "postgresql://bot:unused@postgres/bot"}
KEYS = {"BOT__API_KEYS": "a" * 64}
SMALL: dict[str, Any] = {"secret": {"values": SECRETS}}
LARGE: dict[str, Any] = {
    "transport": "webhook",
    "replicas": 3,
    "database": "postgresql",
    "config": {"rag": {"links": ["https://example.feishu.cn/wiki/settings/7"]}, "bot": {"language": "zh"}},
    "secret": {"values": {**SECRETS, **WEBHOOK, **DATABASE, **KEYS}},
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "web": {"enabled": True},
    "ingress": {"enabled": True, "host": "bot.example.com", "tlsSecret": "bot-tls", "className": "nginx"},
    "persistence": {"accessMode": "ReadWriteMany", "storageClass": "shared"},
    "documents": {"existingClaim": "handbook"},
    "ingest": {"schedule": "0 * * * *"},
    "serviceMonitor": {"enabled": True, "keySecret": "metrics-key"},
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccount": {"name": "bot"},
    "podAnnotations": {"example.com/team": "kb"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "bots", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
}


def schema() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    return whole


def defaults() -> dict[str, Any]:
    whole: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    return whole


def places(tree: dict[str, Any]) -> set[str]:
    """The keys of a tree, and those below, where they are not free (`config`, a map of labels, …)."""
    return {f"{key}.{each}" for key, below in tree.items() if isinstance(below, dict) for each in below} | set(tree)


@pytest.mark.parametrize("values", [{}, SMALL, LARGE], ids=["defaults", "small", "large"])
def test_values_keep_to_their_schema(values: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema())
    jsonschema.validate({**defaults(), **values}, schema())


@pytest.mark.parametrize(
    "name", ["replica", "image", "web", "ingress", "persistence", "ingest", "serviceMonitor", "config"]
)
def test_an_unknown_key_is_refused(name: str) -> None:
    wrong: dict[str, Any] = defaults()
    if name in wrong:
        wrong[name]["enabeld"] = True
    else:
        wrong[name] = 2
    with pytest.raises(jsonschema.ValidationError, match=r"enabeld|replica"):
        jsonschema.validate(wrong, schema())


def test_the_schema_knows_the_values_and_no_others() -> None:
    properties = schema()["properties"]
    known = {name: each.get("properties", {}) for name, each in properties.items() if name != "global"}
    free = {"config", "resources"}
    assert places({name: each for name, each in known.items() if name not in free}) == places(
        {name: each for name, each in defaults().items() if name not in free}
    )


def test_the_templates_name_only_settings_that_there_are() -> None:
    text = "".join(file.read_text("utf-8") for file in sorted(CHART.rglob("*")) if file.is_file())
    known = {"__".join(leaf.key.upper().split(".")) for leaf in leaves(Settings)}
    assert set(re.findall(r"\b(?:FEISHU|RAG|BOT)__[A-Z0-9_]+", text)) <= known


def test_the_bot_gets_time_to_stop() -> None:
    assert defaults()["terminationGracePeriodSeconds"] >= BotSettings().drain_s + 10


def test_the_chart_has_the_version_of_the_bot() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert f'version = "{chart["appVersion"]}"' in (CHART.parents[2] / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("values", [SMALL, LARGE], ids=["small", "large"])
def test_helm_finds_no_fault(values: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values), "utf-8")
    done = helm("lint", "--strict", str(CHART), "--values", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", [SMALL, LARGE], ids=["small", "large"])
def test_manifests_keep_to_the_schemas_of_kubernetes(values: dict[str, Any], tmp_path: Path) -> None:
    made = rendered(tmp_path, values)
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for name, manifest in made.items():
        if not name.startswith("ServiceMonitor/"):  # of Prometheus Operator, not of Kubernetes
            kubernetes_validate.validate(manifest, "1.31", strict=True)


def test_sqlite_is_one_replica_that_stops_before_the_next_starts(tmp_path: Path) -> None:
    made = rendered(tmp_path, SMALL)
    assert set(made) == {f"{kind}/team-feishu-rag" for kind in KINDS_OF_SMALL}
    spec = made["Deployment/team-feishu-rag"]["spec"]
    assert spec["replicas"] == 1 and spec["strategy"] == {"type": "Recreate"}
    env = environment(made)
    assert env["BOT__DATABASE_URL"] == "sqlite:////srv/feishu-rag/data/bot.db" and env["BOT__WEB_HOST"] == "127.0.0.1"
    assert env["FEISHU__TRANSPORT"] == "websocket"
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "team-feishu-rag"}} in pod(made)["volumes"]
    assert probes(made) == {"startup": "/health", "liveness": "/health", "readiness": "/ready"}


KINDS_OF_SMALL = ("ConfigMap", "Deployment", "PersistentVolumeClaim", "Secret", "Service")


def test_replicas_share_postgresql_behind_the_public_door(tmp_path: Path) -> None:
    made = rendered(tmp_path, LARGE)
    spec = made["Deployment/team-feishu-rag"]["spec"]
    assert spec["replicas"] == 3 and spec["strategy"]["type"] == "RollingUpdate"
    assert "BOT__DATABASE_URL" not in environment(made)
    assert made["Secret/team-feishu-rag"]["stringData"]["BOT__DATABASE_URL"] == DATABASE["BOT__DATABASE_URL"]
    assert probes(made) == {"startup": "/health", "liveness": "/health", "readiness": "/health"}
    [rule] = made["Ingress/team-feishu-rag"]["spec"]["rules"]
    backends = {each["path"]: each["backend"]["service"] for each in rule["http"]["paths"]}
    assert set(backends) == {"/feishu", "/health"}
    assert all(each == {"name": "team-feishu-rag", "port": {"name": "public"}} for each in backends.values())
    assert [each["targetPort"] for each in made["Service/team-feishu-rag"]["spec"]["ports"]] == ["public"]
    assert [each["targetPort"] for each in made["Service/team-feishu-rag-web"]["spec"]["ports"]] == ["web"]
    watched = made["ServiceMonitor/team-feishu-rag"]["spec"]["selector"]["matchLabels"]
    assert watched.items() <= made["Service/team-feishu-rag-web"]["metadata"]["labels"].items()
    assert not watched.items() <= made["Service/team-feishu-rag"]["metadata"]["labels"].items()


def test_services_reach_the_pods_of_the_bot_alone(tmp_path: Path) -> None:
    made = rendered(tmp_path, LARGE)
    labels = made["Deployment/team-feishu-rag"]["spec"]["template"]["metadata"]["labels"]
    ingest = made["CronJob/team-feishu-rag-ingest"]["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    for name in ("Service/team-feishu-rag", "Service/team-feishu-rag-web"):
        selector = made[name]["spec"]["selector"]
        assert selector.items() <= labels.items() and not selector.items() <= ingest.items()


def test_the_bot_reads_the_configuration_that_was_given(tmp_path: Path) -> None:
    written = yaml.safe_load(rendered(tmp_path, LARGE)["ConfigMap/team-feishu-rag"]["data"]["config.yaml"])
    assert written == LARGE["config"]
    Settings.model_validate(written)


@pytest.mark.parametrize("values", [SMALL, LARGE], ids=["small", "large"])
def test_nothing_runs_as_root_or_writes_outside_of_its_volumes(values: dict[str, Any], tmp_path: Path) -> None:
    made = rendered(tmp_path, values)
    pods = [pod(made)]
    if job := made.get("CronJob/team-feishu-rag-ingest"):
        pods.append(job["spec"]["jobTemplate"]["spec"]["template"]["spec"])
    for each in pods:
        assert each["securityContext"]["runAsNonRoot"] and each["securityContext"]["runAsUser"] == 10001
        assert each["automountServiceAccountToken"] is False
        for container in [*each["containers"], *each.get("initContainers", [])]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] and not rights["allowPrivilegeEscalation"]
            assert rights["capabilities"] == {"drop": ["ALL"]} and "memory" in container["resources"]["limits"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"replicas": 2}, "replicas: more than one needs database: postgresql"),
        ({"persistence": {"enabled": False}}, "persistence.enabled"),
        ({"transport": "webhook"}, "secret.values.FEISHU__ENCRYPT_KEY is not set"),
        ({"database": "postgresql"}, "secret.values.BOT__DATABASE_URL is not set"),
        ({"web": {"enabled": True}}, "secret.values.BOT__API_KEYS is not set"),
        ({"secret": {"values": {}}}, "secret.values.FEISHU__APP_ID is not set"),
        ({"ingress": {"enabled": True, "host": "a.example.com"}}, "needs no way in"),
        ({"serviceMonitor": {"enabled": True}}, "set web.enabled"),
        ({"replica": 2}, "replica"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work_is_refused_with_its_reason(change: dict[str, Any], named: str, tmp_path: Path) -> None:
    done = template(tmp_path, {**SMALL, **change})
    assert done.returncode != 0 and named in done.stderr


def test_a_secret_of_ones_own_is_used(tmp_path: Path) -> None:
    made = rendered(tmp_path, {**LARGE, "secret": {"existingSecret": "mine"}})
    assert not any(name.startswith("Secret/") for name in made)
    assert pod(made)["containers"][0]["envFrom"] == [{"secretRef": {"name": "mine"}}]


def pod(made: dict[str, dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = made["Deployment/team-feishu-rag"]["spec"]["template"]["spec"]
    return spec


def environment(made: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod(made)["containers"][0]["env"]}


def probes(made: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Path of each probe, all of them at the public door."""
    [container] = pod(made)["containers"]
    found = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {each["port"] for each in found.values()} == {"public"}
    return {name: each["path"] for name, each in found.items()}
