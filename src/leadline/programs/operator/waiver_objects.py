"""What became of accepted findings, in the status of the objects that accept them: how many, when last, or why not."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from leadline.model.resource import Resource
from leadline.model.waiver import Waiver
from leadline.programs.operator.notices import Notices
from leadline.programs.serving.kube import Kube, KubeError
from leadline.scans.stored.scan_runs import moment
from leadline.sources.waivers.security_exceptions import security_exception
from leadline.waivers.apply import is_over, why_unusable

log = logging.getLogger(__name__)
IN_FORCE, EXPIRED = "InForce", "Expired"
MOST = 5_000
"""Exceptions whose status is kept; each is a request when it changes."""
Body = dict[str, Any]


Part = Literal["posture", "vulnerabilities"]
"""Of what is accepted: findings of objects, or vulnerabilities of images. Each half of the operator writes its own."""


class ExceptionStatus:
    """Writes whether exceptions hold, and how many findings of one sort they are about."""

    def __init__(self, kube: Kube | None, part: Part = "posture", *, notices: Notices | None = None) -> None:
        """``notices``: of the half that says when an exception has ended; the other one is silent."""
        self._kube = kube
        self._notices = notices
        """``None`` where nothing is written."""
        self._part = part
        self._shown: dict[str, Body] = {}

    async def show(self, exceptions: Sequence[Resource], counts: Mapping[str, int]) -> None:
        """``counts``: findings that each is about, by the title of the object. Only what changed is written."""
        if self._kube is None:
            return
        now = datetime.now(UTC)
        for gone in self._shown.keys() - {one.id for one in exceptions}:
            del self._shown[gone]
        for resource in exceptions[:MOST]:
            if not says_of(resource, self._part):
                continue
            status = status_of(resource, self._part, counts.get(resource.title, 0), now)
            try:
                await self._show(self._kube, resource, status)
            except KubeError as error:
                log.warning("the status of %s cannot be written: %s", resource.title, error)

    async def _show(self, kube: Kube, resource: Resource, status: Body) -> None:
        space = f"/namespaces/{resource.namespace}" if resource.namespace else ""
        plural = f"{resource.kind.lower()}s"
        path = f"/apis/{resource.api_version}{space}/{plural}/{resource.name}"
        known = self._shown.get(resource.id)
        if known is None:
            held = await kube.get(path)
            if held is None:
                return
            known = held.get("status") or {}
        part = self._part
        if _without_moment(status, part) == _without_moment(known, part):
            self._shown[resource.id] = known
            return
        if status[part]["matched"] != ((known.get(part) or {}).get("matched") or 0):
            status[part]["lastMatch"] = moment()
        await kube.patch(f"{path}/status", {"status": status})
        if self._notices is not None and status["state"] == EXPIRED and known.get("state") == IN_FORCE:
            await self._notices.ended(resource.body, status[part]["matched"])
        self._shown[resource.id] = {**known, **status}


def says_of(resource: Resource, part: Part) -> bool:
    """Whether the half that looks at ``part`` has something to say of it; of what is damaged the first has."""
    spec = resource.body.get("spec")
    return part == "posture" or (isinstance(spec, dict) and bool(spec.get(part)))


def status_of(resource: Resource, part: Part, matched: int, now: datetime) -> Body:
    """The status without the moment of the last match."""
    waiver = security_exception(resource.body, resource.title)
    error = waiver if isinstance(waiver, str) else why_unusable(waiver)
    is_expired = isinstance(waiver, Waiver) and not error and is_over(waiver, now)
    if error:
        state = "Invalid"
    elif is_expired:
        state = EXPIRED
    else:
        state = IN_FORCE
    return {"state": state, "expired": is_expired, "error": error, part: {"matched": matched}}


def _without_moment(status: Mapping[str, Any], part: Part) -> Body:
    found = status.get(part) or {}
    return {
        **{name: status.get(name) for name in ("state", "expired", "error")},
        "matched": found.get("matched"),
    }
