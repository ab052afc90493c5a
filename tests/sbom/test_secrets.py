import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.sbom.secrets import patterns
from leadline.sbom.secrets.patterns import LONGEST_PIECE, may_name_credential, named_kind
from leadline.sbom.secrets.scan import command_kind, find_secrets, is_sample, secret_kind, secrets_in

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
        ("app/.env.production", "PGPASSWORD=hunter22\r\nMYSQL_PWD=hunter22\r\nPWD=/srv\nMAX_TOKEN=4096", ["credential by its name in line 1", "credential by its name in line 2"]),
        ("app/.env", "\ufeffDB_PASS=hunter22\n\x0bx\u2028y\nB_SECRET=xxxxxx\nC_SECRET=your-secret\nNEXT_PUBLIC_API_KEY=abcdef", ["credential by its name in line 1"]),
        ("root/.pgpass", "# host\ndb.example:5432:app:ann:hunter22\n*:*:*:ann:hunter22", ["password in line 2", "password in line 3"]),
        ("root/.my.cnf", "[client]\nuser=ann\npassword = hunter22", ["credential by its name in line 3"]),
        ("root/.netrc", "machine a\n  login ann\n  password hunter22", ["password in line 3"]),
        ("root/.yarnrc.yml", 'npmAuthToken: "abcdefgh"\nnpmAuthToken: "${NPM}"', ["credential by its name in line 1"]),
        ("root/.cargo/credentials.toml", "[registry]\ntoken = 'abcdefgh'", ["credential by its name in line 2"]),
        ("root/.m2/settings.xml", "<!--\n<password>sample</password>\n-->\n<password>hunter22</password>\n<password>{enc=}</password><password>${env.P}</password>", ["credential by its name in line 4"]),
        ("root/.nuget/NuGet.Config", '<add key="ClearTextPassword" value="hunter22" />', ["credential by its name in line 1"]),
        ("srv/wp-config.php", "define( 'DB_PASSWORD', 'hunter22' );", ["credential by its name in line 1"]),
        ("srv/main.tfvars", 'db_password = "hunter22"\nsize = 3', ["credential by its name in line 1"]),
        ("srv/terraform.tfstate", '{"password": null, "master_password": "hunter22"}', ["credential by its name in line 1"]),
        ("srv/secrets.yaml", "a_password: ENC[AES256_GCM,data:x]\nb_password: !vault x\nc_password: ref+vault://x\nclientSecret: hunter22", ["credential by its name in line 4"]),
        ("srv/templates/secrets.yaml", "password: {{ .Values.password }}\n{{- $password := include }}", []),
        ("root/.config/gcloud/application_default_credentials.json", '{"client_secret": "' + "d-FL95Q19q7MQm" + '", "refresh_token": "x"}', ["credential by its name in line 1"]),
        ("root/.terraform.d/credentials.tfrc.json", '{"credentials": {"t.example": {"token": "abcdefgh"}}}', ["credential by its name in line 1"]),
        ("root/.azure/accessTokens.json", '[{"accessToken": "abcdefgh"}]', ["credential by its name in line 1"]),
        ("app/.git/config", "[http]\n  extraheader = AUTHORIZATION: basic " + "eDphYmNkZWZnaA==", ["authorization header in line 2"]),
        ("root/.bash_history", "ls\nexport API_TOKEN=abcdefgh\ncurl -u ann:hunter22 https://x\necho root:hunter22 | chpasswd", ["credential by its name in line 2", "password in line 3", "password in line 4"]),
        ("etc/shadow", "root:$y$j9T$abcdefghij$abcdefghij:1:0\ndaemon:*:1\nann:!$6$abc$abcdefghijkl:1", ["password hash in line 1"]),
        ("srv/token", ".".join(("eyJ0eXAiOiJKV1Qi", "eyJpc3MiOiJrdWJlcm5ldGVzIn0x", "abcdefghijklmnopqrstuvw")), ["signed token in line 1"]),
    ],
)  # fmt: skip
def test_credentials_are_found_by_kind_and_line(path: str, content: str, found: list[str]) -> None:
    assert find_secrets(path)
    assert list(secrets_in(path, content.encode())) == found


@pytest.mark.parametrize(
    ("path", "is_looked_at"),
    [
        ("usr/lib/python3/test/keycert.pem", False),
        ("app/node_modules/x/examples/server.key", False),
        ("usr/share/doc/x/id_rsa", False),
        ("app/server.key", True),
        ("etc/passwd", False),
        ("app/tests/server.key", True),
        ("app/.env.local", True),
        ("opt/conda/lib/python3.12/test/certdata/keycert.pem", False),
        ("app/.env.example", False),
        ("config.json", False),
        ("home/a/.kube/config", True),
    ],
)
def test_only_places_where_credentials_are_kept_are_looked_at(path: str, is_looked_at: bool) -> None:
    assert find_secrets(path) is is_looked_at


def test_what_stands_far_along_a_line_is_found_too() -> None:
    for before in range(LONGEST_PIECE - 30, LONGEST_PIECE + 30):
        assert list(secrets_in("x.key", b"x" * before + b" " + AWS.encode())) == ["AWS access key in line 1"]


def test_many_finds_are_told_to_be_more() -> None:
    found = list(secrets_in("x.env", f"{AWS}\n".encode() * 1000))
    assert (len(found), found[-1]) == (21, "more from line 21 on")
    assert len(list(secrets_in("x.env", f"{AWS}\n".encode() * 20))) == 20


