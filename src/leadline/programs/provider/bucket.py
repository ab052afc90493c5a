"""A bucket with Object Lock, by the four requests of S3 that an archive needs, signed with AWS Signature Version 4.

See: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import base64
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote
from xml.etree import ElementTree

import httpx2
from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.programs.serving.provider_client import exchanged
from leadline.scans.submitting.sending import Answer, Call, address_parts, hint_of

_LARGEST_LIST = 8 << 20
_MOST_PAGES = 10_000
_LONGEST_S = 900
"""For one whole answer."""
_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")
_SAFE = re.compile(r"[\x20-\x7e]{1,200}")
LARGEST = 512 << 20
"""Bytes of one object."""


class Credentials(Struct, frozen=True):
    key_id: str
    secret: str
    region: str = "us-east-1"
    session: str = ""


class Version(Struct, frozen=True):
    """One version of an object. The oldest of a key is what was put first; no one can put one before it."""

    key: str
    version: str
    modified: str


class Bucket:
    """``url``: ``https://HOST/BUCKET``."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        client: httpx2.Client,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Raises: ``UsageError``."""
        form = "use https://HOST/BUCKET"
        parts = address_parts(url, "bucket", form, "the archive")
        if not re.fullmatch(r"/[a-z0-9][a-z0-9.-]{1,62}/?", parts.path) or parts.query:
            raise UsageError("the bucket URL names no bucket", hint=form)
        self.host = parts.netloc
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path.rstrip("/")
        self._credentials, self._client, self._now = credentials, client, now

    def put(self, key: str, body: bytes, until: datetime) -> str:
        """Puts a new object that no one can change or delete before ``until``; its version.

        Raises: ``SourceError``, also where the bucket does not keep to that, and where there is an object of that key.
        """
        stamp = until.strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = self._asked(
            "PUT",
            key,
            {},
            body,
            {
                "if-none-match": "*",
                "x-amz-object-lock-mode": "COMPLIANCE",
                "x-amz-object-lock-retain-until-date": stamp,
                "x-amz-checksum-sha256": base64.b64encode(sha256(body).digest()).decode(),
            },
        )
        if answer.status == 412:
            raise SourceError(f"{self.host} has {key} already", hint="another archive writes this bucket")
        version = answer.headers.get("x-amz-version-id", "")
        if answer.status != 200 or not _SAFE.fullmatch(version) or version == "null":
            raise SourceError(
                f"{self.host} does not take {key} under Object Lock: HTTP {answer.status}{_code(answer)}",
                hint="the bucket must be made with Object Lock, and the account may put objects and retention",
            )
        self._check_locked(key, version, stamp)
        return version

    def _check_locked(self, key: str, version: str, until: str) -> None:
        """Raises: ``SourceError``: a store that knows no locks may take the header and forget it."""
        head = self._asked("HEAD", key, {"versionId": version})
        mode = head.headers.get("x-amz-object-lock-mode", "")
        kept = head.headers.get("x-amz-object-lock-retain-until-date", "")
        if head.status != 200 or mode != "COMPLIANCE" or kept[:19] < until[:19]:
            raise SourceError(
                f"{self.host} stored {key}, but does not confirm its lock until {until}",
                hint="the bucket must be made with Object Lock in mode COMPLIANCE",
            )

    def get(self, key: str, version: str) -> bytes:
        """That version, whatever was put or deleted since. Raises: ``SourceError``."""
        answer = self._asked("GET", key, {"versionId": version})
        if answer.status != 200:
            raise SourceError(f"{self.host} does not return {key}: HTTP {answer.status}{_code(answer)}")
        return answer.body

    def first_versions(self, prefix: str) -> Iterator[Version]:
        """The oldest version of each object below ``prefix``, by key. Raises: ``SourceError``."""
        found: dict[str, Version] = {}
        place: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            answer = self._asked("GET", "", {"versions": "", "prefix": prefix, **place}, most=_LARGEST_LIST)
            if answer.status != 200:
                raise SourceError(f"{self.host} does not list {prefix}: HTTP {answer.status}{_code(answer)}")
            tree = _parsed(answer.body, self.host)
            for one in tree.findall("{*}Version"):
                words = (
                    one.findtext("{*}Key"),
                    one.findtext("{*}VersionId"),
                    one.findtext("{*}LastModified"),
                )
                if not all(words):
                    raise SourceError(f"{self.host} lists a version without its key, id or time")
                version = Version(*(str(word) for word in words))
                # They come newest first; one of the same second is later in the list.
                if version.key not in found or version.modified <= found[version.key].modified:
                    found[version.key] = version
            if tree.findtext("{*}IsTruncated") != "true":
                break
            after = {
                "key-marker": tree.findtext("{*}NextKeyMarker") or "",
                "version-id-marker": tree.findtext("{*}NextVersionIdMarker") or "",
            }
            if after == place:
                raise SourceError(f"{self.host} lists the same page again")
            place = after
        else:
            raise SourceError(f"{self.host} lists more than {_MOST_PAGES:,} pages of {prefix}")
        yield from (found[key] for key in sorted(found))

    def _asked(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        most: int = LARGEST,
    ) -> Answer:
        """Raises: ``SourceError``."""
        path = quote(f"{self._path}/{key}" if key else self._path, safe="/-_.~")
        words = "&".join(
            f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query)
        )
        every = {"host": self.host, "x-amz-content-sha256": sha256(body).hexdigest(), **(headers or {})}
        every |= signature(method, path, words, every, self._credentials, self._now())
        del every["host"]
        call = Call(method, f"{self._base}{path}?{words}", every, body)
        try:
            return exchanged(self._client, call, "--ca", most, _LONGEST_S)
        except OSError as error:
            raise SourceError(f"{self.host} cannot be reached: {error}", hint=hint_of(error)) from error


