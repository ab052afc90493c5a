"""The kubelet of a node, and kube-proxy beside it: how they were started, the files they name, the settings that hold."""

import posixpath
from collections.abc import Mapping
from typing import Any

from leadline.kube.kubelet_settings import Source, flags_in, settings_of_configz, settings_that_hold
from leadline.model.host import KubeletFacts, KubeProxyFacts
from leadline.model.kubelet_setting import Setting
from leadline.sources.host.commands import Words, command_of_units, unit_files
from leadline.sources.host.distributions import Distribution
from leadline.sources.host.gathering import Gathering
from leadline.sources.host.root_tree import RootTree

_NOT_KNOWN = "neither a process of the kubelet nor a unit that starts it was found"
_CONFIG = "configFile"


def kubelet_facts(
    tree: RootTree,
    node: str,
    own: Distribution,
    running: Mapping[str, Words],
    *,
    version: str = "",
    configz: Mapping[str, Any] | None = None,
) -> KubeletFacts:
    """``configz`` is what the kubelet itself says of its settings; it then goes before all that files say."""
    gathering = Gathering(tree)
    units = _units(gathering, own)
    words = _words(gathering, own, running, units)
    flags = flags_in(words or ())
    config = _last(flags, "config") or _first(gathering, _CONFIG, own.config)
    folders = tuple(filter(None, (_last(flags, "config-dir"),))) or own.drop_ins
    drop_ins = [
        path
        for folder in folders
        for path in gathering.below("dropInFiles", folder)
        if path.endswith(".conf")
    ]
    sources = _sources(gathering, config, drop_ins)
    settings = settings_that_hold(words, sources, version) if words is not None else ()
    if configz is not None:
        settings = _merged(settings_of_configz(configz), settings)
    elif words is None:
        gathering.miss(
            "settings", "/proc", _NOT_KNOWN, "give the flags by a running kubelet, or its unit of systemd"
        )
    # Flags go before files: without them, what a file says need not hold.
    ca = next((str(one.value) for one in settings if one.name == "authentication.x509.clientCAFile"), "")
    return KubeletFacts(
        node,
        distribution=own.name,
        cmd_line=" ".join(words or ()),
        service_files=gathering.files("serviceFiles", units),
        config_file=gathering.file(_CONFIG, config),
        drop_in_files=gathering.files("dropInFiles", drop_ins),
        kube_config_file=gathering.file("kubeConfigFile", _last(flags, "kubeconfig"), *own.kubeconfig),
        client_ca_file=gathering.file("clientCAFile", ca, *own.client_ca),
        cloud_config_file=gathering.file("cloudConfigFile", *own.cloud_config),
        settings=settings,
        unread=gathering.unread,
    )


def proxy_facts(tree: RootTree, node: str, own: Distribution, running: Mapping[str, Words]) -> KubeProxyFacts:
    """A kube-proxy that runs in a pod has its kubeconfig from there, and none on the node."""
    gathering = Gathering(tree)
    words = running.get("kube-proxy", ())
    named = _last(flags_in(words), "kubeconfig")
    return KubeProxyFacts(
        node,
        kube_config_file=gathering.file("kubeConfigFile", named, *own.proxy_kubeconfig),
        cmd_line=" ".join(words),
        unread=gathering.unread,
    )


def _units(gathering: Gathering, own: Distribution) -> tuple[str, ...]:
    nothing: tuple[str, ...] = ()
    return gathering.tried(
        "serviceFiles", "/etc/systemd/system", lambda: unit_files(gathering.tree, own.units), nothing
    )


def _words(
    gathering: Gathering, own: Distribution, running: Mapping[str, Words], units: tuple[str, ...]
) -> Words | None:
    if "kubelet" in running:
        return running["kubelet"]
    if own.arguments:
        path = f"{own.arguments}/kubelet"
        content = gathering.content("settings", path)
        if content is not None:
            lines = content.decode("utf-8", "replace").splitlines()
            return ("kubelet", *(word for line in lines if not line.startswith("#") for word in line.split()))
    found = gathering.tried("serviceFiles", "systemd", lambda: command_of_units(gathering.tree, units), None)
    return found if found and found[0].rpartition("/")[2] in ("kubelet", "hyperkube") else None


def _sources(gathering: Gathering, config: str, drop_ins: list[str]) -> tuple[Source, ...] | None:
    """``None`` where one of the files could not be read: what holds is then not known."""
    found: list[Source] = []
    for origin, field, path in [
        *(("file", _CONFIG, config) for _ in range(bool(config))),
        *(("drop-in", "dropInFiles", path) for path in drop_ins),
    ]:
        body = gathering.document(field, path)
        if body is None:
            if not any(one.path == path for one in gathering.unread):
                gathering.miss(field, path, "the kubelet's configuration is not there or holds no object")
            if field != _CONFIG:
                gathering.miss("settings", path, "a drop-in of the configuration was not read")
            return None
        found.append((origin, path, body))  # type: ignore[arg-type]
    return tuple(found)


def _merged(said: tuple[Setting, ...], read: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """What the kubelet says, and of the rest what was read; where both agree, the file or flag is the better origin."""
    known = {one.name: one for one in read}
    answered = {one.name for one in said}
    first = tuple(
        known[one.name] if one.name in known and known[one.name].value == one.value else one for one in said
    )
    return (*first, *(one for one in read if one.name not in answered))


def _first(gathering: Gathering, field: str, paths: tuple[str, ...]) -> str:
    found = gathering.file(field, *paths)
    return found.path if found else ""


def _last(flags: Mapping[str, tuple[str, ...]], name: str) -> str:
    """The path that a flag names, as the node sees it; where a relative one starts is not known."""
    value = flags[name][-1] if name in flags else ""
    return posixpath.normpath(value) if value.startswith("/") else ""
