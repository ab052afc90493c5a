"""Everything that the programs have a setting for can be given by a value of the chart, and every value does something."""

import importlib.util
import json
from functools import cache
from typing import Any

import msgspec
import pytest
from test_chart import CHART, EVERYTHING, ROOT, helm, of_kind, render, settings_in

from leadline.programs.admission.settings import TABLE as ADMISSION
from leadline.programs.exporter.alert_settings import Thresholds
from leadline.programs.exporter.settings import TABLE as EXPORTER
from leadline.programs.operator.settings import TABLE as OPERATOR

TABLES = {"operator": OPERATOR, "admission": ADMISSION, "exporter": EXPORTER}
ON = ("capabilities.admission=true", "capabilities.hostFacts=true", "capabilities.nodeAgent=true")
FILES = {
    "operator": {"waivers", "controlsConfig", "ownControls", "images.caFile", "images.databaseKey"},
    "admission": {"waivers", "controlsConfig", "ownControls"},
}
"""Settings that name files, which values of their own bring into the pods."""
GIVEN = (
    'waivers={"team.yaml":"waivers: []"}',
    'controlsConfig={"insecureCapabilities":["NET_RAW"]}',
    'ownControls.configMap="ours"',
    'caBundle.configMap="cas"',
    'clusterName="north"',
    'vulnerabilityDatabase={"address":"https://db.example/latest.json","publicKey":"-----BEGIN PUBLIC KEY-----"}',
)
SAMPLES: dict[str, Any] = {"string": "other", "integer": 3, "number": 3.5, "array": ["other"], "object": {}}


