"""``leadline image verify`` against Debian's registry, with images that the test signs by keys of its own."""

import json
from datetime import timedelta

import pytest

from image_archives import digest as digest_of
from image_archives import docker_archive, layer
from registry_process import is_here, real_registry
from signing import AT, BUNDLE, DSSE, SIMPLE, Sigstore, attestation, new_key, payload, pem, signature
from vulnerabilities.matching.made_database import advisory, build_of

pytestmark = [
    pytest.mark.usefixtures("own_image_place"),
    pytest.mark.skipif(not is_here(), reason="there is no docker-registry"),
]
KEY, OTHER = new_key(), new_key()
SLSA = "https://slsa.dev/provenance/v1"
BUILD, ISSUER = (
    "https://github.com/shop/web/.github/workflows/build.yml@refs/heads/main",
    "https://token.example",
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with real_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def image(registry, request, tmp_path):
    """A new image for each test, and the keys and the policy beside it."""
    name = f"shop/{abs(hash(request.node.name))}"
    digest = registry.push_image(name, "1", [layer({"x": request.node.name.encode()})])
    (tmp_path / "key.pub").write_bytes(pem(KEY))
    (tmp_path / "other.pub").write_bytes(pem(OTHER))
    return name, digest


def tag(digest: str, ending: str = ".sig") -> str:
    return digest.replace(":", "-") + ending


def verified(run, registry, image, *words):
    code, out, err = run("image", "verify", f"{registry.host}/{image[0]}:1", *words, "-f", "json")
    assert out, err
    [found] = json.loads(out)["images"]
    return code, found


def test_a_signature_of_the_key_is_trusted_and_that_of_another_is_not(run, registry, image):
    registry.attach(image[0], tag(image[1]), [signature(KEY, image[1])])
    code, found = verified(run, registry, image, "--key", "key.pub")
    assert (code, found["outcome"], found["digest"]) == (0, "trusted", image[1])
    code, found = verified(run, registry, image, "--key", "other.pub")
    assert (code, found["outcome"], found["why"]) == (1, "not trusted", "no key of the policy made it")


def test_an_image_without_a_signature_is_not_trusted(run, registry, image):
    code, found = verified(run, registry, image, "--key", "key.pub")
    assert (code, found["why"]) == (1, "it has no signature")


def test_a_signature_of_another_image_does_not_count(run, registry, image):
    other = "sha256:" + "0" * 64
    registry.attach(image[0], tag(image[1]), [signature(KEY, other)])
    assert verified(run, registry, image, "--key", "key.pub")[1]["why"] == "it is about another image"


@pytest.mark.parametrize(
    "layers",
    [
        [(SIMPLE, b"{}", {})],
        [(SIMPLE, b"\xff", {"dev.cosignproject.cosign/signature": "!"})],
        [(SIMPLE, b'{"critical":{"image":{"docker-manifest-digest":3}}}', {})],
        [("text/plain", b"x", {})],
        [(DSSE, b"[]", {})],
        [
            (
                DSSE,
                b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}',
                {},
            )
        ],
        [(BUNDLE, b"{}", {})],
        [(BUNDLE, b'{"verificationMaterial":{"certificate":{"rawBytes":"AA=="}},"dsseEnvelope":{}}', {})],
        [
            (
                SIMPLE,
                payload("sha256:00"),
                {"dev.sigstore.cosign/certificate": "x", "dev.sigstore.cosign/bundle": "{"},
            )
        ],
    ],
)
def test_what_makes_no_sense_is_named_and_trusts_nothing(run, registry, image, layers):
    registry.attach(image[0], tag(image[1]), layers)
    code, found = verified(run, registry, image, "--key", "key.pub")
    assert (code, found["outcome"]) == (1, "not trusted")
    assert [bool(one["why"]) for one in found["attached"]] == [True]


def test_one_good_signature_among_others_is_enough(run, registry, image):
    registry.attach(
        image[0], tag(image[1]), [(SIMPLE, b"{}", {}), signature(OTHER, image[1]), signature(KEY, image[1])]
    )
    code, found = verified(run, registry, image, "--key", "key.pub")
    assert (code, found["outcome"]) == (0, "trusted")


POLICY = """\
policies:
  - images: ["*/shop/*"]
    signers: [{name: release, key: key.pub}]
    attestations: [slsa]
"""


