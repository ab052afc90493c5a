"""Requests made of the document, good and bad, once for each role: every answer is one that the document names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.programs.provider.provider_client_parts import Client
from tests.programs.provider.provider_parts import Provider, image, report, served

from leadline.programs.provider.adding import add_token
from leadline.programs.provider.admin import ADMIN_ROUTES
from leadline.programs.provider.app import App

pytestmark = pytest.mark.nightly("provider")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "missing_required_header",
)
"""Not that what fits is accepted: a cursor of another question, a message out of turn and 1.0 for 1 are refused with reason."""
ROLES = ("write", "read", "admin")


def go_through(provider: Provider, folder: Path, role: str, *words: str) -> str:
    client = Client(provider)
    client.post(report([1, 2, 3]))
    client.post(image(1, "deb zlib1g 1.3"), path="/v1/sources/shop/images")
    app = client.app if role != "admin" else App(client.app._parts, routes=ADMIN_ROUTES)
    token = {"write": provider.token, "read": provider.reader}.get(role) or add_token(
        provider.place.tables, "boss", "admin", tenant=""
    )
    # Else a token of one source would only ever learn that it may not.
    (folder / "schemathesis.toml").write_text('[parameters]\nsource = "shop"\n')
    with served(provider, app) as address:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json"),
                *("--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS), "--no-color"),
                *("--suppress-health-check", "all", "--generation-allow-x00", "false", "--seed", "1", *words),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            timeout=1_500,
            check=False,
        )
    assert run.returncode == 0, run.stdout[-6_000:] + run.stderr[-2_000:]
    return run.stdout


@pytest.mark.parametrize("role", ROLES)
def test_a_few_requests_made_of_the_document(tmp_path: Path, role: str):
    provider = Provider(tmp_path / "provider")
    said = go_through(provider, tmp_path, role, "--phases", "fuzzing", "--max-examples", "2", "--no-shrink")
    assert "Test cases:" in said
    provider.close()


@pytest.mark.parametrize("role", ROLES)
def test_many_requests_made_of_the_document(tmp_path: Path, role: str):
    provider = Provider(tmp_path / "provider")
    print(go_through(provider, tmp_path, role, "--phases", "coverage,fuzzing", "--max-examples", "30")[-700:])
    provider.close()
