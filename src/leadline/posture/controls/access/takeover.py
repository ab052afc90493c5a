"""Subjects that hold the cluster, or may take it."""

from typing import Any

from leadline.kube.rbac import RBAC_KINDS
from leadline.posture import control_examples as examples
from leadline.posture.checks.rbac_queries import (
    CLUSTER_IN_ONE_STEP,
    EVERYTHING,
    TOGETHER,
    reaches_the_cluster,
    takes_over,
)
from leadline.posture.checks.token_rights import evidence_of, token_of
from leadline.posture.control import (
    WORKLOADS,
    Grant,
    Inventory,
    Remove,
    Resource,
    Review,
    Rights,
    Violations,
    Workload,
    control,
    mapping,
    mappings,
    sequence,
    text,
)
from leadline.posture.join_indexes import BINDINGS

DASHBOARD = "kubernetes-dashboard"
WRITING = frozenset({"*", "create", "update", "patch", "delete", "deletecollection"})


@control(
    "C-0185",
    "Ensure that the cluster-admin role is only used where required",
    problem="cluster-admin is bound",
    consequence="cluster takeover",
    score=9.0,
    reference_score=8.0,
    category="Access control",
    example=examples.binding(
        "name: ci", "cluster-admin", "kind: ServiceAccount, name: deploy, namespace: ci"
    ),
    see="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles",
)
def cluster_admin(grant: Grant) -> Violations:
    """This subject holds ``cluster-admin`` for the whole cluster.

    The role overrides every other limit, in namespaces that do not exist yet as well. It belongs to the few
    who rescue a broken cluster, with an account they use for nothing else. What Kubernetes itself binds at
    its start, ``system:masters`` and kubeadm's own admins, is not reported.

    Fix: bind ``admin`` or ``edit`` in the namespaces that are needed, and take the subject out of this binding.

    Cannot see: members of groups, and holders of client certificates of the group ``system:masters``.
    """
    if grant.is_cluster_wide and grant.role.name == "cluster-admin" and grant.role.kind == "ClusterRole":
        yield from grant.may_any(EVERYTHING)


def is_administrator_of_one_namespace(workload: Workload, inventory: Inventory) -> bool:
    return not any(map(reaches_the_cluster, token_of(workload, inventory, is_all_powerful)))


@control(
    "C-0272",
    "Workload with administrative roles",
    problem="Workload is administrator",
    consequence="cluster takeover",
    score=9.0,
    namespaced_score=8.0,
    is_namespaced=is_administrator_of_one_namespace,
    reference_score=6.0,
    category="Workload",
    reads=(*RBAC_KINDS, "ServiceAccount"),
    example=examples.token_with('apiGroups: ["*"], resources: ["*"], verbs: ["*"]'),
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
)
def is_administrator(workload: Workload, inventory: Inventory) -> Violations:
    """The workload holds an administrator's token.

    It may do anything to anything; anyone who gets into the container has no further to go.

    Fix: write a role with the verbs and kinds that the program uses; its calls in the audit log show which.

    Cannot see: rights that the account gets outside RBAC, as from a cloud.
    """
    grants = list(token_of(workload, inventory, is_all_powerful))
    for grant in grants:
        yield from evidence_of(grant, EVERYTHING)
        yield Review("roleRef", on=grant.binding.id)
    account = inventory.service_account_of(workload) if grants else None
    if account is not None:
        yield Review("", on=account.id, advice="give the workload an account with fewer rights, or no token")


def is_all_powerful(grant: Grant) -> bool:
    return any(map(grant.matching, EVERYTHING))


@control(
    "C-0267",
    "Workload with cluster takeover roles",
    problem="Workload may take over the cluster",
    consequence="cluster takeover",
    score=9.0,
    reference_score=6.0,
    category="Workload",
    reads=(*RBAC_KINDS, "ServiceAccount"),
    example=examples.token_with('apiGroups: [""], resources: [pods], verbs: [create]'),
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
)
def may_take_over_cluster(workload: Workload, inventory: Inventory) -> Violations:
    """The workload holds a token that is enough to take the cluster over.

    Anyone who may create pods in every namespace can start a privileged one, and anyone who may read all Secrets finds
    stronger tokens among them. A hole in this program is then a hole in the cluster. The same rights in ``kube-system`` are
    enough, since what runs there controls the cluster; in another namespace they open that namespace alone, which C-0186 and
    C-0188 say of the account.

    Fix: bind the role in the namespaces that the program works in, by RoleBindings, or narrow the rule to the names that it
    uses.

    Cannot see: rights that the account gets outside RBAC, as from a cloud.
    """
    grants = list(token_of(workload, inventory, takes_over))
    for grant in grants:
        yield from evidence_of(grant, CLUSTER_IN_ONE_STEP)
    account = inventory.service_account_of(workload) if grants else None
    if account is not None:
        yield Review("", on=account.id, advice="give the workload an account with fewer rights, or no token")


