"""Rights by which an account becomes an administrator, a node or another account."""

from leadline.posture.checks.rbac_queries import (
    APPROVE_CERTIFICATES,
    BIND_OR_ESCALATE,
    CHANGE_ADMISSION,
    CHANGE_NODES,
    CLUSTER_IN_ONE_STEP,
    CREATE_TOKENS,
    CREATE_VOLUMES,
    EVERYTHING,
    HAND_ON_RIGHTS,
    IMPERSONATE,
    MUTATE_ADMISSION,
    REACH_KUBELETS,
    reaches_the_cluster,
)
from leadline.posture.checks.rbac_queries import (
    partial_wildcard as has_a_star,
)
from leadline.posture.control import Grant, Rights, Violations
from leadline.posture.control_families import rights_control


@rights_control(
    "C-0035",
    "Administrative Roles",
    problem="Role with every right",
    consequence="cluster takeover",
    score=9.0,
    namespaced_score=8.0,
    reference_score=6.0,
    rule='apiGroups: ["*"], resources: ["*"], verbs: ["*"]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege",
)
def administrative_role(rights: Rights) -> Violations:
    """Anyone who holds a role of stars only is an administrator, whatever the role is called.

    Every verb on every resource includes reading all secrets, starting privileged pods and handing the same
    rights on. A role bound in one namespace does that there; one bound for the whole cluster does it
    everywhere.

    Fix: list the verbs, groups and resources that are used, or take the subject out of the binding.

    Cannot see: who belongs to a group; roles that are not part of the target, other than those that every
    cluster has.
    """
    yield from rights.may_any(EVERYTHING)


@rights_control(
    "C-0187",
    "Minimize wildcard use in Roles and ClusterRoles",
    problem="Wildcard in a role",
    consequence="cluster takeover",
    score=9.0,
    namespaced_score=8.0,
    reference_score=7.0,
    rule='apiGroups: ["*"], resources: ["*"], verbs: ["*"]',
    see="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources",
)
def wildcard_role(rights: Rights) -> Violations:
    """A role that is written with stars grows by itself with every new kind in the cluster.

    A star also covers what was not known when the role was written: subresources, custom resources of
    operators installed later, verbs such as ``escalate`` and ``impersonate``.

    Fix: replace each star by the names of the verbs, groups and resources that the subject uses today.

    Cannot see: rules with a single star, which C-0035 and this control leave to a person; members of
    groups.
    """
    yield from rights.may_any(EVERYTHING)


@rights_control(
    "L-0026",
    "Minimize single wildcards in roles",
    problem="Wildcard for verbs, groups or resources",
    consequence="cluster takeover",
    score=4.0,
    rule='apiGroups: [apps], resources: [deployments], verbs: ["*"]',
    see="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources",
)
def partial_wildcard(rights: Rights) -> Violations:
    """A rule of the role has a star for its verbs, its groups or its resources.

    One star is enough to grow by itself: a star for verbs holds ``escalate`` and ``impersonate``, a star
    for resources holds Secrets and every kind that an operator brings along. C-0187 reports rules with all
    three.

    Fix: replace the star by the names that the subject uses today.

    Cannot see: which of the rights are used; roles that are not part of the target.
    """
    yield from rights.may_any((has_a_star,))


@rights_control(
    "C-0191",
    "Limit use of the Bind, Impersonate and Escalate permissions in the Kubernetes cluster",
    problem="May bind, escalate or impersonate",
    consequence="cluster takeover",
    score=9.0,
    namespaced_score=8.0,
    reference_score=6.0,
    rule="apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]",
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#escalate-verb",
)
def bind_or_escalate(rights: Rights) -> Violations:
    """This subject can give itself rights that it does not have.

    Kubernetes does not let users hand out more rights than they hold. Three verbs lift that rule: ``bind``
    on roles binds any of them, ``escalate`` writes any right into one, and ``impersonate`` borrows someone
    else's.

    Fix: take the three verbs out of the role. For ``bind``, name the harmless roles with ``resourceNames``.

    Cannot see: whether a role that may be bound by name is harmless, ``cluster-admin`` aside; who else may
    act as this subject; roles that are not part of the target.
    """
    yield from rights.may_any((*BIND_OR_ESCALATE, *IMPERSONATE))


