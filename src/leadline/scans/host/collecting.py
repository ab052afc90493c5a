"""Reads a node and writes what it says as objects of ``hostdata.kubescape.cloud``."""

from typing import Any

import msgspec
import orjson

from leadline.model.control import BuiltControl
from leadline.model.host import API_VERSION, HostFacts
from leadline.posture.fact_kinds import how_to_get
from leadline.sources.host.node import host_facts, read_configz
from leadline.sources.regular_file import read_given

_MOST_BYTES = 4 << 20


def collect(root: str, node: str = "", *, kubelet_version: str = "", configz: str = "") -> HostFacts:
    """The facts of the node below ``root``; ``configz`` is a file with the kubelet's own answer, empty for none.

    Raises: ``SourceError``.
    """
    said = None
    if configz:
        said = read_configz(read_given(configz, _MOST_BYTES))
    return host_facts(root, node, kubelet_version=kubelet_version, configz=said)


def facts_needed(control: BuiltControl) -> str:
    """What to run for the facts that ``control`` judges; empty where it judges objects of clusters and files."""
    return how_to_get(control.kinds)


def facts_objects(facts: HostFacts) -> list[dict[str, Any]]:
    """One object of each kind, named as the node."""
    return [
        {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": facts.node},
            "spec": msgspec.to_builtins(one),
        }
        for kind, one in facts.objects
    ]


def facts_document(facts: HostFacts) -> bytes:
    """A ``List`` of the objects and of the node's static Pods, as JSON with an end of line."""
    document = {"apiVersion": "v1", "kind": "List", "items": [*facts_objects(facts), *facts.static_pods]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
