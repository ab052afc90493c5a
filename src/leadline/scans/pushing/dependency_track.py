"""The packages of an image as a CycloneDX SBOM for Dependency-Track.

Source: https://docs.dependencytrack.org/usage/cicd/ (``PUT /api/v1/bom``).
"""

import base64
from collections.abc import Sequence

import msgspec

from leadline.api.provider.wire import ImageRow, PackageRow
from leadline.model.package import Package
from leadline.outputs.text.plain import plain
from leadline.packages.package_url import package_url
from leadline.scans.submitting.sending import Call


def bom_call(base: str, token: str, image: ImageRow, packages: Sequence[PackageRow]) -> Call:
    """A project for each image of a source; its version is the digest."""
    name = plain(image.name, 300)
    components = []
    for one in packages:
        namespace, _, short = one.name.rpartition("/")
        purl = package_url(Package(one.type, short, one.version, namespace=namespace))
        components.append(
            {
                "type": "library",
                "bom-ref": purl or f"{one.type}:{one.name}@{one.version}",
                "name": plain(one.name, 300),
                "version": plain(one.version, 300),
                **({"purl": purl} if purl else {}),
            }
        )
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name, "version": image.digest}},
        "components": components,
    }
    body = {
        "projectName": plain(f"{image.source}: {name}", 255),
        "projectVersion": image.digest,
        "autoCreate": True,
        "bom": base64.b64encode(msgspec.json.encode(document)).decode(),
    }
    headers = {"X-Api-Key": token, "Content-Type": "application/json"}
    return Call("PUT", f"{base}/api/v1/bom", headers, msgspec.json.encode(body))
