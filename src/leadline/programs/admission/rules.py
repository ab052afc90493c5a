"""What the API server is to ask about: the kinds that the controls look at which admission asks."""

from collections.abc import Iterable
from typing import Any

from leadline.kube.kinds import ADDED, ADDED_WORKLOADS, BUILT_IN, WORKLOADS, split_key
from leadline.model.control import BuiltControl
from leadline.posture.required_kinds import kinds_judged

_RBAC = "rbac.authorization.k8s.io"
GUARDED = frozenset({*WORKLOADS, *ADDED_WORKLOADS, *(key for key in BUILT_IN if split_key(key)[1] == _RBAC)})
"""What runs, and who may do what: as soon as anything is denied, what of these cannot be judged is denied too."""
NEVER_ASKED = "admissionregistration.k8s.io"
"""Of its own webhooks the API server asks none, lest one that is broken cannot be taken away."""
WRITTEN_BY_KUBERNETES = frozenset(
    {
        "Lease.coordination.k8s.io",
        "LeaseCandidate.coordination.k8s.io",
        "EndpointSlice.discovery.k8s.io",
        "Endpoints",
        "Event",
        "CSIStorageCapacity.storage.k8s.io",
        "Node",
    }
)
"""Its own parts write these all the time, and no person does: scans judge them."""
_OF_NODES = "hostdata.kubescape.cloud"
"""What the node part of the chart writes about nodes."""
_WHOLE_PODS = ("pods/ephemeralcontainers", "pods/resize")


def kinds_of(controls: Iterable[BuiltControl]) -> tuple[str, ...]:
    """Keys of kinds, ``Deployment.apps``, sorted. Secrets are a choice, and a rule of their own."""
    kinds = {
        key
        for key in kinds_judged(controls) - WRITTEN_BY_KUBERNETES
        if split_key(key)[1] not in (NEVER_ASKED, _OF_NODES)
    }
    return tuple(sorted(kinds - {"Secret"}))


def rules_of(controls: Iterable[BuiltControl], *, guarded: bool | None = None) -> list[dict[str, Any]]:
    """The ``rules`` of a ValidatingWebhookConfiguration, one for each API group. Every version of a kind is meant.

    ``guarded``: only of ``GUARDED`` kinds, or only of the others; ``None`` for all.
    """
    groups: dict[str, list[str]] = {}
    for key in kinds_of(controls):
        if guarded is not None and (key in GUARDED) is not guarded:
            continue
        known = BUILT_IN.get(key) or ADDED.get(key)
        if known is not None:
            groups.setdefault(split_key(key)[1], []).append(known.plural)
    if "pods" in groups.get("", ()):
        groups[""] += _WHOLE_PODS
    return [
        {
            "apiGroups": [group],
            "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE"],
            "resources": sorted(groups[group]),
            "scope": "*",
        }
        for group in sorted(groups)
    ]
