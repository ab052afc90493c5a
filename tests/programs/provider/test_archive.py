"""Logs in object storage: what was archived can be restored whatever is done to the bucket by who holds its credentials."""

import itertools
import json
import shutil
import ssl
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from xml.sax.saxutils import escape

import httpx2
import pytest
import zstandard
from tests.programs.provider.provider_parts import Provider, report

from leadline.api.provider.note import Checkpoint, signed
from leadline.api.provider.tree import EMPTY_ROOT, leaf_hash
from leadline.errors import SourceError, StoreError, UsageError
from leadline.programs.provider import archive
from leadline.programs.provider import bucket as bucket_module
from leadline.programs.provider.bucket import Bucket, Credentials, credentials, signature
from leadline.programs.provider.log import verify_log

ORIGIN = "provider.example/default/shop"
UNTIL = datetime(2028, 3, 1, tzinfo=UTC)
WHO = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


class Store:
    """A bucket with versions and locks, as S3 documents them; a page of a list holds two."""

    def __init__(self) -> None:
        self.versions: list[tuple[str, str, str, bytes, dict[str, str]]] = []
        self.locks, self.forgets = True, False

    def add(self, key: str, body: bytes, headers: dict[str, str]) -> str:
        number = f"v{len(self.versions)}"
        self.versions.append((key, number, f"2027-02-01T10:00:{len(self.versions):02d}.000Z", body, headers))
        return number

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        made = self.answer(request)
        # As over a socket: not read yet.
        return httpx2.Response(made.status_code, headers=made.headers, stream=httpx2.ByteStream(made.content))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        assert request.headers["authorization"].startswith(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"
        )
        key, query = request.url.path.removeprefix("/logs").removeprefix("/"), request.url.params
        if request.method == "PUT":
            if request.headers.get("if-none-match") == "*" and any(one[0] == key for one in self.versions):
                return httpx2.Response(412)
            assert request.headers["x-amz-object-lock-mode"] == "COMPLIANCE"
            assert request.headers["x-amz-checksum-sha256"]
            if not self.locks:
                return httpx2.Response(400, content=b"<Error><Code>InvalidRequest</Code></Error>")
            kept = {} if self.forgets else dict(request.headers)
            return httpx2.Response(200, headers={"x-amz-version-id": self.add(key, request.read(), kept)})
        if "versions" in query:
            return self.listed(query)
        found = next((one for one in self.versions if one[:2] == (key, query["versionId"])), None)
        if found is None:
            return httpx2.Response(404, content=b"<Error><Code>NoSuchVersion</Code></Error>")
        locks = {name: value for name, value in found[4].items() if name.startswith("x-amz-object-lock")}
        return httpx2.Response(200, headers=locks, content=b"" if request.method == "HEAD" else found[3])

    def listed(self, query: httpx2.QueryParams) -> httpx2.Response:
        rows = sorted(
            (one for one in self.versions if one[0].startswith(query["prefix"])),
            key=lambda one: (one[0], -int(one[1][1:])),
        )
        marks = [one[:2] for one in rows]
        after = (query.get("key-marker", ""), query.get("version-id-marker", ""))
        start = marks.index(after) + 1 if after in marks else 0
        shown = rows[start : start + 2]
        words = "".join(
            f"<Version><Key>{escape(key)}</Key><VersionId>{number}</VersionId><LastModified>{at}</LastModified></Version>"
            for key, number, at, _, _ in shown
        )
        more = start + 2 < len(rows)
        tail = (
            f"<NextKeyMarker>{escape(shown[-1][0])}</NextKeyMarker><NextVersionIdMarker>{shown[-1][1]}</NextVersionIdMarker>"
            if more
            else ""
        )
        text = f'<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>{str(more).lower()}</IsTruncated>{words}{tail}</ListVersionsResult>'
        return httpx2.Response(200, content=text.encode())


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def bucket(store: Store) -> Bucket:
    return Bucket("https://s3.example/logs", WHO, httpx2.Client(transport=httpx2.MockTransport(store)))


