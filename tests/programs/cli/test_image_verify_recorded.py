"""Layouts that other programs wrote, and a keyless signature of sigstore's public service, verified without a network.

``layouts.tar.gz`` was made with oras 1.2.3 and regctl 0.8.2 of one image on Debian's registry, signed by ``key.pub``: ``oras copy -r
--to-oci-layout``, ``oras attach --oci-layout``, and ``regctl image copy --referrers --digest-tags`` into an ``ocidir://``.
``cosign-saved.tar.gz`` was made by cosign 2.6.5's own packages against Debian's registry: ``tags`` and ``multi``, an index of two platforms, by
``cosign sign --key`` (``--recursive`` for the index), ``cosign attest --key`` and ``cosign save --dir``; ``bundles`` likewise with ``--new-bundle-format``,
which ``cosign save`` leaves behind; ``three`` and ``threetags`` likewise by cosign 3.1.3, whose ``save`` takes bundles along and does not list
their manifests, and says of images what kind of artifact they are. ``keyless`` has the empty image that cosign's own tests attest, and their bundle, which Fulcio and Rekor of the public
service wrote in February 2025, pushed by cosign and laid out by the tag that stands in for referrers.
``keyless.json`` holds what cosign wrote to Docker Hub for an image that a public workflow built and signed in February 2026, and the index of that
image. Neither it nor its log entry was made by us.
"""

import json
import shutil
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("own_image_place")
HERE = Path(__file__).parents[2] / "signatures"
RECORDED = json.loads((HERE / "keyless.json").read_text())
ISSUER = "https://token.actions.githubusercontent.com"
LAYOUTS = {
    "oras-attached": "signed by key.pub",
    "oras-referrers": "signed by key.pub",
    "regctl-referrers": "signed by key.pub",
    "regctl-tags": "signed by key.pub; attested: slsa",
}


SAVED = {
    "tags": "sha256:62879dbb06e42a2f8766cf5cd9463bd2a0114542ca919fa77d43d20c7fbee9df",
    "threetags": "sha256:62879dbb06e42a2f8766cf5cd9463bd2a0114542ca919fa77d43d20c7fbee9df",
    "multi": "sha256:ab51f0fd3bcd7e554d5a5072795c36e161eaf51697bc0ec8de79746df783de73",
}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
GITHUB = "https://github.com/login/oauth"
PREDICATE = "https://cosign.sigstore.dev/attestation/v1"


@pytest.fixture
def layouts(tmp_path: Path) -> None:
    for name in ("layouts.tar.gz", "cosign-saved.tar.gz"):
        with tarfile.open(HERE / name) as archive:
            archive.extractall(tmp_path, filter="data")


def verified(run, *words: str):
    code, out, err = run("image", "verify", *words, "-f", "json")
    assert out, err
    return code, json.loads(out)["images"][0]


@pytest.mark.usefixtures("layouts")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_signatures_that_oras_and_regctl_keep_count(run, tmp_path: Path, layout: str):
    shutil.make_archive(layout, "tar", tmp_path / layout)
    for place in (layout, f"{layout}:1", f"{layout}.tar"):
        code, found = verified(run, place, "--key", "key.pub")
        assert (code, found["why"]) == (0, LAYOUTS[layout])
    for path in (tmp_path / layout / "blobs/sha256").iterdir():
        if path.read_bytes().startswith(b'{"critical"') or b"dsseEnvelope" in path.read_bytes():
            path.unlink()
    assert run("image", "verify", layout, "--key", "key.pub")[0] != 0


@pytest.mark.usefixtures("layouts")
@pytest.mark.parametrize("layout", [*SAVED, "three"])
def test_what_cosign_saved_counts_by_its_key_alone(run, tmp_path: Path, layout: str):
    shutil.make_archive(layout, "tar", tmp_path / layout)
    key = key_of(layout)
    write_policy(tmp_path, f"{{key: {key}, name: release}}", "slsa")
    for place in (layout, f"{layout}.tar", f"oci:{layout}"):
        code, found = verified(run, place, "--key", key)
        assert (code, found["digest"]) == (0, SAVED.get(layout, SAVED["tags"]))
        assert found["why"] == f"signed by {key}; attested: slsa"
        assert verified(run, place, "--key", "key.pub")[0] == 1
    assert verified(run, f"{layout}:r.example/web:1", "--policy", "p.yaml")[0] == 0


