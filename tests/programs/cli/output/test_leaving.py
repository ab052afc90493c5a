"""``--redact`` and ``--encrypt``, and their ways back, as a user meets them."""

import json
import shutil
import stat
from pathlib import Path

import pyrage
import pytest

from leadline.model.report import PostureReport
from leadline.outputs.format_registry import formats_for
from leadline.programs.cli.main import main

SHOP = Path(__file__).parents[4] / "examples" / "shop"


@pytest.fixture(autouse=True)
def in_a_copy_of_the_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(SHOP, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def key() -> str:
    identity = pyrage.x25519.Identity.generate()
    Path("key.txt").write_text(f"# created: today\n{identity}\n")
    return str(identity.to_public())


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    return (code, *capfd.readouterr())


def test_a_redacted_report_is_turned_back_by_its_owner(capfd):
    code, out, _ = run(capfd, "scan", "shop", "--redact", "names.json", "-f", "lines")
    assert code == 0
    assert "shop" not in out
    assert "payments" not in out
    assert "privileged" in out
    assert "append @sha256:… as your build or crane digest prints it" in out
    assert stat.S_IMODE(Path("names.json").stat().st_mode) == 0o600
    Path("report.txt").write_text(out)
    code, back, _ = run(capfd, "reveal", "names.json", "report.txt")
    assert code == 0
    assert "shop/Deployment/payments" in back
    assert run(capfd, "scan", "shop", "--redact", "names.json", "-f", "lines")[1] == out


def test_every_format_is_encrypted_and_decrypted_whole(capfd, key: str):
    words = [word for name in formats_for(PostureReport) for word in ("-f", f"{name}=all.{name}")]
    assert run(capfd, "scan", "shop", *words, "--encrypt", key)[0] == 0
    files = [path for path in Path().iterdir() if path.name.startswith("all")]
    assert len(files) == len(formats_for(PostureReport))
    for file in files:
        assert file.suffix == ".age"
        assert b"payments" not in file.read_bytes()
        output = file.stem
        assert run(capfd, "decrypt", str(file), "-i", "key.txt", "-o", output)[0] == 0
        assert Path(output).read_bytes()[:4] == b"%PDF" or Path(output).read_text()
    json.loads(Path("all.json").read_text())
    assert run(capfd, "decrypt", "all.json.age", "-i", "key.txt", "-o", "all.json")[0] == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("scan", "shop", "--encrypt", "mary", "-o", "x.json"), 2, "neither a public key nor a file"),
        (("scan", "shop", "--encrypt", "age1xyz", "-o", "x.json"), 2, "is not a recipient"),
        (
            ("scan", "shop", "--encrypt", "AGE-SECRET-KEY-1ABC", "-o", "x.json"),
            2,
            "a private key is not a recipient",
        ),
        (("scan", "shop", "--redact", "shop/agent.yaml"), 3, "can be read by others"),
        (("reveal", "nowhere.json", "shop/agent.yaml"), 2, "no such file"),
        (("decrypt", "shop/agent.yaml", "-i", "key.txt"), 2, "cannot be decrypted"),
        (("decrypt", "nowhere", "-i", "key.txt"), 3, "cannot read nowhere"),
        (("decrypt", "shop/agent.yaml", "-i", "shop/agent.yaml"), 2, "no private key"),
    ],
)
def test_what_cannot_be_done_is_said(words, code, said, capfd, key: str):
    found = run(capfd, *words)
    assert found[0] == code
    assert said in found[2]
    assert "SECRET-KEY-1ABC" not in found[2]
    assert not Path("x.json").exists()


def test_who_is_no_recipient_reads_nothing(capfd, key: str):
    run(capfd, "scan", "shop", "-o", "x.json", "--encrypt", key)
    Path("other.txt").write_text(str(pyrage.x25519.Identity.generate()))
    code, out, err = run(capfd, "decrypt", "x.json.age", "-i", "other.txt")
    assert (code, out) == (2, "")
    assert "cannot be decrypted" in err