def put(bucket: Bucket, provider: Provider) -> list[tuple[int, int]]:
    made = archive.LogArchive(bucket, ORIGIN, provider.place.keys.verifier).put_new(provider.log, UNTIL)
    return [(head.start, head.end) for head, _ in made]


def restored(bucket: Bucket, provider: Provider, folder: Path) -> tuple[list[str], str]:
    return archive.LogArchive(bucket, ORIGIN, provider.place.keys.verifier).restore(folder)


def same(one: Path, other: Path) -> bool:
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in ("index", "records"))


def test_what_is_new_is_put_once_and_restored_as_it_was(
    provider: Provider, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert put(bucket, provider) == []
    for number in range(3):
        provider.take(report(range(number + 1)))
    assert put(bucket, provider) == [(0, 3)]
    assert put(bucket, provider) == []
    monkeypatch.setattr(archive, "_SEGMENT", 1)
    for number in range(3):
        provider.take(report(range(number + 5)))
    assert put(bucket, provider) == [(3, 4), (4, 5), (5, 6)]
    assert restored(bucket, provider, tmp_path / "back") == ([], "")
    assert same(tmp_path / "back", provider.log)
    assert verify_log(tmp_path / "back", provider.place.keys.verifier).faults == ()


def test_who_holds_the_credentials_takes_nothing_back(
    provider: Provider, bucket: Bucket, store: Store, tmp_path: Path
):
    """Newer versions, and objects beside those of the archive, are left out and named."""
    provider.take(report([1]))
    put(bucket, provider)
    provider.take(report([1, 2]))
    put(bucket, provider)
    genuine = store.versions[0][0]
    store.add(genuine, b"{}\nempty", {})
    store.add(genuine.replace("000000000001", "000000000009"), b"{}\nother", {})
    store.add(f"{ORIGIN}/notes.txt", b"x", {})
    left_out, _ = restored(bucket, provider, tmp_path / "back")
    assert left_out == [f"{ORIGIN}/000000000000-000000000009", f"{ORIGIN}/notes.txt"]
    assert same(tmp_path / "back", provider.log)
    provider.take(report([1, 2, 3]))
    assert put(bucket, provider) == [(2, 3)]


def test_a_log_that_was_cut_after_it_was_archived_is_refused(
    provider: Provider, bucket: Bucket, tmp_path: Path
):
    provider.take(report([1]))
    shutil.copytree(provider.log, tmp_path / "yesterday")
    provider.take(report([1, 2]))
    put(bucket, provider)
    own = archive.LogArchive(bucket, ORIGIN, provider.place.keys.verifier)
    with pytest.raises(StoreError, match="the archive holds 2 entries, and the log 1"):
        list(own.put_new(tmp_path / "yesterday", UNTIL))


def test_a_bucket_without_locks_is_refused(provider: Provider, bucket: Bucket, store: Store):
    provider.take(report([1]))
    store.locks = False
    with pytest.raises(SourceError, match=r"does not take .* under Object Lock: HTTP 400 InvalidRequest"):
        put(bucket, provider)
    store.locks, store.forgets = True, True
    with pytest.raises(SourceError, match="does not confirm its lock"):
        put(bucket, provider)


def test_a_segment_that_was_put_by_another_is_not_believed(
    provider: Provider, bucket: Bucket, store: Store, tmp_path: Path
):
    """Put before the provider came to it: it does not follow, and the bytes of a true one changed are found by ``verify_log``."""
    provider.take(report([1]))
    put(bucket, provider)
    key, number, at, body, headers = store.versions[0]
    store.versions[0] = (key, number, at, body[:-1] + bytes([body[-1] ^ 1]), headers)
    restored(bucket, provider, tmp_path / "flipped")
    assert verify_log(tmp_path / "flipped", provider.place.keys.verifier).faults


def forged(store: Store, origin: str, start: int, checkpoint: str, previous: str) -> str:
    """Adds a segment of one more entry, well formed but made without the provider's key, and gives its key in the bucket."""
    head = b'{"index":1}'
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(head + b"\n{}")
    row = leaf_hash(head) + sha256(packed).digest()[:16] + len(packed).to_bytes(8)
    line = {
        "origin": origin,
        "start": start,
        "end": start + 1,
        "checkpoint": checkpoint,
        "previous": previous,
    }
    key = f"{origin}/{start:012d}-{start + 1:012d}"
    store.add(key, json.dumps(line).encode() + b"\n" + row + packed, {})
    return key


def test_entries_that_no_checkpoint_covers_are_not_restored(
    provider: Provider, bucket: Bucket, store: Store, tmp_path: Path
):
    """Once it had them, the provider would sign them."""
    provider.take(report([1]))
    put(bucket, provider)
    note = (provider.log / "checkpoint").read_text()
    key = forged(store, ORIGIN, 1, note, store.versions[0][1])
    left_out, why = restored(bucket, provider, tmp_path / "back")
    assert (left_out, why) == ([key], f"{key}: no checkpoint of provider.example covers its entries")
    assert same(tmp_path / "back", provider.log)


def test_a_log_that_is_all_forged_is_refused_and_leaves_nothing(
    provider: Provider, bucket: Bucket, store: Store, tmp_path: Path
):
    provider.take(report([1]))
    empty = signed(Checkpoint(ORIGIN, 0, EMPTY_ROOT), provider.place.keys.name, provider.place.keys.private)
    forged(store, ORIGIN, 0, empty, "")
    for _ in range(2):
        with pytest.raises(SourceError, match=r"no checkpoint of provider\.example covers its entries"):
            restored(bucket, provider, tmp_path / "back")
    assert list(tmp_path.glob("*back*")) == list(tmp_path.glob(".restore*")) == []


def test_the_log_of_another_source_is_not_restored_under_this_name(
    provider: Provider, bucket: Bucket, store: Store, tmp_path: Path
):
    provider.take(report([1]))
    key = provider.place.keys
    other = Checkpoint("provider.example/default/other", 9, EMPTY_ROOT)
    forged(store, ORIGIN, 0, signed(other, key.name, key.private), "")
    with pytest.raises(SourceError, match=r"no checkpoint of provider\.example covers its entries"):
        restored(bucket, provider, tmp_path / "back")


def test_what_another_put_under_the_next_name_is_not_taken_for_archived(
    provider: Provider, bucket: Bucket, store: Store
):
    provider.take(report([1]))
    put(bucket, provider)
    for body in (b"junk", store.versions[0][3]):
        store.versions = store.versions[:1]
        store.add(f"{ORIGIN}/000000000001-000000000002", body, {})
        provider.take(report([1, len(body)]))
        with pytest.raises(SourceError, match="someone else put it into the bucket"):
            put(bucket, provider)


@pytest.mark.parametrize("change", [{"checkpoint": "x"}, {"previous": "v9"}, {"origin": "a/b/c"}, {"end": 2}])
def test_entries_that_could_not_be_restored_are_not_taken_for_archived(
    provider: Provider, bucket: Bucket, store: Store, tmp_path: Path, change: dict[str, object]
):
    """The true entries below a first line that ``restore`` refuses: put by who was faster than the archive."""
    provider.take(report([1]))
    put(bucket, provider)
    key, number, at, body, headers = store.versions[0]
    line, _, entries = body.partition(b"\n")
    store.versions[0] = (
        *(key, number, at),
        json.dumps(json.loads(line) | change).encode() + b"\n" + entries,
        headers,
    )
    with pytest.raises(SourceError):
        restored(bucket, provider, tmp_path / "back")
    with pytest.raises(SourceError, match="someone else put it into the bucket"):
        put(bucket, provider)


def test_a_log_without_its_checkpoint_is_named(provider: Provider, bucket: Bucket):
    provider.take(report([1]))
    (provider.log / "checkpoint").unlink()
    with pytest.raises(StoreError, match="has entries and no checkpoint"):
        put(bucket, provider)


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>".encode("utf-16"),
        b"<?xml version='1.0' encoding='cp037'?>"
        + "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>".encode("cp037"),
        b"<?xml version='1.0' encoding='nosuch'?><a/>",
        b"<a>",
        b"",
    ],
)
def test_a_list_in_another_form_is_refused(content: bytes):
    client = httpx2.Client(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, stream=httpx2.ByteStream(content)))
    )
    with pytest.raises(SourceError, match=r"document type, or not in UTF-8|does not answer with XML"):
        list(Bucket("https://s3.example/logs", WHO, client).first_versions("a/"))


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bucket_module, "_MOST_PAGES", 20)
    pages = itertools.count()

    def page(_: httpx2.Request) -> httpx2.Response:
        text = f"<R><IsTruncated>true</IsTruncated><NextKeyMarker>{next(pages)}</NextKeyMarker></R>"
        return httpx2.Response(200, stream=httpx2.ByteStream(text.encode()))

    client = httpx2.Client(transport=httpx2.MockTransport(page))
    with pytest.raises(SourceError, match="lists more than 20 pages"):
        list(Bucket("https://s3.example/logs", WHO, client).first_versions("a/"))


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bucket_module, "_LONGEST_S", -1)
    client = httpx2.Client(
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, stream=httpx2.ByteStream(b"<a/>")))
    )
    with pytest.raises(SourceError, match="takes longer than"):
        list(Bucket("https://s3.example/logs", WHO, client).first_versions("a/"))


