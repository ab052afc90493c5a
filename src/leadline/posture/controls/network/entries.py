"""Ingresses, gateways and load balancers: encryption, and where they lead."""

from leadline.posture.checks.exposure import ROUTES, backend_services, route_services
from leadline.posture.checks.target_completeness import expect
from leadline.posture.control import (
    Inventory,
    Resource,
    Review,
    Set,
    Violations,
    control,
    mapping,
    mappings,
    sequence,
    text,
)

SNIPPETS = (
    *(
        f"nginx.ingress.kubernetes.io/{name}-snippet"
        for name in ("configuration", "server", "auth", "modsecurity", "stream")
    ),
    "nginx.org/server-snippets",
    "nginx.org/location-snippets",
)
ROUTE_KINDS = tuple(f"{kind}.gateway.networking.k8s.io" for kind in ROUTES)
ENCRYPTED = frozenset({"HTTPS", "TLS"})
AWS_CERTIFICATE = "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"
AZURE_INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"
INGRESS_CLASS = "kubernetes.io/ingress.class"
AZURE_GATEWAY = "azure/application-gateway"


@control(
    "C-0263",
    "Ingress uses TLS",
    problem="Ingress without TLS",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    category="Network",
    kinds=("Ingress.networking.k8s.io",),
    see="https://kubernetes.io/docs/concepts/services-networking/ingress/#tls",
)
def ingress_without_tls(ingress: Resource) -> Violations:
    """The Ingress takes requests in clear text.

    Passwords and session cookies can be read and answers changed by anyone between the user and the cluster.

    Fix: list the hosts under ``spec.tls`` with the Secret that holds their certificate; cert-manager can fetch
    one.

    Example::

        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: web}
        spec:
          defaultBackend: {service: {name: web, port: {number: 80}}}

    Cannot see: encryption that ends at a load balancer in front; a default certificate of the controller.
    """
    if not mapping(ingress.body.get("spec")).get("tls"):
        yield Set("spec.tls", "<your-tls-definition>")


@control(
    "L-0049",
    "Ingresses bring no NGINX snippets",
    problem="Ingress with an NGINX snippet",
    consequence="secrets",
    score=5.0,
    category="Network",
    kinds=("Ingress.networking.k8s.io",),
    see="https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations-risk/",
)
def ingress_snippet(ingress: Resource) -> Violations:
    """The Ingress puts lines of its own into the configuration of the NGINX controller.

    Such lines run in the controller and can read its token, which mostly reads every Secret of the cluster (CVE-2021-25742).
    Where the controller takes snippets at all, anyone who may write an Ingress has that.

    Fix: use the annotation or the setting that does the same, and switch snippets off in the controller.

    Example::

        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata:
          name: web
          namespace: shop
          annotations: {nginx.ingress.kubernetes.io/configuration-snippet: "more_set_headers x;"}
        spec:
          rules:
          - host: shop.example
            http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}

    Cannot see: whether the controller takes snippets.
    """
    annotations = mapping(mapping(ingress.body.get("metadata")).get("annotations"))
    for name in SNIPPETS:
        if name in annotations:
            yield Review(f"metadata.annotations['{name}']")


@control(
    "C-0298",
    "Dangling Ingress backend",
    problem="Ingress to a missing Service",
    consequence="availability",
    score=3.0,
    reference_score=4.0,
    category="Network",
    kinds=("Ingress.networking.k8s.io",),
    reads=("Service",),
    see="https://kubernetes.io/docs/concepts/services-networking/ingress/",
)
def dangling_ingress_backend(ingress: Resource, inventory: Inventory) -> Violations:
    """The Ingress names a Service that does not exist.

    Requests end in an error page, and anyone who creates a Service of that name later takes them over.

    Fix: fix the name, or take the rule out.

    Example::

        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: in, namespace: shop}
        spec:
          defaultBackend: {service: {name: gone, port: {number: 80}}}

    Cannot see: Services elsewhere. Files are judged only where Services of the namespace are beside the Ingress.
    """
    for path, name in backend_services(ingress):
        if inventory.get("Service", ingress.namespace or "default", name) is None:
            expect(ingress, ("Service",), inventory, name=name, resolves=leads_to_a_service)
            yield Review(path)


