"""What asks for a login in front of pods: annotations and objects of ingress controllers, gateways and their services.

A front counts as far as its configuration was read: where only its name was, the way counts as open.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from leadline.model.resource import Resource
from leadline.posture.inventory import Inventory
from leadline.posture.subject import mapping, mappings, text

PRODUCTS = {
    "authelia": "Authelia",
    "oauth2-proxy": "oauth2-proxy",
    "oauth2_proxy": "oauth2-proxy",
    "oauth2/auth": "oauth2-proxy",
    "goauthentik": "authentik",
    "authentik": "authentik",
    "pomerium": "Pomerium",
    "teleport": "Teleport",
    "vouch": "Vouch",
    "keycloak": "Keycloak",
    "tinyauth": "Tinyauth",
}
"""Words in an address, or in the name of an object, and whose they are; the paths are those of each one's guide."""


class Front(Struct, frozen=True):
    """What fronts pods and asks who connects."""

    name: str
    is_read: bool = True
    """Whether what it asks for was read; otherwise nothing is known but its name."""

    @property
    def sentence(self) -> str:
        """``Authelia, as far as its configuration was read``."""
        return f"{self.name}, {'as far as its configuration was read' if self.is_read else 'whose configuration was not read'}"


class _Annotation(Struct, frozen=True):
    key: str
    source: str
    name: str = ""
    """Of the front; empty where the value says whose it is."""
    none: tuple[str, ...] = ("none", "false", "off")
    """Values that ask for nothing."""
    unless: tuple[str, tuple[str, ...]] = ("", ())
    """Another annotation and its values that take the demand away."""


_NGINX = "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/"
_HAPROXY = "https://haproxy-ingress.github.io/docs/configuration/keys/"
_F5 = "https://docs.nginx.com/nginx-ingress-controller/configuration/ingress-resources/advanced-configuration-with-annotations/"
_OPTIONAL = ("off", "optional", "optional_no_ca")
_ANNOTATIONS = (
    _Annotation("nginx.ingress.kubernetes.io/auth-url", f"{_NGINX}#external-authentication"),
    _Annotation(
        "nginx.ingress.kubernetes.io/auth-type", f"{_NGINX}#authentication", "a password of ingress-nginx"
    ),
    _Annotation(
        "nginx.ingress.kubernetes.io/auth-tls-secret",
        f"{_NGINX}#client-certificate-authentication",
        "client certificates of ingress-nginx",
        unless=("nginx.ingress.kubernetes.io/auth-tls-verify-client", _OPTIONAL),
    ),
    _Annotation("nginx.org/basic-auth-secret", _F5, "a password of NGINX"),
    _Annotation("nginx.com/jwt-key", _F5, "tokens of NGINX"),
    _Annotation(
        "haproxy.org/auth-type",
        "https://www.haproxy.com/documentation/kubernetes-ingress/community/configuration-reference/ingress/",
        "a password of HAProxy",
    ),
    _Annotation("haproxy-ingress.github.io/auth-url", f"{_HAPROXY}#auth-external"),
    _Annotation(
        "haproxy-ingress.github.io/auth-secret", f"{_HAPROXY}#auth-basic", "a password of HAProxy Ingress"
    ),
    _Annotation("ingress.kubernetes.io/auth-type", f"{_HAPROXY}#auth-basic", "a password of the ingress"),
    _Annotation(
        "alb.ingress.kubernetes.io/auth-type",
        "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#authentication",
        "the login of the AWS load balancer",
        unless=("alb.ingress.kubernetes.io/auth-on-unauthenticated-request", ("allow",)),
    ),
)
"""Annotations that are the configuration themselves."""

