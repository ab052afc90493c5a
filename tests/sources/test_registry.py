import base64
import datetime
import hashlib
import json
import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from image_archives import Blobs, digest, layer
from leadline.errors import RegistryError, UsageError
from leadline.model.package import Package, Sbom
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.sbom_cache import make_sbom
from leadline.sources.images.cache import LayerCache
from leadline.sources.images.resolve import ImageOptions, open_image
from leadline.sources.registry import http as registry_http
from leadline.sources.registry.options import Credential, PullSecret, RegistryOptions, Trust
from leadline.sources.registry.own_services import refuse_own_services
from registry_server import Server, serving

LAYERS = (layer({"etc/os-release": b"ID=demo\n", "a.list": b"one two\n"}), layer({"b.list": b"three\n"}))


@cataloguer("list", suffixes=(".list",))
def lists(file: File) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, "1")


def served(**settings: object) -> Server:
    server = Server(**settings)  # type: ignore[arg-type]
    server.tags["team/demo:1"] = str(server.blobs.image(LAYERS)["digest"])
    return server


def scan(server: Server, options: ImageOptions | None = None, name: str = "team/demo:1") -> Sbom:
    plain = ImageOptions(registry=RegistryOptions(Trust(frozenset((server.host,)))))
    options = options or plain
    image = open_image(f"{server.host}/{name}", options)
    return make_sbom(image, lambda _: (lists,), options.cache)


def names(sbom: Sbom) -> list[str]:
    return [package.name for package in sbom.packages]


def trusting(server: Server, **settings: object) -> ImageOptions:
    trust = Trust(frozenset((server.host,)))
    return ImageOptions(registry=RegistryOptions(trust, **settings))  # type: ignore[arg-type]


def docker_config(server: Server, entry: object) -> bytes:
    return json.dumps({"auths": {server.host: entry}}).encode()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_open_registry_is_read_to_the_packages() -> None:
    with serving(served()) as server:
        sbom = scan(server)
    assert names(sbom) == ["one", "three", "two"]
    assert sbom.image.digest == server.tags["team/demo:1"]
    assert sbom.image.layers == tuple(map(digest, LAYERS))
    assert [package.layer for package in sbom.packages] == [digest(LAYERS[i]) for i in (0, 1, 0)]
    assert sbom.unread == ()


@pytest.mark.parametrize("how", ["gzip", "zstd", "plain"])
def test_every_compression_of_layers_is_read(how: str) -> None:
    server = Server()
    server.tags["demo:1"] = str(server.blobs.image(LAYERS, how)["digest"])
    with serving(server):
        assert names(scan(server, name="demo:1")) == ["one", "three", "two"]


def test_second_scan_touches_no_layer(tmp_path: Path) -> None:
    with serving(served()) as server:
        options = ImageOptions(
            registry=RegistryOptions(Trust(frozenset((server.host,)))), cache=LayerCache(tmp_path)
        )
        first = scan(server, options)
        server.requests.clear()
        second = scan(server, options)
    assert server.paths() == ["/v2/team/demo/manifests/1"]
    assert (second.packages, second.distro, second.image) == (first.packages, first.distro, first.image)


def test_layer_that_another_image_shares_is_not_fetched_again(tmp_path: Path) -> None:
    server = served()
    server.tags["team/other:1"] = str(server.blobs.image((LAYERS[0],))["digest"])
    with serving(server):
        options = ImageOptions(
            registry=RegistryOptions(Trust(frozenset((server.host,)))), cache=LayerCache(tmp_path)
        )
        scan(server, options)
        server.requests.clear()
        assert names(scan(server, options, "team/other:1")) == ["one", "two"]
    assert [path.split("/")[4] for path in server.paths()] == ["manifests", "blobs"]


def test_token_is_fetched_anonymously() -> None:
    with serving(served(auth="token")) as server:
        assert names(scan(server)) == ["one", "three", "two"]
    assert "/token?service=test+registry&scope=repository%3Ateam%2Fdemo%3Apull" in server.paths()


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_credential_given_by_hand_is_used(auth: str) -> None:
    with serving(served(auth=auth, users={"ann": "s3cret"})) as server:
        credential = Credential("the command line", "ann", "s3cret")
        assert names(scan(server, trusting(server, credential=credential))) == ["one", "three", "two"]


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_pull_secret_is_used(auth: str) -> None:
    with serving(served(auth=auth, users={"ann": "s3cret"})) as server:
        secret = PullSecret("apps/pull", docker_config(server, {"auth": encoded("ann:s3cret")}))
        assert names(scan(server, trusting(server, secrets=(secret,)))) == ["one", "three", "two"]