def test_a_policy_asks_for_what_is_attested_too(run, registry, image, tmp_path):
    (tmp_path / "p.yaml").write_text(POLICY)
    registry.attach(image[0], tag(image[1]), [signature(KEY, image[1])])
    code, found = verified(run, registry, image, "--policy", "p.yaml")
    assert (code, found["why"]) == (1, "not attested by a signer that the policy allows: slsa")
    registry.attach(image[0], tag(image[1], ".att"), [attestation(OTHER, image[1], SLSA, {})])
    assert verified(run, registry, image, "--policy", "p.yaml")[0] == 1
    registry.attach(image[0], tag(image[1], ".att"), [attestation(KEY, image[1], SLSA, {"buildType": "x"})])
    code, found = verified(run, registry, image, "--policy", "p.yaml")
    assert (code, found["why"]) == (0, "signed by release; attested: slsa")


def test_referrers_are_found_by_the_tag_that_stands_in_for_them(run, registry, image, tmp_path):
    """This registry keeps no list of referrers."""
    (tmp_path / "p.yaml").write_text(POLICY)
    layers = [signature(KEY, image[1]), attestation(KEY, image[1], SLSA, {})]
    subject = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image[1], "size": 1}
    referrer = registry.attach(image[0], "", layers, subject=subject)
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {"mediaType": subject["mediaType"], "digest": referrer, "size": 1, "artifactType": DSSE}
        ],
    }
    registry.push_manifest(image[0], image[1].replace(":", "-"), index)
    code, found = verified(run, registry, image, "--policy", "p.yaml")
    assert (code, found["outcome"]) == (0, "trusted")
    assert all(one["where"].startswith("referrer sha256:") for one in found["attached"])


def test_an_image_of_which_no_rule_speaks_is_not_as_the_policy_asks(run, registry, image, tmp_path):
    (tmp_path / "p.yaml").write_text("policies: [{images: [other/*], signers: [{key: key.pub}]}]")
    code, found = verified(run, registry, image, "--policy", "p.yaml")
    assert (code, found["outcome"]) == (1, "no policy")
    (tmp_path / "p.yaml").write_text('policies: [{images: ["*/shop/*"], unsigned: true}]')
    code, found = verified(run, registry, image, "--policy", "p.yaml")
    assert (code, found["outcome"]) == (0, "not required")


KEYLESS = f"""\
policies:
  - images: ["*"]
    signers: [{{identity: "https://github.com/shop/*", issuer: "{ISSUER}"}}]
"""


@pytest.fixture
def sigstore(tmp_path):
    made = Sigstore()
    (tmp_path / "root.json").write_text(made.trusted_root())
    (tmp_path / "p.yaml").write_text(KEYLESS)
    return made


WORDS = ("--policy", "p.yaml", "--trusted-root", "root.json")


def test_an_identity_that_the_policy_names_is_trusted(run, registry, image, sigstore):
    registry.attach(image[0], tag(image[1]), [sigstore.annotated(image[1], BUILD, ISSUER)])
    code, found = verified(run, registry, image, *WORDS)
    assert (code, found["why"]) == (0, f"signed by {BUILD} ({ISSUER})")
    assert found["attached"][0]["signedAt"] == "2026-06-01T00:00:00Z"


@pytest.mark.parametrize(
    ("identity", "issuer"),
    [
        ("https://github.com/evil/web", ISSUER),
        (BUILD, "https://token.evil"),
        ("https://github.com/shopping", ISSUER),
    ],
)
def test_another_identity_or_issuer_is_not(run, registry, image, sigstore, identity, issuer):
    registry.attach(image[0], tag(image[1]), [sigstore.annotated(image[1], identity, issuer)])
    code, found = verified(run, registry, image, *WORDS)
    assert code == 1
    assert "whom the policy does not allow" in found["why"]


def test_a_signature_after_the_certificate_ended_is_not(run, registry, image, sigstore):
    late = sigstore.annotated(image[1], BUILD, ISSUER, AT + timedelta(hours=1))
    registry.attach(image[0], tag(image[1]), [late])
    assert verified(run, registry, image, *WORDS)[0] == 1


@pytest.mark.parametrize("part", ["ca_key", "ct_key", "log_key"])
def test_another_ca_or_log_proves_nothing(run, registry, image, sigstore, part):
    registry.attach(
        image[0],
        tag(image[1]),
        [Sigstore(**{**vars_of(sigstore), part: new_key()}).annotated(image[1], BUILD, ISSUER)],
    )
    code, found = verified(run, registry, image, *WORDS)
    assert (code, found["outcome"]) == (1, "not trusted")


