"""Asks a program of this machine over its socket: gRPC by hand, over h2, with messages that are few and flat.

For container runtimes, which all speak it (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
"""

import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from leadline.errors import SourceError

TIMEOUT_SECONDS = 30.0
READ_BYTES = 1 << 18
LARGEST_MESSAGE = 32 << 20
NOT_FOUND = "5"

Fields = dict[int, list[bytes | int]]


class NotFound(Exception):  # noqa: N818 - gRPC's name for it
    """The program has no such thing."""


class LocalGrpc:
    """One socket. ``program`` is what messages call the one who answers; ``headers`` go with every call."""

    def __init__(
        self, path: Path, program: str, headers: Mapping[str, str], timeout_s: float = TIMEOUT_SECONDS
    ) -> None:
        self._path = path
        self._program = program
        self._headers = headers
        self._timeout_s = timeout_s

    def call(self, method: str, request: bytes) -> Iterator[bytes]:
        """Every message of the answer.

        Raises:
            NotFound: there is none.
            SourceError: nothing answers.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(self._timeout_s)
            try:
                wire.connect(str(self._path))
                yield from _Exchange(wire).replies(method, self._headers, request)
            except (OSError, h2.exceptions.H2Error) as error:
                why = (getattr(error, "strerror", None) or str(error)).lower()
                raise SourceError(f"{self._program} at {self._path} does not answer: {why}") from error


class _Exchange:
    """One call over one connection."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._buffer = bytearray()
        self._status: dict[str, str] = {}

    def replies(self, method: str, extra: Mapping[str, str], request: bytes) -> Iterator[bytes]:
        """Every message of the answer."""
        connection = self._connection
        connection.initiate_connection()
        connection.increment_flow_control_window(LARGEST_MESSAGE)
        stream = connection.get_next_available_stream_id()
        connection.send_headers(stream, _headers(method, extra))
        connection.increment_flow_control_window(LARGEST_MESSAGE, stream)
        connection.send_data(stream, b"\0" + len(request).to_bytes(4, "big") + request, end_stream=True)
        self._wire.sendall(connection.data_to_send())
        is_open = True
        while is_open:
            is_open = self._receive()
            yield from self._messages()
        self._check(method)

    def _receive(self) -> bool:
        """Takes what has arrived; false after the answer's end."""
        arrived = self._wire.recv(READ_BYTES)
        if not arrived:
            raise OSError("the connection ended early")
        is_open = True
        for event in self._connection.receive_data(arrived):
            match event:
                case h2.events.DataReceived():
                    self._buffer += event.data or b""
                    self._connection.acknowledge_received_data(
                        event.flow_controlled_length or 0, event.stream_id or 0
                    )
                case h2.events.ResponseReceived() | h2.events.TrailersReceived():
                    self._status.update({str(key): str(value) for key, value in event.headers or ()})
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    raise OSError("the call was broken off")
                case h2.events.StreamEnded():
                    is_open = False
        self._wire.sendall(self._connection.data_to_send())
        return is_open

    def _messages(self) -> Iterator[bytes]:
        buffer = self._buffer
        while len(buffer) >= 5:
            size = int.from_bytes(buffer[1:5], "big")
            if size > LARGEST_MESSAGE or buffer[0]:
                raise OSError("a message larger than allowed")
            if len(buffer) < 5 + size:
                return
            message = bytes(buffer[5 : 5 + size])
            del buffer[: 5 + size]
            yield message

    def _check(self, method: str) -> None:
        status = self._status.get("grpc-status", "0")
        if status == NOT_FOUND:
            raise NotFound
        if status != "0":
            why = unquote(self._status.get("grpc-message", ""))[:300]
            raise OSError(f"{method.rpartition('/')[2]} failed: {why or status}")


def _headers(method: str, extra: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        *extra.items(),
    )


def text_field(number: int, text: str) -> bytes:
    """A protobuf message of one text (https://protobuf.dev/programming-guides/encoding)."""
    content = text.encode()
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def read_fields(message: bytes) -> Fields:
    """The fields of a protobuf message by number, each as often as it is written there.

    Raises:
        SourceError: it is not a protobuf message.
    """
    fields: Fields = {}
    at = 0
    try:
        while at < len(message):
            tag, at = _read_varint(message, at)
            value: bytes | int
            match tag & 7:
                case 0:
                    value, at = _read_varint(message, at)
                case 1:
                    value, at = message[at : at + 8], at + 8
                case 2:
                    size, at = _read_varint(message, at)
                    value, at = message[at : at + size], at + size
                case 5:
                    value, at = message[at : at + 4], at + 4
                case _:
                    raise SourceError("the answer is not a protobuf message")
            fields.setdefault(tag >> 3, []).append(value)
    except IndexError as error:
        raise SourceError("the answer is cut short") from error
    return fields


def bytes_of(fields: Fields, number: int) -> bytes:
    """The last value of a field, empty where there is none."""
    value = fields.get(number, [b""])[-1]
    return value if isinstance(value, bytes) else b""


def text_of(fields: Fields, number: int) -> str:
    return bytes_of(fields, number).decode("utf-8", "replace")


def number_of(fields: Fields, number: int) -> int:
    value = fields.get(number, [0])[-1]
    return value if isinstance(value, int) else 0


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise SourceError("containerd sent no protobuf message")