def test_next_credential_is_tried_where_one_fails() -> None:
    with serving(served(auth="basic", users={"ann": "s3cret"})) as server:
        wrong = PullSecret("apps/old", docker_config(server, {"auth": encoded("ann:gone")}))
        right = PullSecret("apps/new", docker_config(server, {"username": "ann", "password": "s3cret"}))
        assert names(scan(server, trusting(server, secrets=(wrong, right)))) == ["one", "three", "two"]


def test_identity_token_is_exchanged() -> None:
    with serving(served(auth="token", users={"": "refresh"})) as server:
        secret = PullSecret("apps/pull", docker_config(server, {"identitytoken": "refresh"}))
        assert names(scan(server, trusting(server, secrets=(secret,)))) == ["one", "three", "two"]


def test_helper_of_docker_config_is_asked(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-test"
    helper.write_text(
        '#!/bin/sh\nread server\necho "{\\"Username\\": \\"ann\\", \\"Secret\\": \\"s3cret\\"}"\n'
    )
    helper.chmod(helper.stat().st_mode | stat.S_IEXEC)
    with serving(served(auth="basic", users={"ann": "s3cret"})) as server:
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {server.host: "test"}}))
        environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", environ["PATH"])
            assert names(scan(server, trusting(server, environ=environ))) == ["one", "three", "two"]


def test_refusal_names_what_was_tried_and_no_value() -> None:
    with serving(served(auth="basic", users={"ann": "s3cret"})) as server:
        secret = PullSecret("apps/pull", docker_config(server, {"auth": encoded("ann:wr0ng")}))
        broken = PullSecret("apps/broken", b"no json")
        with pytest.raises(RegistryError) as caught:
            scan(server, trusting(server, secrets=(secret, broken)))
    assert str(caught.value) == (
        f"{server.host} does not let us read {server.host}/team/demo; log in with docker login {server.host}; "
        "credentials tried: pull secret apps/pull, pull secret apps/broken (is not in Docker's format)"
    )


def test_credentials_are_never_shown_by_repr() -> None:
    assert "s3cret" not in repr(Credential("x", "ann", "s3cret", "s3cret", "s3cret"))
    assert "s3cret" not in repr(PullSecret("x", b"s3cret"))


def test_storage_behind_a_redirect_sees_no_credentials() -> None:
    with (
        serving(served(auth="basic", users={"ann": "s3cret"})) as server,
        serving(Server(server.blobs)) as storage,
    ):
        server.redirect_to = f"http://{storage.host}"
        credential = Credential("hand", "ann", "s3cret")
        assert names(scan(server, trusting(server, credential=credential))) == ["one", "three", "two"]
    assert len(storage.requests) == 3
    assert not [headers for _, headers in storage.requests if "Authorization" in headers]


@pytest.mark.parametrize("ignores_range", [False, True])
def test_blob_that_breaks_off_is_resumed(ignores_range: bool) -> None:
    with serving(served(break_after=60, breaks=3, ignores_range=ignores_range)) as server:
        assert names(scan(server)) == ["one", "three", "two"]
    assert server.breaks == 0


def test_blob_that_always_breaks_off_is_given_up() -> None:
    broken = pytest.raises(RegistryError, match="closed the connection 6 times in blob sha256:")
    with serving(served(break_after=0, breaks=100)) as server, broken:
        scan(server)


@pytest.mark.parametrize("at", [5, 14, 40, -3])
def test_forged_layer_tells_nothing_and_is_not_remembered(tmp_path: Path, at: int) -> None:
    server = served()
    manifest = json.loads(server.blobs.blobs[server.tags["team/demo:1"]])
    top, bottom = manifest["layers"][1]["digest"], manifest["layers"][0]["digest"]
    forged = bytearray(server.blobs.blobs[top])
    forged[at] ^= 1
    server.blobs.blobs[top] = bytes(forged)
    with serving(server):
        options = ImageOptions(
            registry=RegistryOptions(Trust(frozenset((server.host,)))), cache=LayerCache(tmp_path)
        )
        for _ in range(2):
            sbom = scan(server, options)
            assert names(sbom) == ["one", "two"]
            assert sbom.unread == (
                Unread(
                    f"layer {digest(LAYERS[1])}",
                    f"its content does not have the digest {top}; nothing of it was used",
                    "incomplete",
                ),
            )
    assert server.paths().count(f"/v2/team/demo/blobs/{top}") == 2
    assert server.paths().count(f"/v2/team/demo/blobs/{bottom}") == 1


