"""What a deletion asks for: preconditions, what becomes of dependants, and whether it is meant."""

from typing import Any

from msgspec import Struct

from leadline.programs.apiserver import asked, refusal
from leadline.programs.apiserver.encoding import wire
from leadline.programs.apiserver.encoding.moment import now
from leadline.programs.apiserver.exchange import JSON, Exchange

_MAX_OPTIONS_BYTES = 64 * 2**10
_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
"""The garbage collector takes them off once it has seen to the dependants."""
_POLICIES = ("", "Background", *_FINALIZERS)


class Deletion(Struct, frozen=True):
    preconditions: dict[str, Any]
    policy: str
    is_dry: bool

    def marked(self, old: dict[str, Any]) -> dict[str, Any] | None:
        """The metadata of an object that its finalizers keep; ``None`` where it can go now."""
        metadata = dict(old)
        finalizers = list(metadata.get("finalizers") or ())
        wanted = _FINALIZERS.get(self.policy)
        if wanted and wanted not in finalizers and "deletionTimestamp" not in metadata:
            finalizers.append(wanted)
        if not finalizers:
            return None
        metadata["finalizers"] = finalizers
        metadata.setdefault("deletionTimestamp", now())
        metadata.setdefault("deletionGracePeriodSeconds", 0)
        return metadata


async def deletion_asked_for(exchange: Exchange) -> Deletion:
    """From the parameters and the body, which may be empty. Raises: ``Refusal``."""
    content = await exchange.body(_MAX_OPTIONS_BYTES, "DeleteOptions")
    options: dict[str, Any] = {}
    if content.strip():
        if exchange.media_type not in (JSON, ""):
            raise refusal.unsupported_media((JSON,))
        options = wire.parse(content)
    policy = options.get("propagationPolicy") or exchange.query.get("propagationPolicy") or ""
    if policy not in _POLICIES:
        raise refusal.bad_request(f"invalid propagationPolicy: {str(policy)[:100]!r}")
    dry = options.get("dryRun") or []
    if dry not in ([], ["All"]):
        raise refusal.bad_request("invalid dryRun")
    preconditions = options.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise refusal.bad_request("invalid preconditions")
    return Deletion(preconditions, policy, bool(dry) or asked.is_dry(exchange))