@pytest.mark.usefixtures("layouts")
@pytest.mark.parametrize("layout", SAVED)
@pytest.mark.parametrize("kind", ["sigs", "atts"])
def test_what_cosign_saved_and_somebody_changed_does_not(run, tmp_path: Path, layout: str, kind: str):
    """The blob is another one, and what names it fits: the signature is what does not hold."""
    write_policy(tmp_path, f"{{key: {key_of(layout)}}}", "slsa")
    index = json.loads((tmp_path / layout / "index.json").read_text())
    listed = next(one for one in index["manifests"] if one["annotations"]["kind"].endswith(kind))
    manifest = json.loads(blob(tmp_path / layout, listed["digest"]).read_text())
    part = manifest["layers"][0]
    content = blob(tmp_path / layout, part["digest"]).read_text()
    changed = content.replace("127.0.0.1", "127.0.0.2") if kind == "sigs" else content.replace("eyJ", "eyI")
    assert changed != content
    part["digest"] = add(tmp_path / layout, changed)
    listed["digest"] = add(tmp_path / layout, json.dumps(manifest))
    (tmp_path / layout / "index.json").write_text(json.dumps(index))
    code, found = verified(run, f"{layout}:r.example/web:1", "--policy", "p.yaml")
    assert (code, found["outcome"]) == (1, "not trusted")


@pytest.mark.usefixtures("layouts")
@pytest.mark.parametrize("layout", SAVED)
@pytest.mark.parametrize("kind", ["sigs", "atts"])
def test_without_what_cosign_saved_beside_it_an_image_is_not_signed_as_asked(
    run, tmp_path: Path, layout: str, kind: str
):
    write_policy(tmp_path, f"{{key: {key_of(layout)}}}", "slsa")
    index = json.loads((tmp_path / layout / "index.json").read_text())
    index["manifests"] = [one for one in index["manifests"] if not one["annotations"]["kind"].endswith(kind)]
    (tmp_path / layout / "index.json").write_text(json.dumps(index))
    name = f"{layout}:r.example/web:1"
    code, found = verified(run, name, "--policy", "p.yaml")
    assert code == 1
    assert found["why"] == (
        "it has no signature" if kind == "sigs" else "not attested by a signer that the policy allows: slsa"
    )
    out = run("scan", "image", name, "--trust-policy", "p.yaml", "--offline", "-f", "json")[1]
    assert "Not signed as the policy asks" in out


@pytest.mark.usefixtures("layouts")
@pytest.mark.parametrize("layout", [*SAVED, "three", "bundles"])
def test_a_scan_of_what_cosign_saved_judges_its_signatures(run, tmp_path: Path, layout: str):
    """Bundles are not in what ``cosign save`` of version 2 writes: that image has no signature here."""
    write_policy(tmp_path, f"{{key: {key_of(layout)}}}", "slsa")
    words = ("scan", "image", f"{layout}:r.example/web:1", "--trust-policy", "p.yaml", "--offline")
    code, out, err = run(*words, "-f", "json")
    assert code == 0, err
    assert ("Not signed as the policy asks" in out) == (layout == "bundles")