@rights_control(
    "L-0041",
    "Minimize access to change roles and bindings",
    problem="May change roles or bindings",
    consequence="cluster takeover",
    score=5.0,
    rule="apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create]",
    see="https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping",
)
def hand_on_rights(rights: Rights) -> Violations:
    """The role lets its holder write roles or bindings, and so hand on every right that it has itself.

    The API server refuses rights that the holder does not have, unless ``bind`` or ``escalate`` is given
    too. What is left is enough to stay: an attacker who had the account for a minute gives its rights to an
    account of his own.

    Fix: take the verbs out; let a deployment pipeline change roles.

    Cannot see: which rights the holder has otherwise.
    """
    yield from rights.may_any(HAND_ON_RIGHTS)


@rights_control(
    "C-0065",
    "No impersonation",
    problem="May act as other users",
    consequence="cluster takeover",
    score=9.0,
    namespaced_score=8.0,
    reference_score=6.0,
    rule='apiGroups: [""], resources: [users], verbs: [impersonate]',
    see="https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation",
)
def impersonation(rights: Rights) -> Violations:
    """This subject can act under the name of other users, groups or service accounts.

    It then has their rights on top of its own, and as a member of ``system:masters`` there is no limit
    left. A right to impersonate certain accounts by name is a decision someone made and passes; being able
    to become ``system:masters`` never does.

    Fix: take ``impersonate`` out of the role, or name the accounts with ``resourceNames``.

    Cannot see: what the accounts that may be impersonated are allowed to do; who else may act as this
    subject; roles that are not part of the target.
    """
    yield from rights.may_any(IMPERSONATE)


@rights_control(
    "C-0282",
    "Minimize access to the service account token creation",
    problem="May create account tokens",
    consequence="cluster takeover",
    score=9.0,
    namespaced_score=8.0,
    reference_score=5.0,
    rule='apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#token-request",
)
def create_account_tokens(rights: Rights) -> Violations:
    """This subject can issue tokens for service accounts and act as any of them.

    A token that was asked for works from anywhere until it expires, and the pods of the account continue as
    before, without any notice. With the right for a whole cluster, one of the accounts in reach is surely
    an administrator.

    Fix: name the accounts whose tokens are needed with ``resourceNames``, in a Role of their namespace.

    Cannot see: what the accounts in reach are allowed to do; who else may act as this subject; roles that
    are not part of the target.
    """
    yield from rights.may_any(CREATE_TOKENS)


@rights_control(
    "C-0280",
    "Minimize access to the approval sub-resource of certificatesigningrequests objects",
    problem="May approve certificates",
    consequence="cluster takeover",
    score=9.0,
    reference_score=5.0,
    rule="apiGroups: [certificates.k8s.io], resources: [certificatesigningrequests/approval], verbs: [update]",
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#csrs-and-certificate-issuing",
)
def approve_certificates(rights: Rights) -> Violations:
    """This subject can approve client certificates, and so make up new users.

    A certificate is valid until it expires, cannot be withdrawn, and may name a node or a component of the
    control plane.

    Fix: leave approval to the controller that is meant for it, and take the subresource ``approval`` out of
    the role.

    Cannot see: for which signers the subject may approve, the right that the verb ``approve`` on
    ``signers`` gives as well; who else may act as this subject; roles that are not part of the target.
    """
    yield from rights.may_any(APPROVE_CERTIFICATES)


@rights_control(
    "C-0281",
    "Minimize access to webhook configuration objects",
    problem="May change admission webhooks",
    consequence="cluster takeover",
    score=7.0,
    reference_score=5.0,
    rule="apiGroups: [admissionregistration.k8s.io], resources: [validatingwebhookconfigurations], verbs: [patch]",
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#control-admission-webhooks",
)
def change_webhooks(rights: Rights) -> Violations:
    """This subject can change what is checked when objects enter the cluster.

    A webhook sees every object that it asks for, secrets included. Deleting one, or the binding of an
    admission policy, switches a rule off without a trace in the objects it held back. Those that may alter
    objects are worse, and L-0105 reports them.

    Fix: leave these objects to the installer of the admission controller, or name its own with
    ``resourceNames``.

    Cannot see: changes to the program behind a webhook; who else may act as this subject; roles that are
    not part of the target.
    """
    yield from rights.may_any(CHANGE_ADMISSION)


