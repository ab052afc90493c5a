"""Rights over objects of applications and of the cluster."""

from leadline.kube.role_rules import ask
from leadline.posture.checks.rbac_queries import (
    CHANGE_NAMESPACES,
    CHANGE_NETWORK_POLICIES,
    CHANGE_SECRETS,
    CREATE_PODS,
    FORWARD_PORTS,
    READ_SECRETS,
    REDIRECT_TRAFFIC,
    RUN_COMMANDS,
)
from leadline.posture.control import Rights, Violations
from leadline.posture.control_families import rights_control

READ = frozenset({"get", "list", "watch"})
SECRETS = frozenset({"secrets"})
CHANGE_NAMES = ask(
    "update patch",
    "configmaps",
    names="coredns coredns-custom kube-dns node-local-dns rke2-coredns-rke2-coredns",
)
"""What CoreDNS of kubeadm, EKS, AKS, k3s and RKE2, kube-dns of GKE and the node-local cache read."""
DELETE = (
    ask("delete deletecollection", "secrets pods services namespaces"),
    ask("delete deletecollection", "deployments replicasets daemonsets statefulsets", "apps"),
    ask("delete deletecollection", "jobs cronjobs", "batch"),
)
DELETE_EVENTS = (
    ask("delete deletecollection", "events"),
    ask("delete deletecollection", "events", "events.k8s.io"),
)


@rights_control(
    "C-0188",
    "Minimize access to create pods",
    problem="May create or change pods",
    consequence="cluster takeover",
    score=6.0,
    reference_score=5.0,
    rule="apiGroups: [apps], resources: [deployments], verbs: [create]",
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation",
)
def create_pods(rights: Rights) -> Violations:
    """Anyone who may create pods may use every secret and service account of the namespace.

    A pod names the account it runs as and the secrets and disks it mounts, and no check is made. Without an
    admission policy it may also be privileged and take its node. A Deployment, Job or other owner of pods
    makes them just as well, so the right to create those counts too.

    Fix: leave creation to the deployment pipeline, and hold pods to the restricted Pod Security Standard.

    Cannot see: what admission policies forbid such pods; who else may act as this subject; roles that are
    not part of the target.
    """
    yield from rights.may_any(CREATE_PODS)


@rights_control(
    "C-0002",
    "Prevent containers from allowing command execution",
    problem="May run commands in containers",
    consequence="cluster takeover",
    score=7.0,
    reference_score=5.0,
    rule='apiGroups: [""], resources: [pods/exec], verbs: [create]',
    see="https://kubernetes.io/docs/tasks/debug/debug-application/get-shell-running-container/",
)
def exec_into_containers(rights: Rights) -> Violations:
    """This subject can run commands in containers that are already running.

    A shell in a container has the container's data, mounted secrets and network, and leaves fewer traces
    than a new pod. Attaching to a process and adding a debugging container come to the same. Older API
    servers open a session on ``get`` as they do on ``create``, over a websocket.

    Fix: keep ``pods/exec``, ``pods/attach`` and ``pods/ephemeralcontainers`` out of standing roles; grant
    them for an incident and take them back.

    Cannot see: sessions through the kubelet or the container runtime on the node; who else may act as this
    subject; roles that are not part of the target.
    """
    yield from rights.may_any(RUN_COMMANDS)


@rights_control(
    "C-0063",
    "Portforwarding privileges",
    problem="May forward ports to pods",
    consequence="reachable from outside",
    score=5.0,
    rule='apiGroups: [""], resources: [pods/portforward], verbs: [create]',
    see="https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/",
)
def port_forwarding(rights: Rights) -> Violations:
    """This subject can open a tunnel to any port of a pod, past every network policy.

    A forwarded port reaches what only listens on ``localhost`` inside the pod, such as a database or an
    admin page that trusts its neighbours. The API server carries the traffic, so no policy or firewall of
    the cluster sees it. A tunnel over a websocket needs only ``get`` on older servers.

    Fix: take ``pods/portforward`` out of standing roles, and publish what people need through a Service
    with a login.

    Cannot see: who else may act as this subject; roles that are not part of the target.
    """
    yield from rights.may_any(FORWARD_PORTS)


@rights_control(
    "C-0186",
    "Minimize access to secrets",
    problem="May read Secrets",
    consequence="secrets",
    score=7.0,
    reference_score=6.0,
    rule='apiGroups: [""], resources: [secrets], verbs: [watch]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#listing-secrets",
)
def secret_access(rights: Rights) -> Violations:
    """This subject can read the secrets of a namespace, or of all, without naming one.

    ``list`` and ``watch`` return the contents as ``get`` does. A cluster-wide grant reaches the tokens,
    certificates and passwords of every team at once, those of the platform included.

    Fix: grant ``get`` with ``resourceNames`` for the few secrets that are read, in the namespace where they
    are.

    Cannot see: secrets that are read through a pod that mounts them; a secret store outside the cluster.
    """
    yield from rights.may_any(READ_SECRETS)


@rights_control(
    "C-0015",
    "List Kubernetes secrets",
    problem="May list Secrets",
    consequence="secrets",
    score=7.0,
    rule='apiGroups: [""], resources: [secrets], verbs: [get, list]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#secrets",
)
def list_secrets(rights: Rights) -> Violations:
    """Anyone who may read secrets holds every credential that is stored in them.

    Passwords, tokens and keys of all applications in reach are then one request away, and with a service
    account's token the reader becomes that account.

    Fix: name the secrets that are needed with ``resourceNames``, or mount them into the pod instead.

    Cannot see: who else may act as this subject; roles that are not part of the target.
    """
    yield from rights.may(READ, SECRETS)


