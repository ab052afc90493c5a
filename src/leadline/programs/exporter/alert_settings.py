"""The file of ``--alerts``: thresholds, and who is sent what is beyond them."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from leadline.errors import SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.outputs.alerts.syslog import Address
from leadline.programs.exporter.facts import POSTURE_SEVERITIES
from leadline.programs.serving.settings_table import read_mapping
from leadline.sources.regular_file import read_regular

EVERY = "*"
"""The namespace that represents all that are not named."""
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_LARGEST_SECRET = 2**16

Count = Annotated[int, Meta(ge=0)]
Duration = Annotated[str, Meta(pattern=r"^[0-9]{1,6}[mhd]$")]


class Allowed(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The highest numbers that raise no alert, by severity; no alert for what is not named."""

    controls: dict[str, Count] = {}
    vulnerabilities: dict[str, Count] = {}


class Ages(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    posture: Duration | None = None
    images: Duration | None = None


class Thresholds(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    workloads: Allowed = Allowed()
    """Of each."""
    namespaces: dict[str, Allowed] = {}
    """``*`` for all; what a named one says goes before it."""
    cluster: Allowed = Allowed()
    frameworks: dict[str, Annotated[float, Meta(ge=0, le=100)]] = {}
    """The lowest scores that raise no alert."""
    exploited: bool = True
    """Each vulnerability that attackers are known to use."""
    new_critical: bool = True
    """Each critical vulnerability that comes after the first start."""
    new_admin: Duration | None = "1d"
    """For so long an alert fires about who can reach cluster admin and could not before."""
    scan_age: Ages = Ages()
    database_age: Duration | None = None
    runtime: Literal["critical", "high", "medium", "low"] | None = "medium"
    """The lowest severity of the node agent's alerts that are sent; ``None`` for none of them."""
    unread: Count | None = 0
    """Parts of the cluster that may be unread."""


class Http(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Either an address, or a file that holds it; in a file, it is read again for each start."""

    url: str = ""
    url_file: str = ""
    headers: dict[str, str] = {}
    token_file: str = ""
    """Sent as a bearer token."""


class SyslogPlace(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    address: str
    host_name: str = "leadline"


class ReceiverSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One of these."""

    alertmanager: Http | None = None
    webhook: Http | None = None
    slack: Http | None = None
    syslog: SyslogPlace | None = None


class AlertSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    receivers: tuple[ReceiverSettings, ...]
    thresholds: Thresholds = Thresholds()


def read_settings(path: str) -> AlertSettings:
    """Raises: ``SourceError`` where the file cannot be read, ``UsageError`` where something in it cannot be used."""
    body = read_mapping(path, "docs/alerts.md has an example")
    try:
        settings = msgspec.convert(body, AlertSettings)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {in_words(error)}", hint="docs/alerts.md names every field") from error
    _check(settings, path)
    return settings


def seconds(duration: str) -> float:
    """Of ``30m``, ``26h``, ``7d``."""
    return float(duration[:-1]) * _SECONDS[duration[-1]]


def url_of(place: Http) -> str:
    """Raises: ``SourceError`` where the file of the address cannot be read, ``UsageError`` where it is none."""
    url = place.url or _secret(place.url_file)
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or not url.isprintable() or " " in url:
        # The address itself may be a credential: it is not repeated.
        where = f"the address in {place.url_file}" if place.url_file else "the url of a receiver"
        raise UsageError(f"{where} does not begin with http:// or https:// and a host")
    return url


def headers_of(place: Http) -> Mapping[str, str]:
    """Raises: ``SourceError`` where the file of the token cannot be read."""
    token = {"Authorization": f"Bearer {_secret(place.token_file)}"} if place.token_file else {}
    return {**place.headers, **token}


def address_of(place: SyslogPlace) -> Address:
    """Raises: ``UsageError``."""
    found = re.fullmatch(
        r"(udp|tcp)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})", place.address
    )
    if not found or not 0 < int(found[3]) < 65536:
        raise UsageError(
            f"{place.address[:100]} is not an address of a syslog server",
            hint="write for example udp://logs.example:514",
        )
    return Address("udp" if found[1] == "udp" else "tcp", found[2].strip("[]"), int(found[3]))


def _check(settings: AlertSettings, path: str) -> None:
    if not settings.receivers:
        raise UsageError(f"{path}: receivers is empty: no one would get an alert")
    for number, receiver in enumerate(settings.receivers):
        kinds = [name for name in receiver.__struct_fields__ if getattr(receiver, name) is not None]
        if len(kinds) != 1:
            raise UsageError(
                f"{path}: receivers[{number}] has to be one of alertmanager, webhook, slack, syslog"
            )
        place = getattr(receiver, kinds[0])
        if isinstance(place, SyslogPlace):
            address_of(place)
        elif bool(place.url) == bool(place.url_file):
            raise UsageError(f"{path}: receivers[{number}] needs url or urlFile, not both")
        elif any(not (name + value).isprintable() for name, value in place.headers.items()):
            raise UsageError(f"{path}: a header of receivers[{number}] holds what no HTTP header may")
    thresholds = settings.thresholds
    for allowed in (thresholds.workloads, thresholds.cluster, *thresholds.namespaces.values()):
        for name in (*allowed.controls, *allowed.vulnerabilities):
            if name not in POSTURE_SEVERITIES:
                raise UsageError(
                    f"{path}: {name[:100]} is not a severity", hint=f"one of {', '.join(POSTURE_SEVERITIES)}"
                )


def _secret(path: str) -> str:
    try:
        return read_regular(path, _LARGEST_SECRET).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SourceError(f"cannot read {path}: {reason.lower()}") from error
