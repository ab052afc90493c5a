"""Routes of every namespace may attach to a listener that takes every host name.

Anyone who may write a route in any namespace then answers for any host of the Gateway, and takes over paths of others.

Fix: write ``from: Selector`` with the labels of the namespaces, or give the listener the host name that it is for.

Example::

    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {name: front, namespace: shop}
    spec:
      gatewayClassName: front
      listeners:
      - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: t}]}, allowedRoutes: {namespaces: {from: All}}}

Cannot see: admission policies that limit host names by namespace.

See: https://gateway-api.sigs.k8s.io/guides/multiple-ns/
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping, mappings, text


@control(
    "L-0051",
    "Gateways say whose routes they take",
    problem="Gateway takes routes of every namespace",
    consequence="other",
    score=3.0,
    category="Network",
    kinds=("Gateway.gateway.networking.k8s.io",),
)
def gateway_open_to_namespaces(gateway: Resource) -> Violations:
    for i, listener in mappings(mapping(gateway.body.get("spec")).get("listeners")):
        namespaces = mapping(mapping(listener.get("allowedRoutes")).get("namespaces"))
        if namespaces.get("from") == "All" and not text(listener.get("hostname")):
            yield Review(f"spec.listeners[{i}].allowedRoutes.namespaces.from")
