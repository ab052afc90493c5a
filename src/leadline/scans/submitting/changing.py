"""Sends what changed, message by message: nothing is lost while a provider is away, and nothing comes twice."""

import logging
import uuid
from collections.abc import Mapping

from msgspec.structs import replace

from leadline.api.provider.note import NoteError
from leadline.api.provider.wire import FoundFinding, ImageContent, Measured, Receipt, digest_of, encoded
from leadline.outputs.text.plain import count
from leadline.scans.submitting.outbox import Mark, Outbox, Seen
from leadline.scans.submitting.sending import (
    Channel,
    DoubtError,
    Parcel,
    Remembered,
    ShorterError,
    parcel_of,
)

log = logging.getLogger(__name__)


class ChangeSender:
    def __init__(self, channel: Channel, outbox: Outbox) -> None:
        self._channel = channel
        self._outbox = outbox
        self._last: dict[Mark, FoundFinding] | None = None
        self._is_rewound = False

    def note(self, current: Mapping[Mark, FoundFinding]) -> None:
        """To be called with every state that was seen: a finding that comes and goes between two messages is counted."""
        if self._last is not None:
            steps = sum(1 for mark, one in current.items() if self._last.get(mark) != one)
            steps += len(self._last.keys() - current.keys())
            folded = self._outbox.distance(Seen(self._last)) + steps - self._outbox.distance(Seen(current))
            if folded >= 2:
                self._outbox.drop(folded // 2)
        self._last = dict(current)

    def send(self, seen: Seen, measured: Measured, deleted_objects: int, *, is_due: bool) -> int:
        """Everything that differs, and a sign of life where ``is_due``; the messages that were acknowledged.

        Raises: ``NotDeliveredError``, ``DoubtError``.
        """
        count = 0
        self._is_rewound = False
        while True:
            message = self._outbox.outgoing()
            if message is None:
                if not (self._outbox.differs(seen) or (is_due and count == 0)):
                    return count
                deleted = deleted_objects if count == 0 else 0
                message = self._outbox.prepare(seen, measured, deleted)
            receipt = self._delivered(message.parcel)
            if receipt is not None:
                self._outbox.acknowledge(message, receipt.checkpoint)
                count += 1

    def wants(self, manifest: str, version: str) -> bool:
        """Whether what is stored under that name is to be read, since it may be another than what was sent."""
        return not self._outbox.is_sent(manifest, version)

    def send_image(self, image: ImageContent, manifest: str, version: str) -> bool:
        """Once for each digest and content, whenever it was scanned; whether it was sent now.

        Raises: ``NotDeliveredError``, ``DoubtError``.
        """
        known = replace(image, at="", name="", database="yes" if image.database else "")
        content = digest_of(encoded(known))
        is_new = not self._outbox.has_image(image.digest, content)
        if is_new:
            # The same key after a lost answer, so that the provider knows it again.
            parcel = parcel_of(image, str(uuid.uuid5(uuid.NAMESPACE_OID, digest_of(encoded(image)))))
            receipt, self._is_rewound = None, False
            while receipt is None:
                receipt = self._delivered(parcel)
            _, signed = self._channel.opened(replace(self._known(), checkpoint=receipt.checkpoint))
            self._outbox.image_sent(image.digest, content, receipt.checkpoint, signed.size)
        self._outbox.note_manifest(manifest, version, image.digest)
        return is_new

    def _delivered(self, parcel: Parcel) -> Receipt | None:
        """The receipt; ``None`` where the provider was set back, and what it lost is to be sent first.

        Raises: ``NotDeliveredError``, ``DoubtError``.
        """
        known = self._known()
        try:
            receipt = self._channel.deliver(parcel, known)
        except ShorterError as error:
            self._rewind(known, error)
            return None
        self._is_rewound = False
        return receipt

    def _rewind(self, known: Remembered, error: ShorterError) -> None:
        """Whether what is left of its log is what it was, the next receipt has to prove. Raises: ``DoubtError``."""
        sequence = self._outbox.sequence
        # A second time at once is no backup, but a provider that never has enough.
        if self._is_rewound or not self._is_kept(known, error.expected):
            raise DoubtError(str(error.args[0]), hint=error.hint) from error
        lost = sequence - error.expected + 1
        log.error("%s; sending %s again", error.args[0], count(lost, "message"))
        self._is_rewound = True

    def _is_kept(self, known: Remembered, expected: int) -> bool:
        """Whether what the provider lost could be put back into the outbox."""
        trusted, _ = self._channel.opened(known)
        try:
            shown = self._channel.first_contact()
            size = trusted.opened(shown.checkpoint).size if shown.checkpoint else 0
        except (ShorterError, NoteError):
            return False
        return self._outbox.rewind(expected, size, lambda note: trusted.opened(note).size)

    def _known(self) -> Remembered:
        """Raises: ``NotDeliveredError``."""
        known = self._outbox.remembered
        if known is None:
            known = self._channel.first_contact()
            self._outbox.meet(known)
        return known