@pytest.mark.usefixtures("layouts")
def test_a_bundle_whose_manifest_no_index_lists_does_not_count_where_it_is_changed_or_gone(
    run, tmp_path: Path
):
    blobs = tmp_path / "three/blobs/sha256"
    (blobs / "a folder").mkdir()
    (blobs / ("0" * 64)).write_text(f'{{"subject": {{"digest": "{SAVED["tags"]}"}}}}')  # not its digest
    for bundle in [one for one in blobs.iterdir() if one.is_file() and b"dsseEnvelope" in one.read_bytes()]:
        content, manifest = bundle.read_text(), only_holder(blobs, bundle.name)
        changed = content.replace('"sig":"', '"sig":"AA')
        assert changed != content
        renamed = manifest.read_text().replace(f"sha256:{bundle.name}", add(tmp_path / "three", changed))
        manifest.unlink()
        add(tmp_path / "three", renamed)
    assert verified(run, "three", "--key", "three.pub")[1]["outcome"] == "not trusted"
    for one in blobs.iterdir():
        if one.is_file() and b'"subject"' in one.read_bytes():
            one.unlink()
    assert verified(run, "three", "--key", "three.pub")[1]["why"] == "it has no signature"


@pytest.mark.usefixtures("layouts")
@pytest.mark.parametrize("kind", ["sigs", "atts"])
def test_signatures_that_are_listed_and_gone_are_named_where_they_are_missed(run, tmp_path: Path, kind: str):
    write_policy(tmp_path, "{key: cosign.pub}", "slsa")
    index = json.loads((tmp_path / "tags/index.json").read_text())
    digest = next(one["digest"] for one in index["manifests"] if one["annotations"]["kind"].endswith(kind))
    blob(tmp_path / "tags", digest).unlink()
    name = "tags:r.example/web:1"
    code, found = verified(run, name, "--policy", "p.yaml")
    assert (code, found["outcome"]) == (1, "not trusted")
    assert f"; tags holds no blob {digest}, in which its index says" in found["why"]
    out = run("scan", "image", name, "--trust-policy", "p.yaml", "--offline", "-f", "json")[1]
    assert "Not signed as the policy asks" in out  # and so no gate passes


@pytest.mark.usefixtures("layouts")
def test_of_a_layout_of_too_many_blobs_it_is_said_that_not_all_were_looked_at(run, tmp_path: Path):
    for layout in ("three", "tags"):
        for number in range(1_001):
            (tmp_path / layout / f"blobs/sha256/{number:064}").write_text("{}")
    code, found = verified(run, "three", "--key", "three.pub")
    assert (code, found["outcome"]) == (1, "not trusted")
    why = "it has no signature; of the blobs of three that no index lists 1,000 were looked at"
    assert found["why"] == why
    assert verified(run, "tags", "--key", "cosign.pub")[1]["why"] == "signed by cosign.pub; attested: slsa"


@pytest.mark.usefixtures("layouts")
def test_a_keyless_bundle_of_the_public_service_counts(run, tmp_path: Path):
    """An attestation: what is asked beside it, a signature, was not made of that image."""
    signer = f'{{identity: "*@*", issuer: "{GITHUB}"}}'
    write_policy(tmp_path, signer, PREDICATE)
    code, out, err = run("image", "verify", "keyless", "--policy", "p.yaml", "-f", "json")
    found = json.loads(out)["images"][0]
    assert (code, found["why"], err) == (1, "it has no signature", "")
    attested = found["attached"][0]
    assert (attested["predicateType"], attested["why"]) == (PREDICATE, "")
    assert (attested["signer"]["issuer"], attested["signedAt"]) == (GITHUB, "2025-02-28T19:18:11Z")
    write_policy(tmp_path, signer.replace("github.com", "gitlab.com"), PREDICATE)
    attested = verified(run, "keyless", "--policy", "p.yaml")[1]["attached"][0]
    assert (attested["signer"], "whom the policy does not allow" in attested["why"]) == (None, True)


