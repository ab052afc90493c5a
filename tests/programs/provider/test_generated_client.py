"""A client in TypeScript, whose types are made of the document that a provider serves: it writes, reads, follows pages, and is refused."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.programs.provider.provider_parts import Provider, served

CLIENT = Path(__file__).with_name("generated_client")


@pytest.mark.nightly("provider")
def test_a_client_made_of_the_document_works_in_another_language(tmp_path: Path):
    place = tmp_path / "client"
    shutil.copytree(CLIENT, place)

    def run(*words: str) -> str:
        done = subprocess.run(
            words,
            cwd=place,
            capture_output=True,
            text=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund")
    provider = Provider(tmp_path / "provider")
    with served(provider) as address:
        document = f"{address}/openapi.json"
        # A sender may leave out what has a default.
        options = ("--default-non-nullable", "false", "-o", "schema.d.ts")
        run("npx", "--no-install", "openapi-typescript", document, *options)
        # A field that the document does not have, or one that it asks for and is not given, ends here.
        run("npx", "--no-install", "tsc")
        said = run("node", "dist/client.js", address, provider.token, provider.reader)
    assert said == "written, read, followed, asked again, refused\n"
    assert provider.open() == {f"{one:032x}" for one in range(25)}
    provider.close()
