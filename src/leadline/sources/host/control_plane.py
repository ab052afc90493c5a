"""The control plane of a node: its static Pods or processes, and the owner and mode of every file that the benchmarks name."""

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from leadline.kube.kubelet_settings import flags_in
from leadline.model.host import ApiServerFacts, ControlPlaneFacts, FileFact, ProcessFacts
from leadline.model.resource import resource_of
from leadline.posture.control_plane import process_of
from leadline.posture.subject import Workload, mapping, mappings, sequence, text
from leadline.sources.host.commands import Words
from leadline.sources.host.distributions import Distribution
from leadline.sources.host.gathering import Gathering
from leadline.sources.host.root_tree import RootTree

_COMPONENTS = {
    "kube-apiserver": "APIServerInfo",
    "kube-controller-manager": "controllerManagerInfo",
    "kube-scheduler": "schedulerInfo",
    "etcd": "etcdConfigFile",
}
_MOST_ENTRIES = 500
_OF_MANIFESTS = (
    *("APIServerInfo.specsFile", "APIServerInfo.encryption", "APIServerInfo.auditPolicy"),
    *("controllerManagerInfo.specsFile", "schedulerInfo.specsFile", "etcdConfigFile", "etcdDataDir"),
)


class _Component(NamedTuple):
    """One of the control plane's programs on this node."""

    words: Words = ()
    manifest: str = ""
    pod: dict[str, Any] | None = None

    def flag(self, name: str) -> str:
        """The path that a flag names, as the node sees it: what the Pod mounts of the node is taken into account."""
        given = flags_in(self.words).get(name, ("",))[-1]
        return _on_node(given, self.pod) if given.startswith("/") else ""


def control_plane_facts(
    tree: RootTree, node: str, own: Distribution, running: Mapping[str, Words], manifests: str
) -> tuple[ControlPlaneFacts | None, tuple[dict[str, Any], ...]]:
    """What there is of a control plane, ``None`` on a node without one, and its static Pods.

    ``manifests`` is the folder from which the kubelet starts Pods; empty for the distribution's own.
    """
    gathering = Gathering(tree)
    components, pods = _components(gathering, node, tuple(filter(None, (manifests,))) or own.manifests)
    for program, words in running.items():
        if program in _COMPONENTS and program not in components:
            components[program] = _Component(words)
    admin = gathering.file("adminConfigFile", *own.admin)
    if not components and admin is None:
        return None, ()
    server = components.get("kube-apiserver", _Component())
    etcd = components.get("etcd", _Component())
    folder = server.flag("client-ca-file").rpartition("/")[0]
    pki_dir = gathering.file("PKIDir", *own.pki, folder)
    data = etcd.flag("data-dir") or _environment(etcd.pod, "ETCD_DATA_DIR")
    facts = ControlPlaneFacts(
        node,
        api_server_info=_server(gathering, server),
        controller_manager_info=_process(
            gathering, components, "kube-controller-manager", own.controller_manager
        ),
        scheduler_info=_process(gathering, components, "kube-scheduler", own.scheduler),
        etcd_config_file=gathering.file("etcdConfigFile", etcd.manifest),
        etcd_data_dir=gathering.file("etcdDataDir", data, *own.etcd_data),
        admin_config_file=admin,
        super_admin_config_file=gathering.file("superAdminConfigFile", *own.super_admin),
        pki_dir=pki_dir,
        pki_files=_pki_files(gathering, pki_dir),
        unread=(),
    )
    return _with_unread(facts, gathering), pods


def _with_unread(facts: ControlPlaneFacts, gathering: Gathering) -> ControlPlaneFacts:
    from msgspec.structs import replace

    return replace(facts, unread=gathering.unread)


def _components(
    gathering: Gathering, node: str, folders: Sequence[str]
) -> tuple[dict[str, _Component], tuple[dict[str, Any], ...]]:
    found: dict[str, _Component] = {}
    pods: list[dict[str, Any]] = []
    for folder in folders:
        nothing: list[str] = []
        for field in _OF_MANIFESTS:
            # What a folder holds that cannot be read may be any of them.
            gathering.tried(field, folder, lambda folder=folder: gathering.tree.names(folder), nothing)  # type: ignore[misc]
        for path in gathering.below("manifests", folder, 1):
            if path.rpartition("/")[2].startswith("."):
                continue
            name = path.rpartition("/")[2].rpartition(".")[0]
            body = gathering.document(f"{_field(name)}", path)
            if body is None or body.get("kind") != "Pod":
                continue
            pod = _as_served(body, node)
            pods.append(pod)
            resource = resource_of(pod)
            process = process_of(resource)
            if process is None:
                continue
            containers = (c for c in Workload(resource, ()).containers if c.list == "containers")
            words = tuple(word for c in containers for _, word in c.command_line)
            found[process.program] = _Component(words, path, pod)
    return found, tuple(pods)