_TRAEFIK = "https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/ingress/"
_MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"
_TRAEFIK_GROUPS = ("traefik.io", "traefik.containo.us")
_KONG = "https://developer.konghq.com/kubernetes-ingress-controller/"
_KONG_LOGINS = frozenset(
    [
        "basic-auth",
        "hmac-auth",
        "jwt",
        "key-auth",
        "key-auth-enc",
        "ldap-auth",
        "ldap-auth-advanced",
        "mtls-auth",
        "oauth2",
        "oauth2-introspection",
        "openid-connect",
        "saml",
    ]
)
_F5_POLICIES = (
    "https://docs.nginx.com/nginx-ingress-controller/configuration/policy-resource/policy-specification/"
)
_F5_LOGINS = ("externalAuth", "basicAuth", "jwt", "oidc", "oidcNative", "apiKey", "ingressMTLS")
_ENVOY = "https://gateway.envoyproxy.io/docs/concepts/gateway_api_extensions/security-policy"
_ENVOY_LOGINS = ("extAuth", "oidc", "basicAuth", "jwt", "apiKeyAuth")
_IAP = "https://cloud.google.com/iap/docs/enabling-kubernetes-howto"
_TELEPORT = "https://goteleport.com/docs/enroll-resources/auto-discovery/kubernetes-applications/reference/"
SOURCES = (*(one.source for one in _ANNOTATIONS), _TRAEFIK, _KONG, _F5_POLICIES, _ENVOY, _IAP, _TELEPORT)
"""Where each annotation and object is documented; the policies of meshes name theirs themselves."""
TELEPORT = Front("Teleport")
FRONT_KINDS = (
    *(f"Middleware.{group}" for group in _TRAEFIK_GROUPS),
    "KongPlugin.configuration.konghq.com",
    "KongClusterPlugin.configuration.konghq.com",
    "Policy.k8s.nginx.org",
    "SecurityPolicy.gateway.envoyproxy.io",
    "BackendConfig.cloud.google.com",
    "AuthorizationPolicy.security.istio.io",
    "AuthorizationPolicy.policy.linkerd.io",
    "Server.policy.linkerd.io",
    "ServerAuthorization.policy.linkerd.io",
    "Namespace",
)
"""What a cluster has to be asked for beside the ways themselves."""
_DEEPEST = 4
"""Chains of Traefik's middlewares within each other."""


def fronts_of(through: Resource, service: Resource | None, inventory: Inventory) -> Iterator[Front]:
    """The fronts of what leads to a Service: an Ingress, a route, the Service itself."""
    here = inventory.seen_from(through)
    yield from _by_annotation(through)
    yield from _by_reference(through, here)
    if through.group == "gateway.networking.k8s.io":
        yield from _of_route(through, here)
    if service is not None and through.kind == "Ingress":
        yield from _identity_aware_proxy(service, inventory.seen_from(service))


def is_enrolled(service: Resource) -> bool:
    """Whether annotations of a Service are for Teleport's discovery, which offers it to its users as an application."""
    found = [key for key in _annotations(service) if key.startswith("teleport.dev/")]
    return bool(found) and str(_annotations(service).get("teleport.dev/ignore", "")).lower() != "true"


def product_of(words: str, otherwise: str) -> str:
    """Whose an address or an object is, by its name."""
    return next((name for word, name in PRODUCTS.items() if word in words.lower()), otherwise)


def _annotations(resource: Resource) -> Mapping[str, Any]:
    return mapping(mapping(resource.body.get("metadata")).get("annotations"))


def _by_annotation(through: Resource) -> Iterator[Front]:
    found = _annotations(through)
    for one in _ANNOTATIONS:
        value = str(found.get(one.key, "")).strip()
        other, values = one.unless
        if (
            value
            and value.lower() not in one.none
            and str(found.get(other, "")).strip().lower() not in values
        ):
            yield Front(one.name or product_of(value, "an external login"))


def _by_reference(through: Resource, here: Inventory) -> Iterator[Front]:
    found = _annotations(through)
    for word in _words(found.get(_MIDDLEWARES)):
        name = word.removesuffix("@kubernetescrd")
        read = [
            one
            for group in _TRAEFIK_GROUPS
            for one in here.of(f"Middleware.{group}")
            if f"{one.namespace or 'default'}-{one.name}" == name
        ]
        yield from _of_middlewares(read, here, name)
    for word in _words(found.get("konghq.com/plugins")):
        plugins = [
            *_present(here.get("KongPlugin.configuration.konghq.com", through.namespace, word)),
            *(one for one in here.of("KongClusterPlugin.configuration.konghq.com") if one.name == word),
        ]
        if not plugins:
            yield from _only_named(word)
        for plugin in plugins:
            # Where an anonymous consumer is set, a request without credentials continues as that one.
            if plugin.body.get("plugin") in _KONG_LOGINS and not mapping(plugin.body.get("config")).get(
                "anonymous"
            ):
                yield Front(f"Kong's {plugin.body['plugin']}")
    for word in _words(found.get("nginx.org/policies")):
        namespace, _, name = word.rpartition("/")
        policy = here.get("Policy.k8s.nginx.org", namespace or through.namespace, name)
        if policy is None:
            yield from _only_named(word)
        elif demands := [key for key in _F5_LOGINS if mapping(policy.body.get("spec")).get(key)]:
            yield Front(f"NGINX's {demands[0]}")


def _words(value: Any) -> list[str]:
    return [word.strip() for word in text(value).split(",") if word.strip()]


def _present(one: Resource | None) -> tuple[Resource, ...]:
    return () if one is None else (one,)