def vars_of(sigstore: Sigstore) -> dict[str, object]:
    return {name: getattr(sigstore, name) for name in ("ca_key", "ct_key", "log_key")}


def test_a_bundle_attests_and_signs(run, registry, image, sigstore, tmp_path):
    (tmp_path / "p.yaml").write_text(KEYLESS + "    attestations: [slsa]\n")
    sign = sigstore.bundle(image[1], BUILD, ISSUER, "https://sigstore.dev/cosign/sign/v1", {})
    slsa = sigstore.bundle(image[1], BUILD, ISSUER, SLSA, {"buildType": "x"})
    registry.attach(image[0], tag(image[1]), [(BUNDLE, sign, {}), (BUNDLE, slsa, {})])
    code, found = verified(run, registry, image, *WORDS)
    assert (code, found["why"]) == (0, f"signed by {BUILD} ({ISSUER}); attested: slsa")


@pytest.mark.parametrize("kind", ["dsse", "intoto"])
def test_an_attestation_in_the_older_form_counts(run, registry, image, sigstore, tmp_path, kind):
    (tmp_path / "p.yaml").write_text(KEYLESS + "    attestations: [slsa]\n")
    registry.attach(image[0], tag(image[1]), [sigstore.annotated(image[1], BUILD, ISSUER)])
    made = sigstore.annotated_attestation(image[1], BUILD, ISSUER, kind)
    registry.attach(image[0], tag(image[1], ".att"), [made])
    code, found = verified(run, registry, image, *WORDS)
    assert (code, found["why"]) == (0, f"signed by {BUILD} ({ISSUER}); attested: slsa")
    other = sigstore.annotated_attestation(image[1], BUILD, ISSUER, kind)
    registry.attach(image[0], tag(image[1], ".att"), [(made[0], made[1], other[2])])
    assert verified(run, registry, image, *WORDS)[0] == 1


def test_a_changed_bundle_proves_nothing(run, registry, image, sigstore):
    made = json.loads(sigstore.bundle(image[1], BUILD, ISSUER, "https://sigstore.dev/cosign/sign/v1", {}))
    other = json.loads(sigstore.bundle("sha256:" + "0" * 64, BUILD, ISSUER, SLSA, {}))
    made["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"]
    registry.attach(image[0], tag(image[1]), [(BUNDLE, json.dumps(made).encode(), {})])
    assert verified(run, registry, image, *WORDS)[0] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("policies: []\nversion: 3", "version 3"),
        ("policies: [{images: []}]", "names no images"),
        ("policies: [{images: [a]}]", "names no signer"),
        ("policies: [{images: [a], signers: [{name: x}]}]", "either a key or an identity"),
        ("policies: [{images: [a], signers: [{identity: x}]}]", "needs its issuer"),
        ("policies: [{images: [a], signers: [{key: gone.pub}]}]", "gone.pub"),
        ("policies: [{images: [a], signers: [{key: p.yaml}]}]", "not a public key"),
        ("policies: [{image: [a]}]", "image"),
        ("a: b: c", "p.yaml:1"),
        ("", "0 documents"),
    ],
)
def test_a_policy_that_makes_no_sense_is_one_line(run, tmp_path, text, words):
    (tmp_path / "p.yaml").write_text(text)
    code, out, err = run("image", "verify", "x/y:1", "--policy", "p.yaml")
    assert code in (2, 3)
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is not a public key in PEM"),
        (
            "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
            "it is a private key; name the public one",
        ),
    ],
)
def test_a_file_without_a_public_key_is_named_once(run, tmp_path, text, why):
    (tmp_path / "k.pem").write_text(text)
    assert run("image", "verify", "x/y:1", "--key", "k.pem") == (2, "", f"leadline: k.pem: {why}\n")


def test_a_registry_that_does_not_answer_is_no_answer(run, tmp_path):
    (tmp_path / "key.pub").write_bytes(pem(KEY))
    code, out, err = run("image", "verify", "127.0.0.1:1/x:1", "--key", "key.pub")
    assert (code, out) == (3, "")
    assert "127.0.0.1:1" in err


