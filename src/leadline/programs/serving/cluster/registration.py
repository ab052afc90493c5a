"""Our APIServices: a server that serves creates them, its CA goes into them, and ``leadline unregister`` takes them away.

While a registered server does not answer, Kubernetes cannot finish deleting any namespace. So they come last, and go first.
"""

import asyncio
import base64
import logging
from collections.abc import Iterable

from msgspec import Struct

from leadline.api.catalogue import KINDS
from leadline.api.kind import Kind
from leadline.errors import ClusterError
from leadline.programs.serving.cluster.kube_api import Body, KubeApi, KubeSettings
from leadline.programs.serving.cluster.refusal import Refusal
from leadline.programs.serving.own_certificate import trusting_text

log = logging.getLogger(__name__)
_PATH = "/apis/apiregistration.k8s.io/v1/apiservices"
_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_ROLE_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
_GONE = 404
_CONFLICT = 409
ATTEMPTS = 5
LOOK_AGAIN_S = 0.2
ROUNDS = 3
"""Of deleting, with the server alive that may create them."""
RIGHT_FORGOTTEN_S = 1.5


def names(kinds: Iterable[Kind] = KINDS) -> tuple[str, ...]:
    """``v1beta1.spdx.softwarecomposition.kubescape.io``, for each group that we serve."""
    return tuple(sorted({f"{kind.version}.{kind.group}" for kind in kinds}))


class OwnService(Struct, frozen=True):
    """The Service that the aggregator reaches us through."""

    name: str
    namespace: str
    role: str
    """The ClusterRole that lets us create them. They go with it, also where nothing unregisters."""
    port: int = 443


async def trust(
    kube: KubeApi, ca: str, service: OwnService | None = None, apiservices: Iterable[str] = names()
) -> bool:
    """Puts ``ca`` into each of our APIServices that lacks it; whether all of them have it now.

    With ``service`` those that are not there are created.

    Raises: ``Refusal`` where kube-apiserver does not answer.
    """
    results = [await _trust_one(kube, name, ca, service) for name in apiservices]
    return all(results)


async def _trust_one(kube: KubeApi, name: str, ca: str, service: OwnService | None) -> bool:
    for _ in range(ATTEMPTS):
        code, body = await kube.get(f"{_PATH}/{name}")
        if code == _GONE and service is not None:
            # Applied and not posted: the right to create can then be limited to the name.
            _, role = await kube.get(f"{_ROLES}/{service.role}")
            code, body = await kube.apply(f"{_PATH}/{name}", _made(name, ca, service, role))
            if code in (200, 201):
                log.info("apiservice %s is created", name)
                return True
        if code != 200:
            log.warning("apiservice %s: %s", name, body.get("message") or f"HTTP {code}")
            return False
        bundle = (body.get("spec") or {}).get("caBundle") or ""
        wanted = trusting_text(bundle, ca)
        if wanted == bundle:
            return True
        change = {
            "metadata": {"resourceVersion": body.get("metadata", {}).get("resourceVersion")},
            "spec": {"caBundle": wanted},
        }
        code, body = await kube.patch(f"{_PATH}/{name}", change)
        if code == 200:
            log.info("apiservice %s trusts our CA", name)
            return True
        if code != _CONFLICT:
            log.warning("apiservice %s: %s", name, body.get("message") or f"HTTP {code}")
            return False
    return False


def _made(name: str, ca: str, service: OwnService, role: Body) -> Body:
    version, _, group = name.partition(".")
    uid = (role.get("metadata") or {}).get("uid")
    owner = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "name": service.role,
        "uid": uid,
    }
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": "leadline"},
            **({"ownerReferences": [owner]} if uid else {}),
        },
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 1000,
            "versionPriority": 15,
            "caBundle": base64.b64encode(ca.encode()).decode(),
            "service": {"name": service.name, "namespace": service.namespace, "port": service.port},
        },
    }


class Leavings(Struct, frozen=True):
    """Names of what else goes before the chart; empty for what is not there."""

    webhook: str = ""
    """A ValidatingWebhookConfiguration."""
    binding: str = ""
    """The ClusterRoleBinding by which the server creates the APIServices. It goes first, or the server would put them back."""
    lease: str = ""
    """``namespace/name`` of the operator's Lease."""
    lease_binding: str = ""
    """The RoleBinding by which the operator creates that."""


async def unregister(settings: KubeSettings, seconds: float, leavings: Leavings = Leavings()) -> None:  # noqa: B008 frozen
    """Deletes our APIServices and waits until nothing of our groups is served; ``leavings`` go before.

    Raises: ``ClusterError``.
    """
    kube = KubeApi(settings)
    try:
        async with asyncio.timeout(seconds):
            namespace, _, lease = leavings.lease.partition("/")
            await _delete(kube, _WEBHOOKS, "validatingwebhookconfiguration", leavings.webhook)
            await _delete(kube, _BINDINGS, "clusterrolebinding", leavings.binding)
            await _delete(kube, _ROLE_BINDINGS.format(namespace), "rolebinding", leavings.lease_binding)
            for _ in range(ROUNDS if leavings.binding else 1):
                await _delete_all(kube)
                if leavings.binding:
                    # kube-apiserver forgets a right after a moment, and the server may have used it until then.
                    await asyncio.sleep(RIGHT_FORGOTTEN_S)
            await _delete(kube, _LEASES.format(namespace), "lease", lease)
            for name in names():
                log.info("%s is gone", name)
    except TimeoutError:
        raise ClusterError(
            f"the APIServices were still there after {seconds:g} s", hint="kubectl get apiservices"
        ) from None
    except Refusal as refused:
        raise ClusterError(refused.message, hint="is the cluster reachable from this pod?") from refused
    finally:
        await kube.close()


async def _delete_all(kube: KubeApi) -> None:
    for name in names():
        await _delete(kube, _PATH, "apiservice", name)
    for name in names():
        group = name.partition(".")[2]
        for path in (f"{_PATH}/{name}", f"/apis/{group}"):
            while (await kube.get(path))[0] != _GONE:
                await asyncio.sleep(LOOK_AGAIN_S)


async def _delete(kube: KubeApi, path: str, kind: str, name: str) -> None:
    """Nothing without a name. Raises: ``ClusterError`` where it is still there and stays."""
    if not name:
        return
    code, body = await kube.delete(f"{path}/{name}")
    if code not in (200, 202, _GONE):
        message = body.get("message") or f"HTTP {code}"
        raise ClusterError(f"{kind} {name} was not deleted: {message}", hint=f"kubectl delete {kind} {name}")
