"""Anyone who may create a Service can draw traffic for an address of their choice to their own pods.

The field ``externalIPs`` of a Service is believed without a check (CVE-2020-8554), so a tenant can listen
in on another's connections. The plugin DenyServiceExternalIPs forbids new uses of the field. It is off
by default.

Fix: add ``DenyServiceExternalIPs`` to ``--enable-admission-plugins``, after replacing such Services by load
balancers.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --enable-admission-plugins=PodNodeSelector]

Cannot see: admission policies that allow only certain addresses.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0283",
    "Ensure that the API Server --DenyServiceExternalIPs is set",
    problem="External IPs of Services allowed",
    consequence="reachable from outside",
    score=4.0,
    category="Control plane",
)
def external_ips_allowed(api_server: ApiServer) -> Violations:
    if "DenyServiceExternalIPs" not in api_server.items("enable-admission-plugins"):
        yield api_server.with_item("enable-admission-plugins", "DenyServiceExternalIPs")
