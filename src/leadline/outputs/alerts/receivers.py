"""Receivers of alerts that take JSON."""

from collections.abc import Iterator, Mapping

from leadline.outputs.alerts.posting import Posted, Poster
from leadline.outputs.alerts.protocol import Alert, Group, Labels, moment
from leadline.outputs.text.plain import count, plain

_NEVER = "0001-01-01T00:00:00Z"


class Webhook(Posted):
    """One request for each group, in the form of Alertmanager's webhooks, which many programs read.

    Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """

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


MOST_LINES = 20
"""Of one message; the others are counted."""
_LONGEST_LINE = 500
_COLOURS = {"critical": "#b00020", "high": "#d9480f", "medium": "#b08900", "low": "#3b6ea5"}
_OVER = "#2f7d32"


class Slack(Posted):
    """One message for each group, for what understands Slack's incoming webhooks: Mattermost, Rocket.Chat, Discord's ``/slack``.

    ``url`` is a credential. Source: https://api.slack.com/messaging/webhooks, https://api.slack.com/reference/surfaces/formatting
    """

    async def send(self, group: Group, now_s: float) -> None:
        """Raises: ``DeliveryError``."""
        state = "firing" if group.is_firing else "over"
        title = f"{state}: {_escaped(group.title)} ({count(len(group.alerts), 'alert')})"
        colour = _COLOURS.get(_worst(group), _COLOURS["low"]) if group.is_firing else _OVER
        text = "\n".join(_lines(group))
        body = {"text": title, "attachments": [{"color": colour, "fallback": title, "text": text}]}
        await self._post(body)


def _lines(group: Group) -> Iterator[str]:
    for alert in group.alerts[:MOST_LINES]:
        yield f"• {_escaped(alert.summary)}{_times(alert)}"
    if (more := len(group.alerts) - MOST_LINES) > 0:
        yield f"and {more:,} more"


def _times(alert: Alert) -> str:
    if alert.ended_s is None:
        return ""
    return f" (from {moment(alert.started_s)} to {moment(alert.ended_s)})"


def _worst(group: Group) -> str:
    found = {alert.severity for alert in group.alerts}
    return next((severity for severity in _COLOURS if severity in found), "")


def _escaped(text: str) -> str:
    """The three characters by which Slack knows links and mentions, and the one of the others: no name calls a channel."""
    shown = plain(text, _LONGEST_LINE).replace("@", "@\u200b")
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


ENDS_AFTER_S = 3600.0
"""A firing alert is over for Alertmanager once no one has sent it for so long: longer than a restart of ours takes."""
REPEATS_S = 60.0


class Alertmanager(Posted):
    """By its API of version 2 (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).

    ``url`` is that of the server, without ``/api/v2``.
    """

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
