"""Holds what is about to be written against what agents recorded, and warns. Nothing is ever denied for it."""

import logging
import threading
from collections.abc import Callable

from msgspec import Raw

from leadline.errors import LeadlineError
from leadline.model.resource import Resource, resource_of
from leadline.outputs.text.plain import count
from leadline.programs.admission.lines import about
from leadline.programs.admission.wire import LONGEST_WARNING, Review, body_of
from leadline.scans.rehearsing.one_change import Recorded, broken_by

log = logging.getLogger(__name__)
AGAIN_S = 60.0
LONGEST_S = 0.5
"""Of one rehearsal, the wait for its turn included; then it is said that it was not made."""
_SHOWN = 3


class Rehearsal:
    """``warnings`` may be asked from any thread; what was recorded is read again every minute."""

    def __init__(self, read: Callable[[], Recorded]) -> None:
        self._read = read
        self._stopped = threading.Event()
        self._recorded = Recorded({}, unread="it has not been read yet")

    def start(self) -> None:
        threading.Thread(target=self._run, name="records", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> None:
        """Reads it again. What was known is kept where that fails, and the reason said."""
        try:
            self._recorded = self._read()
        except LeadlineError as error:
            self._fail(str(error.args[0]))
        except Exception as error:
            log.exception("what agents recorded cannot be read")
            self._fail(f"a fault of this program: {type(error).__name__}")

    def warnings(self, review: Review) -> tuple[str, ...]:
        """Raises: ``Undecodable``, ``TooLarge`` for an object that is not judged either."""
        new, old = _resource(review, review.object), _resource(review, review.old_object)
        if new is None:
            return ()
        recorded = self._recorded
        head = about(new.kind, new.name)
        found = broken_by(new, old, recorded)
        lines = [f"{head}would block what was recorded: {one}"[:LONGEST_WARNING] for one in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"{head}would block {count(len(found) - _SHOWN, 'more recorded thing')}")
        if recorded.unread:
            lines.append(not_rehearsed(recorded.unread))
        return tuple(lines)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.look()
            self._stopped.wait(AGAIN_S)

    def _fail(self, why: str) -> None:
        if why != self._recorded.unread:
            log.warning("what agents recorded is not known: %s", why)
        before = self._recorded
        self._recorded = Recorded(before.profiles, before.policies, before.services, why)


def not_rehearsed(why: str) -> str:
    return f"leadline: not rehearsed against all that was recorded: {why}"[:LONGEST_WARNING]


def _resource(review: Review, content: Raw) -> Resource | None:
    body = body_of(content)
    if body is None:
        return None
    metadata = body.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    if review.namespace:
        metadata["namespace"] = review.namespace
    return resource_of({**body, "metadata": metadata})
