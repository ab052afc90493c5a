"""A finding that came or went as an OCSF event in a CloudEvents envelope, signed as Standard Webhooks have it.

Sources: https://schema.ocsf.io/1.3.0/classes/compliance_finding, https://github.com/cloudevents/spec (1.0.2),
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

import base64
import binascii
import hashlib
import hmac
import re
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from leadline.api.provider.wire import FindingRow
from leadline.errors import UsageError
from leadline.outputs.text.plain import plain
from leadline.scans.submitting.sending import Call
from leadline.version import __version__

What = Literal["opened", "gone"]
_COMPLIANCE_FINDING = 2003
_ACTIVITIES: dict[What, int] = {"opened": 1, "gone": 3}
"""Create and close."""
_SEVERITIES = {"unknown": 0, "low": 2, "medium": 3, "high": 4, "critical": 5}
_SECRET = re.compile("whsec_[A-Za-z0-9+/=]+")
_LEAST_SECRET, _MOST_SECRET = 24, 64
"""Bytes, as Standard Webhooks ask."""


class Event(Struct, frozen=True):
    what: What
    row: FindingRow

    @property
    def at(self) -> str:
        return self.row.gone if self.what == "gone" else self.row.first_received

    @property
    def id(self) -> str:
        """The same however often it is sent."""
        row = self.row
        name = "\0".join((row.source, row.fingerprint, str(row.ordinal), self.what, self.at))
        return hashlib.sha256(name.encode()).hexdigest()[:32]


def cloud_event(event: Event, host: str) -> dict[str, Any]:
    """``host``: of the provider."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": f"https://{host}/v1/sources/{event.row.source}",
        "type": f"dev.leadline.finding.{event.what}",
        "subject": _uid(event.row),
        "time": event.at,
        "datacontenttype": "application/json",
        "dataschema": "https://schema.ocsf.io/1.3.0/classes/compliance_finding",
        "data": _compliance_finding(event),
    }


def _compliance_finding(event: Event) -> dict[str, Any]:
    row, activity = event.row, _ACTIVITIES[event.what]
    is_open = event.what == "opened"
    return {
        "activity_id": activity,
        "category_uid": 2,
        "class_uid": _COMPLIANCE_FINDING,
        "type_uid": _COMPLIANCE_FINDING * 100 + activity,
        "time": _milliseconds(event.at),
        "severity_id": _SEVERITIES.get(row.severity, 0),
        "status_id": 1 if is_open else 4,
        "metadata": {
            "version": "1.3.0",
            "uid": event.id,
            "product": {"name": "Leadline", "vendor_name": "Leadline", "version": __version__},
        },
        "finding_info": {
            "uid": _uid(row),
            "title": plain(f"{row.control} fails: {row.namespace or '-'}/{row.kind}/{row.name}", 500),
            "created_time": _milliseconds(row.first_received),
        },
        "compliance": {
            "control": plain(row.control, 300),
            "standards": ["Leadline"],
            "status": "Fail" if is_open else "Pass",
            "status_id": 3 if is_open else 1,
        },
        "resources": [
            {
                "uid": plain(f"{row.source}/{row.group}/{row.kind}/{row.namespace}/{row.name}", 1_000),
                "name": plain(row.name, 300),
                "type": plain(row.kind, 300),
                "namespace": plain(row.namespace, 300),
                "labels": [
                    plain(f"source={row.source}", 300),
                    *([plain(f"file={row.file}", 500)] if row.file else []),
                ],
            }
        ],
    }


def _uid(row: FindingRow) -> str:
    return f"{row.source}:{row.fingerprint}:{row.ordinal}"


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1_000)


def signing_key(secret: str) -> bytes:
    """Of ``whsec_…``. Raises: ``UsageError``."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _SECRET.fullmatch(secret) or not _LEAST_SECRET <= len(key) <= _MOST_SECRET:
        raise UsageError(
            "the secret of a webhook is whsec_ and 24 to 64 bytes in Base64",
            hint='printf "whsec_%s\\n" "$(head -c 32 /dev/urandom | base64)"',
        )
    return key


def webhook_call(url: str, key: bytes, event: Event, host: str, now_s: int) -> Call:
    """One request; ``now_s``: seconds since 1970."""
    body = msgspec.json.encode(cloud_event(event, host))
    id = f"msg_{event.id}"
    mark = hmac.new(key, f"{id}.{now_s}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/cloudevents+json",
        "webhook-id": id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{base64.b64encode(mark).decode()}",
    }
    return Call("POST", url, headers, body)
