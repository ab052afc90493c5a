"""``leadline image verify`` of OCI layouts and archives of them, as tools keep signatures beside an image without a registry."""

import json

import pytest

from image_archives import Blobs, docker_archive, layer, write_files
from signing import BUNDLE, DSSE, Sigstore, attestation, new_key, pem, signature

pytestmark = pytest.mark.usefixtures("own_image_place")
KEY = new_key()
SLSA = "https://slsa.dev/provenance/v1"
BUILD, ISSUER = "https://github.com/shop/web/build.yml@refs/heads/main", "https://token.example"
REF = "org.opencontainers.image.ref.name"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def attached(blobs, layers, **more):
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blobs.add(b"{}", "application/vnd.oci.image.config.v1+json"),
        "layers": [blobs.add(one, kind) | {"annotations": notes} for kind, one, notes in layers],
        **more,
    }
    return blobs.add(json.dumps(content).encode(), MANIFEST)


def saved_by_cosign(blobs, image, layers):
    """No names: the kind of each is an annotation."""
    kind = "dev.cosignproject.cosign/"
    listed = [image | {"annotations": {"kind": f"{kind}image"}}]
    for what, ending in ((DSSE, "atts"), ("", "sigs")):
        of_kind = [one for one in layers if (one[0] == DSSE) == bool(what)]
        listed.append(attached(blobs, of_kind) | {"annotations": {"kind": kind + ending}})
    return listed


def by_tags(blobs, image, layers):
    name = str(image["digest"]).replace(":", "-")
    listed = [image | {"annotations": {REF: "web"}}]
    for one, ending in zip(layers, (".sig", ".att"), strict=True):
        listed.append(attached(blobs, [one]) | {"annotations": {REF: name + ending}})
    return listed


def by_subject(blobs, image, layers):
    return [image, *(attached(blobs, [one], subject=image) for one in layers)]


def by_referrers_tag(blobs, image, layers):
    index = blobs.index([attached(blobs, [one], subject=image) for one in layers])
    name = str(image["digest"]).replace(":", "-")
    return [image | {"annotations": {REF: "web"}}, index | {"annotations": {REF: name}}]


WAYS = (saved_by_cosign, by_tags, by_subject, by_referrers_tag)


@pytest.fixture
def layout(tmp_path):
    """Writes a layout, and an archive of it, whose image is signed and attested in one of ``WAYS``."""
    (tmp_path / "key.pub").write_bytes(pem(KEY))
    (tmp_path / "other.pub").write_bytes(pem(new_key()))
    (tmp_path / "p.yaml").write_text(
        'policies: [{images: ["r.example/shop/*"], signers: [{key: key.pub, name: release}], attestations: [slsa]}]'
    )

    def write(way, layers=None):
        blobs = Blobs()
        image = blobs.image([layer({"x": b"x"})])
        digest = str(image["digest"])
        made = layers(digest) if layers else [signature(KEY, digest), attestation(KEY, digest, SLSA, {})]
        files = blobs.files(way(blobs, image, made))
        write_files(tmp_path / "lay", files)
        (tmp_path / "lay.tar").write_bytes(layer(files))
        return digest

    return write


def verified(run, *words):
    code, out, err = run("image", "verify", *words, "-f", "json")
    assert out, err
    return code, json.loads(out)["images"][0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["lay", "lay.tar", "oci:lay", "oci-archive:lay.tar"])
def test_a_signature_beside_the_image_counts(run, layout, way, place):
    digest = layout(way)
    code, found = verified(run, place, "--key", "key.pub")
    assert (code, found["outcome"], found["digest"]) == (0, "trusted", digest)
    assert found["why"].endswith("attested: slsa")
    assert verified(run, place, "--key", "other.pub")[0] == 1


@pytest.mark.parametrize("way", WAYS)
def test_the_same_layout_is_scanned_as_one_image_and_its_signatures_judged(run, layout, way, tmp_path):
    layout(way)
    name = "lay:r.example/shop/web:1" if way in (saved_by_cosign, by_subject) else "lay:web"
    (tmp_path / "p.yaml").write_text('policies: [{images: ["*"], signers: [{key: other.pub}]}]')
    code, out, err = run("scan", "image", name, "--trust-policy", "p.yaml", "--offline", "-f", "json")
    assert code == 0, err
    assert "Not signed as the policy asks" in out
    (tmp_path / "p.yaml").write_text('policies: [{images: ["*"], signers: [{key: key.pub}]}]')
    code, out, err = run("scan", "image", name, "--trust-policy", "p.yaml", "--offline", "-f", "json")
    assert code == 0, err
    assert "Not signed as the policy asks" not in out


