"""Who may come in: tokens of an issuer, users of a proxy in front, and administrators at their own door."""

import base64
import hmac
import json
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from certificates import Authority
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.programs.provider.provider_client_parts import Client
from tests.programs.provider.provider_parts import Provider, report

from leadline.errors import UsageError
from leadline.programs.provider import oidc
from leadline.programs.provider.adding import add_source, add_tenant, add_token
from leadline.programs.provider.admin import ADMIN_ROUTES
from leadline.programs.provider.app import App
from leadline.programs.provider.doors import BoundTokens, Doors, Oidc, Proxy, Readers, read_readers
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.routes import ROUTES

ISSUER, AUDIENCE = "https://login.example.org", "leadline"
GROUPS = {"sre": "default", "rivals": "rival"}


class Issuer:
    def __init__(self, folder: Path, kid: str = "one") -> None:
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        self.kid = kid
        self.file = folder / "keys.json"
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        self.file.write_text(json.dumps({"keys": [public | {"kid": kid, "use": "sig", "alg": "RS256"}]}))

    def token(self, key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now + 600, "groups": ["sre"]} | claims
        present = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(present, key or self.key, algorithm, headers={"kid": self.kid})


def asked(provider: Provider, readers: Readers, token: str = "", state: Any = None, **headers: str) -> int:
    client = Client(provider)
    doors = Doors(provider.place.tables, readers)
    inner = App(client.app._parts, doors)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope | {"state": state or {}}, receive, send)

    client.app = app
    status, answer, _ = client("GET", "/v1/sources", token, **headers)
    if status == 200:
        assert {one["name"] for one in answer["items"]} == {"shop", "other"}
    return status


def test_a_token_of_the_issuer_reads_the_tenant_of_its_group(provider: Provider, tmp_path: Path):
    issuer = Issuer(tmp_path)
    readers = Readers(GROUPS, oidc=Oidc(ISSUER, AUDIENCE, str(issuer.file)))
    now = int(time.time())
    assert asked(provider, readers, issuer.token()) == 200
    assert asked(provider, readers, issuer.token(groups="sre")) == 200
    assert asked(provider, readers, issuer.token(aud=["other", AUDIENCE])) == 200
    other = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    refused = (
        issuer.token(exp=now - 60),
        issuer.token(exp=None),
        issuer.token(aud="other"),
        issuer.token(aud=None),
        issuer.token(iss="https://evil.example.org"),
        issuer.token(iss=None),
        issuer.token(sub=None),
        issuer.token(nbf=now + 600),
        issuer.token(other),
        issuer.token(ec.generate_private_key(ec.SECP256R1()), "ES256"),
        made_by_hand(issuer, "HS256"),
        made_by_hand(issuer, "none"),
        "a.b.c",
        issuer.token()[:-4] + "AAAA",
    )
    assert {asked(provider, readers, one) for one in refused} == {401}
    for groups in ([], ["unknown"], ["sre", "rivals"], None, {"sre": 1}, [1]):
        assert asked(provider, readers, issuer.token(groups=groups)) == 403
    # Where no issuer is trusted, its tokens are words.
    assert asked(provider, Readers(GROUPS), issuer.token()) == 401


