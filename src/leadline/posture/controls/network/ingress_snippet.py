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

See: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations-risk/
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping

SNIPPETS = (
    *(
        f"nginx.ingress.kubernetes.io/{name}-snippet"
        for name in ("configuration", "server", "auth", "modsecurity", "stream")
    ),
    "nginx.org/server-snippets",
    "nginx.org/location-snippets",
)


@control(
    "L-0049",
    "Ingresses bring no NGINX snippets",
    problem="Ingress with an NGINX snippet",
    consequence="secrets",
    score=5.0,
    category="Network",
    kinds=("Ingress.networking.k8s.io",),
)
def ingress_snippet(ingress: Resource) -> Violations:
    annotations = mapping(mapping(ingress.body.get("metadata")).get("annotations"))
    for name in SNIPPETS:
        if name in annotations:
            yield Review(f"metadata.annotations['{name}']")
