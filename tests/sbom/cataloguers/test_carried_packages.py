"""Packages that a program carries in itself: zipped applications, copies that are listed, archives of Yarn."""

import io
import json
import zipfile

import pytest

from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguers.npm import yarn_cache
from leadline.sbom.cataloguers.python import python_vendored, python_zipapp
from leadline.sbom.documents.carried import carried_packages

METADATA = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n"


def packed(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def found(cataloguer, path: str, data: bytes) -> list[tuple[str, str, str, str]]:
    return [(one.type, one.namespace, one.name, one.version) for one in cataloguer.read(File(path, data))]


def test_a_zipped_application_has_the_packages_in_it():
    data = b"#!/usr/bin/env python3\n" + packed(
        **{
            "__main__.py": "",
            "site-packages/requests-2.19.0.dist-info/METADATA": METADATA % ("requests", "2.19.0"),
            ".deps/urllib3.whl/urllib3-1.24.dist-info/METADATA": METADATA % ("urllib3", "1.24"),
        }
    )
    assert found(python_zipapp, "app/tool.pyz", data) == [
        ("pypi", "", "requests", "2.19.0"),
        ("pypi", "", "urllib3", "1.24"),
    ]


@pytest.mark.parametrize("files", [{"__main__.py": "print()"}, {"a.dist-info/METADATA": "Name: a\n"}])
def test_one_that_does_not_say_what_is_in_it_is_not_read(files):
    with pytest.raises(Unreadable):
        found(python_zipapp, "app/tool.pex", packed(**files))


def test_a_list_of_copied_packages_is_read():
    text = b"# x\nurllib3==1.26.5\n  idna==3.4 # x\nrequests[socks]==2.28.1\n-e .\nno version\n"
    assert [one[2:] for one in found(python_vendored, "lib/pip/_vendor/vendor.txt", text)] == [
        ("urllib3", "1.26.5"),
        ("idna", "3.4"),
        ("requests", "2.28.1"),
    ]
    assert found(python_vendored, "home/vendor.txt", text) == []


def test_an_archive_of_yarn_is_the_package_in_it():
    name = "node_modules/@babel/core/package.json"
    nested = "node_modules/@babel/core/node_modules/x/package.json"
    data = packed(**{nested: "{}", name: '{"name": "@babel/core", "version": "7.1.0"}'})
    path = "app/.yarn/cache/@babel-core-npm-7.1.0-abc-8.zip"
    assert found(yarn_cache, path, data) == [("npm", "@babel", "core", "7.1.0")]
    assert found(yarn_cache, "app/.yarn/cache/.gitignore", b"*") == []
    with pytest.raises(Unreadable):
        found(yarn_cache, path, packed(**{"x": ""}))


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\3\4" * 100, b"\0" * 100])
@pytest.mark.parametrize("cataloguer", [yarn_cache, python_zipapp])
def test_what_is_damaged_is_not_read(cataloguer, data):
    with pytest.raises(Unreadable):
        found(cataloguer, "app/.yarn/cache/a.zip", data)


@pytest.mark.parametrize(
    ("faults", "more"), [(1, ""), (16, "; and 15 more"), (1500, "; and more than 999 more")]
)
def test_faults_of_a_document_in_an_image_are_not_undercounted(faults: int, more: str):
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "x"}] * faults}
    with pytest.raises(Unreadable) as raised:
        list(carried_packages(json.dumps(document).encode()))
    assert str(raised.value).partition("unknown")[2] == more