def made_by_hand(issuer: Issuer, algorithm: str) -> str:
    """Signed with what is public, as if it were a secret, or not at all."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": issuer.kid}).encode()).rstrip(b"=")
    text = f"{head.decode()}.{issuer.token().split('.')[1]}"
    public = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = b"" if algorithm == "none" else hmac.digest(public, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_keys_at_an_address_are_read_again_when_one_is_missing(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = Issuer(tmp_path, "first")
    answers = [first.file.read_bytes()]
    asked_for = []

    def fetch(url: str) -> bytes:
        asked_for.append(url)
        return answers[-1]

    readers = Readers(GROUPS, oidc=Oidc(ISSUER, AUDIENCE, "https://login.example.org/keys"))
    doors = Doors(provider.place.tables, readers, fetch)

    def opened(token: str) -> bool:
        head = {b"authorization": f"Bearer {token}".encode()}
        try:
            return doors.token({"headers": []}, head).tenant == "default"
        except Refused:
            return False

    assert opened(first.token())
    assert opened(first.token())
    assert len(asked_for) == 1
    second = Issuer(tmp_path, "second")
    # Not at once: tokens with unknown keys make no storm of questions.
    answers.append(second.file.read_bytes())
    assert not opened(second.token())
    assert len(asked_for) == 1
    later_s = time.monotonic() + oidc._AGAIN_S + 1
    monkeypatch.setattr(oidc, "time", SimpleNamespace(monotonic=lambda: later_s))
    assert opened(second.token())
    assert not opened(first.token())
    assert len(asked_for) == 2


def test_a_user_of_the_proxy_is_known_by_the_proxys_certificate(provider: Provider):
    readers = Readers(GROUPS, proxy=Proxy("ca.pem", "front.example.org"))
    front = {"certificate": {"subject": ((("commonName", "front.example.org"),),)}}
    named = {"certificate": {"subjectAltName": (("DNS", "front.example.org"),)}}
    stranger = {"certificate": {"subject": ((("commonName", "other.example.org"),),)}}
    user = {"x_remote_user": "ann", "x_remote_group": "sre"}
    assert asked(provider, readers, state=front, **user) == 200
    assert asked(provider, readers, state=named, **user) == 200
    assert asked(provider, readers, state=stranger, **user) == 401
    assert asked(provider, readers, **user) == 401
    assert asked(provider, readers, state=front, x_remote_group="sre") == 401
    assert asked(provider, readers, state=front, x_remote_user="ann") == 403
    assert asked(provider, readers, state=front, x_remote_user="ann", x_remote_group="other") == 403
    assert asked(provider, Readers(GROUPS), state=front, **user) == 401
    # A token goes first, and a wrong one is not helped by the proxy.
    assert asked(provider, readers, "leadline_unknown", state=front, **user) == 401


def test_a_bound_token_opens_nothing_without_its_certificate(provider: Provider):
    add_tenant(provider.place.tables, "rival")
    rival = add_token(provider.place.tables, "wall", "read", tenant="rival")
    bound = Readers(tokens=BoundTokens("ca.pem", {"wall": "wall.example", "rival/other": "wall.example"}))
    own, stranger = (
        {"certificate": {"subjectAltName": (("DNS", name),)}} for name in ("wall.example", "x.example")
    )
    assert asked(provider, bound, provider.reader, state=own) == 200
    assert asked(provider, bound, provider.reader, state=stranger) == 401
    assert asked(provider, bound, provider.reader) == 401
    # A certificate alone is nobody, and a token of the same name in another tenant is another.
    assert asked(provider, bound, state=own) == 401
    doors = Doors(provider.place.tables, bound)
    assert doors.own({}, rival) is not None
    assert doors.own({}, provider.token) is not None


def test_a_certificate_for_a_token_never_passes_as_that_of_the_proxy(tmp_path: Path):
    a, b = (str(Authority(tmp_path, name).file) for name in "ab")
    assert Readers(proxy=Proxy(a, "front"), tokens=BoundTokens(a, {})).certificates() == Path(a).read_text()
    assert Readers().certificates() == ""
    with pytest.raises(UsageError, match="different CAs"):
        Readers(proxy=Proxy(a, "front"), tokens=BoundTokens(b, {})).certificates()


@pytest.mark.parametrize("text", ["[groups]\nsre = 1\n", "unknown = 1", "[", "[oidc]\nissuer = 'x'"])
def test_a_file_of_readers_that_makes_no_sense_is_named(tmp_path: Path, text: str):
    file = tmp_path / "readers.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"readers\.toml"):
        read_readers(file)


@pytest.fixture
def admin(provider: Provider) -> Client:
    client = Client(provider)
    client.app = App(client.app._parts, routes=ADMIN_ROUTES)
    return client


def test_an_administrator_adds_at_the_own_door_alone(provider: Provider, admin: Client):
    boss = add_token(provider.place.tables, "boss", "admin", tenant="")

    def made(path: str, token: str = boss, **content: Any) -> tuple[int, Any]:
        body = json.dumps(content).encode()
        status, answer, _ = admin("POST", f"/v1/admin/{path}", token, body, content_type="application/json")
        return status, answer

    assert made("tenants", name="rival")[0] == 200
    assert made("tenants", name="rival")[0] == 409
    assert made("tenants", name="../x")[0] == 400
    status, answer = made("sources", name="shop", tenant="rival", everySeconds=60)
    assert status == 200
    assert made("sources", name="shop", tenant="unknown")[0] == 409
    client = Client(provider)
    assert client.post(report([1]), answer["token"])[0] == 200
    reader = made("tokens", name="wall", tenant="rival")[1]["token"]
    assert [one["name"] for one in client("GET", "/v1/sources", reader)[1]["items"]] == ["shop"]
    assert made("tokens/dropped", name="wall", tenant="rival")[0] == 200
    assert made("tokens/dropped", name="wall", tenant="rival")[0] == 404
    assert client("GET", "/v1/sources", reader)[0] == 401
    assert made("sources/settled", name="shop", tenant="rival")[0] == 200
    assert admin("GET", "/v1/admin/tenants", boss)[1]["items"] == ["default", "rival"]
    for token in (provider.token, provider.reader):
        assert made("tenants", token, name="mine")[0] == 403
    # The token of an administrator opens nothing at the other door, and no door leads from one to the other.
    for route in ROUTES:
        path = route.path.replace("{source}", "shop").replace("{kind}/{namespace}/{name}", "Pod/shop/x")
        assert client(route.method, path, boss)[0] == 403
        assert admin(route.method, path, boss)[0] == 404
    for route in ADMIN_ROUTES:
        assert client(route.method, route.path, boss)[0] == 404


def test_a_stolen_write_token_over_every_route_changes_no_byte_of_the_past(provider: Provider, admin: Client):
    """Every route of both doors, with every method and bodies that fit: the logs begin with what they held."""
    client = Client(provider)
    add_tenant(provider.place.tables, "rival")
    rival = add_source(provider.place.tables, "shop", "cluster", 0, "rival")
    client.post(report([1, 2, 3]))
    client.post(report([2, 3]))
    client.post(report([5]), rival)
    client.post(report([6]), provider.other_token, "/v1/sources/other/report")
    logs = sorted((provider.folder / "logs").glob("*/*/*"))
    before = {file: file.read_bytes() for file in logs if file.name != "checkpoint"}
    others = [
        source
        for source in provider.place.tables.sources()
        if (source.tenant, source.name) != ("default", "shop")
    ]
    rows = {source.id: provider.place.tables.view(source) for source in others}
    past = {row for row in provider.place.tables.view(provider.source) if row[0] == "finding"}
    assert all((before, others, past))
    bodies = (
        b"",
        b"{}",
        b'{"name":"rival","tenant":"default"}',
        json.dumps({"name": "mine", "source": "shop"}).encode(),
    )
    for door in (client, admin):
        for route in (*ROUTES, *ADMIN_ROUTES):
            for name in ("shop", "other"):
                path = route.path.replace("{source}", name).replace(
                    "{kind}/{namespace}/{name}", "Pod/shop/pod-1"
                )
                for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                    for body in bodies:
                        door(
                            method,
                            path,
                            provider.token,
                            body,
                            content_type="application/json",
                            idempotency_key=str(uuid.uuid4()),
                        )
    for numbers in ([], [1, 2, 3], [9]):
        for path in ("report", "changes"):
            client.post(report(numbers), path=f"/v1/sources/shop/{path}")
    for file, content in before.items():
        assert file.read_bytes().startswith(content)
    assert {source.id: provider.place.tables.view(source) for source in others} == rows
    later = {row[1:-1] for row in provider.place.tables.view(provider.source) if row[0] == "finding"}
    assert {row[1:-1] for row in past} <= later
    assert provider.place.tables.tenants() == ["default", "rival"]
    assert all(equal for _, _, equal in provider.rebuild())


def test_a_token_that_is_bound_to_an_empty_name_is_refused(tmp_path: Path):
    path = tmp_path / "readers.toml"
    path.write_text('[tokens]\nca = "ca.pem"\n[tokens.names]\nwall = ""\n')
    with pytest.raises(UsageError, match=r"\[tokens.names\] gives wall no name"):
        read_readers(path)