def test_editors_of_windows_may_have_written_a_file() -> None:
    assert list(secrets_in("x/.env", "A=1\r\nDB_PASSWORD=hunter22\r\n".encode("utf-16"))) == [
        "credential by its name in line 2"
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x30\x82\x04\xa4\2\1\0\2\x82", ["private key"]),
        (b"\x30\x82\x0a\x40\2\1\3\x30\x82", ["key store"]),
        (b"\x30\x82\x04\xa4\x30\x82\3\0\0", []),
        (b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\1", ["private key in a key store"]),
        (b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\2", []),
    ],
)
def test_keys_that_are_no_text_are_told_apart_from_certificates(content: bytes, found: list[str]) -> None:
    assert list(secrets_in("srv/a.key", content)) == found


TOKENS = {
    "GitHub token": "ghs_" + "a1B2" * 12,
    "GitLab token": "glrt-" + "t1_abcDEF123456789_-",
    "Slack webhook": "https://hooks.slack.com/" + "services/T00000000/B00000000/abcdefghijklmnop",
    "Google client secret": "GOCSPX-" + "a1-_" * 7,
    "OpenAI key": "sk-proj-" + "a1B2" * 12,
    "Anthropic key": "sk-ant-" + "api03-" + "a1B2" * 22,
    "Hugging Face token": "hf_" + "aB" * 17,
    "SendGrid key": "SG." + "a" * 22 + "." + "b" * 43,
    "DigitalOcean token": "dop_" + "v1_" + "a1" * 32,
    "Docker Hub token": "dckr_" + "pat_" + "a1B2" * 7,
    "Vault token": "hvs." + "CAES" * 8,
    "PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + "a1B2" * 15,
    "RubyGems token": "rubygems_" + "a1b2" * 12,
    "Azure secret": "DefaultEndpointsProtocol=https;AccountName=a;" + "AccountKey=" + "a1B2" * 21 + "ab==",
    "private key": "AGE-SECRET-KEY-1" + "QPZ7" * 14 + "AB",
    "password in an address": "redis://:hunter22@cache:6379/0",
}


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens_are_known_by_their_form(kind: str) -> None:
    assert secret_kind(f"x={TOKENS[kind]}") == kind
    assert secret_kind(TOKENS[kind][: len(TOKENS[kind]) // 3]) == ""


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("RUN |2 VERSION=1 NPM_TOKEN=abcdefgh /bin/sh -c npm ci # buildkit", "credential by its name"),
        ("/bin/sh -c #(nop)  ENV DB_PASSWORD=hunter22", "credential by its name"),
        ("serve --db-password=hunter22", "credential by its name"),
        ("/bin/sh -c echo 'root:hunter22' | chpasswd", "password"),
        ("RUN /bin/sh -c pip install -i https://ann:hunter22@pypi.example/simple x", "password in an address"),
        ('RUN /bin/sh -c curl -H "Authorization: Bearer ' + "abcdefghijklmnop" + '" https://x', "authorization header"),
        ("RUN /bin/sh -c TOKEN=$(cat /run/secrets/token) make", ""),
        ("ARG NPM_TOKEN", ""),
        ("RUN |1 NPM_TOKEN= /bin/sh -c npm ci", ""),
        ("RUN --mount=type=secret,id=token /bin/sh -c set -eux; export GNUPGHOME=\"$(mktemp -d)\"", ""),
        ("ENV GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", ""),
        ("ENV DB_PASSWORD_FILE=/run/secrets/db", ""),
    ],
)  # fmt: skip
def test_commands_may_carry_credentials(command: str, kind: str) -> None:
    assert command_kind(command) == kind


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("srv/node_modules/x/server.key", True),
        ("usr/lib/python3/dist-packages/x/ca.key", True),
        ("root/go/pkg/mod/x@v1/a.pem", True),
        ("app/tests/server.key", True),
        ("go/src/app/.env", False),
        ("app/vendored/server.key", False),
        ("test", False),
        ("etc/ssl/private/server.key", False),
    ],
)
def test_keys_of_packages_and_tests_are_told_apart(path: str, is_one: bool) -> None:
    assert is_sample(path) is is_one


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
        ("PGPASSWORD", "hunter22", True),
        ("clientSecret", "abcdefgh", True),
        ("POSTGRES_PASSWORD", "1234", True),
        ("LLM_MAX_TOKEN", "4096", False),
        ("PWD", "/app", False),
        ("SECRET_KEY_BASE", "dummy", False),
        ("A_TOKEN", "[redacted]", False),
        ("trustStorePassword", "changeit", False),
        ("SSH_AUTH_SOCK", "agent", False),
        ("compass", "north", False),
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


@given(st.from_regex(patterns._NAME) | st.from_regex(patterns._CAMEL))
def test_no_name_of_a_credential_is_passed_over_before_its_pattern_is_tried(name: str) -> None:
    assert may_name_credential(name)


def test_letters_that_count_as_others_are_seen_too() -> None:
    assert may_name_credential("DB_PA\u017fSWORD")
    assert named_kind("DB_PA\u017fSWORD", "8fj3kd9s")
    assert not may_name_credential("PATH=/usr/local/bin:/usr/bin")