def test_a_server_that_is_not_trusted_is_told_with_the_flag_for_it():
    plain, unknown = ssl.SSLError(1, "x"), ssl.SSLCertVerificationError(1, "[SSL: FAILED] unknown CA")
    plain.reason, unknown.reason = "WRONG_VERSION_NUMBER", "CERTIFICATE_VERIFY_FAILED"
    for cause, words in (
        (plain, "cannot be reached: this port does not speak TLS; check the port"),
        (unknown, "cannot be reached: unknown CA; name its CA by --ca FILE"),
    ):

        def fail(request: httpx2.Request, cause: ssl.SSLError = cause) -> httpx2.Response:
            raise httpx2.ConnectError(str(cause)) from cause

        bucket = Bucket("https://s3.example/logs", WHO, httpx2.Client(transport=httpx2.MockTransport(fail)))
        with pytest.raises(SourceError) as raised:
            bucket.get("a", "v1")
        assert str(raised.value) == f"s3.example {words}"


def test_a_request_is_signed_as_the_documentation_of_s3_shows():
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": nothing,
    }
    added = signature("GET", "/test.txt", "", headers, WHO, datetime(2013, 5, 24, tzinfo=UTC))
    assert added["authorization"].endswith(
        "=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.example",
        "http://s3.example/logs",
        "https://u:p@s3.example/logs",
        "https://s3.example/a/b",
        "ftp://x/logs",
        "https://[x/abc",
        "https://h:99999999/abc",
    ],
)
def test_an_address_that_is_not_a_bucket_is_refused(url: str):
    with pytest.raises(UsageError):
        Bucket(url, WHO, httpx2.Client())


def test_credentials_that_are_missing_are_asked_for():
    with pytest.raises(UsageError, match="credentials of the bucket are missing"):
        credentials({"AWS_ACCESS_KEY_ID": "a"})


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_SESSION_TOKEN"]
)
@pytest.mark.parametrize("value", ["secr\u00e9t", "secret\nX: y", "secret\udcff", "sec ret"])
def test_credentials_that_no_header_takes_are_refused_and_not_shown(name: str, value: str):
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", name: value}
    with pytest.raises(UsageError) as caught:
        credentials(environ)
    assert str(caught.value) == f"{name} holds characters that are not allowed in it"


def test_a_newline_at_the_end_of_a_credential_is_of_the_file_that_it_came_of():
    environ = {"AWS_ACCESS_KEY_ID": "a\n", "AWS_SECRET_ACCESS_KEY": "b\n", "AWS_SESSION_TOKEN": "c\n"}
    assert credentials(environ) == Credentials("a", "b", session="c")