_LOGIN_WORDS = (*PRODUCTS, "auth", "oidc", "login", "sso")


def _only_named(name: str) -> Iterator[Front]:
    """What was not read and is called like a login; many others change headers or redirect."""
    if any(word in name.lower() for word in _LOGIN_WORDS):
        yield Front(product_of(name, name), is_read=False)


def _of_middlewares(found: list[Resource], here: Inventory, name: str, depth: int = 0) -> Iterator[Front]:
    if not found:
        yield from _only_named(name)
    for one in found:
        spec = mapping(one.body.get("spec"))
        if address := text(mapping(spec.get("forwardAuth")).get("address")):
            yield Front(product_of(address, product_of(one.name, "an external login")))
        elif spec.get("basicAuth") or spec.get("digestAuth"):
            yield Front("a password of Traefik")
        for _, link in mappings(mapping(spec.get("chain")).get("middlewares")) if depth < _DEEPEST else ():
            kind = f"Middleware.{one.group}"
            linked = here.get(kind, text(link.get("namespace")) or one.namespace, text(link.get("name")))
            yield from _of_middlewares([*_present(linked)], here, text(link.get("name")), depth + 1)


def _of_route(route: Resource, here: Inventory) -> Iterator[Front]:
    """Policies of Envoy Gateway for the route or its Gateways, and filters that every rule of the route has."""
    spec = mapping(route.body.get("spec"))
    parents = [
        ("Gateway", text(one.get("namespace")) or route.namespace or "default", text(one.get("name")))
        for _, one in mappings(spec.get("parentRefs"))
    ]
    own = (route.kind, route.namespace or "default", route.name)
    policies = [one for one in here.of("SecurityPolicy.gateway.envoyproxy.io") if own in _targets(one)]
    # A policy of a route is in place of that of its Gateway, which every parent has to have.
    if policies:
        yield from (front for one in policies for front in _of_security_policy(one))
    elif parents:
        by_parent = [
            [one for one in here.of("SecurityPolicy.gateway.envoyproxy.io") if parent in _targets(one)]
            for parent in parents
        ]
        fronts = [[front for one in found for front in _of_security_policy(one)] for found in by_parent]
        if all(fronts):
            yield from fronts[0][:1]
    filters = [list(_of_filters(rule, route, here)) for _, rule in mappings(spec.get("rules"))]
    if filters and all(filters):
        yield from filters[0][:1]


def _targets(policy: Resource) -> list[tuple[str, str, str]]:
    spec = mapping(policy.body.get("spec"))
    references = [mapping(spec.get("targetRef")), *(one for _, one in mappings(spec.get("targetRefs")))]
    return [
        (text(one.get("kind")), policy.namespace or "default", text(one.get("name"))) for one in references
    ]


def _of_security_policy(policy: Resource) -> Iterator[Front]:
    spec = mapping(policy.body.get("spec"))
    for key in _ENVOY_LOGINS:
        demand = mapping(spec.get(key))
        if demand and not demand.get("failOpen") and not demand.get("optional"):
            yield Front(product_of(_written(demand), f"Envoy Gateway's {key}"))


def _written(demand: Mapping[str, Any]) -> str:
    import json  # takes a millisecond, and few clusters have such a policy

    return json.dumps(demand, default=str)


def _of_filters(rule: Mapping[str, Any], route: Resource, here: Inventory) -> Iterator[Front]:
    for _, one in mappings(rule.get("filters")):
        if one.get("type") == "ExternalAuth":
            yield Front(product_of(_written(one), "an external login"))
        reference = mapping(one.get("extensionRef"))
        if text(reference.get("kind")) == "Middleware":
            name = text(reference.get("name"))
            found = here.get(f"Middleware.{text(reference.get('group'))}", route.namespace, name)
            yield from _of_middlewares([*_present(found)], here, name)


def _identity_aware_proxy(service: Resource, here: Inventory) -> Iterator[Front]:
    """By the annotation of the Service, ``{"default": "config"}`` or ``{"ports": {"http": "config"}}``."""
    written = text(_annotations(service).get("cloud.google.com/backend-config"))
    if not written:
        return
    import json  # as above

    try:
        named = json.loads(written)
    except (ValueError, RecursionError):
        return
    ports = mapping(mapping(named).get("ports"))
    names = [*ports.values()] if ports else [mapping(named).get("default")]
    configs = [
        here.get("BackendConfig.cloud.google.com", service.namespace, text(name)) for name in names if name
    ]
    if configs and all(
        one is not None and mapping(mapping(one.body.get("spec")).get("iap")).get("enabled") is True
        for one in configs
    ):
        yield Front("Identity-Aware Proxy")
