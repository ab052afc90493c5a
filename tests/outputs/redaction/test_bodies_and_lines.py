import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost_growth import cost_growth
from leadline.outputs.redaction.bodies import redacted_object
from leadline.outputs.redaction.lines import LineHider
from leadline.outputs.redaction.shapes import redacted_text
from outputs.redaction.credentials import BY_FORM
from outputs.redaction.test_no_leak import leaks

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "p",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{secret}", "team": "a"},
    },
    "spec": {
        "containers": [
            {
                "name": "c",
                "args": ["--password=letmein-now", "--verbose", "https://user:letmein@host/x"],
                "env": [
                    {"name": "A", "value": "very-secret"},
                    {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
                "envFrom": [{"secretRef": {"name": "s"}}],
            }
        ]
    },
    "status": {"podIP": "10.0.0.1"},
}


def redacted_lines(lines: list[str], body: dict[str, Any]) -> list[str]:
    return list(map(LineHider(body).hide, lines))


def test_a_workload_keeps_names_and_loses_values():
    before = copy.deepcopy(POD)
    assert redacted_object(POD) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "annotations": {"team": "a"}},
        "spec": {
            "containers": [
                {
                    "name": "c",
                    "args": ["--password=XXXXXX", "--verbose", "https://XXXXXX@host/x"],
                    "env": [
                        {"name": "A", "value": "XXXXXX"},
                        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                    ],
                    "envFrom": [{"secretRef": {"name": "s"}}],
                }
            ]
        },
    }
    assert before == POD


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_data_keeps_its_keys_only(kind: str):
    body = {"kind": kind, "data": {"a": "QQ==", 7: "x"}, "stringData": None, "binaryData": {"b": "Qg=="}}
    assert redacted_object(body) == {
        "kind": kind,
        "data": {"a": "XXXXXX", "7": "XXXXXX"},
        "stringData": "XXXXXX",
        "binaryData": {"b": "XXXXXX"},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:p@db/x", "postgres://XXXXXX@db/x"),
        ("https://host/path", "https://host/path"),
        ("AKIAABCDEFGHIJKLMNOP", "XXXXXX"),
        ("ghp_" + "a" * 36, "XXXXXX"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "XXXXXX"),
        ("-----BEGIN PRIVATE KEY-----\nnever ends", "XXXXXX"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "XXXXXX"),
        ("api_key: abc123", "api_key: XXXXXX"),
        ("DB_PASSWORD=abc", "DB_PASSWORD=XXXXXX"),
        ("automountServiceAccountToken: true", "automountServiceAccountToken: true"),
        ("secretName: tls", "secretName: tls"),
        ("key: node-role.kubernetes.io/control-plane", "key: node-role.kubernetes.io/control-plane"),
        ("secret:", "secret:"),
        ("secretRef: {name: x}", "secretRef: {name: x}"),
    ],
)
def test_credentials_in_text(text: str, expected: str):
    assert redacted_text(text) == expected


def test_lines_of_a_config_map_show_keys_only():
    body = {"kind": "ConfigMap", "data": {"app.ini": "user=a\npass=bbbbbbb\n", "b": "short"}}
    lines = ["kind: ConfigMap", "data:", "  app.ini: |", "    user=a", "    pass=bbbbbbb", "  b: short", ""]
    assert redacted_lines(lines, body) == [
        "kind: ConfigMap",
        "data:",
        "  app.ini: XXXXXX",
        "    XXXXXX",
        "    XXXXXX",
        "  b: XXXXXX",
        "",
    ]


def test_lines_of_an_environment_show_no_value():
    body = {
        "kind": "Pod",
        "spec": {"containers": [{"env": [{"name": "A", "value": "first line\nsecond line"}]}]},
    }
    lines = ["  - {name: A, value: x, other: y}", "    value: |", "      second line", '    "value": "x"']
    assert redacted_lines(lines, body) == [
        "  - {name: A, value: XXXXXX, other: y}",
        "    value: XXXXXX",
        "      XXXXXX",
        '    "value": XXXXXX',
    ]


SECRET = st.text(st.characters(categories=["L", "N"]), min_size=8, max_size=30).map(lambda s: f"zq{s}zq")


@given(SECRET, st.sampled_from(["Pod", "Deployment", "Widget"]))
def test_no_value_of_an_environment_survives(secret: str, kind: str):
    body = {"kind": kind, "spec": {"deep": [{"env": [{"name": "A", "value": secret}]}]}}
    assert secret not in str(redacted_object(body))
    assert secret not in str(redacted_lines([f"  - value: {secret}", f"    {secret}"], body))


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda i: st.lists(i, max_size=3) | st.dictionaries(st.sampled_from(["env", "data", "value", "kind", "metadata", "annotations"]), i, max_size=3), max_leaves=20))  # fmt: skip
def test_no_shape_of_object_breaks_it(value: object):
    redacted_object({"kind": value, "data": value, "metadata": value, "spec": value})
    redacted_lines(["x: y"], {"kind": value, "data": value, "spec": value, "env": value})


@pytest.mark.parametrize(
    "piece", ["eyJ-", "eyJhbGciOiJ-", "token ", "secret'", "ghp_", "://a:", "-----BEGIN PRIVATE KEY-----"]
)
def test_a_megabyte_of_near_misses_takes_no_time(piece: str):
    assert cost_growth(lambda size: redacted_text(piece * (size * 250_000 // len(piece)))) < 10


@pytest.mark.parametrize("kind", BY_FORM)
def test_a_credential_is_hidden_however_far_into_a_text_it_stands(kind: str):
    for before in ("x y " * 1_020, "x y " * 2_000, "line\n" * 3_000):
        assert leaks(redacted_text(f"{before}{BY_FORM[kind]} {before}"), BY_FORM[kind]) == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:s3cr3t@host/path", "https://XXXXXX@host/path"),
        (
            "see postgres://u:pa55@db.example:5432/x, please",
            "see postgres://XXXXXX@db.example:5432/x, please",
        ),
        ("redis://:hunter2@cache:6379", "redis://XXXXXX@cache:6379"),
        ("amqp://u:p@ss@host/v", "amqp://XXXXXX@host/v"),
        ("https://tok3n1234567890abcd@host/x", "https://XXXXXX@host/x"),
        ("https://tok3n1234567890abcd:@host/x", "https://XXXXXX@host/x"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("https://user:@host/", "https://user:@host/"),
        ("mailto:a@b.example", "mailto:a@b.example"),
    ],
)
def test_of_an_address_the_password_goes_and_the_host_stays(address: str, shown: str):
    assert redacted_text(address) == shown
    assert redacted_object({"kind": "Pod", "spec": {"x": address}})["spec"]["x"] == shown
