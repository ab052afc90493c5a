import pytest

from leadline.image.secrets import LONGEST_LINE, named_kind, secret_kind, secrets_in, tells_secrets

# Put together at run time, so that no scanner of repositories takes them for real.
AWS = "AKIA" + "ABCDEFGH23456723"
GITHUB = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        ("root/.ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\nxx", ["private key in line 1"]),
        ("srv/tls.key", "\n-----BEGIN RSA PRIVATE KEY-----", ["private key in line 2"]),
        ("srv/tls.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----", ["private key in line 1"]),
        ("etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB", []),
        ("root/.aws/credentials", f"[default]\naws_access_key_id={AWS}\n", ["AWS access key in line 2"]),
        ("root/.npmrc", f"//r.example/:_authToken={'x' * 20}", ["npm token in line 1"]),
        ("root/.npmrc", "//r.example/:_authToken=${TOKEN}", []),
        ("root/.docker/config.json", '{"auths": {"r": {"auth": "YW5uOnNlY3JldA=="}}}', ["registry credential in line 1"]),
        ("root/.docker/config.json", '{"auths": {}, "credsStore": "x"}', []),
        ("root/.git-credentials", "https://ann:secret@git.example", ["password in an address in line 1"]),
        ("root/.netrc", "machine git.example login ann password secret", ["password in line 1"]),
        ("app/.env", f"TOKEN={GITHUB}\nDEBUG=1\nOTHER={AWS}", ["GitHub token in line 1", "AWS access key in line 3"]),
        ("app/.env", "DB_PASSWORD='hunter22'\nexport API_TOKEN=abcdef123 # old\nDB_HOST=db\n", ["credential by its name in line 1", "credential by its name in line 2"]),
        ("app/.env", "DB_PASSWORD=\nA_TOKEN=${X}\nB_SECRET=<yours>\nC_TOKEN=/run/secrets/c # why\n#D_TOKEN=abcdef", []),
        ("app/.env", "URL=postgres://app:${PASSWORD}@db/x", []),
        ("etc/.htpasswd", "ann:$apr1$abcdefgh$abcdefghijklmnopqrstuv", ["password hash in line 1"]),
        ("app/binary.key", "\0\0-----BEGIN PRIVATE KEY-----", []),
    ],
)  # fmt: skip
def test_credentials_are_found_by_kind_and_line(path: str, content: str, found: list[str]) -> None:
    assert tells_secrets(path)
    assert list(secrets_in(path, content.encode())) == found


@pytest.mark.parametrize(
    ("path", "is_looked_at"),
    [
        ("usr/lib/python3/test/keycert.pem", False),
        ("app/node_modules/x/examples/server.key", False),
        ("usr/share/doc/x/id_rsa", False),
        ("app/server.key", True),
        ("etc/passwd", False),
        ("config.json", False),
        ("home/a/.kube/config", True),
    ],
)
def test_only_places_where_credentials_are_kept_are_looked_at(path: str, is_looked_at: bool) -> None:
    assert tells_secrets(path) is is_looked_at


def test_long_lines_and_many_finds_are_bounded() -> None:
    assert list(secrets_in("x.key", b"x" * LONGEST_LINE + b" " + AWS.encode())) == []
    assert len(list(secrets_in("x.env", f"{AWS}\n".encode() * 1000))) == 20


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        ("MYSQL_ROOT_PASSWORD", "changeme", True),
        ("AWS_SECRET_ACCESS_KEY", "abc/def+ghi0", True),
        ("spring.datasource.password", "hunter22", True),
        ("SECRET_KEY_BASE", "0123456789", True),
        ("apikey", "0123456789", True),
        ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D", False),
        ("PASSWORD_FILE", "db-password", False),
        ("TOKENIZER", "cl100k", False),
        ("DB_PASSWORD_FILE", "/run/secrets/db", False),
        ("DB_PASSWORD", "/run/secrets/db", False),
        ("API_TOKEN", "$(cat token)", False),
        ("ALLOW_EMPTY_PASSWORD", "true", False),
        ("ALLOW_EMPTY_PASSWORD", "yes", False),
        ("AUTH_TOKEN", "https://auth.example/token", False),
        ("A_SECRET", "", False),
    ],
)
def test_a_variable_may_announce_a_credential(name: str, value: str, is_one: bool) -> None:
    assert bool(named_kind(name, value)) is is_one


@pytest.mark.parametrize("value", ["ghp_short", "/usr/bin", "1.2.3", "redis://cache:6379", ""])
def test_ordinary_values_are_no_secret(value: str) -> None:
    assert secret_kind(value) == ""


def test_value_with_the_form_of_a_token_is_known() -> None:
    assert secret_kind(GITHUB) == "GitHub token"
    assert secret_kind("amqp://app:s3cret@mq.example:5672") == "password in an address"
