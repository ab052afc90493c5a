"""Slack, and what understands its incoming webhooks (Mattermost, Rocket.Chat, Discord's ``/slack`` addresses).

Source: https://api.slack.com/messaging/webhooks, https://api.slack.com/reference/surfaces/formatting
"""

from collections.abc import Iterator

from leadline.outputs.alerts.posting import Posted
from leadline.outputs.alerts.protocol import Alert, Group, moment
from leadline.outputs.text.plain import count, plain

MOST_LINES = 20
"""Of one message; the others are counted."""
_LONGEST_LINE = 500
_COLOURS = {"critical": "#b00020", "high": "#d9480f", "medium": "#b08900", "low": "#3b6ea5"}
_OVER = "#2f7d32"


class Slack(Posted):
    """One message for each group. ``url`` is a credential."""

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