@control(
    "C-0014",
    "Access Kubernetes dashboard",
    problem="Kubernetes dashboard has a role",
    consequence="cluster takeover",
    score=5.0,
    reference_score=2.0,
    category="Access control",
    kinds=(*BINDINGS, WORKLOADS),
    see="https://kubernetes.io/docs/tasks/access-application-cluster/web-ui-dashboard/",
)
def dashboard_access(resource: Resource, inventory: Inventory) -> Violations:
    """Someone in addition to the Kubernetes dashboard holds the dashboard's role or runs as its account.

    The dashboard's account can read the dashboard's secrets and whatever else it was given to show. A
    workload that runs as it, or a subject that holds its role, has all of that without opening the
    dashboard.

    Fix: give the workload a service account of its own, and take the subject out of the binding.

    Example::

        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: kubernetes-dashboard}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              serviceAccountName: kubernetes-dashboard
              containers:
              - {name: web, image: "nginx:1.27"}

    Cannot see: dashboards that were installed under another name.
    """
    if resource.kind.endswith("Binding"):
        if text(mapping(resource.body.get("roleRef")).get("name")) == DASHBOARD:
            for index, subject in mappings(resource.body.get("subjects")):
                if not text(subject.get("name")).startswith(DASHBOARD):
                    yield Review(f"subjects[{index}]")
        return
    if resource.name.startswith(DASHBOARD):
        return
    for workload in inventory.workloads_of(resource):
        if workload.service_account == DASHBOARD:
            field = "serviceAccountName" if "serviceAccountName" in workload.pod else "serviceAccount"
            yield Remove(workload.pod_path + field)


@control(
    "L-0047",
    "No role joins rights that together lead to more",
    problem="Rights that together lead to more",
    consequence="cluster takeover",
    score=8.0,
    category="Access control",
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks",
)
def rights_together(rights: Rights) -> Violations:
    """Rights that are harmless enough alone add up to a known way to take more.

    Making a Secret and reading it gives a token of any service account; making pods and changing namespaces gives
    privileged pods; asking for a certificate, approving and signing it gives a login under any name. The finding says which
    way is open.

    Fix: take one of the rights out, or give them to different accounts.

    Example::

        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: r}
        rules:
        - {apiGroups: [""], resources: [pods], verbs: [create]}
        - {apiGroups: [""], resources: [namespaces], verbs: [patch]}

    Cannot see: rights that the subject holds through another binding.
    """
    if any(map(rights.matching, EVERYTHING)):
        return
    ways = {leads_to: rights.together(needed) for leads_to, needed in TOGETHER}
    open_ways = {leads_to: found for leads_to, found in ways.items() if found}
    matches = (match for found in open_ways.values() for match in found)
    yield from rights.reviews(matches, "; ".join(open_ways))


def names_aws_auth(rule: dict[str, Any]) -> tuple[str, ...]:
    """The places of a rule on ``aws-auth`` by its name."""
    names, verbs = sequence(rule.get("resourceNames")), sequence(rule.get("verbs"))
    if "aws-auth" not in names or not {"*", "configmaps"} & {str(r) for r in sequence(rule.get("resources"))}:
        return ()
    places = tuple(f"verbs[{i}]" for i, verb in enumerate(verbs) if isinstance(verb, str) and verb in WRITING)
    return (f"resourceNames[{names.index('aws-auth')}]", *places) if places else ()


@control(
    "L-0044",
    "Minimize access to change who AWS lets in",
    problem="May change who AWS lets in (aws-auth)",
    consequence="cluster takeover",
    score=9.0,
    category="Access control",
    cloud="EKS",
    see="https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html",
)
def change_aws_sign_in(rights: Rights) -> Violations:
    """The role lets its holder change ``aws-auth``, which says who of AWS may sign in to the cluster and as whom.

    Anyone who may write it makes himself a member of ``system:masters``, above every role.

    Fix: take the rule out, and move to access entries of EKS.

    Example::

        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: r, namespace: kube-system}
        rules:
        - {apiGroups: [""], resources: [configmaps], resourceNames: [aws-auth], verbs: [update]}

    Cannot see: whether the cluster uses access entries instead; roles that may change every ConfigMap, which C-0037 reports.
    """
    if rights.reaches in ("", "kube-system"):
        yield from rights.may_any((names_aws_auth,))