@rights_control(
    "L-0105",
    "Minimize access to mutating webhook configurations",
    problem="May change mutating webhooks",
    consequence="cluster takeover",
    score=9.0,
    rule="apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], verbs: [patch]",
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#control-admission-webhooks",
)
def change_mutating_webhooks(rights: Rights) -> Violations:
    """This subject can put something of its own into every object that is created.

    A mutating webhook or policy changes objects on their way into the cluster. Who may write one adds a
    privileged container to the next pod of the control plane, or itself to the next binding.

    Fix: leave these objects to the installer of the admission controller, or name its own with
    ``resourceNames``.

    Cannot see: which of the webhooks that are named may alter what; who else may act as this subject; roles
    that are not part of the target.
    """
    yield from rights.may_any(MUTATE_ADMISSION)


@rights_control(
    "L-0104",
    "Minimize accounts that may take over the cluster",
    problem="Account may take over the cluster",
    consequence="cluster takeover",
    score=9.0,
    rule='apiGroups: [""], resources: [secrets], verbs: [list]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets",
)
def take_over_the_cluster(grant: Grant) -> Violations:
    """This subject reads the Secrets of every namespace, or starts pods in every one.

    Among all Secrets are tokens and keys of stronger accounts, and a pod that may be started anywhere may be
    privileged, or run as any account. The same rights in ``kube-system`` are enough. In one other namespace
    they open that namespace alone, which C-0186 and C-0188 report. C-0267 says the same of workloads that
    hold the account's token.

    Fix: bind the role in the namespaces that need it, by RoleBindings; name single Secrets with
    ``resourceNames``.

    Cannot see: what admission policies forbid such pods; who else may act as this subject; roles that are
    not part of the target.
    """
    if reaches_the_cluster(grant):
        yield from grant.may_any(CLUSTER_IN_ONE_STEP)


@rights_control(
    "C-0279",
    "Minimize access to the proxy sub-resource of nodes",
    problem="May reach kubelets (nodes/proxy)",
    consequence="cluster takeover",
    score=9.0,
    reference_score=5.0,
    rule='apiGroups: [""], resources: [nodes/proxy], verbs: [get]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#access-to-proxy-subresource-of-nodes",
)
def node_proxy(rights: Rights) -> Violations:
    """This subject can talk to the kubelet of every node through the API server.

    The kubelet's own interface runs commands in any pod of the node. Requests that come by this way pass
    neither admission nor the audit log. Reading alone is enough: a websocket opens with a ``get``.

    Fix: grant ``nodes/metrics``, ``nodes/stats``, ``nodes/log`` or ``nodes/pods``, whichever is read, in
    place of ``nodes/proxy``.

    Cannot see: firewalls between API server and kubelets; who else may act as this subject; roles that are
    not part of the target.
    """
    yield from rights.may_any(REACH_KUBELETS)


@rights_control(
    "L-0043",
    "Minimize access to change nodes",
    problem="May change nodes",
    consequence="cluster takeover",
    score=6.0,
    rule='apiGroups: [""], resources: [nodes/status], verbs: [patch]',
    see="https://kubernetes.io/docs/reference/access-authn-authz/node/",
)
def change_nodes(rights: Rights) -> Violations:
    """The role lets its holder change nodes or their status.

    Labels and taints decide where pods go, so that pods with valuable tokens can be drawn to a node that is
    controlled; the address in a node's status is where the API server sends its own requests to the
    kubelet.

    Fix: take the rule out; only kubelets, the controller manager and autoscalers change nodes.

    Cannot see: who runs on which node.
    """
    yield from rights.may_any(CHANGE_NODES)


@rights_control(
    "C-0278",
    "Minimize access to create persistent volumes",
    problem="May create persistent volumes",
    consequence="node escape",
    score=8.0,
    reference_score=5.0,
    rule='apiGroups: [""], resources: [persistentvolumes], verbs: [create]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation",
)
def create_persistent_volumes(rights: Rights) -> Violations:
    """This subject can create a volume out of any folder of a node.

    A PersistentVolume of type ``hostPath`` is not held to the Pod Security Standards, which look at pods
    only. A pod that claims it reads and writes the node's files under the label of an ordinary disk.

    Fix: leave volumes to a storage class and its provisioner, and take ``create`` on ``persistentvolumes``
    out of the role.

    Cannot see: admission policies that refuse such volumes; who else may act as this subject; roles that
    are not part of the target.
    """
    yield from rights.may_any(CREATE_VOLUMES)