@pytest.mark.parametrize("how", ["gzip", "zstd", "plain"])
def test_layer_forged_to_break_early_tells_nothing(how: str) -> None:
    server = Server()
    many = layer({f"{i}.list": b"%d\n" % i for i in range(3000)})
    descriptor = server.blobs.image([LAYERS[0], many], how)
    server.tags["team/demo:1"] = str(descriptor["digest"])
    top = json.loads(server.blobs.blobs[str(descriptor["digest"])])["layers"][1]["digest"]
    content = server.blobs.blobs[top]
    server.blobs.blobs[top] = content[:2000] + b"\xff" * 1500 + content[3500:]
    with serving(server):
        sbom = scan(server)
    assert names(sbom) == ["one", "two"]
    assert [one.why for one in sbom.unread] == [
        f"its content does not have the digest {top}; nothing of it was used"
    ]


def test_layer_that_cannot_be_fetched_is_unread_and_the_others_are_told(tmp_path: Path) -> None:
    server = served()
    manifest = json.loads(server.blobs.blobs[server.tags["team/demo:1"]])
    gone = manifest["layers"][1]["digest"]
    kept = server.blobs.blobs.pop(gone)
    with serving(server):
        options = trusting(server)
        options = ImageOptions(registry=options.registry, cache=LayerCache(tmp_path))
        sbom = scan(server, options)
        assert names(sbom) == ["one", "two"]
        assert [one.where for one in sbom.unread] == [f"layer {digest(LAYERS[1])}"]
        assert gone in sbom.unread[0].why
        server.blobs.blobs[gone] = kept
        assert names(scan(server, options)) == ["one", "three", "two"]
    bottom = manifest["layers"][0]["digest"]
    del server.blobs.blobs[gone], server.blobs.blobs[bottom]
    with serving(server), pytest.raises(RegistryError):
        scan(server)


@pytest.mark.parametrize("content", [b"", b"x" * 5000])
def test_layer_of_another_size_tells_nothing(content: bytes) -> None:
    server = served()
    manifest = json.loads(server.blobs.blobs[server.tags["team/demo:1"]])
    server.blobs.blobs[manifest["layers"][1]["digest"]] = content
    with serving(server):
        sbom = scan(server)
    assert names(sbom) == ["one", "two"]
    assert [one.where for one in sbom.unread] == [f"layer {digest(LAYERS[1])}"]


def test_foreign_layer_is_unread() -> None:
    server = Server()
    server.blobs.image(LAYERS)
    descriptor = server.blobs.image(LAYERS)
    manifest = json.loads(server.blobs.blobs[str(descriptor["digest"])])
    manifest["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    server.tags["demo:1"] = str(
        server.blobs.add(json.dumps(manifest).encode(), manifest["mediaType"])["digest"]
    )
    with serving(server):
        sbom = scan(server, name="demo:1")
    why = "a foreign layer: kept elsewhere by its owner's terms, and not part of the stored image"
    assert (names(sbom), sbom.unread) == (
        ["three"],
        (Unread(f"layer {digest(LAYERS[0])}", why, "incomplete"),),
    )