def leads_to_a_service(ingress: Resource, inventory: Inventory) -> bool:
    return any(
        inventory.get("Service", ingress.namespace or "default", name)
        for _, name in backend_services(ingress)
    )


@control(
    "C-0302",
    "Dangling Gateway API backend",
    problem="Route to a missing Service",
    consequence="availability",
    score=3.0,
    reference_score=4.0,
    category="Network",
    kinds=ROUTE_KINDS,
    reads=("Service",),
    see="https://gateway-api.sigs.k8s.io/",
)
def dangling_route_backend(route: Resource, inventory: Inventory) -> Violations:
    """The route names a Service that does not exist.

    Requests end in an error, and anyone who creates a Service of that name later takes them over.

    Fix: fix the name or the namespace, or take the backend out.

    Example::

        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        ---
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: r, namespace: shop}
        spec:
          rules:
          - backendRefs: [{name: gone, port: 80}]

    Cannot see: Services elsewhere. Files are judged only where Services of the namespace are beside the route.
    """
    for path, namespace, name in route_services(route):
        if inventory.get("Service", namespace, name) is None:
            expect(route, ("Service",), inventory, namespace, name=name, resolves=leads_somewhere)
            yield Review(path)


def leads_somewhere(route: Resource, inventory: Inventory) -> bool:
    return any(inventory.get("Service", namespace, name) for _, namespace, name in route_services(route))


@control(
    "L-0050",
    "Gateways offer TLS",
    problem="Gateway without TLS",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
    kinds=("Gateway.gateway.networking.k8s.io",),
    see="https://gateway-api.sigs.k8s.io/guides/tls/",
)
def gateway_without_tls(gateway: Resource) -> Violations:
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
    """
    listeners = list(mappings(mapping(gateway.body.get("spec")).get("listeners")))
    is_encrypted = any(text(one.get("protocol")) in ENCRYPTED for _, one in listeners)
    for i, listener in listeners:
        tls = mapping(listener.get("tls"))
        ends_here = listener.get("protocol") == "HTTPS" and tls.get("mode") in (None, "Terminate")
        if listener.get("protocol") == "HTTP" and not is_encrypted:
            yield Review(f"spec.listeners[{i}].protocol")
        elif ends_here and not sequence(tls.get("certificateRefs")) and not mapping(tls.get("options")):
            yield Review(f"spec.listeners[{i}].tls")


@control(
    "L-0051",
    "Gateways say whose routes they take",
    problem="Gateway takes routes of every namespace",
    score=3.0,
    category="Network",
    kinds=("Gateway.gateway.networking.k8s.io",),
    see="https://gateway-api.sigs.k8s.io/guides/multiple-ns/",
)
def gateway_open_to_namespaces(gateway: Resource) -> Violations:
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
    """
    for i, listener in mappings(mapping(gateway.body.get("spec")).get("listeners")):
        namespaces = mapping(mapping(listener.get("allowedRoutes")).get("namespaces"))
        if namespaces.get("from") == "All" and not text(listener.get("hostname")):
            yield Review(f"spec.listeners[{i}].allowedRoutes.namespaces.from")


def is_load_balancer(service: Resource) -> bool:
    return mapping(service.body.get("spec")).get("type") == "LoadBalancer"


