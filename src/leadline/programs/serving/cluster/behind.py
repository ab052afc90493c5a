"""What a server does all the time that is reached through the cluster's aggregation layer: be trusted, and know who may speak for others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from leadline.programs.serving.cluster.cluster_access import ClusterAccess, FrontProxy, read_front_proxy
from leadline.programs.serving.cluster.kube_api import KubeApi
from leadline.programs.serving.cluster.refusal import Refusal
from leadline.programs.serving.cluster.registration import OwnService, names, trust
from leadline.programs.serving.tls_server import Tls

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 10.0
STARTED_S = 0.05
TRY_AGAIN_S = 1.0
"""While the aggregator does not trust us, nothing can be read."""


class Certificate(Protocol):
    """What is shown, as far as others have to learn of its CA."""

    @property
    def ca(self) -> str:
        """PEM. Raises: ``OSError``."""

    @property
    def is_turning(self) -> bool:
        """Whether ``ca`` is not yet that of what is shown."""

    def turn(self, now: datetime, *, is_trusted: bool) -> bool:
        """Renews, and says whether there is something else to be shown now. Raises: ``OSError``."""


class Serving(Protocol):
    """The server, as far as its start is waited for."""

    started: bool


async def look_after(
    kube: KubeApi,
    access: ClusterAccess,
    tls: Tls,
    read: Callable[[KubeApi], Awaitable[FrontProxy]] = read_front_proxy,
) -> None:
    """Follows the cluster's settings of the front proxy, and our own certificate."""
    while True:
        await asyncio.sleep(LOOK_AGAIN_S)
        try:
            access.front_proxy = await read(kube)
            tls.renew(access.front_proxy.ca)
        except (Refusal, OSError) as error:
            log.warning("settings of the front proxy: %s", error)


def own_service(host: str, role: str) -> OwnService | None:
    """``leadline.shop.svc`` as name and namespace; ``None`` for another sort of name."""
    name, _, rest = host.partition(".")
    namespace, _, end = rest.partition(".")
    return (
        OwnService(name, namespace, role) if name and namespace and end.partition(".")[0] == "svc" else None
    )


async def be_trusted(
    kube: KubeApi,
    own: Certificate,
    service: OwnService | None,
    serving: Serving,
    show: Callable[[], None],
    apiservices: Sequence[str] = names(),
) -> None:
    """Keeps our CA in the APIServices, even where others write them, and renews what ends.

    With ``service`` they are created, and not before requests are answered: until then they would keep every namespace of the
    cluster from being deleted.
    """
    while service is not None and not serving.started:
        await asyncio.sleep(STARTED_S)
    while True:
        is_trusted = False
        try:
            is_trusted = await trust(kube, own.ca, service, apiservices)
        except (Refusal, OSError, ValueError) as error:
            log.warning("our certificate: %s", error)
        try:
            if own.turn(datetime.now(UTC), is_trusted=is_trusted):
                show()
                log.info("our certificate is another now")
        except OSError as error:
            log.warning("our certificate: %s", error)
        await asyncio.sleep(LOOK_AGAIN_S if is_trusted and not own.is_turning else TRY_AGAIN_S)
