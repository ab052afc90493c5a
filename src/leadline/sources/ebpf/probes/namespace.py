"""Namespaces made and entered; see ``namespace.bpf.c``."""

from leadline.model.event import NamespaceChanged
from leadline.sources.ebpf.probe import Fields, Head, Probe, call_decoder, number

_NAMES = {
    0x80: "time",
    0x20000: "mount",
    0x2000000: "cgroup",
    0x4000000: "uts",
    0x8000000: "ipc",
    0x10000000: "user",
    0x20000000: "pid",
    0x40000000: "network",
}
"""The flags of clone(2)."""
_CALLS = ("", "unshare", "setns", "clone")


def namespace_changed(head: Head, fields: Fields, texts: tuple[str, str]) -> NamespaceChanged:
    names = tuple(name for bit, name in _NAMES.items() if number(fields[1]) & bit)
    return NamespaceChanged(*head, call=_CALLS[number(fields[2]) & 3], namespaces=names)


NAMESPACE = Probe(
    "namespace",
    ("enter_unshare", "enter_setns", "enter_clone", "enter_clone3"),
    "which namespaces are made or entered",
    (call_decoder("RECORD_NAMESPACE", namespace_changed),),
)
