"""Which names and values give a credential away, and that no finding ever repeats one."""

import base64
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.checks import token_shapes
from leadline.posture.checks.container_credentials import SENSITIVE_KEY_NAMES, SENSITIVE_VALUES
from leadline.posture.checks.credentials import CredentialRules, rules_for, words
from leadline.posture.engine import judge

RULES = rules_for(SENSITIVE_KEY_NAMES, (), SENSITIVE_VALUES, ())
LETTERS = "Q7wE2rT9yU4iO6pA8sD1fG3hJ5kL0zX7cV2bN4m"
"""Stands in for the random part of a token; made up."""
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("DB_PASSWORD", ("db", "password")),
        ("dbPassword", ("db", "password")),
        ("db.password", ("db", "password")),
        ("--db-password", ("db", "password")),
        ("APIKey2", ("api", "key", "2")),
        ("PGPASSWORD", ("pg", "password")),
        ("apikey", ("api", "key")),
        ("SECRETKEY", ("secret", "key")),
        ("dbcredentials", ("db", "credentials")),
        ("KEYBOARD", ("keyboard",)),
        ("TOKENIZER", ("tokenizer",)),
        ("passwordless", ("passwordless",)),
        ("", ()),
        ("пароль", ()),
    ],
)
def test_a_name_is_read_word_by_word(name, parts):
    assert words(name) == parts


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PASSWORD", "hunter2"),
        ("DB_PASSWORD", "wonderland"),
        ("dbPassword", "wonderland"),
        ("spring.datasource.password", "wonderland"),
        ("MYSQL_PWD", "wonderland"),
        ("PGPASSWORD", "wonderland"),
        ("apikey", "wonderland"),
        ("API_KEY", "wonderland"),
        ("apiKey", "wonderland"),
        ("STRIPE_KEY", "wonderland"),
        ("KEY", LETTERS),
        ("GITHUB_TOKEN", "wonderland"),
        ("JWT", "wonderland"),
        ("aws_secret_access_key", "wonderland"),
        ("CLIENT_SECRET", "Wonderland1"),
        ("DB_PASSWORD", "wonderland\n"),
        ("aws_access_key_id", "wonderland"),
        ("DB_CREDENTIALS", "wonderland"),
        ("PASSWORDS", "wonderland"),
        ("API_TOKENS", LETTERS),
    ],
)
def test_a_name_gives_its_value_away(name, value):
    assert RULES.is_credential(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PASSWORD", ""),
        ("PASSWORD", "true"),
        ("PASSWORD", "none"),
        ("PASSWORD", "****"),
        ("PASSWORD", "$(DB_PASSWORD)"),
        ("PASSWORD", "${DB_PASSWORD}"),
        ("PASSWORD", "{{ .Values.password }}"),
        ("PASSWORD", "<your password>"),
        ("PASSWORD", "$PASSWORD"),
        ("PASSWORD", "/etc/db/password"),
        ("PASSWORD_FILE", "wonderland"),
        ("TOKEN_URL", "https://sign-in.example/token"),
        ("TOKEN", "https://sign-in.example/token"),
        ("TOKEN_TTL_SECONDS", "3600"),
        ("SECRET_NAME", "web-tls"),
        ("TLS_SECRET", "web-tls"),
        ("PUBLIC_KEY", LETTERS),
        ("KEYBOARD", "wonderland"),
        ("MONKEY", "wonderland"),
        ("KEY", "wonderland"),
        ("ETCD_INITIAL_CLUSTER_TOKEN", "shop-etcd"),
        ("MAX_TOKENS", "4096"),
        ("IMAGE_PULL_SECRETS", "registry"),
        ("SECRETS_MANAGER", "aws"),
        ("TOKENS_PER_MINUTE", "1000"),
        ("SIGNING_KEY_ID", "projects/shop/locations/global/keyRings/r/cryptoKeys/k7x2"),
        ("KMS_KEY_ARN", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd"),
        ("PASSWORD_HASHER", "argon2"),
        ("PASSWORD_PROMPT", "Enter password:"),
        ("CSRF_TOKEN_COOKIE", "csrftoken"),
        ("ENABLE_PASSWORD_RESET", "1"),
        ("TOKEN_REVIEW", "enabled"),
        ("HOME", "wonderland"),
        ("", "wonderland"),
        ("TOKEN_SCRIPT", "get-token.sh"),
        ("REFRESH_TOKEN", "refresh_token.py"),
        ("VAULT_SECRETS", '{"secretName": "web", "path": "kv/web", "field": "value"}'),
        ("SECRETS", '["web", "db"]'),
    ],
)
def test_names_of_what_is_no_credential_are_let_go(name, value):
    assert not RULES.is_credential(name, value)


