"""What asks for a login in front of pods: each annotation and object of the table, and what takes its demand away."""

from pathlib import Path

import pytest
import yaml

from leadline.model.resource import resource_of
from leadline.posture.inventory import Inventory
from leadline.posture.risk.entries import BEHIND_LOGIN, OPEN, entries_of
from leadline.posture.risk.fronts import SOURCES

PODS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: web, ports: [{containerPort: 8080, name: http}]}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, annotations: {%s}}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, annotations: {%s}}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: web, port: 80}]%s}]}
"""


def the_entry(*texts):
    resources = [resource_of(body) for text in texts for body in yaml.safe_load_all(text)]
    inventory = Inventory(resources)
    return entries_of(inventory.workloads[0], inventory)[0]


def through_ingress(annotations, *objects):
    return the_entry(PODS, SERVICE % "", INGRESS % annotations, *objects)


def through_route(more, *objects):
    return the_entry(PODS, SERVICE % "", ROUTE % more, *objects)


def front(entry):
    """Its name, ``?`` behind where it was not read; and what the way counts as has to fit."""
    if entry.front is None:
        assert entry.reach == OPEN
        return ""
    assert entry.reach == (BEHIND_LOGIN if entry.front.is_read else OPEN)
    return entry.front.name + ("" if entry.front.is_read else "?")


NGINX = "nginx.ingress.kubernetes.io"


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        (f"{NGINX}/auth-url: 'http://authelia.auth.svc.cluster.local/api/authz/auth-request'", "Authelia"),
        (f"{NGINX}/auth-url: 'https://$host/oauth2/auth'", "oauth2-proxy"),
        (f"{NGINX}/auth-url: 'http://ak-outpost.auth.svc/outpost.goauthentik.io/auth/nginx'", "authentik"),
        (f"{NGINX}/auth-url: 'https://who.example'", "an external login"),
        (f"{NGINX}/auth-url: ''", ""),
        (f"{NGINX}/auth-signin: 'https://$host/oauth2/start'", ""),
        (f"{NGINX}/auth-type: basic", "a password of ingress-nginx"),
        (f"{NGINX}/auth-tls-secret: shop/ca", "client certificates of ingress-nginx"),
        (f"{NGINX}/auth-tls-secret: shop/ca, {NGINX}/auth-tls-verify-client: optional", ""),
        ("nginx.org/basic-auth-secret: s", "a password of NGINX"),
        ("nginx.com/jwt-key: s", "tokens of NGINX"),
        ("haproxy.org/auth-type: basic-auth", "a password of HAProxy"),
        ("haproxy-ingress.github.io/auth-url: 'svc://auth/oauth2-proxy:4180'", "oauth2-proxy"),
        ("alb.ingress.kubernetes.io/auth-type: oidc", "the login of the AWS load balancer"),
        ("alb.ingress.kubernetes.io/auth-type: none", ""),
        (
            "alb.ingress.kubernetes.io/auth-type: oidc, alb.ingress.kubernetes.io/auth-on-unauthenticated-request: allow",
            "",
        ),
    ],
)
def test_an_annotation_that_is_the_configuration_itself(annotations, name):
    assert front(through_ingress(annotations)) == name


def middleware(name, spec, group="traefik.io"):
    return f"apiVersion: {group}/v1alpha1\nkind: Middleware\nmetadata: {{name: {name}, namespace: auth}}\nspec: {spec}"


MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares: 'auth-%s@kubernetescrd'"


@pytest.mark.parametrize(
    ("named", "objects", "name"),
    [
        (
            "login",
            [middleware("login", "{forwardAuth: {address: 'http://authelia.auth/api/authz/forward-auth'}}")],
            "Authelia",
        ),
        (
            "login",
            [middleware("login", "{basicAuth: {secret: s}}", "traefik.containo.us")],
            "a password of Traefik",
        ),
        ("login", [middleware("login", "{headers: {}}")], ""),
        ("authelia", [], "Authelia?"),
        ("sso", [], "auth-sso?"),
        (
            "both",
            [
                middleware("both", "{chain: {middlewares: [{name: https}, {name: ak}]}}"),
                middleware("https", "{redirectScheme: {scheme: https}}"),
                middleware(
                    "ak", "{forwardAuth: {address: 'http://who/outpost.goauthentik.io/auth/traefik'}}"
                ),
            ],
            "authentik",
        ),
        ("loop", [middleware("loop", "{chain: {middlewares: [{name: loop}]}}")], ""),
    ],
)
def test_a_middleware_counts_once_it_was_read(named, objects, name):
    assert front(through_ingress(MIDDLEWARES % named, *objects)) == name


def plugin(plugin, config="{}"):
    return (
        "apiVersion: configuration.konghq.com/v1\nkind: KongPlugin\nmetadata: {name: p, namespace: shop}\n"
        f"plugin: {plugin}\nconfig: {config}"
    )


def policy(spec):
    return f"apiVersion: k8s.nginx.org/v1\nkind: Policy\nmetadata: {{name: p, namespace: shop}}\nspec: {spec}"


@pytest.mark.parametrize(
    ("annotations", "objects", "name"),
    [
        ("konghq.com/plugins: p", [plugin("key-auth")], "Kong's key-auth"),
        ("konghq.com/plugins: p", [plugin("key-auth", "{anonymous: someone}")], ""),
        ("konghq.com/plugins: p", [plugin("rate-limiting")], ""),
        ("konghq.com/plugins: oidc", [], "oidc?"),
        ("konghq.com/plugins: limits", [], ""),
        ("nginx.org/policies: p", [policy("{externalAuth: {uri: /a}}")], "NGINX's externalAuth"),
        ("nginx.org/policies: p", [policy("{accessControl: {allow: [10.0.0.0/8]}}")], ""),
        ("nginx.org/policies: other/oidc", [], "other/oidc?"),
    ],
)
def test_an_object_that_is_named_counts_once_it_was_read(annotations, objects, name):
    assert front(through_ingress(annotations, *objects)) == name


BACKEND = "apiVersion: cloud.google.com/v1\nkind: BackendConfig\nmetadata: {name: c, namespace: shop}\nspec: {iap: {enabled: %s}}"


@pytest.mark.parametrize(
    ("objects", "name"), [([BACKEND % "true"], "Identity-Aware Proxy"), ([BACKEND % "false"], ""), ([], "")]
)
def test_the_proxy_of_google_is_that_of_the_service(objects, name):
    service = SERVICE % 'cloud.google.com/backend-config: \'{"default": "c"}\''
    assert front(the_entry(PODS, service, INGRESS % "", *objects)) == name


def security(spec, target="{kind: HTTPRoute, name: web}"):
    return (
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: SecurityPolicy\n"
        f"metadata: {{name: s{len(spec)}, namespace: shop}}\nspec: {{targetRefs: [{target}], {spec}}}"
    )


GATE = "{kind: Gateway, name: gate}"


@pytest.mark.parametrize(
    ("objects", "name"),
    [
        ([security("extAuth: {http: {backendRefs: [{name: authelia}]}}")], "Authelia"),
        ([security("extAuth: {http: {backendRefs: [{name: authelia}]}, failOpen: true}")], ""),
        ([security("jwt: {providers: [{name: a}]}", GATE)], "Envoy Gateway's jwt"),
        ([security("jwt: {optional: true, providers: [{name: a}]}")], ""),
        ([security("cors: {}")], ""),
        ([security("cors: {}"), security("oidc: {provider: {issuer: i}}", GATE)], ""),
        ([security("oidc: {provider: {issuer: i}}", "{kind: HTTPRoute, name: other}")], ""),
    ],
)
def test_a_policy_of_a_route_or_of_its_gateway(objects, name):
    assert front(through_route("", *objects)) == name


def test_a_filter_counts_where_every_rule_has_it():
    login = ", filters: [{type: ExternalAuth, externalAuth: {backendRef: {name: oauth2-proxy}}}]"
    assert front(through_route(login)) == "oauth2-proxy"
    assert front(through_route(login + "}, {backendRefs: [{name: web, port: 80}]")) == ""


def test_a_service_that_teleport_offers_is_reached_by_its_users():
    assert front(the_entry(PODS, SERVICE % "teleport.dev/name: web")) == "Teleport"
    entry = the_entry(PODS, SERVICE % "teleport.dev/name: web, teleport.dev/ignore: 'true'")
    assert entry.reach < BEHIND_LOGIN


MESH = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio-injection: enabled}}"


def istio(spec, name="p", namespace="shop"):
    return (
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}"
    )


TOKEN = "rules: [{from: [{source: {requestPrincipals: ['*']}}]}]"
POLICY = "Istio's AuthorizationPolicy p"


@pytest.mark.parametrize(
    ("objects", "name"),
    [
        ([MESH, istio(TOKEN)], POLICY),
        ([istio(TOKEN)], f"{POLICY}?"),
        ([MESH, istio(TOKEN, namespace="istio-system")], POLICY),
        ([MESH, istio(TOKEN, namespace="other")], ""),
        ([MESH, istio("selector: {matchLabels: {app: other}}, " + TOKEN)], ""),
        ([MESH, istio(TOKEN), istio("rules: [{}]", name="open")], ""),
        ([MESH, istio("rules: [{to: [{operation: {paths: [/admin]}}]}]")], ""),
        ([MESH, istio("rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]")], ""),
        ([MESH, istio("action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}]}]")], POLICY),
        (
            [
                MESH,
                istio(
                    "action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}], to: [{operation: {paths: [/a]}}]}]"
                ),
            ],
            "",
        ),
        ([MESH, istio("action: CUSTOM, provider: {name: oauth2-proxy}, rules: [{}]")], "oauth2-proxy"),
        (
            [
                MESH,
                istio(
                    "action: CUSTOM, provider: {name: oauth2-proxy}, rules: [{to: [{operation: {paths: [/a]}}]}]"
                ),
            ],
            "",
        ),
        (
            [
                MESH,
                "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: r, namespace: shop}\nspec: {}",
            ],
            "",
        ),
    ],
)
def test_a_policy_of_istio_asks_where_nothing_passes_without_an_identity(objects, name):
    assert front(through_ingress("", *objects)) == name


LINKERD = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {linkerd.io/inject: enabled}}"


def linkerd(kind, spec):
    return f"apiVersion: policy.linkerd.io/v1beta1\nkind: {kind}\nmetadata: {{name: s, namespace: shop}}\nspec: {{{spec}}}"


SERVER = linkerd("Server", "podSelector: {matchLabels: {app: web}}, port: http")


@pytest.mark.parametrize(
    ("objects", "name"),
    [
        ([LINKERD, SERVER], "Linkerd's Server s"),
        ([SERVER], "Linkerd's Server s?"),
        ([LINKERD, linkerd("Server", "podSelector: {matchLabels: {app: web}}, port: metrics")], ""),
        (
            [
                LINKERD,
                SERVER,
                linkerd("ServerAuthorization", "server: {name: s}, client: {unauthenticated: true}"),
            ],
            "",
        ),
        (
            [
                LINKERD,
                SERVER,
                linkerd("ServerAuthorization", "server: {name: s}, client: {meshTLS: {identities: ['*']}}"),
            ],
            "Linkerd's Server s",
        ),
        (
            [
                LINKERD,
                SERVER,
                linkerd(
                    "AuthorizationPolicy",
                    "targetRef: {kind: Server, name: s}, requiredAuthenticationRefs: []",
                ),
            ],
            "",
        ),
        (
            [
                LINKERD,
                SERVER,
                linkerd(
                    "AuthorizationPolicy",
                    "targetRef: {kind: Server, name: s}, requiredAuthenticationRefs: [{kind: MeshTLSAuthentication, name: m}]",
                ),
            ],
            "Linkerd's Server s",
        ),
    ],
)
def test_a_server_of_linkerd_asks_where_it_is_open_to_no_one_unknown(objects, name):
    assert front(through_ingress("", *objects)) == name


def test_a_proxy_beside_the_program_counts_unless_the_service_leads_past_it():
    def pods(port):
        proxy = f"      - {{name: login, image: quay.io/oauth2-proxy/oauth2-proxy, ports: [{{containerPort: {port}}}]}}\n"
        return PODS + proxy

    past = the_entry(pods(4180), SERVICE % "", INGRESS % "")
    assert front(past) == ""
    over = the_entry(pods(4180), (SERVICE % "").replace("targetPort: 8080", "targetPort: 4180"), INGRESS % "")
    assert front(over) == "oauth2-proxy"


def test_the_page_about_ranks_names_every_source():
    page = (Path(__file__).resolve().parents[2] / "docs" / "decisions" / "risk.md").read_text()
    assert len(SOURCES) > 12
    assert [source for source in SOURCES if source not in page] == []