@rights_control(
    "L-0040",
    "Minimize access to change secrets",
    problem="May change Secrets",
    consequence="secrets",
    score=5.0,
    rule='apiGroups: [""], resources: [secrets], verbs: [update]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
)
def change_secrets(rights: Rights) -> Violations:
    """The role lets its holder write Secrets: programs then sign in with what was put there.

    A password, a certificate or a registry login that is replaced leads programs to a server of the
    attacker. A Secret of the type ``kubernetes.io/service-account-token`` that is created is filled with a
    token by the cluster.

    Fix: take the verbs out, or name the Secrets with ``resourceNames``.

    Cannot see: which Secrets the holder needs.
    """
    yield from rights.may_any(CHANGE_SECRETS)


@rights_control(
    "L-0045",
    "Minimize access to change namespaces",
    problem="May change namespaces",
    consequence="cluster takeover",
    score=6.0,
    rule='apiGroups: [""], resources: [namespaces], verbs: [patch]',
    see="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#namespace-modification",
)
def change_namespaces(rights: Rights) -> Violations:
    """The role lets its holder change the labels of namespaces, by which Pod Security is switched on and off.

    Network policies and admission rules choose namespaces by label as well. With one label less, privileged
    pods start.

    Fix: take ``update`` and ``patch`` out, or name the namespaces with ``resourceNames``.

    Cannot see: which rules go by labels.
    """
    yield from rights.may_any(CHANGE_NAMESPACES)


@rights_control(
    "L-0025",
    "Minimize access to network policies",
    problem="May change network policies",
    consequence="reachable from outside",
    score=5.0,
    rule="apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [delete]",
    see="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
)
def change_network_policies(rights: Rights) -> Violations:
    """This subject can change or delete the network policies that keep pods apart.

    One request opens every pod of a namespace to the others, and to the internet where they may be reached
    from there. Policies of Cilium and Calico count as well.

    Fix: leave policies to the pipeline that installs them, and take the verbs out of the role.

    Cannot see: whether the network plugin enforces policies; roles that are not part of the target.
    """
    yield from rights.may_any(CHANGE_NETWORK_POLICIES)


@rights_control(
    "L-0042",
    "Minimize access to change where traffic goes",
    problem="May redirect traffic",
    score=4.0,
    rule='apiGroups: [""], resources: [services/status], verbs: [patch]',
    see="https://github.com/kubernetes/kubernetes/issues/97076",
)
def redirect_traffic(rights: Rights) -> Violations:
    """The role lets its holder change Services, their endpoints, Ingresses or routes.

    Traffic for one program then goes to another: a changed selector or endpoint is enough, and by an
    external IP or the status of a Service the connections of the whole cluster to an address outside can be
    taken over (CVE-2020-8554).

    Fix: take the verbs out, or name the objects with ``resourceNames``.

    Cannot see: which of them carry traffic.
    """
    yield from rights.may_any(REDIRECT_TRAFFIC)


@rights_control(
    "C-0037",
    "CoreDNS poisoning",
    problem="May change the cluster DNS",
    score=6.0,
    reference_score=4.0,
    rule='apiGroups: [""], resources: [configmaps], verbs: [update]',
    see="https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/",
)
def coredns_poisoning(rights: Rights) -> Violations:
    """This subject can rewrite how names are resolved in the cluster.

    The cluster's name server takes its settings from a ConfigMap in ``kube-system``. Anyone who changes it
    can send the traffic of any pod to a server of their own, and no pod notices.

    Fix: limit the role to the ConfigMaps it needs with ``resourceNames``, or bind it in another namespace
    than ``kube-system``.

    Cannot see: name servers whose settings are kept under a name of the owner's choice.
    """
    if rights.reaches in ("", "kube-system"):
        yield from rights.may_any((CHANGE_NAMES,))


@rights_control(
    "C-0007",
    "Roles with delete capabilities",
    problem="May delete objects",
    consequence="availability",
    score=4.0,
    reference_score=5.0,
    rule="apiGroups: [apps], resources: [deployments], verbs: [delete]",
    see="https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb",
)
def delete_rights(rights: Rights) -> Violations:
    """This subject can delete running workloads, services, secrets or whole namespaces.

    One request with ``deletecollection`` empties a namespace. Anyone who gets hold of such an account can
    stop the service, or remove a pod to cover what was done in it.

    Fix: let a deployment pipeline delete, and take ``delete`` and ``deletecollection`` out of the roles of
    people and programs that only read or create.

    Cannot see: backups and who watches for deletions; who else may act as this subject; roles that are not
    part of the target.
    """
    yield from rights.may_any(DELETE)


@rights_control(
    "C-0031",
    "Delete Kubernetes events",
    problem="May delete events",
    score=4.0,
    rule='apiGroups: [""], resources: [events], verbs: [delete]',
    see="https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/",
)
def delete_events(rights: Rights) -> Violations:
    """This subject can delete events, the record of what happened in the cluster.

    Events show failed logins to images, killed containers and refused pods. Without them a break-in is
    found later, or not at all.

    Fix: take ``delete`` and ``deletecollection`` on events out of the role, in the core group and in
    ``events.k8s.io``; events expire by themselves.

    Cannot see: whether events are kept somewhere else as well; who else may act as this subject; roles that
    are not part of the target.
    """
    yield from rights.may_any(DELETE_EVENTS)