SHAPES = [
    "-----BEGIN PRIVATE KEY-----\nMII\n",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3\n",
    "AKIA" + "QWERTYUIOPASDFGH",
    "ghp_" + LETTERS[:36],
    "glpat-" + LETTERS[:20],
    "AIza" + LETTERS[:35],
    "xoxb-" + LETTERS[:20],
    "sk_live_" + LETTERS[:24],
    "npm_" + LETTERS[:36],
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0ZXN0In0.sig",
    "Authorization: Bearer " + LETTERS[:30],
    "postgres://shop:wonderland@db.example/shop",
    "-----BEGIN PGP PRIVATE KEY " + "BLOCK-----",
    "glrt-" + LETTERS[:20],
    "xapp-1-" + "A0QWERTYUIO-1234567890123-" + HEX[:64],
    "https://hooks.slack.com/" + "services/T0QWERTYU/B0ASDFGHJKL/" + LETTERS[:24],
    "https://discord.com/api/" + "webhooks/123456789012345678/" + LETTERS * 2,
    "1234567890:" + "AA" + LETTERS[:33],
    "SK" + HEX[:32],
    "key-" + HEX[:32],
    "shpat_" + HEX[:32],
    "sq0atp-" + LETTERS[:22],
    "AccountName=shop;AccountKey=" + LETTERS * 2 + "==",
    "https://shop.blob.example/c?sv=2022&sig=" + LETTERS * 2,
    "sk-proj-" + LETTERS,
    "sk-ant-api03-" + LETTERS * 2,
    "sk-" + LETTERS[:20] + "T3BlbkFJ" + LETTERS[:20],
    "hvs." + LETTERS,
    LETTERS[:14] + ".atlasv1." + LETTERS * 2,
    "dapi" + HEX[:32],
    "glsa_" + LETTERS[:32] + "_" + HEX[:8],
    "NRAK-" + LETTERS.upper()[:27],
    "PMAK-" + HEX[:24] + "-" + HEX[:34],
    "lin_api_" + LETTERS + "Q",
    "dckr_pat_" + LETTERS[:27],
    "eyJ0eXAiOiJKV1QifQ." + "eyJzdWIiOiJ0ZXN0In0." + LETTERS,
    "Authorization: Basic " + "c2hvcDp3b25kZXJsYW5k",
    '{"auths": {"registry.example": {"auth": "' + 'c2hvcDp3b25kZXJsYW5k"}}}',
    "redis://:wonderland@cache:6379/0",
    "https://api.example/hook?token=" + LETTERS[:20],
    "https://api.example/v1?user=shop&api_key=" + HEX[:24],
    "Basic " + "c2hvcDp3b25kZXJsYW5k",
    "jdbc:mysql://db/shop?user=shop&password=wonderland",
    "Server=db;User Id=shop;Password=wonderland;",
    "jdbc:sqlserver://db:1433;databaseName=shop;user=sa;password=wonderland",
]


@pytest.mark.parametrize("value", SHAPES)
def test_some_values_tell_by_their_form_alone_plain_or_in_base64(value):
    assert RULES.is_credential("ANYTHING", value)
    assert RULES.is_credential("ANYTHING", f"prefix {value}")


@pytest.mark.parametrize("value", [value for value in SHAPES if len(value) > 20])
def test_base64_hides_nothing(value):
    encoded = base64.b64encode(value.encode()).decode()
    assert RULES.is_credential("ANYTHING", encoded)
    assert RULES.is_credential("ANYTHING", "\n".join(encoded[i : i + 20] for i in range(0, len(encoded), 20)))


@pytest.mark.parametrize(
    "value",
    [
        "AKIA",
        "ghp_short",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "postgres://db.example/shop",
        "postgres://shop@db.example/shop",
        "postgres://shop:$(DB_PASSWORD)@db.example/shop",
        "https://shop.example:8443/path@version",
        "jdbc:mysql://db/shop?user=shop&password=${DB_PASSWORD}",
        "Server=db;User Id=shop;Password={{ .Values.password }};",
        "redis://:$REDIS_PASSWORD@cache:6379/0",
        "user=$1; password=$2; echo done",
        "let a = 1; password = form.value; send(password);",
        "mysql://$1:$2@db/shop",
        "https://hooks.slack.com/services/T00000000/B00000000/" + "X" * 24,
        "glpat-" + "x" * 20,
        "Basic authentication is off",
        "Basic settings",
        "https://api.example/search?key=name&token=page",
        "https://shop.example/?key=introduction-to-shop",
        '{"auth": "required"}',
        "key-value",
        "sk-learn",
        "12345678:AArgh",
        "redis:7.2@sha256:" + "a" * 64,
        LETTERS,
        "wonderland",
    ],
)
def test_other_values_are_let_go(value):
    assert not RULES.is_credential("ANYTHING", value)


