"""What docker-compose.yml and docker/ set up must fit the service and hold to one policy."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from service.settings import Settings, variable
from service.telemetry import metrics
from tests.server import ROOT

DOCKER = ROOT / "docker"
KUBERNETES = DOCKER / "kubernetes"
MONITORING = DOCKER / "monitoring"
VALUES = "prometheus-adapter-values.yaml"
VERSIONS = ("1.31.0", "1.37.0")
Document = dict[str, Any]


def documents(file: Path) -> list[Document]:
    return list(yaml.safe_load_all(file.read_text("utf-8")))


MANIFESTS = [
    pytest.param(document, id=f"{file.relative_to(KUBERNETES)}:{document['kind']}")
    for file in sorted(KUBERNETES.rglob("*.yaml"))
    if file.name not in ("kustomization.yaml", VALUES)
    for document in documents(file)
]
PODS = [
    pytest.param(values[0], id=str(values[0]["kind"]))
    for values in (parameter.values for parameter in MANIFESTS)
    if isinstance(values[0], dict) and "template" in values[0].get("spec", {})
]
COMPOSE: Document = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Document] = COMPOSE["services"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS)
def test_a_manifest_fits_the_schema_of_kubernetes(manifest: Document, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schema_finds_a_misspelt_field() -> None:
    (deployment,) = documents(KUBERNETES / "deployment.yaml")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagine"] = "x"
    with pytest.raises(kubernetes_validate.ValidationError, match="imagine"):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)


@pytest.mark.parametrize("manifest", PODS)
def test_a_pod_may_do_no_more_than_it_needs(manifest: Document) -> None:
    pod = manifest["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 1000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all("hostPath" not in volume for volume in pod["volumes"])
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        for bound in ("requests", "limits"):
            assert set(container["resources"][bound]) == {"cpu", "memory"}


def test_every_manifest_selects_the_pods_that_there_are() -> None:
    (deployment,) = documents(KUBERNETES / "deployment.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    (service,) = documents(KUBERNETES / "service.yaml")
    (budget,) = documents(KUBERNETES / "disruption-budget.yaml")
    (policy,) = documents(KUBERNETES / "network-policy.yaml")
    (scaler,) = documents(KUBERNETES / "autoscaler.yaml")
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    assert budget["spec"]["selector"]["matchLabels"] == labels
    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert policy["spec"]["egress"] == []


def test_the_deployment_fits_the_service() -> None:
    (deployment,) = documents(KUBERNETES / "deployment.yaml")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    said = {entry["name"]: entry["value"] for entry in container["env"]}
    known = {variable(field): field for field in Settings.model_fields}
    settings = Settings(**{known[name]: value for name, value in said.items()})
    assert container["resources"]["limits"]["cpu"] == str(settings.workers)
    needed_s = settings.shutdown_delay_s + settings.deadline_s
    assert pod["terminationGracePeriodSeconds"] > needed_s
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    for ends_a_copy in ("startupProbe", "livenessProbe"):  # a model that failed must not
        assert container[ends_a_copy]["httpGet"]["path"] == "/health/live"
    not_ready_s = container["readinessProbe"]["periodSeconds"] + 2
    assert settings.shutdown_delay_s > not_ready_s


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
@pytest.mark.parametrize("folder", ["", "training"])
def test_kustomize_puts_all_together(folder: str) -> None:
    built = subprocess.run(  # noqa: S603  # our own command
        ["kubectl", "kustomize", str(KUBERNETES / folder)],  # noqa: S607  # of the system
        capture_output=True,
        text=True,
        check=True,
    )
    for document in yaml.safe_load_all(built.stdout):
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)
        named = document["metadata"].get("namespace", document["metadata"]["name"])
        assert named == "music-classification"


def test_kustomize_knows_every_file() -> None:
    for folder in (KUBERNETES, KUBERNETES / "training"):
        (told,) = documents(folder / "kustomization.yaml")
        there = {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert set(told["resources"]) == there


def figure_names() -> set[str]:
    figures = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    families = [family for figure in figures for family in figure.collect()]
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {f.name + end for f in families for end in suffixes.get(f.type, ("",))}


def queries() -> list[str]:
    rules = documents(MONITORING / "rules.yml")[0]["groups"]
    board = json.loads((MONITORING / "dashboards" / "service.json").read_text("utf-8"))
    return [
        *(rule["expr"] for group in rules for rule in group["rules"]),
        *(target["expr"] for panel in board["panels"] for target in panel["targets"]),
        documents(KUBERNETES / "autoscaler.yaml")[0]["spec"]["metrics"][0]["pods"]["metric"][
            "name"
        ],
        documents(KUBERNETES / "examples" / VALUES)[0]["rules"]["custom"][0]["seriesQuery"],
    ]


def test_every_figure_that_is_asked_for_is_one_of_the_service() -> None:
    asked = {name for query in queries() for name in re.findall(r"music_classification_\w+", query)}
    assert len(asked) > 12
    assert asked - figure_names() == set()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")
@pytest.mark.parametrize(
    "words",
    [
        ("test", "rules", "rules_test.yml"),
        # The key that it names is there in the container only.
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
    ],
    ids=" ".join,
)
def test_the_rules_call_when_they_should_and_only_then(words: tuple[str, ...]) -> None:
    done = subprocess.run(  # noqa: S603  # our own command
        ["promtool", *words],  # noqa: S607  # of the system
        cwd=MONITORING,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    (rules,) = documents(MONITORING / "rules.yml")
    alerts = {r["alert"] for group in rules["groups"] for r in group["rules"] if "alert" in r}
    (tests,) = documents(MONITORING / "rules_test.yml")
    cases = [case for test in tests["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == alerts


def test_up_starts_the_service_alone_and_the_profiles_the_rest() -> None:
    assert [name for name, told in SERVICES.items() if "profiles" not in told] == ["service"]
    profiles = {profile for told in SERVICES.values() for profile in told.get("profiles", ())}
    assert profiles == {"replicas", "monitoring", "training"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_no_more_than_it_needs(name: str) -> None:
    told = SERVICES[name]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert told["logging"]["options"]["max-size"]
    assert "mem_limit" in told
    for port in told.get("ports", ()):
        assert port.startswith(("127.0.0.1:", "${SERVICE_HOST:-127.0.0.1}:")), port


def test_what_is_mounted_from_the_checkout_is_there() -> None:
    volumes = [volume for told in SERVICES.values() for volume in told.get("volumes", ())]
    sources = [v.split(":")[0] if isinstance(v, str) else v.get("source", "") for v in volumes]
    mounted = [source for source in sources if source.startswith(("./docker", "./models"))]
    assert mounted
    for source in mounted:
        assert (ROOT / source).exists(), source


def test_no_variable_of_compose_looks_like_a_setting_that_is_none() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    known = {variable(field) for field in Settings.model_fields} | {"SERVICE_ROOT_PATH"}
    assert set(re.findall(r"\bSERVICE_[A-Z_]+", text)) <= known


def test_a_container_has_the_time_to_answer_what_it_has_begun() -> None:
    settings = Settings()
    grace_s = float(SERVICES["service"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > settings.shutdown_delay_s + settings.deadline_s
    template = (DOCKER / "nginx" / "service.conf.template").read_text("utf-8")
    patience = re.search(r"proxy_read_timeout (\d+)s", template)
    assert patience is not None
    assert float(patience[1]) > settings.deadline_s
