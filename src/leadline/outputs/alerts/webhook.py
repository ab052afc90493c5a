"""Any program that takes JSON: the form is that of Alertmanager's webhooks, which many programs read.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from leadline.outputs.alerts.posting import Posted
from leadline.outputs.alerts.protocol import Alert, Group, Labels, moment

_NEVER = "0001-01-01T00:00:00Z"


class Webhook(Posted):
    """One request for each group."""

    async def send(self, group: Group, now_s: float) -> None:
        """Raises: ``DeliveryError``."""
        body = {
            "version": "4",
            "groupKey": f"{{}}:{{{', '.join(f'{name}={value}' for name, value in group.labels)}}}",
            "truncatedAlerts": 0,
            "status": _status(group.alerts[0]),
            "receiver": "leadline",
            "groupLabels": dict(group.labels),
            "commonLabels": dict(_shared(group)),
            "commonAnnotations": {},
            "externalURL": "",
            "alerts": [
                {
                    "status": _status(alert),
                    "labels": dict(alert.labels),
                    "annotations": dict(alert.annotations),
                    "startsAt": moment(alert.started_s),
                    "endsAt": _NEVER if alert.ended_s is None else moment(alert.ended_s),
                    "generatorURL": "",
                }
                for alert in group.alerts
            ],
        }
        await self._post(body)


def _status(alert: Alert) -> str:
    return "firing" if alert.is_firing else "resolved"


def _shared(group: Group) -> Labels:
    first, *others = (alert.labels for alert in group.alerts)
    return tuple(label for label in first if all(label in labels for labels in others))
