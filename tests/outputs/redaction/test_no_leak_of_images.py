"""No credential leaves an image: forty kinds of them in its configuration, files and packages, in every format."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_archives import docker_archive, layer
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.package import Sbom
from leadline.outputs.format_registry import Format, Page, formats_for
from leadline.outputs.rows.no_places import NoPlaces
from leadline.sbom.diff import image_diff
from leadline.scans.images.image_diff import diff_json, diff_lines
from leadline.scans.images.image_scan import image_report, image_scan
from leadline.scans.images.images_scan import ImageTargets, images_scan
from leadline.scans.images.lazy_sbom import open_sbom
from leadline.scans.options import ImageOptions
from leadline.scans.stored.image_results import RunningContainer, Scanned, image_puts
from outputs.redaction.credentials import ALL
from outputs.redaction.test_no_leak import leaks

LINE_END = "\n"


def files_with(number: int, credential: str) -> Iterator[tuple[str, bytes | str | None]]:
    """Packages and files in which ``credential`` stands wherever an author may write."""
    package = {
        "name": f"p{number}",
        "version": "1.0.0",
        "description": f"use {credential}, please",
        "homepage": f"https://x.example/?token={credential}",
        "license": credential,
        "author": credential,
        "repository": f"https://user:{credential}@git.example/x",
    }
    yield f"srv/{number}/node_modules/p{number}/package.json", json.dumps(package).encode()
    odd = {"name": credential, "version": credential}
    yield f"srv/{number}/node_modules/odd/package.json", json.dumps(odd).encode()
    in_path = credential.replace("/", "")
    yield f"srv/{in_path}/broken.jar", b"PK\x03\x04 cut off"
    yield f"srv/{number}/.env", f"DB_PASSWORD={credential}\n".encode()
    metadata = (
        f"Metadata-Version: 2.1\nName: q{number}\nVersion: 1\nSummary: {credential}\nAuthor: {credential}\n"
    )
    metadata += f"Home-page: https://user:{credential}@x.example/\nLicense: {credential}\n"
    yield f"usr/lib/python3/site-packages/q{number}-1.dist-info/METADATA", metadata.encode()
    yield f"usr/lib/python3/site-packages/q{number}-1.dist-info/RECORD", f"{in_path}/x.py,,\n".encode()


def status_of(credentials: dict[str, str]) -> bytes:
    return "\n".join(
        f"Package: d{number}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n"
        f"Maintainer: {credential}\nHomepage: https://u:{credential}@x.example/\nDescription: {credential}\n"
        for number, credential in enumerate(credentials.values())
    ).encode()


def write_image(path: Path, credentials: dict[str, str], in_files: dict[str, str]) -> Path:
    values = list(credentials.values())
    release = f'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="{values[0]}"\nVERSION_CODENAME={values[1]}\n'
    files: dict[str, bytes | str | None] = {
        "etc/os-release": release.encode(),
        "etc/passwd": "".join(f"{value}:x:0:0::/:/bin/sh\n" for value in values).encode(),
        "var/lib/dpkg/status": status_of(in_files),
    }
    for number, credential in enumerate(in_files.values()):
        files |= dict(files_with(number, credential))
    environment = [f"PASSWORD_{number}={value}" for number, value in enumerate(values)]
    docker_archive(
        path,
        [layer(files)],
        tags=[f"demo/{value}:1" for value in values],
        User=values[0],
        ExposedPorts={f"{value}/tcp": {} for value in values},
        Env=[*environment, *values, *(f"NOTE{number}=use {value}" for number, value in enumerate(values))],
        Entrypoint=["/app", *values],
        Cmd=[word for value in values for word in ("--password", value)],
        Labels={f"label{number}": value for number, value in enumerate(values)} | dict.fromkeys(values, "x"),
        Healthcheck={"Test": ["CMD-SHELL", *(f"curl -u admin:{value} x" for value in values)]},
    )
    return path


def written(format: Format, report: object, page: Page) -> str:
    out = io.StringIO()
    format.write(report, out, page)
    return out.getvalue()


def shown(path: Path) -> dict[str, str]:
    """What every format writes about the image, its documents, and what a store is given."""
    texts: dict[str, str] = {}
    options = ImageOptions(created="2026-01-01T00:00:00Z", today="2026-01-01")
    with open_sbom(str(path), options) as lazy:
        report = image_report(lazy, options)
        for name, format in formats_for(Sbom).items():
            if format.draft is not None:
                texts[f"document {name}"] = lazy.document(name, format.draft, options.created).decode()
        reports = {
            Sbom: report.sbom,
            ImageReport: report,
            ImagesReport: images_scan(ImageTargets(names=(str(path),)), options),
        }
        for kind, value in reports.items():
            for name, format in formats_for(kind).items():
                for verbose in (False, True):
                    texts[f"{kind.__name__} {name} {verbose}"] = written(
                        format, value, Page(NoPlaces(), verbose=verbose)
                    )
        empty = image_scan(str(path.parent / "empty.tar"), options)
        found = image_diff(empty, report)
        texts["diff"] = LINE_END.join(diff_lines(found, 200, verbose=True))
        texts["diff json"] = json.dumps(diff_json(found))
        container = RunningContainer("Pod", "web", "shop", "c")
        texts["store"] = repr(list(image_puts(report, Scanned("leadline", options.created), [container])))
        texts["unread"] = repr(lazy.unread())
    return texts


@pytest.fixture(scope="module")
def of_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("images")
    docker_archive(folder / "empty.tar", [layer({"etc/os-release": b"ID=debian\n"})])
    return shown(write_image(folder / "all.tar", ALL, ALL))


@pytest.mark.parametrize("kind", ALL)
def test_no_format_and_no_document_shows_the_credential(of_all: dict[str, str], kind: str) -> None:
    assert {name: found for name, text in of_all.items() if (found := leaks(text, ALL[kind]))} == {}


def test_what_is_shown_is_no_less_for_it(of_all: dict[str, str]) -> None:
    document = json.loads(of_all["document cyclonedx-json"])
    names = {component["name"] for component in document["components"]}
    assert {f"p{number}" for number in range(len(ALL))} <= names
    assert {f"d{number}" for number in range(len(ALL))} <= names
    references = [component["bom-ref"] for component in document["components"]]
    assert len(references) == len(set(references))
    spdx = [package["SPDXID"] for package in json.loads(of_all["document spdx-json"])["packages"]]
    assert len(spdx) == len(set(spdx))


def test_an_image_without_secrets_is_shown_as_it_is(tmp_path: Path) -> None:
    package = {"name": "@scope/oauth-token", "version": "1.0.0", "description": "secret keeper for a token"}
    files: dict[str, bytes | str | None] = {
        "srv/node_modules/@scope/oauth-token/package.json": json.dumps(package).encode()
    }
    docker_archive(tmp_path / "a.tar", [layer(files)], Env=["A=longhorn"], Labels={"x": "y"})
    with open_sbom(str(tmp_path / "a.tar"), ImageOptions()) as lazy:
        (found,) = lazy.sbom().packages
    assert (found.namespace, found.name, found.description) == (
        "@scope",
        "oauth-token",
        package["description"],
    )
