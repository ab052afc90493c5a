"""The pages within a cluster: reached through kube-apiserver as an aggregated API, or with a bearer token."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from leadline.errors import ClusterError
from leadline.programs.serving.chores import beside
from leadline.programs.serving.cluster.behind import Certificate, be_trusted, look_after, own_service
from leadline.programs.serving.cluster.cluster_access import ClusterAccess, FrontProxy, read_front_proxy
from leadline.programs.serving.cluster.kube_api import KubeApi, KubeSettings
from leadline.programs.serving.cluster.refusal import Refusal
from leadline.programs.serving.own_certificate import OwnCertificate
from leadline.programs.serving.pod import kube_address
from leadline.programs.serving.tls_server import Socket, Tls, server
from leadline.programs.ui.app import App
from leadline.programs.ui.doors import PAGES_GROUP, PAGES_VERSION, ClusterDoor
from leadline.programs.ui.keeping import Keeper, Shown

ROOT = f"/apis/{PAGES_GROUP}/{PAGES_VERSION}"
APISERVICE = f"{PAGES_VERSION}.{PAGES_GROUP}"
_LIFE = timedelta(days=90)


class GivenCertificate(Struct, frozen=True):
    """A certificate for our Service that another renews, as ``be_trusted`` wants it."""

    certificate: Path
    key: Path
    ca_file: Path
    is_turning: bool = False

    @property
    def ca(self) -> str:
        """PEM. Raises: ``OSError``."""
        return self.ca_file.read_text("ascii")

    def turn(self, now: datetime, *, is_trusted: bool) -> bool:
        """Files that changed are found by who looks after them."""
        return False


class InCluster(Struct, frozen=True):
    """How the server is reached, and how it reaches the cluster."""

    own_certificate_for: str
    """The name of our Service, ``leadline-ui.security.svc``; empty where both files are given."""
    register: str
    """The ClusterRole by which the APIService is created and with which it is deleted; empty where another creates it."""
    certificate: Path | None
    key: Path | None
    ca: Path | None
    """That signed it, to be written into the APIService; ``None`` where another creates that."""
    host: str
    port: int
    kube: str
    kube_ca: Path
    token_file: Path
    proxy_ca: Path | None = None
    """Of a proxy that logs users in and says by headers who they are; ``None`` for none."""
    proxy_name: str = ""
    """The common name of its client certificate."""

    async def front_proxy(self, kube: KubeApi) -> FrontProxy:
        """Raises: ``Refusal``, ``OSError``."""
        found = await read_front_proxy(kube)
        return found.with_proxy(self.proxy_ca.read_text("ascii"), self.proxy_name) if self.proxy_ca else found


async def serve_in_cluster(settings: InCluster, shown: Shown, keeper: Keeper) -> None:
    """Until it is asked to stop. Raises: ``ClusterError``."""
    kube = KubeApi(KubeSettings(settings.kube or kube_address(), settings.kube_ca, settings.token_file))
    host = settings.own_certificate_for
    with TemporaryDirectory(prefix="leadline-tls-") as folder:
        try:
            pair = settings.certificate or Path(), settings.key or Path()
            own: Certificate | None = GivenCertificate(*pair, settings.ca) if settings.ca else None
            if host and not settings.certificate:
                own = made = OwnCertificate(Path(folder), host, "leadline-ui", life=_LIFE)
                pair = made.certificate, made.key
            access = ClusterAccess(kube, await settings.front_proxy(kube))
            tls = Tls(Socket(settings.host, settings.port, *pair), access.front_proxy.ca)
            app = App(shown, ClusterDoor(access), (f"{ROOT}/pages", "/pages"), documents())
            serving = server(app, Socket(settings.host, settings.port, *pair), tls, app.stop)
            chores = [keeper.run(), look_after(kube, access, tls, settings.front_proxy)]
            if own is not None:
                service = own_service(host, settings.register) if settings.register else None
                renew = lambda: tls.renew(access.front_proxy.ca)  # noqa: E731 short
                chores.append(be_trusted(kube, own, service, serving, renew, (APISERVICE,)))
            await beside(serving, chores)
        except Refusal as refused:
            raise ClusterError(
                refused.message, hint="check --kube, --kube-ca and the rights of the service account"
            ) from refused
        finally:
            await kube.close()


def documents() -> Mapping[str, bytes]:
    """What says to Kubernetes which API this is, by path; and that it lives."""
    version = {"groupVersion": f"{PAGES_GROUP}/{PAGES_VERSION}", "version": PAGES_VERSION}
    group = {"name": PAGES_GROUP, "versions": [version], "preferredVersion": version}
    pages = {
        "name": "pages",
        "singularName": "page",
        "namespaced": False,
        "kind": "Page",
        "verbs": ["get", "list", "watch"],
    }
    resources = {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version["groupVersion"],
        "resources": [pages],
    }
    answers = {
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]},
        f"/apis/{PAGES_GROUP}": {"kind": "APIGroup", "apiVersion": "v1", **group},
        ROOT: resources,
    }
    lives = dict.fromkeys(("/healthz", "/livez", "/readyz"), b"ok")
    return {**{path: msgspec.json.encode(one) for path, one in answers.items()}, **lives}
