"""What makes a workload fail, or keeps others from knowing what it does."""

from leadline.kube.kinds import REMOVED_KINDS, removal_of
from leadline.kube.version import parse_version
from leadline.posture import control_examples as examples
from leadline.posture.checks.target_completeness import expect, expect_cluster
from leadline.posture.control import (
    Container,
    Inventory,
    Remove,
    Resource,
    Review,
    Set,
    Violations,
    Workload,
    control,
    mapping,
    sequence,
    text,
)
from leadline.posture.control_families import pod_control

RUN_BY_OTHERS = frozenset({"kubernetes.io/config.mirror", "helm.sh/hook", "argocd.argoproj.io/hook"})
"""Annotations of pods that the kubelet keeps, or that a deploying tool runs once and watches."""
TARGETS = {
    "Deployment": "Deployment.apps",
    "StatefulSet": "StatefulSet.apps",
    "ReplicaSet": "ReplicaSet.apps",
    "ReplicationController": "ReplicationController",
}
KINDS_OF_REMOVED_VERSIONS = tuple(kind for kind in REMOVED_KINDS if kind != "Event")
"""Events are not deployed: programs write thousands of them, in the version that is served."""


def is_bare_pod(workload: Workload) -> bool:
    return workload.kind == "Pod" and not workload.is_templated


@pod_control(
    "C-0073",
    "Naked pods",
    problem="Pod without a controller",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    applies=is_bare_pod,
    namespace="",
    see="https://kubernetes.io/docs/concepts/workloads/pods/",
)
def naked_pod(workload: Workload) -> Violations:
    """The pod is alone: nothing brings it back when its node goes.

    A pod that no controller owns is not restarted elsewhere, not scaled and not rolled out; it is also how
    debugging pods with too many rights are forgotten.

    Fix: let a Deployment, a Job or another controller create it; delete what was left over from debugging.

    Cannot see: controllers that put no owner reference on their pods; static pods of the kubelet, and hooks of Helm
    and Argo CD, are recognised.
    """
    metadata = mapping(workload.resource.body.get("metadata"))
    is_kept = not RUN_BY_OTHERS.isdisjoint(mapping(metadata.get("annotations")))
    if not sequence(metadata.get("ownerReferences")) and not is_kept:
        yield Review("", on=workload.resource.id, advice="make a Deployment, a StatefulSet or a Job of it")


@control(
    "C-0305",
    "No rolling update strategy",
    problem="All pods replaced at once",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    kinds=("Deployment.apps",),
    see="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy",
)
def recreate_strategy(deployment: Resource) -> Violations:
    """An update stops every pod of the Deployment before new ones start.

    Each rollout is an outage, and a new version that does not start leaves nothing running.

    Fix: use ``RollingUpdate``; keep ``Recreate`` where two versions must never run at once, as with a volume
    that one pod alone may mount.

    Example::

        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec:
          strategy: {type: Recreate}
          template:
            spec:
              containers:
              - {name: web, image: "nginx:1.27"}

    Cannot see: whether two versions can run side by side.
    """
    strategy = mapping(mapping(deployment.body.get("spec")).get("strategy")).get("type")
    if strategy and strategy != "RollingUpdate":
        yield Set("spec.strategy.type", "RollingUpdate")


def target_of(scaler: Resource) -> tuple[str, str]:
    reference = mapping(mapping(scaler.body.get("spec")).get("scaleTargetRef"))
    return TARGETS.get(text(reference.get("kind")), ""), text(reference.get("name"))


def has_known_kind(scaler: Resource) -> bool:
    return bool(target_of(scaler)[0])


@control(
    "C-0300",
    "Dangling HPA target",
    problem="Autoscaler without target",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    category="Workload",
    kinds=("HorizontalPodAutoscaler.autoscaling",),
    applies=has_known_kind,
    reads=tuple(TARGETS.values()),
    example=examples.web(
        """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h, namespace: shop}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: gone}}""",
        labels="app: web",
    ),
    see="https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/",
)
def scaler_without_target(scaler: Resource, inventory: Inventory) -> Violations:
    """The autoscaler names a workload that does not exist.

    The load it was meant to answer will not be answered, and no error says so before it comes.

    Fix: fix the name or the kind, or delete the autoscaler.

    Cannot see: targets of other kinds, and workloads elsewhere: files are judged only where workloads of that kind
    are beside the scaler.
    """
    kind, name = target_of(scaler)
    if inventory.get(kind, scaler.namespace or "default", name) is None:
        expect(scaler, (kind,), inventory, name=name, resolves=has_target)
        yield Review("spec.scaleTargetRef.name")


