"""Pushes a release to a registry, signed: ``python deploy/publish.py dist/1.2.0 registry.example/team --key cosign.pem``.

The images go to ``…/leadline``, under one index, the chart, as helm takes it from ``oci://``, to ``…/charts/leadline``. Both are signed in the
form of cosign, and the SBOM of each image is attested, by a key of ECDSA P-256 (PEM). Digests are printed; use them.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY_CONFIG = "application/vnd.oci.image.config.v1+json"
CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
CYCLONEDX = "https://cyclonedx.org/bom"
TIMEOUT_S = 300.0
Document = dict[str, Any]


class PublishError(Exception):
    """One line: what could not be published, and what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("release", type=Path, help="the folder that release.py wrote")
    parser.add_argument("target", help="registry and path, such as registry.example/team")
    parser.add_argument("--key", type=Path, help="private key, ECDSA P-256, PEM, that signs")
    parser.add_argument("--unsigned", action="store_true", help="push without a signature")
    parser.add_argument("--username", default="")
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("--plain-http", action="store_true", help="for a registry without TLS")
    flags = parser.parse_args()
    password = sys.stdin.readline().rstrip("\n") if flags.password_stdin else ""
    try:
        if (flags.key is None) != flags.unsigned:
            raise PublishError("give --key FILE, or --unsigned to push without a signature")
        key = _key(flags.key) if flags.key else None
        for line in publish(
            flags.release, flags.target, key, Access(flags.username, password, flags.plain_http)
        ):
            sys.stdout.write(f"{line}\n")
    except (PublishError, httpx2.HTTPError, OSError) as error:
        sys.stderr.write(f"publish.py: {error}\n")
        return 1
    return 0


class Access:
    def __init__(self, username: str = "", password: str = "", is_plain: bool = False) -> None:
        self.pair = (username, password) if username else None
        self.scheme = "http" if is_plain else "https"


def publish(folder: Path, target: str, key: ec.EllipticCurvePrivateKey | None, access: Access) -> list[str]:
    """What was pushed, by digest. Raises: ``PublishError``."""
    host, _, path = target.strip("/").partition("/")
    archives = sorted(folder.glob("leadline-*-image-*.tar"))
    charts = sorted(folder.glob("leadline-*.tgz"))
    if not path or not archives or len(charts) != 1:
        raise PublishError(
            f"{folder} and {target}: a release with image and chart, and HOST/PATH, are needed"
        )
    said = []
    version = charts[0].name.removeprefix("leadline-").removesuffix(".tgz")
    image = Registry(host, f"{path}/leadline", access)
    images = [_pushed_image(image, archive, version) for archive in archives]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": images}
    digest = image.manifest(json.dumps(index, separators=(",", ":")).encode(), version, INDEX)
    chart = Registry(host, f"{path}/charts/leadline", access)
    of_chart = chart.manifest(_chart(chart, charts[0]), version, MANIFEST)
    if key is not None:
        for registry, of in ((image, digest), *((image, one["digest"]) for one in images), (chart, of_chart)):
            _attach(registry, of, "sig", SIMPLE, _simple(of), key)
        for archive, one in zip(archives, images, strict=True):
            bom = archive.with_suffix(".cdx.json")
            _attest(image, one["digest"], json.loads(bom.read_text("utf-8")), key)
    architectures = ", ".join(one["platform"]["architecture"] for one in images)
    said.append(f"image  {host}/{image.path}@{digest}   ({architectures})")
    said.append(f"chart  oci://{host}/{chart.path} --version {version}   ({of_chart})")
    said.append(
        f"install: helm install leadline oci://{host}/{chart.path} --version {version} "
        f"--set image.repository={host}/{image.path} --set image.digest={digest}"
    )
    return said