@pytest.mark.usefixtures("layouts")
@pytest.mark.parametrize(
    "part", ["rawBytes", "payload", "sig", "rootHash", "checkpoint", "canonicalizedBody"]
)
def test_a_keyless_bundle_with_a_changed_part_does_not(run, tmp_path: Path, part: str):
    write_policy(tmp_path, f'{{identity: "*@*", issuer: "{GITHUB}"}}', PREDICATE)
    layout = tmp_path / "keyless"
    bundle = next(one for one in (layout / "blobs/sha256").iterdir() if b'"dsseEnvelope"' in one.read_bytes())
    text = bundle.read_text()
    place = text.index(f'"{part}":') + len(part) + 40
    changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
    for holder in (layout / "blobs/sha256").iterdir():
        if bundle.name.encode() in holder.read_bytes():
            attached = holder
    manifest = attached.read_text().replace(f"sha256:{bundle.name}", add(layout, changed))
    listed = json.loads((layout / "index.json").read_text())
    listed["manifests"][1:] = [
        {"mediaType": MANIFEST, "digest": add(layout, manifest), "size": len(manifest)}
    ]
    (layout / "index.json").write_text(json.dumps(listed))
    attached_one = verified(run, "keyless", "--policy", "p.yaml")[1]["attached"][0]
    assert attached_one["signer"] is None
    assert attached_one["why"]


def test_a_keyless_signature_of_the_public_service_counts(run, tmp_path: Path):
    keyless_layout(tmp_path / "lay", RECORDED["annotations"])
    code, found = verified(run, "lay", "--policy", policy(tmp_path, ISSUER))
    assert (code, found["digest"]) == (0, RECORDED["digest"])
    assert found["why"].startswith("signed by https://github.com/")
    assert verified(run, "lay", "--policy", policy(tmp_path, "https://accounts.example"))[0] == 1


@pytest.mark.parametrize("key", sorted(RECORDED["annotations"]))
def test_a_changed_part_of_it_does_not(run, tmp_path: Path, key: str):
    value = RECORDED["annotations"][key]
    half = len(value) // 2
    changed = value[:half] + ("A" if value[half] != "A" else "B") + value[half + 1 :]
    keyless_layout(tmp_path / "lay", RECORDED["annotations"] | {key: changed})
    code, found = verified(run, "lay", "--policy", policy(tmp_path, ISSUER))
    assert (code, found["outcome"]) == (1, "not trusted")


def policy(folder: Path, issuer: str) -> str:
    write_policy(folder, f'{{identity: "https://github.com/*/release.yaml@refs/tags/*", issuer: "{issuer}"}}')
    return "p.yaml"


def write_policy(folder: Path, signer: str, *attestations: str) -> None:
    rule = f'{{images: ["*"], signers: [{signer}], attestations: {json.dumps(attestations)}}}'
    (folder / "p.yaml").write_text(f"policies: [{rule}]")


def key_of(layout: str) -> str:
    return "three.pub" if layout.startswith("three") else "cosign.pub"


def only_holder(blobs: Path, digest: str) -> Path:
    """The one manifest that names the blob."""
    (found,) = [one for one in blobs.iterdir() if one.is_file() and digest.encode() in one.read_bytes()]
    return found


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs/sha256" / digest.removeprefix("sha256:")


def add(layout: Path, content: str) -> str:
    """A blob of a layout; returns its digest."""
    digest = f"sha256:{sha256(content.encode()).hexdigest()}"
    blob(layout, digest).write_text(content)
    return digest


def keyless_layout(folder: Path, annotations: dict[str, str]) -> None:
    """As ``cosign save`` writes it: kinds instead of names. The platforms of the index are not there, and nobody asks for them."""
    (folder / "blobs/sha256").mkdir(parents=True)

    def add(content: bytes, media_type: str) -> dict[str, object]:
        name = sha256(content).hexdigest()
        (folder / "blobs/sha256" / name).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(content)}

    index = add(RECORDED["index"].encode(), "application/vnd.oci.image.index.v1+json")
    layer = add(RECORDED["payload"].encode(), RECORDED["media_type"]) | {"annotations": annotations}
    config = add(b"{}", "application/vnd.oci.image.config.v1+json")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}
    listed = [
        index | {"annotations": {"kind": "dev.cosignproject.cosign/imageIndex"}},
        add(json.dumps(manifest).encode(), kind) | {"annotations": {"kind": "dev.cosignproject.cosign/sigs"}},
    ]
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": listed}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
