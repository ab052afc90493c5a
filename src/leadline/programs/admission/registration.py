"""Has the API server trust our certificate: our CA in the ``caBundle`` of our own ValidatingWebhookConfiguration."""

import logging
from typing import Any

from leadline.programs.serving.kube import Kube, KubeError
from leadline.programs.serving.own_certificate import trusting_text

log = logging.getLogger(__name__)
PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
ATTEMPTS = 5
_CONFLICT = 409
Body = dict[str, Any]


async def trust(kube: Kube, name: str, ca: str) -> bool:
    """Puts ``ca`` into each webhook of the configuration that lacks it; whether all of them have it now.

    False without such a configuration: then the API server asks no one. Raises: ``KubeError``.
    """
    for _ in range(ATTEMPTS):
        held = await kube.get(f"{PATH}/{name}")
        if held is None:
            return False
        wanted = [_trusting(webhook, ca) for webhook in held.get("webhooks") or ()]
        if wanted == (held.get("webhooks") or []):
            return bool(wanted)
        # Of that version and no other: what someone else changes meanwhile must not be undone.
        version = (held.get("metadata") or {}).get("resourceVersion")
        change = {"metadata": {"resourceVersion": version}, "webhooks": wanted}
        try:
            await kube.patch(f"{PATH}/{name}", change)
        except KubeError as error:
            if error.status == _CONFLICT:
                continue
            raise
        log.info("%s trusts our CA", name)
        return True
    return False


def _trusting(webhook: Body, ca: str) -> Body:
    client = webhook.get("clientConfig") or {}
    wanted = trusting_text(client.get("caBundle"), ca)
    return (
        webhook
        if wanted == (client.get("caBundle") or "")
        else {**webhook, "clientConfig": {**client, "caBundle": wanted}}
    )