def _field(program: str) -> str:
    field = _COMPONENTS.get(program, "manifests")
    return field if program in ("etcd", "") or field == "manifests" else f"{field}.specsFile"


def _as_served(body: dict[str, Any], node: str) -> dict[str, Any]:
    """A static Pod as the API server shows it: the node's name behind its own."""
    metadata = mapping(body.get("metadata"))
    name, namespace = text(metadata.get("name")), text(metadata.get("namespace")) or "default"
    return {
        **body,
        "metadata": {**metadata, "name": f"{name}-{node}" if node else name, "namespace": namespace},
    }


def _server(gathering: Gathering, server: _Component) -> ApiServerFacts | None:
    if not server.words and not server.manifest:
        return None
    place = "APIServerInfo"
    encryption, audit = server.flag("encryption-provider-config"), server.flag("audit-policy-file")
    return ApiServerFacts(
        gathering.file(f"{place}.specsFile", server.manifest),
        " ".join(server.words),
        server.words,
        gathering.file(f"{place}.encryptionProviderConfigFile", encryption),
        gathering.file(f"{place}.auditPolicyFile", audit),
        _encryption(gathering, f"{place}.encryption", encryption) if encryption else None,
        _audit(gathering, f"{place}.auditPolicy", audit) if audit else None,
    )


def _process(
    gathering: Gathering, components: Mapping[str, _Component], program: str, kubeconfigs: Sequence[str]
) -> ProcessFacts | None:
    field, one = _COMPONENTS[program], components.get(program, _Component())
    manifest = gathering.file(f"{field}.specsFile", one.manifest)
    kubeconfig = gathering.file(f"{field}.configFile", one.flag("kubeconfig"), *kubeconfigs)
    if manifest is None and kubeconfig is None and not one.words:
        return None
    return ProcessFacts(manifest, kubeconfig, " ".join(one.words), one.words)


def _pki_files(gathering: Gathering, folder: FileFact | None) -> tuple[FileFact, ...]:
    """With the folders below: who owns one may put other keys there."""
    if folder is None:
        return ()
    paths = gathering.below("PKIFiles", folder.path)
    folders = {posixpath.dirname(path) for path in paths} - {folder.path}
    return gathering.files("PKIFiles", [*sorted(folders), *paths])


def _encryption(gathering: Gathering, field: str, path: str) -> tuple[dict[str, Any], ...] | None:
    """Kinds and types of providers, and never a key."""
    body = _named(gathering, field, path)
    if body is None:
        return None
    return tuple(
        {
            "resources": [name for name in sequence(entry.get("resources")) if isinstance(name, str)],
            "providers": [
                {"type": type} | ({"name": text(mapping(said).get("name"))} if type == "kms" else {})
                for _, provider in mappings(entry.get("providers"))
                for type, said in provider.items()
            ],
        }
        for index, entry in mappings(body.get("resources"))
        if index < _MOST_ENTRIES
    )


def _audit(gathering: Gathering, field: str, path: str) -> tuple[dict[str, Any], ...] | None:
    body = _named(gathering, field, path)
    return None if body is None else tuple(rule for _, rule in mappings(body.get("rules")))[:_MOST_ENTRIES]


def _named(gathering: Gathering, field: str, path: str) -> dict[str, Any] | None:
    """What a file holds that a flag names; one that is not there is among what was not read."""
    body = gathering.document(field, path)
    if body is None:
        gathering.miss(field, path, "the file that the flag names is not there")
    return body


def _on_node(path: str, pod: dict[str, Any] | None) -> str:
    """``path`` of a container as its node sees it, where the Pod mounts it from there."""
    spec = mapping((pod or {}).get("spec"))
    folders = {
        text(volume.get("name")): text(mapping(volume.get("hostPath")).get("path"))
        for _, volume in mappings(spec.get("volumes"))
    }
    best, place = "", path
    for _, container in mappings(spec.get("containers")):
        for _, mount in mappings(container.get("volumeMounts")):
            at, folder = text(mount.get("mountPath")).rstrip("/"), folders.get(text(mount.get("name")), "")
            is_within = bool(at) and (path == at or path.startswith(f"{at}/"))
            if folder and is_within and len(at) > len(best):
                best, place = at, folder.rstrip("/") + path.removeprefix(at)
    return place


def _environment(pod: dict[str, Any] | None, name: str) -> str:
    for _, container in mappings(mapping((pod or {}).get("spec")).get("containers")):
        for _, variable in mappings(container.get("env")):
            value = text(variable.get("value"))
            if variable.get("name") == name and value.startswith("/"):
                return _on_node(value, pod)
    return ""
