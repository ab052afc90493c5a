"""All that a control file imports.

A control is one function. The type of its first argument says what it is run on, an ``Inventory`` as
the second gives it the joins, and keyword-only arguments are its settings::

    @control("C-0046", "Insecure capabilities", score=7.0, category="Workload")
    def insecure_capabilities(container: Container, *, insecure_capabilities: tuple[str, ...] = (...)) -> Violations:
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from leadline.kube.bootstrap import grants_only_public_facts
from leadline.kube.cipher_suites import ACCEPTED_SUITES, INSECURE_SUITES, STRONG_SUITES
from leadline.kube.image_name import ImageName, is_below, parse_image_name
from leadline.kube.kinds import REMOVED_KINDS, removal_of
from leadline.kube.network_policy import POLICY_KINDS
from leadline.kube.pod_security import ENFORCE, enforces
from leadline.kube.rbac import RBAC_KINDS, Grant
from leadline.kube.role_rules import CORE, RuleMatch, ask
from leadline.kube.selector import compile_pairs, compile_selector, without_controller_labels
from leadline.kube.version import is_within, parse_version
from leadline.model.control import YOUR_VALUE, Control, Missing, NotJudged, Remove, Review, Set, Violations
from leadline.model.resource import Resource
from leadline.posture.checks.container_security import (
    privilege_escalation,
    privileged,
    root_user,
    runs_linux,
    writable_root_filesystem,
)
from leadline.posture.checks.credentials import rules_for
from leadline.posture.checks.exposure import (
    ROUTE_KINDS,
    ROUTES,
    backend_services,
    gateway_exposures,
    ingress_exposures,
    route_services,
    service_exposures,
)
from leadline.posture.checks.istio import MESH_KINDS, mesh_exposures
from leadline.posture.checks.judgement import (
    GUARD_KINDS,
    SENSITIVE_KEY_NAMES,
    SENSITIVE_VALUES,
    all_meet,
    bounds_of,
    credentials_of,
    default_namespace,
    evidence_of,
    has_limit,
    has_network_policy,
    has_request,
    mounts_of,
    outside,
    policies_guard,
    token_of,
)
from leadline.posture.checks.pod_context import container_context, pod_context
from leadline.posture.checks.rbac_queries import (
    APPROVE_CERTIFICATES,
    BIND_OR_ESCALATE,
    CHANGE_ADMISSION,
    CREATE_PODS,
    CREATE_TOKENS,
    EVERYTHING,
    FORWARD_PORTS,
    IMPERSONATE,
    REACH_KUBELETS,
    READ_SECRETS,
    RUN_COMMANDS,
    TAKEOVER,
    beyond_reading,
)
from leadline.posture.checks.target_completeness import expect, expect_cluster, expect_pods
from leadline.posture.control_plane import (
    ApiServer,
    ControllerManager,
    ControlPlaneProcess,
    Etcd,
    Flag,
    Scheduler,
)
from leadline.posture.inventory import WORKLOADS, Inventory, kind_name
from leadline.posture.subject import Container, Namespace, Workload, mapping, mappings, sequence, text

__all__ = [
    "ACCEPTED_SUITES",
    "APPROVE_CERTIFICATES",
    "BIND_OR_ESCALATE",
    "CHANGE_ADMISSION",
    "CORE",
    "CREATE_PODS",
    "CREATE_TOKENS",
    "ENFORCE",
    "EVERYTHING",
    "FORWARD_PORTS",
    "GUARD_KINDS",
    "IMPERSONATE",
    "INSECURE_SUITES",
    "MESH_KINDS",
    "POLICY_KINDS",
    "RBAC_KINDS",
    "REACH_KUBELETS",
    "READ_SECRETS",
    "REMOVED_KINDS",
    "ROUTES",
    "ROUTE_KINDS",
    "RUN_COMMANDS",
    "SENSITIVE_KEY_NAMES",
    "SENSITIVE_VALUES",
    "STRONG_SUITES",
    "TAKEOVER",
    "WORKLOADS",
    "YOUR_VALUE",
    "ApiServer",
    "Container",
    "Control",
    "ControlPlaneProcess",
    "ControllerManager",
    "Etcd",
    "Flag",
    "Grant",
    "ImageName",
    "Inventory",
    "Missing",
    "Namespace",
    "NotJudged",
    "Remove",
    "Resource",
    "Review",
    "RuleMatch",
    "Scheduler",
    "Set",
    "Violations",
    "Workload",
    "all_meet",
    "ask",
    "backend_services",
    "beyond_reading",
    "bounds_of",
    "compile_pairs",
    "compile_selector",
    "container_context",
    "control",
    "credentials_of",
    "default_namespace",
    "enforces",
    "evidence_of",
    "expect",
    "expect_cluster",
    "expect_pods",
    "gateway_exposures",
    "grants_only_public_facts",
    "has_limit",
    "has_network_policy",
    "has_request",
    "ingress_exposures",
    "is_below",
    "is_within",
    "kind_name",
    "manual",
    "mapping",
    "mappings",
    "mesh_exposures",
    "mounts_of",
    "not_built",
    "outside",
    "parse_image_name",
    "parse_version",
    "pod_context",
    "policies_guard",
    "privilege_escalation",
    "privileged",
    "removal_of",
    "root_user",
    "route_services",
    "rules_for",
    "runs_linux",
    "sequence",
    "service_exposures",
    "text",
    "token_of",
    "without_controller_labels",
    "writable_root_filesystem",
]

SUBJECTS: tuple[type, ...] = (
    Workload,
    Container,
    Grant,
    Namespace,
    Resource,
    ApiServer,
    ControllerManager,
    Scheduler,
    Etcd,
)

Check = Callable[..., Violations]


def control(
    id: str,
    title: str,
    *,
    score: float,
    category: str,
    kinds: tuple[str, ...] = (),
    reads: tuple[str, ...] = (),
    applies: Callable[..., bool] | None = None,
    cloud: str = "",
    needs_setting: bool = False,
) -> Callable[[Check], Control]:
    """Makes a ``Control`` of a check.

    ``reads`` names the kinds that a join looks at. ``kinds`` is for checks over a ``Resource``: ``("Service", "Ingress.networking.k8s.io")``. ``applies``
    says which subjects are judged at all; the others count neither as passed nor as failed. ``cloud``
    is for a control that makes sense on the clusters of one service alone, ``needs_setting`` for one that has
    nothing to judge by while all its settings are empty.

    Raises:
        TypeError: the check's first argument is of no type that the engine can supply.
    """

    def make(check: Check) -> Control:
        subject, joins = _arguments(check)
        if subject not in SUBJECTS:
            raise TypeError(f"{id}: the first argument must be annotated with one of {_names(SUBJECTS)}")
        if (subject is Resource) != bool(kinds):
            raise TypeError(f"{id}: kinds= goes with a check over a Resource, and only with it")
        return Control(
            id,
            title,
            score,
            category,
            doc=_documentation(check),
            module=check.__module__,
            subject=subject,
            kinds=kinds,
            check=check,
            joins=joins,
            reads=reads,
            applies=applies,
            cloud=cloud,
            settings=_settings(id, check),
            needs_setting=needs_setting,
        )

    return make


def manual(id: str, title: str, *, score: float, category: str, look_at: str, cloud: str = "") -> Control:
    """A control that only a person can judge. ``look_at`` says in one sentence what to look at."""
    module = sys._getframe(1).f_globals
    return Control(
        id, title, score, category, module["__doc__"] or "", module["__name__"], manual=look_at, cloud=cloud
    )


def not_built(id: str, title: str, *, score: float, category: str, needs: str, cloud: str = "") -> Control:
    """A control that cannot judge yet. ``needs`` names the facts that are not read: ``"kubelet settings of the nodes"``."""
    module = sys._getframe(1).f_globals
    return Control(
        id, title, score, category, module["__doc__"] or "", module["__name__"], needs=needs, cloud=cloud
    )


def _arguments(check: Check) -> tuple[type | None, bool]:
    """The type of the first argument, and whether there is a second."""
    code = check.__code__
    count = code.co_argcount
    if not count:
        return None, False
    annotation: Any = check.__annotations__.get(code.co_varnames[0])
    if isinstance(annotation, str):
        annotation = get_type_hints(check).get(code.co_varnames[0])
    return annotation, count > 1


def _settings(id: str, check: Check) -> Mapping[str, tuple[str, ...]]:
    settings: dict[str, tuple[str, ...]] = check.__kwdefaults__ or {}
    for name, default in settings.items():
        if not isinstance(default, tuple) or not all(isinstance(value, str) for value in default):
            raise TypeError(f"{id}: the default of setting {name} must be a tuple of texts")
    return settings


def _documentation(check: Check) -> str:
    return check.__globals__.get("__doc__") or check.__doc__ or ""


def _names(types: tuple[type, ...]) -> str:
    return ", ".join(t.__name__ for t in types)