def signature(
    method: str, path: str, query: str, headers: Mapping[str, str], who: Credentials, now: datetime
) -> dict[str, str]:
    """The headers that sign a request; ``path`` and ``query`` as they are sent, names of the query in order."""
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    signed = {**headers, "x-amz-date": stamp}
    if who.session:
        signed["x-amz-security-token"] = who.session
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{headers['x-amz-content-sha256']}"
    scope = f"{day}/{who.region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = f"AWS4{who.secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    mark = hmac.digest(key, text.encode(), "sha256").hex()
    added: dict[str, str] = {
        name: signed[name] for name in ("x-amz-date", "x-amz-security-token") if name in signed
    }
    added["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={who.key_id}/{scope}, SignedHeaders={names}, Signature={mark}"
    )
    return added


def credentials(environ: Mapping[str, str]) -> Credentials:
    """By the names that every client of S3 reads. Raises: ``UsageError``."""
    key_id, secret = (
        environ.get(f"AWS_{name}", "").strip() for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    )
    if not (key_id and secret):
        raise UsageError(
            "credentials of the bucket are missing", hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    region = environ.get("AWS_REGION", "") or environ.get("AWS_DEFAULT_REGION", "") or "us-east-1"
    session = environ.get("AWS_SESSION_TOKEN", "").strip()
    for name, value in (
        ("AWS_ACCESS_KEY_ID", key_id),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", region),
        ("AWS_SESSION_TOKEN", session),
    ):
        # It goes into a header, and an error about that would show it.
        if not (value.isascii() and (value.isprintable() or not value)) or " " in value:
            raise UsageError(f"{name} holds characters that are not allowed in it")
    return Credentials(key_id, secret, region, session)


def _code(answer: Answer) -> str:
    found = re.search(rb"<Code>([A-Za-z0-9]{1,60})</Code>", answer.body[:4_096])
    return f" {found[1].decode()}" if found else ""


def _parsed(content: bytes, host: str) -> ElementTree.Element:
    """Raises: ``SourceError``, also for a document that declares entities, or could in another encoding than UTF-8."""
    encoding = _ENCODING.match(content)
    if b"<!" in content or b"\0" in content or (encoding and encoding[1].lower() != b"utf-8"):
        raise SourceError(f"{host} answers with a document type, or not in UTF-8")
    try:
        return ElementTree.fromstring(content)  # noqa: S314 no entities are left
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise SourceError(f"{host} does not answer with XML") from error
