"""Manifests that several controls have as the example of their documentation, each in a form that one of them fails.

What is passed is YAML as it is written: ``"nginx:1.27"`` with its quotes where the colon asks for them.
"""

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}"""
_IMAGE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  template:
    spec:
      containers:
      - {{name: {container}, image: {image}}}"""
_WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  template:
    metadata: {{labels: {{{labels}}}}}
    spec:
{account}      containers:
      - {{name: web, image: {image}}}"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop}}
spec: {{{spec}}}"""
_SUMMARY = """\
apiVersion: spdx.softwarecomposition.kubescape.io/v1beta1
kind: VulnerabilityManifestSummary
metadata:
  name: deployment-web-web
  namespace: shop
  labels:
    kubescape.io/workload-kind: Deployment
    kubescape.io/workload-name: web
    kubescape.io/workload-container-name: web
{annotations}spec: {{severities: {{critical: {{all: {critical}}}, high: {{all: 0}}}}}}"""
_ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: app, namespace: shop}"""
_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: r}}
rules:
- {{{rule}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: b}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}}
subjects:
- {{kind: ServiceAccount, name: {account}, namespace: shop}}"""
_BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata: {{{metadata}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}
subjects:
- {{{subject}}}"""
_MOUNTS = """\
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: shop, labels: {{app: web}}}}
spec:
  containers:
  - name: web
    image: nginx:1.27
    volumeMounts:
    - {{name: v, mountPath: /v}}
  volumes:
  - {{name: e, emptyDir: {{}}}}
  - name: v
    {volume}
---
apiVersion: v1
kind: {kind}
metadata: {{name: data, namespace: shop}}"""
_NODE = """\
apiVersion: v1
kind: Node
metadata: {{name: n1}}
status:
  nodeInfo: {{{state}}}"""
_SANDBOX = """\
apiVersion: extensions.agents.x-k8s.io/v1beta1
kind: SandboxTemplate
metadata: {{name: agent}}
spec:
  podTemplate:
    spec:
      containers:
      - {{name: a, {container}}}"""


def image(image: str, *, name: str = "web", container: str = "web") -> str:
    """A Deployment of one image."""
    return _IMAGE.format(image=image, name=name, container=container)


def web(
    *others: str,
    name: str = "web",
    labels: str = "app: web, tier: front",
    image: str = '"nginx:1.27"',
    account: str = "",
) -> str:
    """A Deployment whose pods have ``labels``, and other objects."""
    shown = f"      serviceAccountName: {account}\n" if account else ""
    return "\n---\n".join((_WEB.format(name=name, labels=labels, image=image, account=shown), *others))


def service(spec: str) -> str:
    """A Service: ``type: NodePort, selector: {app: web}``."""
    return _SERVICE.format(spec=spec)


def vulnerable(*others: str, critical: int = 1, annotations: str = "") -> str:
    """A Deployment, other objects, and what was found in its image."""
    shown = f"  annotations: {annotations}\n" if annotations else ""
    summary = _SUMMARY.format(critical=critical, annotations=shown)
    return web(*others, summary, labels="app: web", image='"reg.example/shop/web:1"')


def default_account_with(rule: str) -> str:
    """A role that is bound to a default account."""
    return _ROLE.format(rule=rule, account="default")


def binding(metadata: str, role: str, subject: str, *, kind: str = "ClusterRoleBinding") -> str:
    """What binds ``subject`` to a role: ``kind: ServiceAccount, name: default, namespace: shop``."""
    return _BINDING.format(metadata=metadata, role=role, subject=subject, kind=kind)


def token_with(rule: str) -> str:
    """A Deployment whose account may do what the rule of a role allows: ``apiGroups: [""], resources: [pods], verbs: [get]``."""
    return web(_ACCOUNT, _ROLE.format(rule=rule, account="app"), account="app")


def mounts(kind: str, volume: str) -> str:
    """A pod with a volume, ``configMap: {name: data}``, and the object of ``kind`` that is mounted."""
    return _MOUNTS.format(kind=kind, volume=volume)


def node(state: str) -> str:
    """A Node whose ``nodeInfo`` is ``state``."""
    return _NODE.format(state=state)


def sandbox(container: str) -> str:
    """A template of sandboxes with one container: ``image: "agent:1"``."""
    return _SANDBOX.format(container=container)
