"""Layouts that other programs wrote, and a keyless signature of sigstore's public service, verified without a network.

``layouts.tar.gz`` was made with oras 1.2.3 and regctl 0.8.2 of one image on Debian's registry, signed by ``key.pub``: ``oras copy -r
--to-oci-layout``, ``oras attach --oci-layout``, and ``regctl image copy --referrers --digest-tags`` into an ``ocidir://``.
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


@pytest.fixture
def layouts(tmp_path: Path) -> None:
    with tarfile.open(HERE / "layouts.tar.gz") as archive:
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
    signer = f'{{identity: "https://github.com/*/release.yaml@refs/tags/*", issuer: "{issuer}"}}'
    (folder / "p.yaml").write_text(f'policies: [{{images: ["*"], signers: [{signer}]}}]')
    return "p.yaml"


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
