"""Pods by chance, each with a few settings that the Pod Security Standards speak about, and none that validation refuses."""

import random
from collections.abc import Callable
from typing import Any

Body = dict[str, Any]
Change = Callable[[random.Random, Body], None]

CAPABILITIES = [
    "CHOWN",
    "KILL",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SYS_ADMIN",
    "SYS_TIME",
    "ALL",
    "CAP_KILL",
]
SYSCTLS = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_mem",
    "kernel.msgmax",
    "net.core.somaxconn",
]
VOLUMES: list[Body] = [
    {"configMap": {"name": "c"}},
    {"csi": {"driver": "csi.example"}},
    {"downwardAPI": {}},
    {"emptyDir": {}},
    {},
    {"image": {"reference": "registry.example/data:1"}},
    {"persistentVolumeClaim": {"claimName": "c"}},
    {"projected": {"sources": [{"secret": {"name": "s"}}]}},
    {"secret": {"secretName": "s"}},
    {"hostPath": {"path": "/data"}},
    {"nfs": {"server": "nfs.example", "path": "/"}},
    {"iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2026-01.example:data", "lun": 0}},
    {"awsElasticBlockStore": {"volumeID": "vol-1"}},
    {"flexVolume": {"driver": "example/driver"}},
]
SELINUX: list[Body] = [
    {"type": "container_t"},
    {"type": "container_engine_t"},
    {"type": "spc_t"},
    {"level": "s0:c1,c2"},
    {"user": "system_u"},
    {"role": "system_r"},
    {"type": ""},
]
PROFILES: list[Body] = [
    {"type": "RuntimeDefault"},
    {"type": "Localhost", "localhostProfile": "a.json"},
    {"type": "Unconfined"},
]
HOSTS = ["", "127.0.0.1", "169.254.169.254"]


def pod(chance: random.Random, number: int) -> Body:
    """A pod of one to three containers; half of them start from what the restricted standard asks."""
    body: Body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"p{number}"},
        "spec": {"containers": [_container("c0")]},
    }
    spec = body["spec"]
    if chance.random() < 0.4:
        spec["initContainers"] = [_container("i0")]
    if chance.random() < 0.3:
        spec["containers"].append(_container("c1"))
    is_for_windows = chance.random() < 0.1
    if is_for_windows:
        _for_windows(chance, body)
    elif chance.random() < 0.6:
        _hardened(chance, body)
    changes = WINDOWS_CHANGES if spec.get("os") else CHANGES
    for change in chance.choices(changes, k=chance.choice([0, 1, 1, 1, 2, 3])):
        change(chance, body)
    _repaired(spec)
    return body


def _container(name: str) -> Body:
    return {"name": name, "image": "registry.example/app:1"}


def _containers(spec: Body) -> list[Body]:
    return [*spec["containers"], *spec.get("initContainers", ())]


def _any_context(chance: random.Random, spec: Body) -> Body:
    holder = chance.choice([spec, *_containers(spec)])
    found: Body = holder.setdefault("securityContext", {})
    return found


def _context(chance: random.Random, spec: Body) -> Body:
    found: Body = chance.choice(_containers(spec)).setdefault("securityContext", {})
    return found


