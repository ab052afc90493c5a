"""The archive of a provider in a store of another project that keeps Object Lock: versitygw, with its files on a disk."""

import base64
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from tests.programs.provider.provider_parts import Provider, report

from leadline.errors import SourceError
from leadline.programs.provider.bucket import Bucket, Credentials
from leadline.programs.provider.main import main

pytestmark = pytest.mark.nightly("provider")
VERSION = "1.8.0"
FOLDER = Path.home() / ".cache" / "leadline" / f"versitygw-{VERSION}"
WHO = Credentials("archive", "of-a-test-alone")
ORIGIN = "provider.example/default/shop"


def program() -> Path:
    """Built from its sources once; that takes three minutes of a processor."""
    if not (FOLDER / "versitygw").exists():
        subprocess.run(
            ["go", "install", f"github.com/versity/versitygw/cmd/versitygw@v{VERSION}"],
            env={**os.environ, "GOBIN": str(FOLDER)},
            check=True,
            timeout=3_600,
        )
    return FOLDER / "versitygw"


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("data", "versions"):
        (tmp_path / name).mkdir()
    words = (
        "--access",
        WHO.key_id,
        "--secret",
        WHO.secret,
        "--region",
        WHO.region,
        "--port",
        f"127.0.0.1:{port}",
    )
    store = ("posix", "--versioning-dir", str(tmp_path / "versions"), str(tmp_path / "data"))
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen([program(), *words, *store], stdout=said, stderr=said)
    client = httpx2.Client(timeout=60)
    made = Bucket(f"http://127.0.0.1:{port}/leadline-logs", WHO, client)
    try:
        until = time.monotonic() + 120
        while True:
            try:
                answer = made._asked("PUT", "", {}, b"", {"x-amz-bucket-object-lock-enabled": "true"})
                break
            except SourceError:
                assert process.poll() is None, (tmp_path / "said").read_text()
                assert time.monotonic() < until
                time.sleep(0.2)
        assert answer.status == 200, answer.body
        yield made
    finally:
        process.terminate()
        process.wait(60)
        client.close()


def test_what_is_archived_there_cannot_be_changed_deleted_or_hidden(
    provider: Provider, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WHO.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WHO.secret)
    url = f"{bucket._base}{bucket._path}"

    def archived() -> list[list[str]]:
        capfd.readouterr()
        assert main(["archive", url, "--data", str(provider.folder), "--once", "--keep-days", "1"]) == 0
        return [line.split(" ") for line in capfd.readouterr().out.splitlines()]

    def restored(name: str) -> None:
        key = str(provider.folder / "key.txt")
        assert main(["restore-log", url, ORIGIN, str(tmp_path / name), "--key", key]) == 0
        for part in ("index", "records"):
            assert (tmp_path / name / part).read_bytes() == (provider.log / part).read_bytes()

    for number in range(3):
        provider.take(report(range(number + 1)))
    ((key, version),) = archived()
    assert archived() == []
    restored("first")

    soon = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    words = f"<Mode>COMPLIANCE</Mode><RetainUntilDate>{soon}</RetainUntilDate>"
    shorter = f'<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{words}</Retention>'.encode()
    bypass = {"x-amz-bypass-governance-retention": "true"}
    checked = {"x-amz-checksum-sha256": base64.b64encode(sha256(shorter).digest()).decode()}
    attempts = (
        bucket._asked("DELETE", key, {"versionId": version}),
        bucket._asked("DELETE", key, {"versionId": version}, b"", bypass),
        bucket._asked("PUT", key, {"retention": "", "versionId": version}, shorter, checked),
        bucket._asked("PUT", key, {"retention": "", "versionId": version}, shorter, checked | bypass),
    )
    assert [one.status for one in attempts] == [403] * 4, attempts[2].body
    with pytest.raises(SourceError, match=r"has .* already"):
        bucket.put(key, b"another", datetime.now(UTC) + timedelta(days=1))

    # What it does allow: a newer version, and a marker that hides the name.
    assert bucket._asked("PUT", key, {}, b"another").status == 200
    assert bucket._asked("DELETE", key, {}).status == 204
    assert bucket._asked("PUT", f"{ORIGIN}/000000000000-000000000009", {}, b"another").status == 200
    restored("after the attack")
    provider.take(report(range(5)))
    assert len(archived()) == 1
    restored("and on")
    # The provider's disk is lost.
    shutil.rmtree(provider.log)
    shutil.copytree(tmp_path / "and on", provider.log)
    provider.again()
    assert all(is_equal for _, _, is_equal in provider.rebuild())
    assert len(provider.open()) == 5
