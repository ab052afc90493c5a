"""Controls that ask the same of another flag, setting, right or file: what their pages share is written once.

Several are in one file. Those made by a decorator are functions, as ``posture.control`` has them, with docstrings of their own
that lack the example and the link: both follow from what the decorator is given. Those that ask the same to the letter have
no code at all: a row says of which file, or of which namespace or policy, and what follows.
"""

from collections.abc import Callable
from typing import NamedTuple, Unpack

from leadline.kube.workload import Body
from leadline.model.control import BuiltControl, Remove, Set, Violations
from leadline.model.resource import Resource
from leadline.posture.checks.host_files import GROUP, KUBELET, looser_than, not_owned_by_root
from leadline.posture.checks.namespaces import holds_applications
from leadline.posture.checks.pod_security_labels import ENFORCE, enforces
from leadline.posture.checks.rbac_queries import is_in_one_namespace
from leadline.posture.control import Check, Said, control, row
from leadline.posture.control_examples import NAMESPACE
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Namespace, mapping

_CONTROL_PLANE = "Control plane"
_KUBELET_PAGE = "https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/"
_KUBEADM_PAGE = "https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/"
_RESTARTED = "whether the kubelet was started again after its files changed."
_LISTS = "access control lists, and who may become root on the node."
_POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {program}, namespace: kube-system}}
spec:
  containers:
  - name: {program}
    image: {image}
    command: [{program}, {flags}]"""
_RUNS = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}{place}}}
spec:"""
_ETCD_IMAGE = "registry.k8s.io/etcd:3.6.4-0"
_FACTS = """\
apiVersion: {group}/v1beta1
kind: {kind}
metadata: {{name: n1}}
spec:
"""
_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: too-much}}
rules:
- {{{rule}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: jane-too-much}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}}"""
_CLOUD = """\
apiVersion: {group}/v1
kind: {kind}
metadata: {{name: shop}}
{example}"""
_POLICY = """\
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {{name: all}}
spec: {{{example}}}"""
_POLICIES = "PodSecurityPolicy.policy"
_ROOT = "uid: 0, gid: 0, username: root, groupname: root"
_OTHER = "uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu"
_LOOSER = {0o600: 0o644, 0o644: 0o664, 0o700: 0o755}
"""A mode that allows more than the one asked for, for examples."""
MADE_BY_KUBEADM = "kubeadm itself makes the file with mode 644: a node as it comes out of kubeadm fails, and the file holds nothing secret."


class SaidOfPods(Said, total=False):
    """And of which of them, and what else is looked at."""

    applies: Callable[..., bool]
    kinds: tuple[str, ...]
    reads: tuple[str, ...]
    needs_setting: bool


def flag_control(
    id: str, title: str, *, command: str, see: str = "", **said: Unpack[Said]
) -> Callable[[Check], BuiltControl]:
    """A control over the flags of a control-plane component. ``command`` is one that fails: ``etcd --auto-tls=true``; ``see``
    is the page of all its flags where none is given.
    """
    program, flags = command.split(" ", 1)
    image = _ETCD_IMAGE if program == "etcd" else f"registry.k8s.io/{program}:v1.36.3"
    example = _POD.format(program=program, image=image, flags=flags)
    page_of_flags = f"https://kubernetes.io/docs/reference/command-line-tools-reference/{program}/"
    return control(id, title, category=_CONTROL_PLANE, see=see or page_of_flags, example=example, **said)


def kubelet_control(
    id: str, title: str, *, settings: tuple[str, ...], see: str = _KUBELET_PAGE, **said: Unpack[Said]
) -> Callable[[Check], BuiltControl]:
    """A control over the settings of a kubelet. ``settings`` are some that fail, each as ``KubeletInfo`` holds it:
    ``name: readOnlyPort, value: 10255, origin: file, givenBy: "/var/lib/kubelet/config.yaml"``.
    """
    lines = "\n".join(f"  - {{{setting}}}" for setting in settings)
    return control(
        id,
        title,
        category=_CONTROL_PLANE,
        kinds=(KUBELET,),
        see=see,
        example=f"{_FACTS.format(group=GROUP, kind='KubeletInfo')}  settings:\n{lines}",
        cannot_see=_RESTARTED,
        **said,
    )


def rights_control(
    id: str, title: str, *, rule: str, see: str, namespaced_score: float | None = None, **said: Unpack[Said]
) -> Callable[[Check], BuiltControl]:
    """A control over what a role allows. ``rule`` is one that fails: ``apiGroups: [apps], resources: [pods], verbs: [get]``."""
    return control(
        id,
        title,
        category="Access control",
        namespaced_score=namespaced_score,
        is_namespaced=None if namespaced_score is None else is_in_one_namespace,
        see=see,
        example=_ROLE.format(rule=rule),
        **said,
    )


def pod_control(
    id: str,
    title: str,
    *,
    category: str,
    pod: tuple[str, ...] = (),
    container: tuple[str, ...] = (),
    name: str = "web",
    namespace: str = "shop",
    image: str = "nginx:1.27",
    see: str,
    **said: Unpack[SaidOfPods],
) -> Callable[[Check], BuiltControl]:
    """A control over pods or their containers. One with these fields fails, each as a line of YAML: ``hostPID: true``."""
    place = f", namespace: {namespace}" if namespace else ""
    fields = (*pod, "containers:", f"- name: {name}", f"  image: {image}", *(f"  {one}" for one in container))
    example = "\n".join((_RUNS.format(name=name, place=place), *(f"  {one}" for one in fields)))
    return control(id, title, category=category, see=see, example=example, **said)


def cloud_control(
    id: str,
    title: str,
    *,
    category: str,
    kinds: tuple[str, ...],
    example: str,
    see: str,
    **said: Unpack[Said],
) -> Callable[[Check], BuiltControl]:
    """A control over what a cloud says of a cluster. ``example`` fails, as an object of the first of ``kinds`` holds it:
    ``shieldedNodes: {"enabled": false}``.
    """
    kind, _, group = kinds[0].partition(".")
    shown = _CLOUD.format(group=group, kind=kind, example=example)
    return control(id, title, category=category, kinds=kinds, see=see, example=shown, **said)


def namespace_admission(
    id: str, title: str, first: str, why: str, *, level: str, **said: Unpack[Said]
) -> BuiltControl:
    """Finds namespaces of applications whose labels do not make the API server enforce ``level`` or a stricter one."""

    def check(namespace: Namespace) -> Violations:
        if not enforces(namespace.labels, level):
            yield Set(f"metadata.labels[{ENFORCE}]", level)

    fix = f"label the namespace ``{ENFORCE}: {level}``; try it with ``warn`` in place of\n``enforce`` first."
    hidden = "other admission policies that refuse the same; a cluster-wide default in the API server's\nadmission configuration."
    see = "https://kubernetes.io/docs/concepts/security/pod-security-admission/"
    made = control(id, title, category="Workload", applies=holds_applications, **said)(check)
    return row(made, f"{first}\n\n{why}\n\nFix: {fix}", NAMESPACE, see, hidden)


def pod_security_policy(
    id: str,
    title: str,
    first: str,
    why: str,
    *,
    allows: Callable[[Body], bool],
    edit: Remove | Set,
    fix: str,
    example: str,
    problem: str,
    reference_score: float,
) -> BuiltControl:
    """Finds PodSecurityPolicies of a cluster in which every one ``allows`` it, asked with its ``spec``."""

    def is_open(policy: Resource) -> bool:
        return allows(mapping(policy.body.get("spec")))

    def check(policy: Resource, inventory: Inventory) -> Violations:
        if is_open(policy) and inventory.once(
            f"{id}: every policy", lambda: all(map(is_open, inventory.of(_POLICIES)))
        ):
            yield edit

    hidden = "who may use which policy; whether the cluster still has the API, which went in 1.25."
    see = "https://kubernetes.io/docs/concepts/security/pod-security-policy/"
    made = control(
        id,
        title,
        problem=problem,
        consequence="node escape",
        score=2.0,
        reference_score=reference_score,
        category="Workload",
        kinds=(_POLICIES,),
    )(check)
    return row(made, f"{first}\n\n{why}\n\nFix: {fix}", _POLICY.format(example=example), see, hidden)


class NodeFile(NamedTuple):
    """A file or folder of a node, as one kind of fact holds it."""

    kind: str
    fields: tuple[str, ...]
    """Where the fact holds it, and others of its sort: ``APIServerInfo.specsFile``. The example has the first."""
    path: str
    """Where most nodes have it."""
    what: str
    """Within a sentence: ``the kubelet's kubeconfig``."""
    is_list: bool = False
    ending: str = ""
    """Of the files of a list that are meant."""
    see: str = _KUBEADM_PAGE
    category: str = _CONTROL_PLANE