def _hardened(chance: random.Random, body: Body) -> None:
    spec = body["spec"]
    spec["securityContext"] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for container in _containers(spec):
        container["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


def _for_windows(chance: random.Random, body: Body) -> None:
    spec = body["spec"]
    if chance.random() < 0.6:
        spec["os"] = {"name": "windows"}
    if chance.random() < 0.6:
        spec["nodeSelector"] = {"kubernetes.io/os": "windows"}
    if chance.random() < 0.5:
        spec["securityContext"] = {"runAsNonRoot": True}
    if not spec.get("os") and chance.random() < 0.5:
        _hardened(chance, body)


def _repaired(spec: Body) -> None:
    """Takes out what the API server refuses whatever the standards say."""
    for container in _containers(spec):
        context = container.get("securityContext", {})
        added = context.get("capabilities", {}).get("add", ())
        is_strong = context.get("privileged") is True or "CAP_SYS_ADMIN" in added
        if is_strong and context.get("allowPrivilegeEscalation") is False:
            del context["allowPrivilegeEscalation"]
        if context.get("procMount") == "Unmasked":
            spec["hostUsers"] = False
    contexts = [holder.get("securityContext", {}) for holder in (spec, *_containers(spec))]
    if any(c.get("windowsOptions", {}).get("hostProcess") for c in contexts):
        spec["hostNetwork"] = True
        spec.setdefault("securityContext", {}).setdefault("windowsOptions", {})["hostProcess"] = True
        for context in contexts[1:]:
            context.get("windowsOptions", {}).pop("hostProcess", None)
    if spec.get("hostNetwork"):
        for container in _containers(spec):
            for port in container.get("ports", ()):
                port["hostPort"] = port["containerPort"]
    if spec.get("hostUsers") is False:
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            spec.pop(field, None)


def _field(name: str, values: list[Any]) -> Change:
    def change(chance: random.Random, body: Body) -> None:
        _any_context(chance, body["spec"])[name] = chance.choice(values)

    return change


def _of_container(name: str, values: list[Any]) -> Change:
    def change(chance: random.Random, body: Body) -> None:
        _context(chance, body["spec"])[name] = chance.choice(values)

    return change


def _of_spec(name: str, values: list[Any]) -> Change:
    def change(chance: random.Random, body: Body) -> None:
        body["spec"][name] = chance.choice(values)

    return change


def _capabilities(chance: random.Random, body: Body) -> None:
    context = _context(chance, body["spec"])
    capabilities = context.setdefault("capabilities", {})
    capabilities[chance.choice(["add", "add", "drop"])] = chance.sample(CAPABILITIES, chance.choice([1, 2]))


def _port(chance: random.Random, body: Body) -> None:
    port: Body = {"containerPort": chance.choice([80, 8080])}
    if chance.random() < 0.6:
        port["hostPort"] = port["containerPort"]
    chance.choice(_containers(body["spec"]))["ports"] = [port]


def _volume(chance: random.Random, body: Body) -> None:
    volumes = chance.sample(VOLUMES, chance.choice([1, 2]))
    body["spec"]["volumes"] = [{"name": f"v{i}", **volume} for i, volume in enumerate(volumes)]


def _sysctl(chance: random.Random, body: Body) -> None:
    names = chance.sample(SYSCTLS, chance.choice([1, 2]))
    body["spec"].setdefault("securityContext", {})["sysctls"] = [{"name": n, "value": "1"} for n in names]


def _probe(chance: random.Random, body: Body) -> None:
    handler: Body = chance.choice([{"httpGet": {"port": 80, "path": "/"}}, {"tcpSocket": {"port": 80}}])
    host = chance.choice(HOSTS)
    if host:
        next(iter(handler.values()))["host"] = host
    container = chance.choice(body["spec"]["containers"])
    if chance.random() < 0.5:
        container[chance.choice(["livenessProbe", "readinessProbe", "startupProbe"])] = handler
    else:
        container["lifecycle"] = {chance.choice(["postStart", "preStop"]): handler}


def _annotation(chance: random.Random, body: Body) -> None:
    key = "container.apparmor.security.beta.kubernetes.io/c0"
    value = chance.choice(["unconfined", "runtime/default", "localhost/a"])
    body["metadata"]["annotations"] = {key: value}


CHANGES: list[Change] = [
    _of_container("privileged", [True, False]),
    _of_container("allowPrivilegeEscalation", [True, False]),
    _of_container("procMount", ["Default", "Unmasked"]),
    _capabilities,
    _capabilities,
    _field("runAsNonRoot", [True, False]),
    _field("runAsUser", [0, 1000]),
    _field("seccompProfile", PROFILES),
    _field("appArmorProfile", PROFILES),
    _field("seLinuxOptions", SELINUX),
    _field(
        "windowsOptions", [{"hostProcess": True}, {"hostProcess": False}, {"runAsUserName": "ContainerUser"}]
    ),
    _of_spec("hostNetwork", [True, False]),
    _of_spec("hostPID", [True, False]),
    _of_spec("hostIPC", [True, False]),
    _of_spec("hostUsers", [True, False]),
    _of_spec("nodeSelector", [{"kubernetes.io/os": "windows"}, {"kubernetes.io/os": "linux"}]),
    _port,
    _volume,
    _volume,
    _sysctl,
    _probe,
    _annotation,
]
WINDOWS_CHANGES: list[Change] = [
    _field("runAsNonRoot", [True, False]),
    _field("windowsOptions", [{"hostProcess": True}, {"runAsUserName": "ContainerUser"}]),
    _port,
    _volume,
    _probe,
]
