"""Sends what changed, message by message: nothing is lost while a provider is away, and nothing comes twice."""

import logging
from collections.abc import Mapping

from leadline.api.provider.wire import FoundFinding, Measured, Receipt
from leadline.scans.submitting.outbox import Mark, Outbox, Stays, nothing_stays
from leadline.scans.submitting.sending import (
    Destination,
    DoubtError,
    Exchange,
    Remembered,
    ShorterError,
    check,
    decoded,
    first_contact,
    opened,
    post_of,
)

log = logging.getLogger(__name__)


class ChangeSender:
    """Of one token to one source."""

    def __init__(self, place: Destination, token: str, exchange: Exchange, outbox: Outbox) -> None:
        self._place = place
        self._token = token
        self._exchange = exchange
        self._outbox = outbox
        self._last: dict[Mark, FoundFinding] | None = None
        self.resent = 0
        """Messages that went a second time, to a provider that was set back."""

    def note(self, current: Mapping[Mark, FoundFinding]) -> None:
        """To be called with every state that was seen: a finding that comes and goes between two messages is counted."""
        if self._last is not None:
            steps = sum(1 for mark, one in current.items() if self._last.get(mark) != one)
            steps += len(self._last.keys() - current.keys())
            folded = self._outbox.differs(self._last) + steps - self._outbox.differs(current)
            if folded >= 2:
                self._outbox.drop(folded // 2)
        self._last = dict(current)

    def send(
        self,
        current: Mapping[Mark, FoundFinding],
        measured: Measured,
        deleted_objects: int,
        *,
        is_due: bool,
        stays: Stays = nothing_stays,
    ) -> int:
        """Everything that differs, and a sign of life where ``is_due``; the messages that were acknowledged.

        Raises: ``NotDeliveredError``, ``DoubtError``.
        """
        count = 0
        is_rewound = False
        while True:
            message = self._outbox.outgoing()
            if message is None:
                if not (self._outbox.differs(current, stays) or (is_due and count == 0)):
                    return count
                message = self._outbox.prepare(current, measured, deleted_objects if count == 0 else 0, stays)
            trusted, before = opened(self._place, self._known())
            call = post_of(self._place, "changes", (self._token, message.key), message.packed, before.size)
            try:
                receipt = decoded(self._place, self._exchange, call, Receipt)
            except ShorterError as error:
                # A second time at once is no backup, but a provider that never has enough.
                if is_rewound or not self._outbox.rewind(error.expected):
                    raise DoubtError(str(error.args[0]), hint=error.hint) from error
                # Whether what is left of its log is what it was, the next receipt has to prove.
                lost = self._outbox.sequence - error.expected + 1
                log.error("%s; %d messages are sent again", error.args[0], lost)
                self.resent += lost
                is_rewound = True
                continue
            check(receipt, message.plain, before, trusted)
            self._outbox.acknowledge(message, receipt.checkpoint)
            count += 1

    def _known(self) -> Remembered:
        """Raises: ``NotDeliveredError``."""
        known = self._outbox.remembered
        if known is None:
            known = first_contact(self._place, self._token, self._exchange)
            self._outbox.meet(known)
        return known
