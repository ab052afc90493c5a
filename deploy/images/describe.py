"""Runs while the image is built: ``describe.py ROOT FOLDER`` writes the SBOM of ROOT, signed where the build has a key."""

import base64
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leadline.programs.cli.main import main

KEY = Path("/run/secrets/key")
root, folder = sys.argv[1], Path(sys.argv[2])
document = folder / "sbom.cdx.json"
folder.mkdir(parents=True)
code = main(["image", "sbom", "--no-cache", "-q", "-f", "cyclonedx-json", "-o", str(document), f"dir:{root}"])
if code:
    sys.exit(code)
if KEY.is_file():
    key = serialization.load_pem_private_key(KEY.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        sys.exit("the key is not Ed25519; make one: openssl genpkey -algorithm ed25519")
    (folder / "sbom.cdx.json.sig").write_bytes(base64.b64encode(key.sign(document.read_bytes())) + b"\n")
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "sbom.cdx.json.pub").write_bytes(public)
