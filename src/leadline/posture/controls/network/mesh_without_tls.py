"""The mesh switches mutual TLS off: pods talk in plain text, and no one proves who they are.

Rules of the mesh that go by identity then let everyone pass who claims one.

Fix: write ``mode: STRICT``, and ``PERMISSIVE`` while programs are moved.

Example::

    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: default, namespace: istio-system}
    spec: {mtls: {mode: DISABLE}}

Cannot see: encryption below the mesh, as by the network plugin.

See: https://istio.io/latest/docs/reference/config/security/peer_authentication/
"""

from leadline.posture.control import Resource, Set, Violations, control, mapping


@control(
    "L-0057",
    "Meshes keep mutual TLS on",
    problem="Mutual TLS of the mesh is off",
    consequence="other",
    score=4.0,
    category="Network",
    kinds=("PeerAuthentication.security.istio.io",),
)
def mesh_without_tls(policy: Resource) -> Violations:
    if mapping(mapping(policy.body.get("spec")).get("mtls")).get("mode") == "DISABLE":
        yield Set("spec.mtls.mode", "STRICT")
