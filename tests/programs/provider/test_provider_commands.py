"""What the commands at the provider's machine say to a person: one line, with what to do."""

import os
import socket
from pathlib import Path

import pytest
from tests.programs.provider.provider_parts import Provider, report

from leadline.programs.provider.adding import add_source
from leadline.programs.provider.main import main


def told(capfd: pytest.CaptureFixture[str], words: list[str], code: int) -> str:
    """The one line of a command that ends with ``code``."""
    assert main(words) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    return err


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["add-source", "shop"], 2, "leadline provider add-token NAME shop prints another token"),
        (["add-source", "a", "--tenant", "none"], 2, "leadline provider add-tenant none adds it"),
        (["add-reader", "wall"], 2, "leadline provider drop-token wall"),
        (["drop-token", "none"], 2, "tenant default has no token none"),
        (["drop-token", "none", "--tenant", ""], 2, "no administrator has the token none"),
        (["settle", "none"], 2, "tenant default has no source none"),
        (["account", "none"], 2, "tenant default has no source none"),
        (["init", "--name", "again"], 2, "name another folder with --data"),
        (
            ["settle", "a", "--database", "postgresql://a@127.0.0.1:1/a"],
            3,
            "check that it runs and that its address",
        ),
        (["serve", "--compat", "p.example"], 2, "use https://HOST\n"),
        # Before it says where it answers.
        *(
            (
                ["serve", "--certificate", one, "--key", one],
                2,
                f"--certificate {one}: {why}; name a file in PEM",
            )
            for one, why in (
                ("none", "no such file or directory"),
                ("folder", "it is a folder, not a file"),
                ("pipe", "it is a named pipe, not a file"),
                ("junk", "not a certificate in PEM with its key in junk"),
            )
        ),
        (["serve", "--readers", "pipe"], 3, "cannot read pipe: it is a named pipe, not a file"),
        (["serve", "--readers", "junk.toml"], 2, "junk does not hold a certificate in PEM"),
        (["serve", "--port", "BUSY"], 2, "address already in use; name another address or port"),
        (["serve", "--port", "0", "--admin-port", "BUSY"], 2, "address already in use; name another"),
        *(
            (words, 2, "unknown tenant none; leadline provider add-tenant none adds it")
            for words in (
                ["account", "shop", "--tenant", "none"],
                ["settle", "shop", "--tenant", "none"],
                ["drop-token", "wall", "--tenant", "none"],
                ["add-token", "a", "shop", "--tenant", "none"],
                ["add-reader", "a", "--tenant", "none"],
            )
        ),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else None,
)
def test_wrong_words_get_one_line_that_helps(
    provider: Provider, tmp_path: Path, monkeypatch, capfd, words: list[str], code: int, why: str
):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("junk").write_text("junk")
    Path("junk.toml").write_text('[tokens]\nca = "junk"\nnames = {wall = "wall"}\n')
    with socket.create_server(("127.0.0.1", 0)) as busy:
        words = [one.replace("BUSY", str(busy.getsockname()[1])) for one in words]
        assert why in told(capfd, [*words, "--data", str(provider.folder)], code)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add-tenant", "payments"], "added: tenant payments\n"),
        (["drop-token", "wall"], "dropped: token wall; it is refused from now on\n"),
        (["settle", "shop"], "settled: shop; alerts that ended: mass-gone\n"),
        (["settle", "other"], "settled: other; alerts that ended: none\n"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else None,
)
def test_a_command_that_prints_no_token_says_what_it_did(
    provider: Provider, capfd, words: list[str], said: str
):
    provider.take(report(range(30)))
    provider.take(report([1]))
    assert provider.alerts() == {"mass-gone"}
    assert told(capfd, [*words, "--data", str(provider.folder)], 0) == said


def test_silence_is_not_ended_by_a_person(tmp_path: Path, capfd):
    provider = Provider(tmp_path / "provider", every=1)
    provider.clock.pass_by(hours=-9_000)
    provider.take(report([1]))
    assert main(["settle", "shop", "--data", str(provider.folder)]) == 0
    assert "shop is still silent" in capfd.readouterr().err
    provider.close()