def test_what_a_registry_holds_beside_images_is_named() -> None:
    server = served()
    manifest = json.loads(server.blobs.blobs[server.tags["team/demo:1"]])
    manifest["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
    server.tags["chart:1"] = str(server.blobs.add(json.dumps(manifest).encode())["digest"])
    why = r"chart:1 is not an image but application/vnd\.cncf\.helm\.config\.v1\+json"
    with serving(server), pytest.raises(RegistryError, match=why):
        scan(server, name="chart:1")


def several_platforms() -> Server:
    server = Server()
    images = []
    for architecture, variant, name in (
        ("amd64", "", b"x\n"),
        ("arm64", "v8", b"y\n"),
        ("arm", "v7", b"z\n"),
    ):
        descriptor = server.blobs.image((layer({"a.list": name}),))
        platform = {"os": "linux", "architecture": architecture, **({"variant": variant} if variant else {})}
        images.append({**descriptor, "platform": platform})
    images.append(
        {**server.blobs.add(b"{}"), "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    )
    server.tags["demo:1"] = str(server.blobs.index(images)["digest"])
    return server


@pytest.mark.parametrize(
    ("platform", "found"),
    [("linux/amd64", "x"), ("amd64", "x"), ("linux/arm64", "y"), ("arm64", "y"), ("linux/arm/v7", "z")],
)
def test_platform_is_chosen_from_an_index(platform: str, found: str) -> None:
    with serving(several_platforms()) as server:
        trust = Trust(frozenset((server.host,)))
        options = ImageOptions(platform, RegistryOptions(trust))
        assert names(scan(server, options, "demo:1")) == [found]


def test_absent_platform_is_an_error_that_lists_those_there_are() -> None:
    with serving(several_platforms()) as server:
        options = ImageOptions("linux/s390x", RegistryOptions(Trust(frozenset((server.host,)))))
        with pytest.raises(UsageError) as caught:
            scan(server, options, "demo:1")
    assert str(caught.value) == (
        f"{server.host}/demo:1 is not there for linux/s390x; "
        "choose one with --platform: linux/amd64, linux/arm64/v8, linux/arm/v7"
    )


def test_digest_in_the_reference_is_checked() -> None:
    server = served()
    wanted = server.tags["team/demo:1"]
    server.blobs.blobs[wanted] += b" "
    with serving(server), pytest.raises(RegistryError, match="is not genuine"):
        scan(server, name=f"team/demo@{wanted}")


def test_absent_image_is_said_to_be_absent() -> None:
    with serving(served()) as server, pytest.raises(RegistryError) as caught:
        scan(server, name="team/other:7")
    assert str(caught.value) == f"{server.host} has no 7 in team/other"


def test_busy_registry_is_asked_again_only_where_the_caller_wants() -> None:
    asked: list[tuple[int, float]] = []

    def wait(attempt: int, seconds: float) -> bool:
        asked.append((attempt, seconds))
        return attempt < 2

    with serving(served(answers=[(429, {"Retry-After": "3"})])) as server:
        assert names(scan(server, trusting(server, wait=wait))) == ["one", "three", "two"]
        server.answers = [(503, {}), (429, {})]
        with pytest.raises(RegistryError, match="allows no more requests for now"):
            scan(server, trusting(server, wait=wait))
    assert asked == [(1, 3.0), (1, 0.0), (2, 0.0)]


def test_error_of_the_registry_itself_is_no_sign_of_being_busy() -> None:
    asked: list[tuple[int, float]] = []

    def retry(attempt: int, seconds: float) -> bool:
        asked.append((attempt, seconds))
        return attempt < 2

    def wait(attempt: int, seconds: float) -> bool:
        raise AssertionError("it is not busy")

    with serving(served(answers=[(500, {})])) as server:
        assert names(scan(server, trusting(server, wait=wait, retry=retry))) == ["one", "three", "two"]
        server.answers = [(500, {}), (500, {})]
        with pytest.raises(RegistryError, match="has an error of its own: it answered 500 when asked for"):
            scan(server, trusting(server, wait=wait, retry=retry))
    assert asked == [(1, 0.0), (1, 0.0), (2, 0.0)]


def test_mirror_is_asked_first_and_the_registry_where_it_has_nothing() -> None:
    with serving(served()) as server, serving(Server()) as empty, serving(served()) as full:
        trust = Trust(frozenset((server.host, empty.host, full.host)))
        options = ImageOptions(registry=RegistryOptions(trust, mirrors={server.host: (empty.host,)}))
        assert names(scan(server, options)) == ["one", "three", "two"]
        assert (len(empty.requests), len(server.requests)) == (1, 4)
        options = ImageOptions(registry=RegistryOptions(trust, mirrors={server.host: (full.host,)}))
        assert names(scan(server, options)) == ["one", "three", "two"]
        assert (len(full.requests), len(server.requests)) == (4, 4)


def mirrored(server: Server, registry: str, *mirrors: str) -> ImageOptions:
    return trusting(server, mirrors={registry: mirrors})


@pytest.mark.parametrize("registry", ["docker.io", "index.docker.io", "DOCKER.io"])
def test_mirror_of_docker_hub_counts_under_each_of_its_names(registry: str) -> None:
    with serving(served()) as mirror:
        image = open_image("docker.io/team/demo:1", mirrored(mirror, registry, mirror.host))
    assert image.identity.digest == mirror.tags["team/demo:1"]


@pytest.mark.parametrize("written", ["http://m.example", "m.example/proxy", "", "m.example:port"])
def test_mirror_that_is_no_host_is_refused_and_not_passed_over(written: str) -> None:
    with serving(served()) as server:
        for options in (mirrored(server, server.host, written), mirrored(server, written, "m.example")):
            with pytest.raises(UsageError, match=f"^not a registry or mirror: {written}; write it as HOST"):
                scan(server, options)
    assert server.requests == []


def test_what_a_mirror_said_stands_behind_what_the_registry_said() -> None:
    with serving(served(auth="basic")) as mirror, serving(served()) as server:
        trust = Trust(frozenset((server.host, mirror.host)))
        options = ImageOptions(registry=RegistryOptions(trust, mirrors={server.host: (mirror.host,)}))
        with pytest.raises(RegistryError) as caught:
            scan(server, options, "team/demo:2")
    assert str(caught.value) == (
        f"{server.host} has no 2 in team/demo; a mirror: {mirror.host} does not let us read "
        f"{server.host}/team/demo; log in with docker login {mirror.host}; credentials tried: nothing"
    )


def test_mirror_without_the_platform_is_passed_over_for_the_registry() -> None:
    def of(*platforms: str) -> Server:
        server = served()
        image = {"digest": server.tags["team/demo:1"]}
        manifests = [
            {**image, "size": 1, "platform": {"os": "linux", "architecture": one}} for one in platforms
        ]
        server.tags["team/demo:1"] = str(server.blobs.index(manifests)["digest"])
        return server

    with serving(of("s390x")) as mirror, serving(of("s390x", "riscv64")) as server:
        trust = Trust(frozenset((server.host, mirror.host)))
        registry = RegistryOptions(trust, mirrors={server.host: (mirror.host,)})
        image = open_image(f"{server.host}/team/demo:1", ImageOptions("linux/riscv64", registry))
        assert image.identity.digest != ""
        with pytest.raises(UsageError) as caught:
            open_image(f"{server.host}/team/demo:1", ImageOptions("linux/ppc64le", registry))
    assert str(caught.value) == (
        f"{server.host}/team/demo:1 is not there for linux/ppc64le; choose one with --platform: linux/s390x, "
        f"linux/riscv64; a mirror: {server.host}/team/demo:1 is not there for linux/ppc64le; choose one with "
        "--platform: linux/s390x"
    )


def test_layer_that_a_mirror_has_dropped_comes_from_the_registry() -> None:
    with serving(served()) as server, serving(served()) as mirror:
        manifest = json.loads(mirror.blobs.blobs[mirror.tags["team/demo:1"]])
        dropped = manifest["layers"][0]["digest"]
        del mirror.blobs.blobs[dropped]
        trust = Trust(frozenset((server.host, mirror.host)))
        options = ImageOptions(registry=RegistryOptions(trust, mirrors={server.host: (mirror.host,)}))
        assert names(scan(server, options)) == ["one", "three", "two"]
    assert server.paths() == [f"/v2/team/demo/blobs/{dropped}"]


def test_mirror_is_shown_its_own_credentials_and_never_those_of_the_registry() -> None:
    users = {"ann": "s3cret"}
    with (
        serving(served(auth="basic", users=users)) as server,
        serving(served(auth="basic", users={"bob": "m1rror"})) as mirror,
    ):
        trust = Trust(frozenset((server.host, mirror.host)))
        options = RegistryOptions(
            trust,
            credential=Credential("the command line", "ann", "s3cret"),
            secrets=(PullSecret("apps/pull", docker_config(server, {"auth": encoded("ann:s3cret")})),),
            mirrors={server.host: (mirror.host,)},
        )
        assert names(scan(server, ImageOptions(registry=options))) == ["one", "three", "two"]
        assert {headers.get("Authorization") for _, headers in mirror.requests} == {None}
        own = PullSecret("apps/mirror", docker_config(mirror, {"auth": encoded("bob:m1rror")}))
        server.requests.clear()
        scan(server, ImageOptions(registry=RegistryOptions(trust, secrets=(own,), mirrors=options.mirrors)))
        assert server.requests == []


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate with its key for 127.0.0.1, and the ca that signed it."""
    day = datetime.timedelta(days=1)
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)

    def signed(
        name: str, key: ec.EllipticCurvePrivateKey, by: tuple[str, ec.EllipticCurvePrivateKey], is_ca: bool
    ) -> bytes:
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by[0]))
        builder = x509.CertificateBuilder(
            issuer, subject, key.public_key(), x509.random_serial_number(), start, start + 36500 * day
        )
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by[1].public_key()), critical=False
        )
        if not is_ca:
            import ipaddress

            names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(by[1], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = folder / "ca.pem"
    ca.write_bytes(signed("test ca", authority_key, ("test ca", authority_key), True))
    own = folder / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    own.write_bytes(signed("registry", key, ("test ca", authority_key), False) + private)
    return own, ca


def test_authority_given_by_hand_is_trusted(tmp_path: Path) -> None:
    own, ca = certificate(tmp_path)
    with serving(served(), own) as server:
        options = ImageOptions(registry=RegistryOptions(Trust(ca_file=str(ca))))
        assert names(scan(server, options)) == ["one", "three", "two"]
        unverified = ImageOptions(registry=RegistryOptions(Trust(is_unverified=True)))
        assert names(scan(server, unverified)) == ["one", "three", "two"]


def named_by_hash(name: str) -> str:
    """What OpenSSL calls the file of a CA called ``name`` in a folder of CAs."""
    value = b"\x06\x03\x55\x04\x03\x0c" + bytes([len(name)]) + name.encode()
    inner = b"\x30" + bytes([len(value)]) + value
    digest = hashlib.sha1(b"\x31" + bytes([len(inner)]) + inner, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}.0"


@pytest.mark.parametrize(
    ("in_folder", "in_file"), [(True, False), (False, True), (True, True), (False, False)]
)
def test_an_authority_of_the_system_counts_from_its_folder_and_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_folder: bool, in_file: bool
) -> None:
    own, ca = certificate(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    other_ca = certificate(other)[1]
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / named_by_hash("test ca" if in_folder else "another")).write_bytes(ca.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca if in_file else other_ca))
    with serving(served(), own) as server:
        if in_folder or in_file:
            registry_http._OF_THE_FILE.discard(server.host)  # an earlier server may have had its port
            for _ in range(2):
                assert names(scan(server, ImageOptions())) == ["one", "three", "two"]
            assert (server.host in registry_http._OF_THE_FILE) is not in_folder
        else:
            with pytest.raises(RegistryError, match=r"the certificate of 127\.0\.0\.1:\d+ is not trusted"):
                scan(server, ImageOptions())


def test_certificate_that_nobody_vouches_for_is_named_on_this_very_machine_too(tmp_path: Path) -> None:
    own, _ = certificate(tmp_path)
    refused = pytest.raises(RegistryError, match=r"the certificate of 127\.0\.0\.1:\d+ is not trusted")
    with serving(served(), own) as server, refused:
        scan(server, ImageOptions())


def test_unknown_authority_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    own, _ = certificate(tmp_path)
    trust = Trust(ca_file=str(certificate(other)[1]))
    refused = pytest.raises(RegistryError, match=r"the certificate of 127\.0\.0\.1:\d+ is not trusted")
    with serving(served(), own) as server, refused:
        scan(server, ImageOptions(registry=RegistryOptions(trust)))


def unlike_loopback(server: Server) -> str:
    """Another address of ``server``, at which no registry goes without TLS unasked."""
    return server.host.replace("127.0.0.1", "0.0.0.0")


def test_each_host_for_itself_does_without_tls_where_that_is_allowed(tmp_path: Path) -> None:
    own, _ = certificate(tmp_path)
    allowed = Trust(is_unverified=True)
    with serving(served()) as plain, serving(served(), own) as with_tls:
        hosts = unlike_loopback(plain), unlike_loopback(with_tls)
        for registry, mirror in (hosts, reversed(hosts)):
            options = ImageOptions(registry=RegistryOptions(allowed, mirrors={registry: (mirror,)}))
            open_image(f"{registry}/team/demo:1", options)
            open_image(f"{registry}/team/demo:1", ImageOptions(registry=RegistryOptions(allowed)))
        with pytest.raises(RegistryError, match=f"no TLS with {hosts[0]}"):
            open_image(f"{hosts[0]}/team/demo:1", ImageOptions())


def test_refusal_over_tls_is_told_and_not_asked_for_again_in_clear(tmp_path: Path) -> None:
    own, _ = certificate(tmp_path)
    options = ImageOptions(registry=RegistryOptions(Trust(is_unverified=True)))
    with (
        serving(served(auth="basic"), own) as server,
        pytest.raises(RegistryError, match="does not let us read"),
    ):
        scan(server, options)
    assert len(server.requests) == 1


def test_host_behind_a_redirect_that_has_no_tls_brings_no_password_into_the_clear(tmp_path: Path) -> None:
    own, _ = certificate(tmp_path)
    credential = Credential("hand", "ann", "s3cret")
    options = ImageOptions(registry=RegistryOptions(Trust(is_unverified=True), credential))
    with serving(Server()) as storage, serving(served(auth="basic", users={"ann": "s3cret"}), own) as server:
        server.redirect_to = f"https://{storage.host}"
        with pytest.raises(RegistryError, match=f"no TLS with {storage.host}"):
            scan(server, options)


def test_nobody_listening_is_one_clear_error() -> None:
    with serving(Server()) as server:
        host = server.host
    for trust in (Trust(), Trust(is_unverified=True)):
        with pytest.raises(
            RegistryError, match=f"^cannot reach {host}: connection refused; an image in a file"
        ):
            open_image(f"{host}/demo:1", ImageOptions(registry=RegistryOptions(trust)))


def test_token_service_without_tls_gets_no_credentials_of_a_registry_with_tls(tmp_path: Path) -> None:
    own, ca = certificate(tmp_path)
    with serving(Server(users={"ann": "x"})) as thief, serving(served(auth="token"), own) as server:
        server.realm = f"http://{thief.host}/token"
        credential = Credential("hand", "ann", "s3cret")
        options = ImageOptions(registry=RegistryOptions(Trust(ca_file=str(ca)), credential))
        with pytest.raises(RegistryError, match="is not safe to ask"):
            scan(server, options)
    assert thief.requests == []


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"manifests": 3}',
        b'{"layers": [{}]}',
        b"[" * 100_000,
        b'{"schemaVersion": 1}',
    ],
)
def test_hostile_manifest_is_one_clear_error(manifest: bytes) -> None:
    server = Server()
    server.tags["demo:1"] = str(server.blobs.add(manifest)["digest"])
    with serving(server), pytest.raises(RegistryError):
        scan(server, name="demo:1")


def test_index_that_points_to_itself_ends() -> None:
    blobs = Blobs()
    inner = blobs.image(LAYERS)
    for _ in range(6):
        inner = blobs.index([{"digest": inner["digest"], "size": inner["size"]}])
    server = Server(blobs, {"demo:1": str(inner["digest"])})
    with serving(server), pytest.raises(RegistryError, match="nests its indexes too deeply"):
        scan(server, name="demo:1")


def test_several_challenges_may_stand_in_one_header() -> None:
    with serving(served(auth="token")) as server:
        bearer = f'Bearer realm="http://{server.host}/token",service=test'
        server.challenge = f'Negotiate, Basic realm="a, Bearer realm=b" , {bearer}'
        assert names(scan(server)) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "\xb2"}, 0),
        ({"Retry-After": "1.5"}, 0),
        ({"Retry-After": "tomorrow"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "today"}, 0),
        ({"Retry-After": "Wed, 99 Oct 99999 07:28:00 GMT"}, 0),
    ],
)
def test_wish_of_a_busy_registry_is_passed_on(headers: dict[str, str], seconds: float) -> None:
    wishes: list[float] = []

    def wait(attempt: int, seconds: float) -> bool:
        wishes.append(seconds)
        return True

    with serving(served(answers=[(503, headers)])) as server:
        scan(server, trusting(server, wait=wait))
    assert wishes == [seconds]


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://[::1/x", "sends its clients on to an address that makes no sense"),
        ("file:///etc/passwd", "sends its clients on to an unsafe address"),
        ("/v2/elsewhere", "redirects without end"),
    ],
)
def test_redirect_that_leads_nowhere_is_one_clear_error(location: str, why: str) -> None:
    with (
        serving(served(answers=[(307, {"Location": location})] * 9)) as server,
        pytest.raises(RegistryError) as caught,
    ):
        scan(server)
    assert str(caught.value) == f"{server.host} {why}"


OF_CLOUDS = (
    "169.254.169.254",
    "[fe80::1]",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "[fd20:ce::254]",
    "192.0.0.192",
    "168.63.129.16",
    # Gateways and the kernel take these for 169.254.169.254.
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[::ffff:0:a9fe:a9fe]",
    "[::a9fe:a9fe]",
)
HERE = ("127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1")


@pytest.mark.parametrize("host", OF_CLOUDS)
def test_a_registry_sends_no_one_to_what_clouds_keep_for_a_machine(host: str) -> None:
    location = f"http://{host}/latest/meta-data/iam/security-credentials/"
    with (
        serving(served(answers=[(307, {"Location": location})])) as server,
        pytest.raises(RegistryError, match="where clouds keep what is this machine's alone") as caught,
    ):
        scan(server)
    assert host in str(caught.value)


@pytest.mark.parametrize("address", HERE)
def test_a_registry_sends_no_one_to_this_machine_itself_but_where_it_runs_here(address: str) -> None:
    with pytest.raises(RegistryError, match="this machine itself"):
        refuse_own_services(address, "cdn.example", "registry.example")
    refuse_own_services(address, "cdn.example", "localhost:5000")


@pytest.mark.parametrize("address", [*HERE, *(host.strip("[]") for host in OF_CLOUDS)])
def test_what_a_manifest_names_is_no_address_of_this_machine_alone(address: str) -> None:
    with pytest.raises(RegistryError, match="no flag names that host") as caught:
        refuse_own_services(address, "inside.example:5000")
    assert "--mirror inside.example:5000=inside.example:5000" in str(caught.value.hint)


def test_a_host_that_a_manifest_names_is_asked_here_only_where_a_flag_names_it_too() -> None:
    with serving(served()) as server:
        trusted = Trust(frozenset((server.host,)), named=frozenset())
        with pytest.raises(RegistryError, match="no flag names that host"):
            scan(server, ImageOptions(registry=RegistryOptions(trusted)))
        assert server.requests == []
        named = Trust(frozenset((server.host,)), named=frozenset((server.host,)))
        assert scan(server, ImageOptions(registry=RegistryOptions(named)))


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.1.1", "2001:db8::1", "cdn.example"])
def test_a_registry_may_send_to_other_addresses(address: str) -> None:
    refuse_own_services(address, address, "registry.example")
    refuse_own_services(address, address)


def test_an_address_that_a_name_leads_to_counts_as_well() -> None:
    with pytest.raises(RegistryError, match="on to cdn"):
        refuse_own_services("fe80::1%eth0", "cdn.example", "registry.example")


def test_redirect_may_be_written_as_people_read_it() -> None:
    location = "/v2/t\xc3\xa9am x/manifests/1?a=%2F"
    with (
        serving(served(answers=[(307, {"Location": location})])) as server,
        pytest.raises(RegistryError, match="has no 1"),
    ):
        scan(server)
    assert server.paths()[1] == "/v2/t%C3%A9am%20x/manifests/1?a=%2F"


@pytest.mark.parametrize(
    ("content", "why"), [(None, "no such file or directory"), ("", "it holds none"), ("x", "it holds none")]
)
def test_authorities_that_cannot_be_used_are_named(tmp_path: Path, content: str | None, why: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    options = ImageOptions(registry=RegistryOptions(Trust(ca_file=str(path))))
    with pytest.raises(RegistryError, match=f"^cannot use the certificates in {path}: {why}$"):
        open_image("localhost:1/demo:1", options)


def test_the_cas_are_read_once_and_again_when_their_file_changes(tmp_path: Path) -> None:
    own, _ = certificate(tmp_path)
    copied = tmp_path / "copied.pem"
    copied.write_bytes(own.read_bytes())
    first, other = Trust(ca_file=str(own)), Trust(ca_file=str(copied))
    context = registry_http._context(first)
    assert registry_http._context(Trust(ca_file=str(own))) is context
    assert registry_http._context(other) is not context
    assert registry_http._context(Trust()) is registry_http._context(Trust())
    assert registry_http._context(Trust()) is not registry_http._context(Trust(is_unverified=True))
    with own.open("ab") as file:
        file.write(b"\n")
    assert registry_http._context(first) is not context