def test_the_lines_of_a_file_are_read_as_assignments():
    assert RULES.betrays_text("app.conf", "host = db.example\npassword = wonderland\n")
    assert RULES.betrays_text("env", "A=b\nexport DB_PASSWORD='wonderland'\n")
    assert RULES.betrays_text("app.yaml", "db:\n  - password: wonderland\n")
    assert not RULES.betrays_text("app.conf", "host = db.example\npassword = ${DB_PASSWORD}\n")
    assert not RULES.betrays_text("app.conf", "# set the password first\nhost = db.example\n")
    assert not RULES.betrays_text("app.conf", "password = wonderland"), "one line is a value, not a file"


def test_what_is_allowed_by_name_or_value_is_let_go():
    rules = CredentialRules(SENSITIVE_KEY_NAMES, ("demo",), SENSITIVE_VALUES, ("^example",))
    assert not rules.is_credential("DEMO_PASSWORD", "wonderland")
    assert not rules.is_credential("DB_PASSWORD", "example-password")
    assert not rules.is_credential("X", "example ghp_" + LETTERS[:36])
    assert rules.is_credential("DB_PASSWORD", "wonderland")


def test_names_and_patterns_are_the_users_to_choose():
    rules = CredentialRules(("license code",), (), (r"SHOP-\d{4}", "[broken"), ())
    assert rules.is_credential("LICENSE_CODE", "wonderland")
    assert not rules.is_credential("PASSWORD", "wonderland")
    assert rules.is_credential("X", "shop-1234")
    assert rules.is_credential("X", "a [broken pattern is taken as text")
    assert rules.is_credential("X", base64.b64encode(b"the code is shop-1234").decode())
    assert not CredentialRules((), (), (), ()).is_credential("PASSWORD", "wonderland")


@given(st.text(max_size=200), st.text(max_size=2000))
def test_no_name_and_no_value_raises(name, value):
    assert isinstance(RULES.is_credential(name, value), bool)
    assert isinstance(RULES.betrays_text(name, value), bool)


@pytest.mark.parametrize(
    "piece",
    ["a", "=", "://", "://a:", "password=", "\n", "eyJhbGciO.", "-----BEGIN ", "Bearer ", "é", "key: x\n"],
)
def test_endless_values_are_read_in_part(piece):
    assert isinstance(RULES.betrays_text("CONFIG", piece * (2_000_000 // len(piece))), bool)


CONTROLS = [control for control in load_controls() if control.check]
CREDENTIALS = st.sampled_from([shape for shape in SHAPES[2:] if " " not in shape]) | st.text(
    "abcdefXYZ0123456789", min_size=12, max_size=40
).map(lambda text: f"zq{text}zq")


def manifests(value: str) -> list[dict[str, Any]]:
    container = {
        "name": "web",
        "image": "nginx:1",
        "env": [{"name": "DB_PASSWORD", "value": value}, {"name": "X", "value": value}],
        "command": ["run", f"--password={value}", "--token", value],
        "args": [f"--api-key={value}"],
    }
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"template": pod},
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": pod["spec"]},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "c"},
            "data": {"password": value, "f": f"a=b\ntoken={value}\n"},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s"},
            "stringData": {"password": value},
            "data": {"p": value},
        },
    ]


@given(CREDENTIALS)
def test_no_finding_of_any_control_repeats_the_credential(value):
    resources = [resource_of(body, Origin(path=f"{i}.yaml")) for i, body in enumerate(manifests(value))]
    judgement = judge(resources, CONTROLS)
    assert {judgement.by_id[f.resource].kind for f in judgement.findings if f.control == "C-0012"} >= {
        "Deployment",
        "Pod",
        "ConfigMap",
    }
    for finding in judgement.findings:
        assert value not in str(finding), finding.control
    assert value not in str(judgement.skips) + str(judgement.unread)


@pytest.mark.parametrize(
    "line",
    [
        "password = form.value;",
        "token: process.env.TOKEN,",
        'const token = getToken("shop")',
        "password=os.getenv('PASSWORD')",
        "secret = config[name]",
    ],
)
def test_programs_in_a_text_are_no_credentials(line):
    assert not RULES.betrays_text("app.js", f"// a program\n{line}\nrun()\n")
    assert RULES.betrays_text("app.conf", "# settings\npassword = wonderland\nhost = db\n")


def test_json_is_looked_into():
    assert RULES.is_credential("DB_SECRETS", '{"user": "shop", "password": "wonderland"}')


def test_no_pattern_of_a_token_matches_less_than_the_shortest_length():
    patterns = [pattern for _, pattern in token_shapes._ROWS] + [token_shapes._BASIC, token_shapes._QUERY]
    shortest = min(_parser.parse(pattern).getwidth()[0] for pattern in patterns)
    assert shortest == token_shapes.SHORTEST_TOKEN


def test_every_login_holds_a_mark_that_is_looked_for():
    assert all("://" in mark or ";" in mark or "://" in pattern for mark, pattern in token_shapes._LOGINS)