@control(
    "C-0231",
    "Encrypt traffic to HTTPS load balancers with TLS certificates",
    problem="Load balancer without certificate (EKS)",
    consequence="reachable from outside",
    score=5.0,
    category="Network",
    kinds=("Service",),
    applies=is_load_balancer,
    cloud="EKS",
    see="https://docs.aws.amazon.com/eks/latest/best-practices/network-security.html",
)
def load_balancer_without_certificate(service: Resource) -> Violations:
    """A load balancer on AWS takes port 443 without a certificate of its own.

    Nothing then says who ends the encryption and with which certificate; often the traffic continues in clear
    text.

    Fix: name a certificate in the annotation ``service.beta.kubernetes.io/aws-load-balancer-ssl-cert``.

    Example::

        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec:
          type: LoadBalancer
          ports: [{port: 443}]

    Cannot see: pods that end the encryption themselves.
    """
    ports = mappings(mapping(service.body.get("spec")).get("ports"))
    annotations = mapping(mapping(service.body.get("metadata")).get("annotations"))
    if any(port.get("port") == 443 for _, port in ports) and not any(
        str(a).startswith(AWS_CERTIFICATE) for a in annotations
    ):
        yield Set(f"metadata.annotations['{AWS_CERTIFICATE}']", "AWS_LOADBALANCER_SSL_CERT")


def is_entry(resource: Resource) -> bool:
    return resource.kind == "Ingress" or mapping(resource.body.get("spec")).get("type") == "LoadBalancer"


def is_internal(service: Resource) -> bool:
    annotations = mapping(mapping(service.body.get("metadata")).get("annotations"))
    return is_entry(service) and str(annotations.get(AZURE_INTERNAL)).lower() == "true"


@control(
    "C-0245",
    "Encrypt traffic to HTTPS load balancers with TLS certificates",
    problem="Public entry without TLS",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=("Service", "Ingress.networking.k8s.io"),
    applies=is_entry,
    cloud="AKS",
    see="https://learn.microsoft.com/en-us/azure/aks/internal-lb",
)
def public_entry_without_tls(resource: Resource, inventory: Inventory) -> Violations:
    """An entry on AKS is public, or ends in clear text.

    A public load balancer in front of plain HTTP lets anyone on the way read and change what passes.

    Fix: keep the load balancer internal and put an Application Gateway with a certificate in front.

    Example::

        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec:
          type: LoadBalancer
          ports: [{port: 443}]

    Cannot see: pods that end the encryption themselves; gateways set up outside the cluster.
    """
    if resource.kind == "Service":
        if not is_internal(resource):
            yield Review(f"metadata.annotations[{AZURE_INTERNAL}]")
    elif balancer := inventory.once(
        "internal balancer", lambda: next(filter(is_internal, inventory.of("Service")), None)
    ):
        inventory.rest_on(balancer)
        annotations = mapping(mapping(resource.body.get("metadata")).get("annotations"))
        if not mapping(resource.body.get("spec")).get("tls"):
            yield Review("spec.tls")
        elif annotations.get(INGRESS_CLASS) != AZURE_GATEWAY:
            yield Set(f"metadata.annotations[{INGRESS_CLASS}]", AZURE_GATEWAY)


@control(
    "L-0057",
    "Meshes keep mutual TLS on",
    problem="Mutual TLS of the mesh is off",
    score=4.0,
    category="Network",
    kinds=("PeerAuthentication.security.istio.io",),
    see="https://istio.io/latest/docs/reference/config/security/peer_authentication/",
)
def mesh_without_tls(policy: Resource) -> Violations:
    """The mesh switches mutual TLS off: pods talk in plain text, and no one proves who they are.

    Rules of the mesh that go by identity then let everyone pass who claims one.

    Fix: write ``mode: STRICT``, and ``PERMISSIVE`` while programs are moved.

    Example::

        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: {name: default, namespace: istio-system}
        spec: {mtls: {mode: DISABLE}}

    Cannot see: encryption below the mesh, as by the network plugin.
    """
    if mapping(mapping(policy.body.get("spec")).get("mtls")).get("mode") == "DISABLE":
        yield Set("spec.mtls.mode", "STRICT")
