"""Which namespaces hold applications, and objects that live in the default one or name none."""

from leadline.model.control import NotJudged, Review, Set, Violations
from leadline.model.resource import Resource
from leadline.posture.subject import Namespace, mapping

YOUR_NAMESPACE = "YOUR_NAMESPACE"


def holds_applications(namespace: Namespace) -> bool:
    """Whether it is there for applications, and not for Kubernetes itself."""
    return not namespace.is_kubernetes_own


def default_namespace(resource: Resource) -> Violations:
    """Where an object lives in ``default`` or names no namespace, which comes to the same.

    A chart is rendered for ``default`` only because it is not installed yet, and what a kustomization builds
    without a namespace goes where its overlay or the deploying tool says.
    """
    origin = resource.origin.kind
    if (origin == "helm" and resource.namespace in ("", "default")) or (
        not resource.namespace and (origin == "kustomize" or _is_of_helm(resource))
    ):
        raise NotJudged("the namespace is chosen when it is installed")
    if resource.namespace == "default":
        yield Review("metadata.namespace", on=resource.id)
    elif not resource.namespace:
        yield Set("metadata.namespace", YOUR_NAMESPACE, on=resource.id)


def _is_of_helm(resource: Resource) -> bool:
    labels = mapping(mapping(resource.body.get("metadata")).get("labels"))
    return labels.get("app.kubernetes.io/managed-by") == "Helm" or "helm.sh/chart" in labels
