"""What the chart renders to, without a cluster."""

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from leadline.programs.exporter.alert_settings import AlertSettings
from leadline.programs.operator.images.batches import Batch, job_of, read_template
from leadline.programs.operator.settings import Settings
from leadline.programs.provider.main import command as provider_command

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart"


WRITTEN = {
    "leadline.dev",
    "spdx.softwarecomposition.kubescape.io",
    # The state of accepted findings, and our own APIServices.
    "kubescape.io",
    "apiregistration.k8s.io",
}


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False, timeout=60)


def render(*values: str) -> list[dict[str, Any]]:
    flags = [word for value in values for word in ("--set-json", value)]
    run = helm("template", "leadline", str(CHART), "-n", "security", *flags)
    assert run.returncode == 0, run.stderr
    return [document for document in yaml.safe_load_all(run.stdout) if document]


def of_kind(kind: str, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


def settings_in(objects: list[dict[str, Any]]) -> dict[str, str]:
    """The files that the programs are given."""
    (found,) = [one["data"] for one in of_kind("ConfigMap", objects) if "operator.json" in one["data"]]
    return dict(found)


SENDING = (
    "capabilities.alerts=true",
    'alerts.receivers=[{"webhook":{"url":"https://hooks.example/leadline"}}]',
)
EVERYTHING = (
    'postgresql={"secretName":"database"}',
    "replicas=2",
    'image.pullSecrets=[{"name":"registry"}]',
    'tolerations=[{"operator":"Exists"}]',
    'affinity={"podAntiAffinity":{}}',
    'podLabels={"team":"security"}',
    'podAnnotations={"linkerd.io/inject":"disabled"}',
    'priorityClassName="high"',
    'networkPolicy.kubeApiCidrs=["10.0.0.1/32"]',
    SENDING[0],
    'alerts.receivers=[{"alertmanager":{"url":"https://alerts.example"}}]',
    'alerts.secretName="receivers"',
    'vulnerabilityDatabase={"address":"oci://registry.example/db:1","publicKey":"-----BEGIN PUBLIC KEY-----"}',
    'vulnerabilityScan.jobs={"enabled":true,"nodeBlobs":"/var/lib/containerd/blobs","nodeSelector":{"pool":"scans"}}',
)
BY_JOBS = ("vulnerabilityScan.jobs.enabled=true",)


def test_what_is_written_out_of_the_one_source_is_current():
    run = subprocess.run(
        [sys.executable, str(ROOT / "deploy/build_chart.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
    )
    assert run.stderr == ""
    assert run.returncode == 0


def test_every_value_has_a_description_and_is_read_by_a_template():
    spec = importlib.util.spec_from_file_location("build_chart", ROOT / "deploy/build_chart.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    templates = "".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    for path, leaf in module.leaves(module.schema()):
        assert leaf["description"].endswith((".", "}].", "…"))
        if path != ("global",):
            assert path[-1] in templates, path


@pytest.mark.parametrize("values", [(), EVERYTHING], ids=["defaults", "everything"])
def test_rendering_twice_is_identical(values: tuple[str, ...]):
    assert render(*values) == render(*values)


def test_nothing_asks_the_cluster_or_chance_while_it_is_rendered():
    texts = {path: path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file()}
    for word in (
        "lookup",
        "genCA",
        "genSelfSignedCert",
        "genSignedCert",
        "rand",
        "now ",
        "uuidv4",
        "htpasswd",
    ):
        assert [path.name for path, text in texts.items() if f" {word}" in text and "{{" in text] == [], word


def test_helm_lint_has_no_complaint():
    run = helm("lint", "--strict", str(CHART))
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    "value",
    [
        "nonsense=1",
        "image.repositry=x",
        "image.digest=sha256:12",
        "replicas=0",
        "persistence.size=lots",
        "networkPolicy.kubeApiPorts={}",
        "replicas=2",
        "vulnerabilityDatabase.address=oci://registry.example/db:1",
        # Of the reference, and not here.
        "capabilities.nodeAgents=true",
        "capabilities.configurationScan=enable",
        "capabilities.alerts=true",
        "replicas=2,postgresql.secretName=x,capabilities.alerts=true,alerts.receivers[0].slack.urlFile=/secrets/url",
    ],
)
def test_values_that_mean_nothing_are_refused(value: str):
    run = helm("template", "leadline", str(CHART), "--set", value)
    assert run.returncode != 0
    assert value.partition("=")[0].partition(".")[0] in run.stderr


def test_no_right_is_a_wildcard_and_none_is_to_secrets():
    rules = [rule for role in of_kind("ClusterRole", render()) for rule in role["rules"]]
    assert rules
    for rule in rules:
        assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
        assert "secrets" not in rule["resources"]
        writes = {"create", "update", "patch", "delete", "deletecollection"} & set(rule["verbs"])
        # On uninstalling, its own right to create APIServices.
        is_own = rule.get("resourceNames") == ["leadline-register"] and writes == {"delete"}
        is_event = rule["resources"] == ["events"] and writes == {"create"}
        assert not writes or is_own or is_event or set(rule["apiGroups"]) <= WRITTEN, rule
    named = [binding["roleRef"]["name"] for binding in of_kind("ClusterRoleBinding", render())]
    assert not {"cluster-admin", "admin", "edit", "view"} & set(named)


def test_owners_of_a_namespace_read_what_is_accepted_and_no_one_accepts_without_being_bound():
    roles = {one["metadata"]["name"]: one for one in of_kind("ClusterRole", render())}
    (reading,) = [
        rule for rule in roles["leadline-view"]["rules"] if "securityexceptions" in rule["resources"]
    ]
    assert reading["verbs"] == ["get", "list", "watch"]
    accepting = roles["leadline-accept"]
    assert not [name for name in accepting["metadata"]["labels"] if "aggregate-to" in name]
    (rule,) = accepting["rules"]
    assert rule["resources"] == ["securityexceptions"]
    bound = [
        one["roleRef"]["name"]
        for kind in ("ClusterRoleBinding", "RoleBinding")
        for one in of_kind(kind, render())
    ]
    assert "leadline-accept" not in bound


def image_job(objects: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """A Job as the operator makes it out of what the chart gives it."""
    content = settings_in(objects)
    settings = msgspec.convert(json.loads(content["operator.json"]), Settings).images
    assert settings.job_template == "/etc/leadline/image-job.json"
    path = folder / "image-job.json"
    path.write_text(content["image-job.json"])
    node = "node-1" if settings.node_blobs else ""
    return job_of(read_template(str(path)), Batch("images-1", settings.job_pods, 900, node), "security")


def test_jobs_that_scan_images_have_all_that_they_need(tmp_path: Path):
    objects = render(
        'vulnerabilityScan.jobs={"enabled":true,"parallelism":7,"resources":{"limits":{"memory":"3Gi"}},'
        '"nodeSelector":{"pool":"scans"},"tolerations":[{"key":"scans"}]}',
        'tolerations=[{"key":"others"}]',
        "capabilities.pullSecrets=true",
    )
    job = image_job(objects, tmp_path)
    spec = job["spec"]["template"]["spec"]
    assert job["spec"]["completions"] == 7
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux", "pool": "scans"}
    assert spec["tolerations"] == [{"key": "scans"}]
    (container,) = spec["containers"]
    assert container["resources"]["limits"]["memory"] == "3Gi"
    assert container["args"] == ["--batch=images-1", "--pods=7"]
    # Of the settings they see those of the operator alone; addresses of receivers are not among them.
    (settings,) = [one["configMap"] for one in spec["volumes"] if "configMap" in one]
    assert [one["key"] for one in settings["items"]] == ["operator.json"]
    # Their own account may do what scanning takes, and the operator's no longer reads Secrets.
    account = spec["serviceAccountName"]
    assert account in {one["metadata"]["name"] for one in of_kind("ServiceAccount", objects)}
    reading = [
        role["metadata"]["name"]
        for role in objects
        if role["kind"].endswith("Role") and any("secrets" in rule["resources"] for rule in role["rules"])
    ]
    assert reading == [account]
    bound = {
        (one["kind"], one["roleRef"]["name"])
        for one in objects
        if one["kind"] in ("RoleBinding", "ClusterRoleBinding") and one["subjects"][0]["name"] == account
    }
    assert bound == {("ClusterRoleBinding", account), ("RoleBinding", account)}


def test_blobs_of_a_node_are_mounted_where_the_operator_says_and_for_reading(tmp_path: Path):
    spec = image_job(render(*EVERYTHING), tmp_path)["spec"]["template"]["spec"]
    assert spec["nodeSelector"]["kubernetes.io/hostname"] == "node-1"
    (volume,) = [one for one in spec["volumes"] if "hostPath" in one]
    assert volume["hostPath"] == {"path": "/var/lib/containerd/blobs", "type": "Directory"}
    (mount,) = [one for one in spec["containers"][0]["volumeMounts"] if one["name"] == volume["name"]]
    assert mount == {"name": "blobs", "mountPath": "/blobs", "readOnly": True}


def test_without_jobs_there_is_no_right_to_make_any():
    for objects in (render(), render(*BY_JOBS, "capabilities.vulnerabilityScan=false")):
        rules = [rule for role in objects if role["kind"].endswith("Role") for rule in role["rules"]]
        assert not [rule for rule in rules if "jobs" in rule["resources"] and "create" in rule["verbs"]]
        assert "image-job.json" not in settings_in(objects)


def test_secrets_are_read_only_where_that_is_switched_on():
    for switch, verbs in (("readSecrets", ["list", "watch"]), ("pullSecrets", ["get"])):
        objects = render(f"capabilities.{switch}=true")
        rules = [rule for role in of_kind("ClusterRole", objects) for rule in role["rules"]]
        assert [rule["verbs"] for rule in rules if "secrets" in rule["resources"]] == [verbs]


@pytest.mark.parametrize(
    ("values", "programs"),
    [
        ((), ["apiserver", "operator", "exporter"]),
        (("capabilities.prometheusExporter=false",), ["apiserver", "operator"]),
        (
            ("capabilities.prometheusExporter=false", *SENDING),
            ["apiserver", "operator", "exporter"],
        ),
        (("capabilities.vulnerabilityScan=false",), ["apiserver", "operator", "exporter"]),
        (
            ("capabilities.vulnerabilityScan=false", "capabilities.configurationScan=false"),
            ["apiserver", "exporter"],
        ),
    ],
)
def test_what_is_switched_off_does_not_run(values: tuple[str, ...], programs: list[str]):
    (deployment,) = of_kind("Deployment", render(*values))
    assert [one["name"] for one in deployment["spec"]["template"]["spec"]["containers"]] == programs


def test_settings_reach_the_programs():
    objects = render(
        'operator.settings={"excludeNamespaces":["kube-system"],"images":{"workers":3}}',
    )
    content = settings_in(objects)
    settings = json.loads(content["operator.json"])
    assert settings["excludeNamespaces"] == ["kube-system"]
    assert settings["images"]["workers"] == 3
    assert settings["images"]["enabled"] is True
    # Every setting that the chart makes is one of the operator.
    assert msgspec.convert(settings, Settings).images.workers == 3


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (
            (),
            {
                "workloads": {"controls": {"critical": 0}},
                "scanAge": {"posture": "26h"},
                "databaseAge": "14d",
                "exploited": True,
                "newCritical": True,
                "newAdmin": "1d",
                "runtime": "medium",
                "unread": 0,
            },
        ),
        (
            (
                'alerts.thresholds={"frameworks":{"NSA":70},"workloads":null,"exploited":null,"newCritical":null,'
                '"newAdmin":null,"runtime":null,"unread":null,"databaseAge":null,"scanAge":{"posture":"26h","images":"2d"}}',
                "capabilities.configurationScan=false",
            ),
            {
                "frameworks": {"NSA": 70},
                "scanAge": {"images": "2d"},
                "exploited": False,
                "newCritical": False,
                "newAdmin": None,
                "runtime": None,
                "unread": None,
            },
        ),
    ],
    ids=["defaults", "others"],
)
def test_the_exporter_and_the_rules_have_the_same_thresholds(values: tuple[str, ...], wanted: dict[str, Any]):
    objects = render(*SENDING, 'prometheus.rules.as="ConfigMap"', *values)
    settings = json.loads(settings_in(objects)["alerts.json"])
    assert settings["thresholds"] == wanted
    read = msgspec.convert(settings, AlertSettings)
    assert read.receivers[0].webhook is not None
    (rules,) = [one["data"] for one in of_kind("ConfigMap", objects) if "leadline.yaml" in one["data"]]
    names = {
        rule["alert"]
        for group in yaml.safe_load(rules["leadline.yaml"])["groups"]
        for rule in group["rules"] or ()
    }
    assert {
        "LeadlineWorkloadControls": "workloads" in wanted,
        "LeadlineFrameworkScore": "frameworks" in wanted,
        "LeadlineExploitedVulnerability": read.thresholds.exploited,
        "LeadlineNewCriticalVulnerability": read.thresholds.new_critical,
        "LeadlineCoverageLost": read.thresholds.unread is not None,
        "LeadlineDatabaseTooOld": read.thresholds.database_age is not None,
    } == {
        name: name in names
        for name in (
            "LeadlineWorkloadControls",
            "LeadlineFrameworkScore",
            "LeadlineExploitedVulnerability",
            "LeadlineNewCriticalVulnerability",
            "LeadlineCoverageLost",
            "LeadlineDatabaseTooOld",
        )
    }


@pytest.mark.parametrize(
    ("switches", "settings"),
    [
        ((), (True, True, True)),
        (("capabilities.continuousScan=false",), (True, False, True)),
        (("capabilities.configurationScan=false",), (False, True, True)),
        (("capabilities.vulnerabilityScan=false",), (True, True, False)),
    ],
)
def test_each_switch_is_a_setting(switches: tuple[str, ...], settings: tuple[bool, bool, bool]):
    content = settings_in(render(*switches))
    read = msgspec.convert(json.loads(content["operator.json"]), Settings)
    assert (read.posture, read.continuous, read.images.enabled) == settings


def test_a_database_is_fetched_from_where_the_values_say_and_nowhere_else():
    def images(*values: str) -> dict[str, Any]:
        settings = json.loads(settings_in(render(*values))["operator.json"])
        found: dict[str, Any] = settings["images"]
        return found

    assert not any(key.startswith("database") for key in images())
    asked = images(*EVERYTHING)
    assert asked["databaseAddress"] == "oci://registry.example/db:1"
    assert asked["databaseKey"] == "/etc/leadline/database.pub"
    public = images('vulnerabilityDatabase={"source":"grype"}')
    assert public["databaseAddress"] == "grype"
    assert "databaseKey" not in public
    assert "databaseKey" not in images('vulnerabilityDatabase={"address":"oci://x/y","allowUnsigned":true}')


def test_other_settings_are_another_pod():
    def stamp(*values: str) -> str:
        template = of_kind("Deployment", render(*values))[0]["spec"]["template"]
        return str(template["metadata"]["annotations"]["leadline.dev/settings"])

    assert stamp() == stamp()
    assert stamp() != stamp('operator.settings={"fullScan":""}')


@pytest.mark.parametrize(("age_s", "code"), [(0, 0), (3600, 1), (None, 1)])
def test_the_probe_of_the_operator_fails_where_it_has_not_said_for_long_that_it_is_alive(
    age_s: int | None, code: int, tmp_path: Path
):
    containers = of_kind("Deployment", render())[0]["spec"]["template"]["spec"]["containers"]
    (operator,) = [one for one in containers if one["name"] == "operator"]
    _, flags, text = operator["livenessProbe"]["exec"]["command"]
    alive = tmp_path / "alive"
    if age_s is not None:
        alive.write_text(f"{int(time.time()) - age_s}\n")
    assert "'/tmp/alive'" in text
    command = [sys.executable, flags, text.replace("/tmp/alive", str(alive))]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == code
    assert "NameError" not in run.stderr


def test_definitions_of_kinds_are_part_of_every_upgrade():
    definitions = of_kind("CustomResourceDefinition", render())
    groups = Counter(one["spec"]["group"] for one in definitions)
    assert groups == {"kubescape.io": 3, "hostdata.kubescape.cloud": 8}
    assert {one["metadata"]["annotations"]["helm.sh/resource-policy"] for one in definitions} == {"keep"}
    left = of_kind("CustomResourceDefinition", render("crds.keep=false"))
    assert all("annotations" not in one["metadata"] for one in left)
    assert of_kind("CustomResourceDefinition", render("crds.install=false")) == []


def test_all_programs_together_ask_for_256_mib_at_most():
    containers = of_kind("Deployment", render())[0]["spec"]["template"]["spec"]["containers"]
    asked = [container["resources"]["requests"]["memory"] for container in containers]
    assert all(text.endswith("Mi") for text in asked)
    assert sum(int(text.removesuffix("Mi")) for text in asked) <= 256


def opened(policy: dict[str, Any], way: str) -> set[object]:
    return {port["port"] for rule in policy["spec"].get(way, ()) for port in rule["ports"]}


NOTHING_BUT_RESULTS = (
    "capabilities.vulnerabilityScan=false",
    "capabilities.prometheusExporter=false",
)


@pytest.mark.parametrize(
    ("values", "within", "without"),
    [
        ((), {"api", "metrics", "api-metrics"}, {443, 6443, 53}),
        (NOTHING_BUT_RESULTS, {"api"}, {443, 6443}),
        ((*NOTHING_BUT_RESULTS, "networkPolicy.kubeApiPorts=[16443]"), {"api"}, {16443}),
        (
            ("networkPolicy.registryPorts=[443,5000]",),
            {"api", "metrics", "api-metrics"},
            {443, 6443, 5000, 53},
        ),
        (
            (*NOTHING_BUT_RESULTS, *SENDING, "alerts.ports=[9093]"),
            {"api"},
            {443, 6443, 9093, 53},
        ),
    ],
)
def test_policies_let_through_what_the_programs_need_and_nothing_else(
    values: tuple[str, ...], within: set[object], without: set[object]
):
    objects = render(*values)
    policies = {one["metadata"]["name"]: one for one in of_kind("NetworkPolicy", objects)}
    ours, hook = policies["leadline"], policies["leadline-unregister"]
    assert (opened(ours, "ingress"), opened(ours, "egress")) == (within, without)
    assert opened(hook, "ingress") == set()
    assert opened(hook, "egress") <= without
    for policy in (ours, hook):
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_every_pod_is_under_one_policy(tmp_path: Path):
    objects = render(*BY_JOBS, *SUBMITTING)
    made = [*of_kind("Deployment", objects), *of_kind("Job", objects), image_job(objects, tmp_path)]
    templates = [one["spec"]["template"] for one in made]
    wanted = [one["spec"]["podSelector"]["matchLabels"].items() for one in of_kind("NetworkPolicy", objects)]
    for template in templates:
        labels = template["metadata"]["labels"].items()
        assert sum(selector <= labels for selector in wanted) == 1
    # The Service leads to the one and not to the other.
    (service,) = [one for one in of_kind("Service", objects) if one["metadata"]["name"] == "leadline"]
    assert [
        service["spec"]["selector"].items() <= one["metadata"]["labels"].items() for one in templates
    ] == [one["metadata"]["labels"]["app.kubernetes.io/component"] == "programs" for one in templates]


SUBMITTING = (
    'submit.server="https://provider.example:8443/shop-eu"',
    'submit.secretName="provider"',
)


def sender_of(*values: str) -> dict[str, Any]:
    (sender,) = [
        one
        for one in of_kind("Deployment", render(*SUBMITTING, *values))
        if one["metadata"]["name"] == "leadline-submit"
    ]
    return dict(sender["spec"]["template"]["spec"])


def test_nothing_is_sent_to_a_provider_that_is_not_named():
    assert not [one for one in render() if "submit" in one["metadata"]["name"]]
    refused = helm("template", "leadline", str(CHART), "--set", "submit.server=https://p.example/shop")
    assert "submit.secretName names the Secret" in refused.stderr


def test_a_sender_has_an_account_that_reads_and_an_outbox_that_stays():
    objects = render(*SUBMITTING)
    pod = sender_of()
    (container,) = pod["containers"]
    assert container["args"][:3] == ["provider", "send", "https://provider.example:8443/shop-eu"]
    # Every flag is one of the program.
    parsed = provider_command.commands["send"].make_context(
        "send", container["args"][2:], resilient_parsing=True
    )
    assert parsed.params["store"] == "kube"
    assert str(parsed.params["outbox"]) == "/data/outbox.db"
    assert {"name": "LEADLINE_SUBMIT_TOKEN_FILE", "value": "/secrets/token"} in container["env"]
    (claim,) = [
        one for one in of_kind("PersistentVolumeClaim", objects) if "submit" in one["metadata"]["name"]
    ]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    bound = [
        one["roleRef"]["name"]
        for one in (*of_kind("ClusterRoleBinding", objects), *of_kind("RoleBinding", objects))
        if one["subjects"][0]["name"] == pod["serviceAccountName"]
    ]
    assert bound == ["leadline-view"]
    own = sender_of('submit.existingClaim="mine"')
    assert own["volumes"][0]["persistentVolumeClaim"]["claimName"] == "mine"


@pytest.mark.parametrize(
    ("values", "flags", "environment", "ports"),
    [
        ((), set(), {}, {443, 6443, 8443, 53}),
        (
            ("submit.privateCa=true", "submit.clientCertificate=true"),
            {"--ca=/secrets/ca.crt", "--certificate=/secrets/tls.crt", "--key=/secrets/tls.key"},
            {},
            {443, 6443, 8443, 53},
        ),
        (
            ('submit.proxy="http://proxy.example:3128"',),
            set(),
            {"HTTPS_PROXY": "http://proxy.example:3128"},
            {443, 6443, 8443, 3128, 53},
        ),
        (
            ('submit.proxy="http://other.example:3128"', 'proxy={"https":"http://proxy.example:8080"}'),
            set(),
            {"HTTPS_PROXY": "http://other.example:3128"},
            {443, 6443, 8443, 3128, 53},
        ),
    ],
)
def test_a_sender_reaches_its_provider_as_the_values_say(
    values: tuple[str, ...], flags: set[str], environment: dict[str, str], ports: set[int]
):
    (container,) = sender_of(*values)["containers"]
    given = {one for one in container["args"] if one.startswith(("--ca", "--certificate", "--key"))}
    assert given == flags
    env = {one["name"]: one["value"] for one in container["env"]}
    assert {name: env.get(name) for name in environment} == environment
    # What is sent to kube-apiserver never goes by the proxy.
    assert ("NO_PROXY" in env) == bool(environment)
    policies = of_kind("NetworkPolicy", render(*SUBMITTING, *values))
    (policy,) = [one for one in policies if one["metadata"]["name"] == "leadline-submit"]
    assert opened(policy, "egress") == ports
    assert opened(policy, "ingress") == set()


@pytest.mark.parametrize(
    "server", ["http://p.example/shop", "https://p.example", "https://p.example/Shop", "p.example/shop"]
)
def test_a_sender_has_an_address_that_leads_to_a_source(server: str):
    refused = helm("template", "leadline", str(CHART), "--set", f"submit.server={server},submit.secretName=s")
    assert refused.returncode != 0
    assert "submit" in refused.stderr


def test_pages_behind_a_login_are_switched_on_by_values():
    plain, named = (
        next(
            one
            for one in of_kind("Deployment", render("capabilities.ui=true", *values))
            if one["metadata"]["name"] == "leadline-ui"
        )
        for values in (
            (),
            ('ui.certificateSecret="own"', 'ui.loginProxy={"caSecret":"login","name":"the proxy"}'),
        )
    )
    before, after = (one["spec"]["template"]["spec"] for one in (plain, named))
    added = [word for word in after["containers"][0]["args"] if word not in before["containers"][0]["args"]]
    assert added == [
        "--certificate=/certificate/tls.crt",
        "--key=/certificate/tls.key",
        "--ca=/certificate/ca.crt",
        "--proxy-ca=/login-proxy/ca.crt",
        "--proxy-name=the proxy",
    ]
    volumes = {one["name"]: one["secret"] for one in after["volumes"] if one not in before["volumes"]}
    assert volumes == {
        "certificate": {"secretName": "own"},
        "login-proxy": {"secretName": "login", "items": [{"key": "ca.crt", "path": "ca.crt"}]},
    }
    folders = {one["mountPath"] for one in after["containers"][0]["volumeMounts"] if one.get("readOnly")}
    assert folders >= {"/certificate", "/login-proxy"}


@pytest.mark.parametrize("one", ["caSecret", "name"])
def test_a_login_proxy_needs_its_ca_and_its_name(one: str):
    """The CA alone would let every certificate that it signs name users."""
    said = helm(
        "template", "leadline", str(CHART), "--set", f"capabilities.ui=true,ui.loginProxy.{one}=a"
    ).stderr
    assert "give caSecret and name" in said


@pytest.mark.parametrize("ui", [False, True])
def test_the_notes_name_every_apiservice_that_is_made(tmp_path: Path, ui: bool):
    """One of which the server is gone keeps namespaces from being deleted, so that people have to know it."""
    value = f"capabilities.ui={json.dumps(ui)}"
    made = {
        name
        for role in of_kind("ClusterRole", render(value))
        for rule in role["rules"]
        if "apiservices" in rule.get("resources", ()) and "create" in rule["verbs"]
        for name in rule.get("resourceNames", ())
    }
    copy = tmp_path / "chart"
    shutil.copytree(CHART, copy)
    # helm shows notes of what it installs alone; as another template it shows what they say, and that it is not YAML.
    (copy / "templates/NOTES.txt").rename(copy / "templates/notes.yaml")
    notes = helm("template", "leadline", str(copy), "--debug", "-s", "templates/notes.yaml", "--set", value)
    (line,) = [line.split()[3:] for line in notes.stdout.splitlines() if "kubectl delete apiservices" in line]
    assert set(line) == made
    assert len(made) == 2 + ui
