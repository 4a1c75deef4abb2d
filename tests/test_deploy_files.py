"""The recipes for containers, held against their schemas: there may be no engine where the tests run."""

import json
import re
import shlex
from importlib import resources
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from django.core.management import load_command_class

from yolotrainer.supervisor import commands

ROOT = Path(__file__).parent.parent
COMPOSE = [ROOT / "docker-compose.yml", *sorted((ROOT / "docs/deploy").glob("compose.*.yml"))]
MANIFESTS = sorted((ROOT / "docs/deploy/kubernetes").glob("*.yaml"))
OF_CONTAINERS = {
    "POSTGRES_PASSWORD",
    "VERSION",
    "DEVICE",
    "TORCH_INDEX",
    "BACKUP_TO",
    "BACKUP_KEEP",
}  # not settings of the platform


def rows():
    return [row for path in MANIFESTS for row in yaml.safe_load_all(path.read_text())]


def pods():
    specs = [row.get("spec", {}) for row in rows()]
    jobs = [spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec for spec in specs]
    return [spec["template"]["spec"] for spec in jobs if "template" in spec]


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_compose_files_follow_the_schema(path):
    import jsonschema

    schema = resources.files("check_jsonschema.builtin_schemas.vendor").joinpath("compose-spec.json").read_text()
    jsonschema.validate(yaml.safe_load(path.read_text()), json.loads(schema))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_follow_the_schema_of_kubernetes(path):
    for row in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(row, "1.32", strict=True)


def test_a_wrong_manifest_is_seen():
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": "80"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.32", strict=True)


def test_every_command_names_a_process_that_there_is():
    known = {"setup", *dict(commands("127.0.0.1", 8000))}
    named = re.findall(r"yolotrainer\.process,? (\w+)", "\n".join(p.read_text() for p in [*COMPOSE, *MANIFESTS]))
    assert {"setup", "web", "worker", "upkeep", "trainer", "beat"} <= set(named) <= known


def test_every_manage_command_is_one_that_takes_these_words():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["backup"]
    as_run = re.sub(r"\$\$\{?BACKUP_TO[^\"]*", "s3://b/p", compose["command"][-1]).replace("$$BACKUP_KEEP", "3")
    named = [c["args"] for pod in pods() for c in pod["containers"] if "manage.py" in c["args"]]
    assert compose["profiles"] == ["backup"]  # `up` starts none
    assert len(named) == 2
    for words in [*named, shlex.split(as_run.removeprefix("exec "))]:
        command = load_command_class("apps.core", words[2])
        assert command.create_parser("manage.py", words[2]).parse_args(words[3:]).target.startswith("s3://")


def test_every_setting_named_is_in_the_list_of_settings():
    listed = set(re.findall(r"^# (\w+)=", (ROOT / ".env.example").read_text(), re.M))
    settings = next(row["data"] for row in rows() if row["kind"] == "ConfigMap")
    secret = {name for row in rows() if row["kind"] == "Secret" for name in row["stringData"]}
    asked = set(re.findall(r"\$\{(\w+)", "\n".join(path.read_text() for path in COMPOSE))) - OF_CONTAINERS
    own = {env["name"] for pod in pods() for c in pod["containers"] for env in c.get("env", [])} - {"POD_IP"}
    assert own
    assert settings.keys() | secret | asked | own <= listed


def test_probes_name_the_node_that_there_is():
    probes = [probe for pod in pods() for c in pod["containers"] if (probe := c.get("livenessProbe", {}).get("exec"))]
    nodes = [re.search(r"--destination (\S+)", probe["command"][-1])[1] for probe in probes]
    assert sorted(nodes) == ["trainer@$HOSTNAME", "upkeep@$HOSTNAME", "worker@$HOSTNAME"]


def test_no_pod_runs_as_root_and_each_has_bounds():
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            if container["name"] != "setup":
                assert container["resources"]["limits"]["memory"]


def test_services_and_scalers_point_at_pods_that_there_are():
    deployed = {row["metadata"]["name"] for row in rows() if row["kind"] == "Deployment"}
    for row in rows():
        if row["kind"] == "HorizontalPodAutoscaler":
            assert row["spec"]["scaleTargetRef"]["name"] in deployed
        if row["kind"] == "Service":
            assert row["spec"]["selector"]["app"] in deployed
