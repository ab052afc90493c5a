"""Alertmanager, by its API of version 2 (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml)."""

from collections.abc import Mapping

from leadline.outputs.alerts.posting import Posted, Poster
from leadline.outputs.alerts.protocol import Group, moment

ENDS_AFTER_S = 3600.0
"""A firing alert is over for Alertmanager once no one has sent it for so long: longer than a restart of ours takes."""
REPEATS_S = 60.0


class Alertmanager(Posted):
    """``url`` is that of the server, without ``/api/v2``."""

    repeats_s = REPEATS_S

    def __init__(self, url: str, poster: Poster, headers: Mapping[str, str]) -> None:
        super().__init__(f"{url.rstrip('/')}/api/v2/alerts", poster, headers)

    async def send(self, group: Group, now_s: float) -> None:
        """It groups by itself, as its own settings say. Raises: ``DeliveryError``."""
        written = [
            {
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": moment(alert.started_s),
                "endsAt": moment(now_s + ENDS_AFTER_S if alert.ended_s is None else alert.ended_s),
            }
            for alert in group.alerts
        ]
        await self._post(written)