def loose_mode(
    id: str,
    title: str,
    file: NodeFile,
    why: str,
    *,
    most: int = 0o600,
    first: str = "",
    fix: str = "",
    see: str = "",
    **said: Unpack[Said],
) -> BuiltControl:
    """Finds ``file`` where its mode allows more than ``most``."""

    def check(node: Resource) -> Violations:
        return looser_than(most, node, *file.fields, ending=file.ending)

    may, asked = (
        ("read or write", "600 on every node that has it") if most == 0o600 else ("write", "644 or stricter")
    )
    doc = f"{first or f'Users other than root may {may} {file.what}.'}\n\n{why}\n\nFix: {fix or f'set the mode to {asked}.'}"
    return _of_file(check, id, title, file, doc, _example(file, _LOOSER[most], _ROOT), see, said)


def other_owner(
    id: str,
    title: str,
    file: NodeFile,
    why: str,
    *,
    or_names: tuple[str, str] = ("root", "root"),
    first: str = "",
    fix: str = "make ``root:root`` its owner.",
    **said: Unpack[Said],
) -> BuiltControl:
    """Finds ``file`` where it belongs to another user or group than root, or than those of ``or_names``."""

    def check(node: Resource) -> Violations:
        return not_owned_by_root(node, *file.fields, or_names=or_names)

    first = first or f"{file.what[0].upper()}{file.what[1:]} does not belong to root."
    doc = f"{first}\n\n{why}\n\nFix: {fix}"
    return _of_file(check, id, title, file, doc, _example(file, 0o600, _OTHER), "", said)


def _of_file(
    check: Check, id: str, title: str, file: NodeFile, doc: str, example: str, see: str, said: Said
) -> BuiltControl:
    made = control(id, title, category=file.category, kinds=(file.kind,), **said)(check)
    return row(made, doc, example, see or file.see, _LISTS)


def _example(file: NodeFile, mode: int, owner: str) -> str:
    *above, field = file.fields[0].split(".")
    lines = [f"{'  ' * depth}{step}:" for depth, step in enumerate(above, 1)]
    held = f"{{path: {file.path}, permissions: {mode}, ownership: {{{owner}}}}}"
    lines.append(f"{'  ' * (len(above) + 1)}{field}: {f'[{held}]' if file.is_list else held}")
    head = _FACTS.format(group=GROUP, kind=file.kind.partition(".")[0])
    return head + "\n".join(lines)