def test_the_user_says_which_image_it_is_and_not_the_layout(run, layout, tmp_path):
    """Else whoever wrote the layout would choose the rule of the policy."""
    layout(saved_by_cosign)
    code, found = verified(run, "lay:r.example/shop/web:1", "--policy", "p.yaml")
    assert (code, found["why"]) == (0, "signed by release; attested: slsa")
    code, found = verified(run, "lay", "--policy", "p.yaml")
    assert (code, found["outcome"]) == (1, "no policy")
    assert "LAYOUT:registry/repository:tag" in found["why"]
    layout(lambda blobs, image, made: [image | {"annotations": {REF: "r.example/mirror/x:1"}}])
    (tmp_path / "p.yaml").write_text('policies: [{images: ["r.example/mirror/*"], unsigned: true}]')
    assert verified(run, "lay", "--policy", "p.yaml")[1]["outcome"] == "no policy"


@pytest.mark.parametrize("way", WAYS)
def test_a_signature_of_another_image_does_not_count(run, layout, way):
    other = "sha256:" + "0" * 64
    layout(way, lambda _: [signature(KEY, other), attestation(KEY, other, SLSA, {})])
    code, found = verified(run, "lay", "--key", "key.pub")
    assert (code, found["outcome"]) == (1, "not trusted")


@pytest.mark.parametrize("way", [by_subject, by_referrers_tag])
def test_keyless_bundles_are_checked_without_a_network(run, layout, way, tmp_path):
    sigstore = Sigstore()
    (tmp_path / "root.json").write_text(sigstore.trusted_root())
    sign = "https://sigstore.dev/cosign/sign/v1"
    layout(
        way,
        lambda digest: [
            (BUNDLE, sigstore.bundle(digest, BUILD, ISSUER, one, {}), {}) for one in (sign, SLSA)
        ],
    )
    signer = f'{{identity: "https://github.com/shop/*", issuer: "{ISSUER}"}}'
    (tmp_path / "p.yaml").write_text(f'policies: [{{images: ["*"], signers: [{signer}]}}]')
    code, found = verified(run, "lay", "--policy", "p.yaml", "--trusted-root", "root.json")
    assert (code, found["why"]) == (0, f"signed by {BUILD} ({ISSUER}); attested: slsa")
    (tmp_path / "root.json").write_text(Sigstore().trusted_root())
    assert verified(run, "lay", "--policy", "p.yaml", "--trusted-root", "root.json")[0] == 1


def test_a_layout_without_signatures_is_not_trusted(run, layout):
    layout(lambda blobs, image, made: [image])
    code, found = verified(run, "lay", "--key", "key.pub")
    assert (code, found["why"]) == (1, "it has no signature")


def test_an_archive_of_docker_save_has_no_manifest_to_sign(run, layout, tmp_path):
    layout(by_tags)
    docker_archive(tmp_path / "old.tar", [layer({"x": b"x"})])
    code, _, err = run("image", "verify", "old.tar", "--key", "key.pub")
    assert code == 3
    assert "keeps no manifest, and signatures are about manifests" in err


def test_a_damaged_signature_blob_is_said(run, layout, tmp_path):
    layout(by_tags)
    index = json.loads((tmp_path / "lay/index.json").read_text())
    blob = tmp_path / "lay/blobs" / index["manifests"][1]["digest"].replace(":", "/")
    blob.write_bytes(blob.read_bytes() + b" ")
    code, _, err = run("image", "verify", "lay", "--key", "key.pub")
    assert code == 3
    assert "is damaged" in err


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_layout_without_the_manifest_that_was_signed_is_not_trusted(run, layout, tmp_path, way, is_there):
    blob = tmp_path / "lay/blobs" / layout(way).replace(":", "/")
    if is_there:
        blob.write_bytes(blob.read_bytes() + b" ")
    else:
        blob.unlink()
    code, _, err = run("image", "verify", "lay", "--key", "key.pub")
    assert code == 3
    assert ("is damaged" if is_there else "holds no blob sha256:") in err


def test_what_a_local_engine_keeps_has_no_signatures(run, layout):
    layout(by_tags)
    code, _, err = run("image", "verify", "podman:web", "--key", "key.pub")
    assert code == 2
    assert "not an image with signatures: podman:web" in err