def test_what_is_no_image_in_a_registry_is_refused(run, tmp_path):
    (tmp_path / "key.pub").write_bytes(pem(KEY))
    for name in ("./a.tar", "a.tar"):
        code, out, err = run("image", "verify", name, "--key", "key.pub")
        assert (code, out) == (3, "")
        assert err == f"leadline: there is no {name}; name an archive, an OCI layout, a folder or an image\n"
    assert run("image", "verify", "x:1")[0] == 2


def test_the_screen_names_the_outcome_and_why(run, registry, image):
    registry.attach(image[0], tag(image[1]), [signature(OTHER, image[1])])
    name = f"{registry.host}/{image[0]}:1"
    code, out, _ = run("image", "verify", name, "--key", "key.pub")
    assert code == 1
    assert "not trusted: no key of the policy made it" in out
    assert out.endswith("1 image: 0 as the policy asks, 1 not\n")
    assert digest_of(b"")


def deployed(registry, tmp_path, *images: str) -> None:
    containers = [{"name": f"c{i}", "image": name} for i, name in enumerate(images)]
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": containers},
    }
    (tmp_path / "m.json").write_text(json.dumps(body))


def posture(run, *words):
    code, out, err = run("scan", "control", "C-0236,C-0237", "m.json", *words, "-f", "json")
    if not out:
        return code, {}, err
    found = json.loads(out)
    paths = {
        c["controlID"]: [p.get("reviewPath") for rule in c["rules"] for p in rule.get("paths", ())]
        for r in found["results"]
        for c in r["controls"]
    }
    return code, paths, found["coverage"]


def test_controls_on_signatures_judge_where_a_policy_is_given(run, registry, image, tmp_path):
    name = f"{registry.host}/{image[0]}:1"
    (tmp_path / "p.yaml").write_text('policies: [{images: ["*"], signers: [{key: key.pub}]}]')
    deployed(registry, tmp_path, name)
    first = "spec.containers[0].image"
    assert posture(run, "--trust-policy", "p.yaml")[1] == {"C-0236": [first], "C-0237": [first]}
    registry.attach(image[0], tag(image[1]), [signature(OTHER, image[1])])
    assert posture(run, "--trust-policy", "p.yaml")[1] == {"C-0236": [first], "C-0237": []}
    registry.attach(image[0], tag(image[1]), [signature(KEY, image[1])])
    assert posture(run, "--trust-policy", "p.yaml")[1] == {"C-0236": [], "C-0237": []}


def test_without_a_policy_they_are_skipped_and_say_why(run, registry, image, tmp_path):
    deployed(registry, tmp_path, f"{registry.host}/{image[0]}:1")
    code, _, err = run("scan", "control", "C-0236", "m.json")
    assert code == 3
    assert "no registry was asked who signed the images" in err
    found = json.loads(run("scan", "m.json", "-f", "json")[1])
    whys = {one["id"]: one["why"] for one in found["coverage"]["controls"]["skipped"]}
    assert "no registry was asked" in whys["C-0236"]
    assert "no registry was asked" in whys["C-0237"]


def test_an_image_whose_registry_does_not_answer_is_not_judged_and_named(run, registry, image, tmp_path):
    (tmp_path / "p.yaml").write_text('policies: [{images: ["*"], signers: [{key: key.pub}]}]')
    gone = "127.0.0.1:1/shop/gone:1"
    deployed(registry, tmp_path, gone, f"{registry.host}/{image[0]}:1")
    _, paths, coverage = posture(run, "--trust-policy", "p.yaml")
    assert paths == {"C-0236": ["spec.containers[1].image"], "C-0237": ["spec.containers[1].image"]}
    assert [one["where"] for one in coverage["unread"]] == [gone]


DPKG = b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc\n"
RELEASE = b'ID=debian\nVERSION_ID="12"\n'