def test_a_folder_without_a_provider_gets_a_command_that_makes_one(capfd, tmp_path: Path):
    line = told(capfd, ["rebuild", "--data", str(tmp_path / "new")], 2)
    words = (
        line.partition("; leadline provider ")[2].removesuffix(" makes one\n").replace("HOST", "a.example")
    )
    assert main(words.split()) == 0
    assert (tmp_path / "new" / "key.pem").exists()


def test_a_missing_part_of_the_folder_is_named(provider: Provider, capfd):
    (provider.folder / "name").unlink()
    assert f"cannot read {provider.folder}/name: no such file" in told(
        capfd, ["rebuild", "--data", str(provider.folder)], 3
    )


def test_a_folder_in_use_says_what_to_stop(provider: Provider, capfd):
    with provider.place.alone():
        assert "stop leadline provider serve" in told(capfd, ["rebuild", "--data", str(provider.folder)], 3)


def test_a_folder_that_is_not_a_log_is_said_to_be_none(provider: Provider, capfd):
    words = ["verify", str(provider.folder), "--key", str(provider.folder / "key.txt")]
    assert "does not hold a log: no checkpoint there; name the folder of one source" in told(capfd, words, 3)


def test_verify_says_whose_log_it_is_and_counts_what_is_signed_alone(provider: Provider, capfd):
    words = ["verify", str(provider.log), "--key", str(provider.folder / "key.txt")]
    provider.take(report([1]))
    before = (provider.log / "checkpoint").read_bytes()
    whose = "provider.example/default/shop: 1 entry is what provider.example acknowledged"
    assert main(words) == 0
    assert capfd.readouterr().out == f"{whose}\n"
    provider.take(report([1, 2]))
    (provider.log / "checkpoint").write_bytes(before)
    assert main(words) == 0
    assert capfd.readouterr().out.startswith(f"{whose}; 1 more that its checkpoint does not cover yet")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda file: file.write_bytes(b"junk"),
            "is not a provider's database, or its start is damaged; check the path",
        ),
        (lambda file: file.mkdir(), "cannot open {file}: is a directory"),
        (os.mkfifo, "{file} is not a file"),
    ],
)
def test_a_database_that_is_something_else_is_said(provider: Provider, capfd, make, why: str):
    provider.close()
    for part in provider.folder.glob("provider.db*"):
        part.unlink()
    make(file := provider.folder / "provider.db")
    assert why.format(file=file) in told(capfd, ["add-tenant", "t", "--data", str(provider.folder)], 3)


def test_no_command_shows_the_help_in_lines(capfd):
    assert main([]) == 2
    assert "\n  verify " in capfd.readouterr().err


@pytest.mark.parametrize(
    ("keys", "code", "why"),
    [("none.json", 3, "none.json: no such file or directory\n"), ("", 3, "it is a folder, not a file")],
)
def test_keys_of_an_issuer_that_cannot_be_read_are_named(
    provider: Provider, capfd, tmp_path: Path, keys: str, code: int, why: str
):
    (file := tmp_path / "readers.toml").write_text(
        f'[groups]\nsre = "default"\n[oidc]\nissuer = "https://i.example"\naudience = "a"\nkeys = "{tmp_path / keys}"\n'
    )
    line = told(capfd, ["serve", "--data", str(provider.folder), "--readers", str(file)], code)
    assert why in line
    assert "Errno" not in line


def test_a_damaged_log_keeps_no_other_source_from_being_rebuilt(provider: Provider, capfd):
    """``other`` comes first by its name, and ``zoo`` last: both are made anew."""
    add_source(provider.place.tables, "zoo", "cluster", 0)
    provider.take(report([1, 2]))
    content = bytearray((provider.log / "records").read_bytes())
    content[3] ^= 4
    (provider.log / "records").write_bytes(content)
    before = provider.open()
    assert main(["rebuild", "--data", str(provider.folder)]) == 3
    out, err = capfd.readouterr()
    assert [line.partition(":")[0] for line in out.splitlines()] == ["default/other", "default/zoo"]
    assert "default/shop is not rebuilt: " in err.splitlines()[-1]
    assert provider.open() == before