def has_target(scaler: Resource, inventory: Inventory) -> bool:
    kind, name = target_of(scaler)
    return bool(kind) and inventory.get(kind, scaler.namespace or "default", name) is not None


@control(
    "L-0001",
    "Removed API version",
    problem="API version no longer served",
    consequence="availability",
    score=5.0,
    category="Workload",
    kinds=KINDS_OF_REMOVED_VERSIONS,
    see="https://kubernetes.io/docs/reference/using-api/deprecation-guide/",
)
def removed_api_version(
    resource: Resource, inventory: Inventory, *, kubernetes_version: tuple[str, ...] = ("1.37",)
) -> Violations:
    """The manifest uses an API version that Kubernetes no longer serves.

    A cluster of a present version refuses it, so that the next deployment, or the restore of a backup, fails at
    the worst moment; until then the objects live on under another version without any notice.

    Fix: write the version that takes its place, and look through its changed fields; ``kubectl convert`` helps.

    Example::

        apiVersion: batch/v1beta1
        kind: CronJob
        metadata: {name: tidy}
        spec: {schedule: "0 3 * * *"}

    Cannot see: which version the target cluster has, where only files are scanned: the newest release is
    assumed (``kubernetes_version``).
    """
    removal = removal_of(resource.api_version, resource.kind)
    if removal is None:
        return
    removed = parse_version(removal.removed_in)
    served = parse_version(inventory.server_version or (kubernetes_version or ("1.37",))[0])
    if removed is not None and served is not None and served >= removed:
        yield Review("apiVersion")


@pod_control(
    "C-0294",
    "Deprecated serviceAccount field",
    problem="Deprecated serviceAccount field",
    score=1.0,
    reference_score=3.0,
    category="Workload",
    pod=("serviceAccount: builder",),
    namespace="",
    see="https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/",
)
def deprecated_service_account_field(workload: Workload) -> Violations:
    """The service account is named in a field that Kubernetes keeps only for old manifests.

    ``serviceAccount`` and ``serviceAccountName`` can name two accounts; which one counts is easy to mistake,
    and tools that read only the second judge the wrong rights.

    Fix: name the account in ``serviceAccountName`` alone.

    Cannot see: nothing: both fields are in the object.
    """
    old, new = workload.pod.get("serviceAccount"), workload.pod.get("serviceAccountName")
    if old and old != new:
        yield Remove("serviceAccount")
        if not new:
            yield Set("serviceAccountName", old)


@pod_control(
    "C-0295",
    "Duplicate environment variable",
    problem="Variable set twice",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    container=("env:", "- {name: LEVEL, value: info}", "- {name: LEVEL, value: debug}"),
    namespace="",
    see="https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/",
)
def duplicate_variable(container: Container) -> Violations:
    """A container sets the same environment variable twice.

    The last one wins, silently. Anyone who changes the other wonders why nothing happens; when it is a credential
    or a switch for safety, the wrong value runs.

    Fix: keep the one that is meant.

    Cannot see: variables that come from ``envFrom``, which single ones may override on purpose.
    """
    env = container.env
    if len(env) < 2:
        return
    names = [str(variable.get("name")) for _, variable in env]
    if len(set(names)) == len(names):
        return
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    for (i, _), name in zip(env, names, strict=True):
        if counts[name] > 1:
            yield Review(f"env[{i}].name")


@control(
    "C-0026",
    "Kubernetes CronJob",
    problem="CronJob to review",
    score=1.0,
    category="Workload",
    kinds=("CronJob.batch",),
    see="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/",
)
def cron_job(resource: Resource, inventory: Inventory) -> Violations:
    """A CronJob runs again and again without anyone looking.

    Anyone who slips in one line keeps a foothold that survives restarts and redeployments of everything else.

    Fix: know each one: who wrote it, what it runs, with which rights; delete what has no owner.

    Example::

        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: tidy}
        spec: {schedule: "0 3 * * *"}

    Cannot see: who created it and why. Files are judged only when the control is asked for by name.
    """
    expect_cluster(inventory)
    yield Review("", advice="check that you know it: attackers use one to stay")
