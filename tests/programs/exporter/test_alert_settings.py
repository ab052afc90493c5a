"""The file of alerts: what is wrong in it is said in one line, and its credentials never."""

from pathlib import Path

import pytest

from leadline.errors import LeadlineError, SourceError, UsageError
from leadline.programs.exporter.alert_settings import (
    Http,
    SyslogPlace,
    address_of,
    headers_of,
    read_settings,
    seconds,
    url_of,
)

WHOLE = """
thresholds:
  workloads: {controls: {critical: 0}, vulnerabilities: {critical: 10, high: 50}}
  namespaces:
    "*": {controls: {high: 100}}
    shop: {controls: {high: 5}}
  cluster: {controls: {critical: 20}}
  frameworks: {NSA: 70, MITRE: 65.5}
  exploited: true
  newCritical: false
  scanAge: {posture: 26h, images: 2d}
  databaseAge: 7d
  unread: 0
receivers:
- alertmanager: {url: "http://alertmanager:9093"}
- webhook: {url: "https://hooks.example/x", headers: {X-Key: a}, tokenFile: token}
- slack: {urlFile: slack}
- syslog: {address: "udp://logs.example:514"}
"""


def written(folder: Path, text: str) -> str:
    file = folder / "alerts.yaml"
    file.write_text(text)
    return str(file)


def test_every_field_is_read(tmp_path: Path):
    settings = read_settings(written(tmp_path, WHOLE))
    assert settings.thresholds.namespaces["shop"].controls == {"high": 5}
    assert settings.thresholds.scan_age.images == "2d"
    assert not settings.thresholds.new_critical
    assert len(settings.receivers) == 4


RECEIVER = "receivers: [{syslog: {address: udp://a:1}}]\n"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "receivers: is missing"),
        ("[]", "is not one YAML mapping"),
        ("a: [", "alerts.yaml:2: a value was expected"),
        ("receivers: []", "no one would get an alert"),
        ("thresholds: {}", "receivers: is missing"),
        (RECEIVER + "thresholds: {controls: {}}", "thresholds.controls: is not a known field"),
        (RECEIVER + "thresholds: {workloads: {controls: {severe: 1}}}", "severe is not a severity"),
        (
            RECEIVER + "thresholds: {workloads: {controls: {critical: -1}}}",
            "thresholds.workloads.controls[…]: must be a whole number of at least 0",
        ),
        (
            RECEIVER + "thresholds: {frameworks: {NSA: 101}}",
            "thresholds.frameworks[…]: must be a number of at most 100",
        ),
        (RECEIVER + "thresholds: {databaseAge: 7}", "thresholds.databaseAge: must be text"),
        (RECEIVER + "thresholds: {databaseAge: 7w}", "thresholds.databaseAge: must be text that matches"),
        ("receivers: [{}]", "has to be one of"),
        ("receivers: [{slack: {url: http://a}, webhook: {url: http://a}}]", "has to be one of"),
        ("receivers: [{slack: {}}]", "needs url or urlFile"),
        ("receivers: [{slack: {url: http://a, urlFile: b}}]", "needs url or urlFile"),
        ('receivers: [{webhook: {url: http://a, headers: {a: "b\\nc"}}}]', "no HTTP header may"),
        ("receivers: [{syslog: {address: logs}}]", "not an address of a syslog server"),
        ("receivers: [{mail: {}}]", "receivers[0].mail: is not a known field"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, text: str, part: str):
    with pytest.raises(UsageError) as caught:
        read_settings(written(tmp_path, text))
    assert part in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(SourceError, match="no such file"):
        read_settings(str(tmp_path / "alerts.yaml"))
    (tmp_path / "large").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(SourceError, match="larger than 1 MiB"):
        read_settings(str(tmp_path / "large"))


def test_credentials_come_from_files(tmp_path: Path):
    (tmp_path / "url").write_text("https://hooks.example/secret\n")
    (tmp_path / "token").write_text("abc\n")
    place = Http(url_file=str(tmp_path / "url"), token_file=str(tmp_path / "token"), headers={"X-A": "b"})
    assert url_of(place) == "https://hooks.example/secret"
    assert headers_of(place) == {"X-A": "b", "Authorization": "Bearer abc"}


@pytest.mark.parametrize(
    "url",
    ["file:///secret", "secret", "http://", "http://[secret", "http://a/secret b", "http://a/\x01secret"],
)
def test_what_is_no_address_is_refused_without_repeating_it(tmp_path: Path, url: str):
    (tmp_path / "url").write_text(url)
    for place in (Http(url=url), Http(url_file=str(tmp_path / "url"))):
        with pytest.raises(LeadlineError) as caught:
            url_of(place)
        assert "secret" not in str(caught.value)


def test_addresses_of_syslog_servers():
    assert address_of(SyslogPlace("tcp://[::1]:601")).host == "::1"
    for wrong in ("udp://a", "udp://a:0", "udp://a:99999", "unix:///dev/log", "udp://a b:1"):
        with pytest.raises(UsageError):
            address_of(SyslogPlace(wrong))


def test_durations():
    assert [seconds(text) for text in ("30m", "26h", "7d")] == [1_800, 93_600, 604_800]
