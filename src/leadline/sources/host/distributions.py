"""Where the distributions of Kubernetes keep the files of a node; the table is ``distributions.toml``."""

import tomllib
from importlib.resources import files

import msgspec
from msgspec import Struct

from leadline.sources.host.root_tree import RootTree


class Distribution(Struct, frozen=True, forbid_unknown_fields=True):
    """Of each list of paths the first that is there counts."""

    name: str
    source: str
    """Where its makers say so."""
    marks: tuple[str, ...]
    """The node is its own where one of these is there; none for what is taken where nothing else is found."""
    config: tuple[str, ...] = ()
    drop_ins: tuple[str, ...] = ()
    """Folders with drop-ins of the kubelet's configuration."""
    arguments: str = ""
    """The folder in which a file for each program holds its flags."""
    kubeconfig: tuple[str, ...] = ()
    client_ca: tuple[str, ...] = ()
    proxy_kubeconfig: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    """What its kubelet shows at its port, beside the usual places."""
    units: tuple[str, ...] = ()
    """Of systemd, those that start the kubelet."""
    manifests: tuple[str, ...] = ()
    """The folder of the static Pods."""
    pki: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()
    super_admin: tuple[str, ...] = ()
    scheduler: tuple[str, ...] = ()
    controller_manager: tuple[str, ...] = ()
    etcd_data: tuple[str, ...] = ()
    cloud_config: tuple[str, ...] = ()
    cni: tuple[str, ...] = ()
    """Folders."""


class _Table(Struct, frozen=True):
    distribution: tuple[Distribution, ...]


def distributions() -> tuple[Distribution, ...]:
    text = files("leadline.sources.host").joinpath("distributions.toml").read_text()
    return msgspec.convert(tomllib.loads(text), _Table).distribution


def distribution_of(tree: RootTree) -> Distribution:
    """The node's own, by the files that are there; a mark that cannot be looked at counts as none."""
    known = distributions()
    for one in known:
        if any(_is_there(tree, mark) for mark in one.marks):
            return one
    return known[-1]


def _is_there(tree: RootTree, path: str) -> bool:
    try:
        return tree.fact(path) is not None
    except OSError:
        return False