@cache
def build_chart() -> Any:
    spec = importlib.util.spec_from_file_location("build_chart", ROOT / "deploy/build_chart.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(node: dict[str, Any], path: str = "") -> dict[str, dict[str, Any]]:
    found = {}
    for name, child in node.get("properties", {}).items():
        if "properties" in child:
            found |= rows(child, f"{path}{name}.")
        else:
            found[f"{path}{name}"] = child
    return found


def sample(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][-1]
    if schema["type"] == "boolean":
        return True
    return SAMPLES[schema["type"]]


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for path, value in flat.items():
        table, _, name = path.rpartition(".")
        (whole.setdefault(table, {}) if table else whole)[name] = value
    return whole


def files_of_pods(objects: list[dict[str, Any]]) -> dict[str, str]:
    """The settings of each program as its pod sees them."""
    maps = [one["data"] for one in of_kind("ConfigMap", objects)]
    return {name: text for data in maps for name, text in data.items()}


@pytest.mark.parametrize("program", TABLES)
def test_each_row_of_a_program_is_a_value_that_reaches_it(program: str):
    wanted = {path: sample(schema) for path, schema in rows(build_chart().settings_schema(program)).items()}
    assert len(wanted) > 8
    objects = render(*ON, f"{program}.settings={json.dumps(nested(wanted))}")
    given = json.loads(files_of_pods(objects)[f"{program}.json"])
    assert {path: rows_of(given, path) for path in wanted} == wanted


def rows_of(given: dict[str, Any], path: str) -> Any:
    table, _, name = path.rpartition(".")
    return (given[table] if table else given)[name]


@pytest.mark.parametrize("program", TABLES)
def test_a_setting_that_there_is_not_fails_the_installation_and_is_named(program: str):
    run = helm("template", "leadline", str(CHART), "--set", f"{program}.settings.fullScann=1")
    assert run.returncode != 0
    assert "fullScann" in run.stderr
    run = helm("template", "leadline", str(CHART), "--set-json", 'operator.settings={"writesPerS":"many"}')
    assert run.returncode != 0
    assert "writesPerS" in run.stderr


def test_every_threshold_of_the_exporter_is_a_value():
    thresholds = build_chart().schema()["properties"]["alerts"]["properties"]["thresholds"]["properties"]
    assert thresholds.keys() == {one.encode_name for one in msgspec.structs.fields(Thresholds)}


@pytest.mark.parametrize("program", FILES)
def test_settings_that_name_files_have_values_that_bring_them(program: str):
    objects = render(*ON, *GIVEN)
    settings = json.loads(files_of_pods(objects)[f"{program}.json"])
    for path in FILES[program]:
        value = rows_of(settings, path)
        for file in [value] if isinstance(value, str) else value:
            assert mounted(objects, program, file), (path, file)
    assert settings["clusterName"] == "north"


def mounted(objects: list[dict[str, Any]], container: str, file: str) -> bool:
    """Whether the container of that name has a volume at the file, and the volume the file where the chart makes it."""
    for pod in (one["spec"]["template"]["spec"] for one in of_kind("Deployment", objects)):
        for one in pod["containers"]:
            if one["name"] != container:
                continue
            (mount,) = [
                mount for mount in one["volumeMounts"] if f"{file}/".startswith(mount["mountPath"] + "/")
            ]
            (volume,) = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
            maps = {m["metadata"]["name"]: m["data"] for m in of_kind("ConfigMap", objects)}
            made = maps.get(volume["configMap"]["name"])
            return made is None or file.removeprefix(mount["mountPath"]).lstrip("/") in made
    return False


def test_a_proxy_a_ca_and_more_environment_reach_every_program_that_calls_out():
    objects = render(
        *ON,
        'proxy={"https":"http://proxy:3128","except":["10.0.0.0/8"]}',
        'caBundle.configMap="cas"',
        'extraEnv=[{"name":"TZ","value":"UTC"}]',
        'extraVolumes=[{"name":"more","secret":{"secretName":"more"}}]',
        'extraVolumeMounts=[{"name":"more","mountPath":"/more"}]',
        "vulnerabilityScan.jobs.enabled=true",
    )
    pods = [one["spec"]["template"]["spec"] for one in of_kind("Deployment", objects)]
    pods.append(json.loads(settings_in(objects)["image-job.json"])["spec"])
    seen = []
    for pod in pods:
        for one in pod["containers"]:
            env = {variable["name"]: variable.get("value") for variable in one["env"]}
            assert env["HTTPS_PROXY"] == "http://proxy:3128"
            assert env["NO_PROXY"].startswith("$(KUBERNETES_SERVICE_HOST),")
            assert env["NO_PROXY"].endswith(",10.0.0.0/8")
            assert env["SSL_CERT_FILE"] == "/etc/leadline-ca/ca.crt"
            assert env["TZ"] == "UTC"
            assert "/more" in [mount["mountPath"] for mount in one["volumeMounts"]]
            names = {volume["name"] for volume in pod["volumes"]}
            assert {mount["name"] for mount in one["volumeMounts"]} <= names
            seen.append(one["name"])
    assert seen == ["admission", "apiserver", "operator", "exporter", "images"]


def test_where_and_how_pods_run_can_be_said():
    objects = render(
        *ON,
        *EVERYTHING,
        "admission.replicas=2",
        'podSecurityContext={"runAsUser":null,"runAsGroup":null,"fsGroup":null}',
        'topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]',
        'serviceAccount.annotations={"iam.gke.io/gcp-service-account":"scan@example"}',
        'commonLabels={"cost":"security"}',
        "revisionHistoryLimit=2",
    )
    for one in of_kind("Deployment", objects):
        pod = one["spec"]["template"]["spec"]
        component = one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
        (constraint,) = pod["topologySpreadConstraints"]
        assert constraint["topologyKey"] == "zone"
        assert constraint["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == component
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(pod["securityContext"])
        assert one["spec"]["revisionHistoryLimit"] == 2
        assert "cost" not in one["spec"]["selector"]["matchLabels"]
    budgets = of_kind("PodDisruptionBudget", objects)
    assert [one["metadata"]["name"] for one in budgets] == ["leadline-admission", "leadline"]
    programs = [
        one
        for one in of_kind("ServiceAccount", objects)
        if not one["metadata"]["name"].endswith("unregister")
    ]
    assert len(programs) == 4
    assert all("iam.gke.io/gcp-service-account" in one["metadata"]["annotations"] for one in programs)
    assert all(one["metadata"]["labels"]["cost"] == "security" for one in objects)


def test_one_pod_has_neither_budget_nor_spread():
    objects = render()
    assert of_kind("PodDisruptionBudget", objects) == []
    assert "topologySpreadConstraints" not in of_kind("Deployment", objects)[0]["spec"]["template"]["spec"]


OTHERS: dict[str, Any] = {
    "image.pullSecrets": [{"name": "other"}],
    "image.digest": "sha256:" + "0" * 64,
    "admission.namespaceExpressions": [{"key": "other", "operator": "Exists"}],
    "admission.excludeNamespaces": ["other"],
    "hostFacts.folders": ["/other"],
    "hostFacts.every": "2d",
    "hostFacts.look": "20m",
    "nodeAgent.runtimeSocket": "/other",
    "vulnerabilityDatabase.address": "oci://other.example/db:2",
    "vulnerabilityScan.jobs.nodeBlobs": "/other",
    "persistence.size": "7Gi",
    "apiserver.certificateLife": "30d",
    "alerts.thresholds": {"unread": 5},
    "alerts.receivers": [{"alertmanager": {"url": "https://other.example"}}],
    "prometheus.serviceMonitor.interval": "30s",
    "networkPolicy.kubeApiCidrs": ["10.9.0.0/16"],
    "podDisruptionBudget.maxUnavailable": "50%",
    "proxy.https": "http://other:1",
    "proxy.http": "http://other:1",
    "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}],
    "extraEnv": [{"name": "OTHER", "value": "1"}],
    "extraVolumes": [{"name": "other", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "other", "mountPath": "/other"}],
    "tolerations": [{"key": "other"}],
    "hostFacts.tolerations": [{"key": "other"}],
    "vulnerabilityScan.jobs.tolerations": [{"key": "other"}],
    "networkPolicy.metricsFrom": [{"podSelector": {}}],
    "podSecurityContext": {"runAsUser": 1000},
    "vulnerabilityDatabase.source": "grype",
    "admission.guardedFailurePolicy": "Ignore",
    "admission.replicas": 3,
    **dict.fromkeys(
        (
            *(
                "capabilities.admission",
                "capabilities.alerts",
                "capabilities.hostFacts",
                "capabilities.nodeAgent",
            ),
            *("capabilities.ui", "admission.enforce", "vulnerabilityScan.jobs.enabled"),
            *("prometheus.serviceMonitor.enabled", "prometheus.dashboard.enabled"),
        ),
        False,
    ),
}
"""Values of forms that no rule makes, and that mean something."""
ALONE = {
    "persistence.enabled": (),
    "persistence.existingClaim": (),
    "persistence.storageClass": (),
    "persistence.size": (),
    "persistence.keep": (),
    "vulnerabilityDatabase.source": (),
    "vulnerabilityDatabase.allowUnsigned": (
        'vulnerabilityDatabase.address="https://db.example/latest.json"',
    ),
    "replicas": ('postgresql={"secretName":"database"}',),
    **dict.fromkeys(
        ("ui.loginProxy.caSecret", "ui.loginProxy.name"),
        ("capabilities.ui=true", 'ui.loginProxy={"caSecret":"login","name":"login"}'),
    ),
}
"""Values that say something only without, or only with, others."""
PERMITTING = {
    "admission.allowOneReplica": "capabilities.admission=true,admission.enforce=true",
    "vulnerabilityDatabase.allowUnsigned": "vulnerabilityDatabase.address=oci://registry.example/db:1",
}
"""Values that let pass what is refused otherwise; the refusal names them."""
ALL_ON = (
    *ON,
    "capabilities.ui=true",
    *EVERYTHING,
    *GIVEN,
    'image.digest=""',
    "admission.replicas=2",
    "admission.enforce=true",
    'prometheus={"serviceMonitor":{"enabled":true},"rules":{"as":"PrometheusRule"},"dashboard":{"enabled":true}}',
    'proxy={"https":"http://proxy:3128"}',
)


def other_value(path: str, leaf: dict[str, Any]) -> Any:
    if path in OTHERS:
        return OTHERS[path]
    default = leaf["default"]
    if "enum" in leaf:
        return next(one for one in reversed(leaf["enum"]) if one != default)
    match default:
        case bool():
            return not default
        case int() | float():
            return default + 1
        case str():
            return "other" if default != "grype" else ""
        case list():
            return [8443] if default and isinstance(default[0], int) else ["other"]
        case _:
            return {"other": "1"}


@pytest.mark.nightly("installs")
def test_every_value_changes_what_is_made():
    """A value that nothing reads would be accepted, and do nothing."""
    before: dict[tuple[str, ...], str] = {}
    silent = []
    for path, leaf in build_chart().leaves(build_chart().schema()):
        name = ".".join(path)
        if name == "global" or name.endswith(".settings"):
            continue
        if name in PERMITTING:
            said = helm("template", "leadline", str(CHART), "--set", PERMITTING[name]).stderr
            assert name.rpartition(".")[2] in said
            continue
        values = ALONE.get(name, ALL_ON)
        if values not in before:
            before[values] = json.dumps(render(*values))
        written = f"{name}={json.dumps(other_value(name, leaf))}"
        if json.dumps(render(*values, written)) == before[values]:
            silent.append(name)
    assert silent == []
