"""The Gateway takes HTTP in plain text, and offers nothing else.

Anyone on the way reads passwords and sessions and changes what passes. A plain listener beside one with TLS is taken for
what sends visitors on to that.

Fix: add a listener of protocol HTTPS with a certificate, and let the plain one redirect to it.

Example::

    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {name: front, namespace: shop}
    spec:
      gatewayClassName: front
      listeners:
      - {name: http, port: 80, protocol: HTTP}

Cannot see: whether a load balancer in front ends TLS; whether the plain listener only redirects.

See: https://gateway-api.sigs.k8s.io/guides/tls/
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping, mappings, sequence, text

ENCRYPTED = frozenset({"HTTPS", "TLS"})


@control(
    "L-0050",
    "Gateways offer TLS",
    problem="Gateway without TLS",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
    kinds=("Gateway.gateway.networking.k8s.io",),
)
def gateway_without_tls(gateway: Resource) -> Violations:
    listeners = list(mappings(mapping(gateway.body.get("spec")).get("listeners")))
    is_encrypted = any(text(one.get("protocol")) in ENCRYPTED for _, one in listeners)
    for i, listener in listeners:
        tls = mapping(listener.get("tls"))
        ends_here = listener.get("protocol") == "HTTPS" and tls.get("mode") in (None, "Terminate")
        if listener.get("protocol") == "HTTP" and not is_encrypted:
            yield Review(f"spec.listeners[{i}].protocol")
        elif ends_here and not sequence(tls.get("certificateRefs")) and not mapping(tls.get("options")):
            yield Review(f"spec.listeners[{i}].tls")