def test_a_scan_uses_what_those_attest_whom_the_policy_allows(run, registry, tmp_path):
    build_of(
        tmp_path / "v.db", {"debian": [advisory("CVE-2024-1000", "Debian:12", "glibc", severity="high")]}
    )
    name = "shop/attested"
    digest = registry.push_image(name, "1", [layer({"etc/os-release": RELEASE, "var/lib/dpkg/status": DPKG})])
    (tmp_path / "key.pub").write_bytes(pem(KEY))
    (tmp_path / "p.yaml").write_text('policies: [{images: ["*"], signers: [{key: key.pub}]}]')
    vex = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "x",
        "author": "shop",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2024-1000"},
                "products": [{"@id": "pkg:deb/debian/libc6"}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_present",
            }
        ],
    }

    def scanned():
        words = ("scan", "image", f"{registry.host}/{name}:1", "--db", "v.db", "--trust-policy", "p.yaml")
        found = json.loads(run(*words, "-f", "json")[1])
        return [one["title"] for one in found["findings"] if one["where"] == "signature"], [
            one["id"] for one in found["vulnerabilities"]
        ]

    assert scanned() == (["Not signed as the policy asks"], ["CVE-2024-1000"])
    registry.attach(name, tag(digest), [signature(KEY, digest)])
    registry.attach(
        name, tag(digest, ".att"), [attestation(OTHER, digest, "https://openvex.dev/ns/v0.2.0", vex)]
    )
    assert scanned() == ([], ["CVE-2024-1000"])
    registry.attach(
        name, tag(digest, ".att"), [attestation(KEY, digest, "https://openvex.dev/ns/v0.2.0", vex)]
    )
    assert scanned() == ([], [])
    registry.attach(
        name, tag(digest, ".att"), [attestation(KEY, digest, "https://openvex.dev/ns/v0.2.0", "x")]
    )
    assert scanned() == ([], ["CVE-2024-1000"])


def test_the_sbom_that_is_attested_is_used_where_the_policy_says_so(run, registry, tmp_path):
    facts = [advisory(f"CVE-2024-{name}", "Debian:12", name) for name in ("glibc", "bash")]
    build_of(tmp_path / "v.db", {"debian": facts})
    name = "shop/with-sbom"
    digest = registry.push_image(name, "1", [layer({"etc/os-release": RELEASE, "var/lib/dpkg/status": DPKG})])
    registry.attach(name, tag(digest), [signature(KEY, digest)])
    (tmp_path / "key.pub").write_bytes(pem(KEY))
    sbom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "components": [
            {"type": "library", "name": "bash", "version": "5.2-1", "purl": "pkg:deb/debian/bash@5.2-1"}
        ],
    }

    def scanned(mode: str, key=None, content: object = sbom):
        policy = f'policies: [{{images: ["*"], signers: [{{key: key.pub}}], sbom: {mode}}}]'
        (tmp_path / "p.yaml").write_text(policy)
        attached = [attestation(key, digest, "https://cyclonedx.org/bom", content)] if key else []
        registry.attach(name, tag(digest, ".att"), attached)
        words = ("scan", "image", f"{registry.host}/{name}:1", "--db", "v.db", "--trust-policy", "p.yaml")
        found = json.loads(run(*words, "-f", "json")[1])
        gaps = [one for one in found["notJudged"] if "SBOM" in one]
        return [one["id"] for one in found["vulnerabilities"]], gaps

    none = "SBOM: none is attested by a signer that the policy allows; the image was looked at itself"
    used = (
        "packages are those of the SBOM that a signer attested, as the policy asks; "
        "the 1 that were found in the image were not matched"
    )
    assert scanned("scanned", KEY) == (["CVE-2024-glibc"], [])
    assert scanned("attested", KEY) == (["CVE-2024-bash"], [used])
    assert scanned("attested", OTHER) == (["CVE-2024-glibc"], [none])
    assert scanned("attested") == (["CVE-2024-glibc"], [none])
    empty = "SBOM attestation: it holds no package; the image was looked at itself"
    assert scanned("attested", KEY, {**sbom, "components": []}) == (["CVE-2024-glibc"], [empty])
    found, gaps = scanned("attested", KEY, {"no": "SBOM"})
    assert found == ["CVE-2024-glibc"]
    assert len(gaps) == 1
    assert gaps[0].endswith("the image was looked at itself")


def test_an_archive_has_no_signature_to_look_for(run, tmp_path):
    docker_archive(tmp_path / "a.tar", [layer({"x": b"1"})])
    (tmp_path / "key.pub").write_bytes(pem(KEY))
    (tmp_path / "p.yaml").write_text('policies: [{images: ["*"], signers: [{key: key.pub}]}]')
    found = json.loads(run("scan", "image", "a.tar", "--trust-policy", "p.yaml", "-f", "json")[1])
    assert any(one.startswith("signatures: ") for one in found["notJudged"])