class Registry:
    """One repository of a registry (https://github.com/opencontainers/distribution-spec/blob/main/spec.md)."""

    def __init__(self, host: str, path: str, access: Access) -> None:
        self.path = path
        self._root = f"{access.scheme}://{host}"
        self._pair = access.pair
        self._http = httpx2.Client(timeout=TIMEOUT_S, follow_redirects=True)
        self._token = ""

    def blob(self, content: bytes) -> str:
        """Its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if self._ask("HEAD", f"/v2/{self.path}/blobs/{digest}").status_code == 200:
            return digest
        begun = self._good(self._ask("POST", f"/v2/{self.path}/blobs/uploads/"))
        place = str(httpx2.URL(self._root).join(begun.headers["location"]))
        place += f"{'&' if '?' in place else '?'}digest={digest}"
        self._good(self._ask("PUT", place, content, "application/octet-stream"))
        return digest

    def manifest(self, content: bytes, name: str, kind: str) -> str:
        self._good(self._ask("PUT", f"/v2/{self.path}/manifests/{name}", content, kind))
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def _ask(self, method: str, path: str, content: bytes = b"", kind: str = "") -> httpx2.Response:
        url = path if "://" in path else self._root + path
        for attempt in range(2):
            headers = {"Content-Type": kind} if kind else {}
            if self._token:
                headers["Authorization"] = self._token
            answer = self._http.request(method, url, content=content, headers=headers)
            if answer.status_code != 401 or attempt:
                break
            self._token = self._allowed(answer.headers.get("www-authenticate", ""))
        return answer

    def _allowed(self, challenge: str) -> str:
        """What to send for ``challenge`` (https://distribution.github.io/distribution/spec/auth/token/)."""
        scheme = challenge.partition(" ")[0].lower()
        if scheme == "basic" and self._pair:
            return "Basic " + base64.b64encode(":".join(self._pair).encode()).decode()
        if scheme != "bearer":
            raise PublishError(f"{self._root} lets no one in so: give --username and --password-stdin")
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = {"service": asked.get("service", ""), "scope": f"repository:{self.path}:pull,push"}
        answer = self._good(self._http.get(asked["realm"], params=query, auth=self._pair))
        body = answer.json()
        return f"Bearer {body.get('token') or body.get('access_token')}"

    def _good(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.status_code >= 400:
            raise PublishError(f"{answer.request.method} {answer.request.url}: HTTP {answer.status_code}")
        return answer


def _pushed_image(registry: Registry, archive: Path, version: str) -> Document:
    """The one image of an OCI archive, pushed, as an index names it."""
    with _opened(archive) as files:
        names = {one.name.removeprefix("./"): one for one in files.getmembers()}

        def read(name: str) -> bytes:
            member = files.extractfile(names[name]) if name in names else None
            if member is None:
                raise PublishError(f"{archive} has no {name}")
            return member.read()

        (entry,) = json.loads(read("index.json"))["manifests"]
        content = read(_place(entry["digest"]))
        document = json.loads(content)
        for part in (document["config"], *document["layers"]):
            registry.blob(read(_place(part["digest"])))
        config = json.loads(read(_place(document["config"]["digest"])))
    platform = {"architecture": config["architecture"], "os": config["os"]}
    digest = registry.manifest(content, f"{version}-{platform['architecture']}", entry["mediaType"])
    return {"mediaType": entry["mediaType"], "digest": digest, "size": len(content), "platform": platform}


def _opened(archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(archive)
    except tarfile.TarError as error:
        raise PublishError(f"{archive} is not a tar archive: make the release again") from error


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _chart(registry: Registry, packed: Path) -> bytes:
    content = packed.read_bytes()
    with _opened(packed) as files:
        member = files.extractfile("leadline/Chart.yaml")
        lines = member.read().decode().splitlines() if member else []
    # Flat by construction: name, version and the like, one a line.
    config = json.dumps(
        {k.strip(): v.strip().strip("\"'") for k, _, v in (one.partition(":") for one in lines) if v}
    )
    return _manifest(registry, [(CHART_LAYER, content, {})], CHART_CONFIG, config.encode())


def _manifest(
    registry: Registry, layers: list[tuple[str, bytes, Mapping[str, str]]], kind: str, config: bytes
) -> bytes:
    def described(media: str, content: bytes, annotations: Mapping[str, str]) -> Document:
        one: Document = {"mediaType": media, "digest": registry.blob(content), "size": len(content)}
        return {**one, "annotations": dict(annotations)} if annotations else one

    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(kind, config, {}),
        "layers": [described(*layer) for layer in layers],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _attach(
    registry: Registry, of: str, ending: str, kind: str, content: bytes, key: ec.EllipticCurvePrivateKey
) -> None:
    signature = base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()
    layer = (kind, content, {"dev.cosignproject.cosign/signature": signature if kind == SIMPLE else ""})
    manifest = _manifest(registry, [layer], EMPTY_CONFIG, b"{}")
    registry.manifest(manifest, f"{of.replace(':', '-')}.{ending}", MANIFEST)


def _simple(digest: str) -> bytes:
    critical = {
        "identity": {"docker-reference": ""},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


def _attest(registry: Registry, digest: str, bom: Document, key: ec.EllipticCurvePrivateKey) -> None:
    algorithm, _, value = digest.partition(":")
    statement = json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "predicateType": CYCLONEDX,
            "subject": [{"name": registry.path, "digest": {algorithm: value}}],
            "predicate": bom,
        }
    ).encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(IN_TOTO), IN_TOTO.encode(), len(statement), statement)
    signature = base64.b64encode(key.sign(signed, ec.ECDSA(hashes.SHA256()))).decode()
    envelope = {
        "payload": base64.b64encode(statement).decode(),
        "payloadType": IN_TOTO,
        "signatures": [{"sig": signature, "keyid": ""}],
    }
    _attach(registry, digest, "att", DSSE, json.dumps(envelope).encode(), key)


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise PublishError(f"{path} is not a private key in PEM without a password: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise PublishError(
            f"{path} is not of ECDSA P-256: openssl ecparam -genkey -name prime256v1 -noout -out {path}"
        )
    return key


if __name__ == "__main__":
    sys.exit(main())
