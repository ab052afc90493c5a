"""What a scan of an image looks for and sums, as asked: ``--scanners``, and checksums of archives for documents alone."""

import io
import json
import re
import zipfile
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from image_archives import docker_archive, layer
from leadline.model.image_report import ImageReport
from leadline.outputs.format_registry import formats_for

TOKEN = "gh" + "p_" + "A1b2C3d4E5f6G7h8I9j0" + "K1l2M3n4O5p6Q7r8"

pytestmark = pytest.mark.usefixtures("own_image_place")


def jar() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("META-INF/maven/g/a/pom.properties", "groupId=g\nartifactId=a\nversion=1\n")
    return content.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> str:
    layers = [layer({"srv/a.jar": jar()}), layer({"srv/.env": f"TOKEN={TOKEN}\n".encode()})]
    docker_archive(tmp_path / "web.tar", layers, User="1000", Env=[f"GITHUB_TOKEN={TOKEN}"])
    return "web.tar"


def checksums(document: str) -> list[str]:
    return re.findall(sha1(jar(), usedforsecurity=False).hexdigest(), document)


@pytest.mark.parametrize("name", sorted(formats_for(ImageReport)))
def test_a_format_that_states_no_checksums_is_the_same_without_them(
    run: Any, archive: str, name: str
) -> None:
    """They are made for those that state them, whatever was scanned before."""
    states = formats_for(ImageReport)[name].with_checksums
    _, alone, _ = run("scan", "image", archive, "-f", name, "--no-cache")
    run("scan", "image", archive, "-f", "table")
    _, afterwards, _ = run("scan", "image", archive, "-f", name)
    run("image", "sbom", archive, "-f", "spdx-json")
    _, known, _ = run("scan", "image", archive, "-f", name)
    assert bool(checksums(alone)) == bool(checksums(afterwards)) == states
    assert without_moments(alone) == without_moments(afterwards) == without_moments(known)


@pytest.mark.parametrize("name", ["spdx-json", "cyclonedx-json", "syft-json"])
def test_documents_state_them_after_any_scan(run: Any, archive: str, name: str) -> None:
    _, alone, _ = run("image", "sbom", archive, "-f", name, "--no-cache")
    run("scan", "image", archive)
    _, document, _ = run("image", "sbom", archive, "-f", name)
    assert without_moments(document) == without_moments(alone)


def without_moments(document: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|urn:uuid:[0-9a-f-]+", "", document)


def test_without_secret_nothing_is_searched_for_credentials_and_that_is_said(run: Any, archive: str) -> None:
    for options in (("--no-cache",), ()):
        both, alone = (
            json.loads(run("scan", "image", archive, "-f", "json", "--scanners", names, *options)[1])
            for names in ("vuln,secret", "vuln")
        )
        assert sorted(one["where"] for one in both["findings"]) == ["(configuration) env GITHUB_TOKEN", "srv/.env"]  # fmt: skip
        assert alone["findings"] == []
        assert "nothing was searched for credentials, as asked" in alone["notJudged"]
        assert not [one for one in both["notJudged"] if "as asked" in one]


@pytest.mark.parametrize("names", ["secret", "misconfig", "vuln,license", "vuln,secret,x"])
def test_other_scanners_are_refused_with_what_there_is(run: Any, archive: str, names: str) -> None:
    code, out, err = run("scan", "image", archive, "--scanners", names)
    assert (code, out) == (2, "")
    assert f"--scanners must be vuln or vuln,secret (got {names})" in err
