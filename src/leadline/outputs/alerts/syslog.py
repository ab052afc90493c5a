"""A syslog server, by RFC 5424: over UDP a message a datagram (RFC 5426), over TCP each with its length (RFC 6587)."""

import asyncio
from typing import Literal

from msgspec import Struct

from leadline.outputs.alerts.protocol import Alert, DeliveryError, Group, moment
from leadline.outputs.text.plain import plain

TIMEOUT_S = 10.0
LARGEST_BYTES = 2048
"""What every receiver has to take (RFC 5424, 6.1)."""
_FACILITY = 1
"""user-level messages"""
_LEVELS = {"critical": 2, "high": 3, "medium": 4, "low": 5}
_OVER = 5
_OTHER = 4
_LONGEST_VALUE = 120
_MOST_FIELD_BYTES = 1400


class Address(Struct, frozen=True):
    """``udp://host:514`` or ``tcp://host:601``."""

    transport: Literal["udp", "tcp"]
    host: str
    port: int


class Syslog:
    """One message for each alert, in the order of the group."""

    repeats_s: float | None = None

    def __init__(self, address: Address, host_name: str) -> None:
        self._address = address
        self._host_name = host_name

    async def send(self, group: Group, now_s: float) -> None:
        """Over UDP nothing says whether it arrived. Raises: ``DeliveryError``."""
        messages = [syslog_message(alert, self._host_name, now_s) for alert in group.alerts]
        address = self._address
        try:
            async with asyncio.timeout(TIMEOUT_S):
                if address.transport == "udp":
                    await _datagrams(address, messages)
                else:
                    await _stream(address, messages)
        except (OSError, TimeoutError) as error:
            why = str(error) or "no answer in time"
            raise DeliveryError(f"{address.host}:{address.port} cannot be reached: {why}") from error


def syslog_message(alert: Alert, host_name: str, now_s: float) -> bytes:
    """``<10>1 2026-11-26T06:00:00Z host leadline - LeadlineScanTooOld [alert@32473 …] firing: …``"""
    level = _LEVELS.get(alert.severity, _OTHER) if alert.is_firing else _OVER
    fields = ""
    for name, value in alert.labels:
        field = f' {_token(name)}="{_escaped(value)}"'
        if len((fields + field).encode()) <= _MOST_FIELD_BYTES:
            fields += field
    # 32473 is the number that RFC 5612 keeps for those who have none of their own.
    head = f"<{_FACILITY * 8 + level}>1 {moment(now_s)} {_token(host_name)} leadline - {_token(alert.name)}"
    state = "firing" if alert.is_firing else "over"
    text = f"{head} [alert@32473{fields}] {state}: {plain(alert.summary, 500)}"
    # Cut in bytes, and not within a character.
    return text.encode()[:LARGEST_BYTES].decode("utf-8", "ignore").encode()


async def _datagrams(address: Address, messages: list[bytes]) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=(address.host, address.port)
    )
    try:
        for message in messages:
            transport.sendto(message)
    finally:
        transport.close()


async def _stream(address: Address, messages: list[bytes]) -> None:
    _, writer = await asyncio.open_connection(address.host, address.port)
    try:
        for message in messages:
            writer.write(b"%d %s" % (len(message), message))
        await writer.drain()
    finally:
        writer.close()
        await writer.wait_closed()


def _token(text: str) -> str:
    """Printable ASCII without blanks, as names and hosts are."""
    made = "".join(c if 33 <= ord(c) <= 126 and c not in '="]' else "-" for c in text)
    return made[:48] or "-"


def _escaped(value: str) -> str:
    shown = plain(value, _LONGEST_VALUE)
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
