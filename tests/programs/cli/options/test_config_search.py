"""Which file has a say, and which one came with the code."""

import os
from pathlib import Path

import pytest

from leadline.programs.cli.options.search import Asked, Found, find_files

SAYS = "verbose = true\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = tmp_path / "repository"
    (top / ".git").mkdir(parents=True)
    (top / "deploy" / "shop").mkdir(parents=True)
    return top


def found(folder: Path, asked: Asked = Asked(), **environ: str) -> Found:  # noqa: B008
    return find_files(asked, environ, str(folder))


def sides(one: Found) -> tuple[str | None, str | None]:
    return one.yours and one.yours.path, one.inside and one.inside.path


def test_the_nearest_file_upwards_is_found_and_came_with_the_code(repository: Path):
    (repository / "leadline.toml").write_text(SAYS)
    assert sides(found(repository / "deploy" / "shop")) == (None, "../../leadline.toml")
    (repository / "deploy" / "leadline.toml").write_text(SAYS)
    assert sides(found(repository / "deploy" / "shop")) == (None, "../leadline.toml")


def test_nothing_is_looked_for_above_the_repository(repository: Path):
    (repository.parent / "leadline.toml").write_text(SAYS)
    assert sides(found(repository / "deploy")) == (None, None)


def test_a_found_file_came_with_the_code_outside_a_repository_too(tmp_path: Path):
    (tmp_path / "deploy").mkdir()
    (tmp_path / "leadline.toml").write_text(SAYS)
    assert sides(found(tmp_path / "deploy", Asked(targets=("/elsewhere",)))) == (None, "../leadline.toml")


def test_a_named_file_elsewhere_is_the_users(repository: Path, tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text(SAYS)
    assert sides(found(repository, Asked(str(own), targets=("deploy",)))) == (str(own), None)
    assert sides(found(repository, LEADLINE_CONFIG=str(own))) == (str(own), None)


@pytest.mark.parametrize("target", ["deploy", "deploy/shop", "deploy/*.yaml", "."])
def test_a_named_file_in_the_repository_of_a_target_came_with_the_code(repository: Path, target: str):
    (repository / "ci.toml").write_text(SAYS)
    named = str(repository / "ci.toml")
    target = str(repository / target)
    assert sides(found(repository.parent, Asked(named, targets=(target,)))) == (None, named)


def test_a_named_file_in_the_repository_that_one_stands_in_came_with_the_code(repository: Path):
    (repository / "ci.toml").write_text(SAYS)
    assert sides(found(repository, LEADLINE_CONFIG="ci.toml")) == (None, "ci.toml")


def test_a_named_file_in_a_folder_that_is_scanned_came_with_the_code(tmp_path: Path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "c.toml").write_text(SAYS)
    named = str(tmp_path / "export" / "c.toml")
    for target in ("export", "dir:export", named):
        assert sides(found(tmp_path, Asked(named, targets=(target,)))) == (None, named)


@pytest.mark.parametrize("linked", ["file", "folder", "into"])
def test_a_link_in_the_repository_makes_no_file_the_users(repository: Path, tmp_path: Path, linked: str):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "own.toml").write_text(SAYS)
    match linked:
        case "file":
            named = repository / "link.toml"
            named.symlink_to(outside / "own.toml")
        case "folder":
            (repository / "link").symlink_to(outside)
            named = repository / "link" / "own.toml"
        case _:
            (repository / "in.toml").write_text(SAYS)
            named = outside / "link.toml"
            named.symlink_to(repository / "in.toml")
    assert sides(found(repository, Asked(str(named)))) == (None, str(named))


def test_the_users_own_file_is_read_without_a_word(repository: Path, tmp_path: Path):
    usual = tmp_path / "home" / ".config" / "leadline" / "leadline.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text(SAYS)
    (repository / "leadline.toml").write_text(SAYS)
    home = str(tmp_path / "home")
    assert sides(found(repository, HOME=home)) == (str(usual), "leadline.toml")
    assert sides(found(repository, XDG_CONFIG_HOME=f"{home}/.config")) == (str(usual), "leadline.toml")
    (tmp_path / "own.toml").write_text(SAYS)
    named = found(repository, Asked(str(tmp_path / "own.toml")), HOME=home)
    assert sides(named) == (str(tmp_path / "own.toml"), "leadline.toml")


def test_a_home_in_the_repository_gives_no_file_of_the_user(repository: Path):
    usual = repository / ".config" / "leadline" / "leadline.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text(SAYS)
    one = found(repository, HOME=str(repository))
    assert (sides(one), one.not_read) == ((None, None), ((str(usual), "it lies in what is scanned"),))


def test_the_users_own_file_is_not_read_where_others_can_write_to_it(tmp_path: Path):
    usual = tmp_path / ".config" / "leadline" / "leadline.toml"
    usual.parent.mkdir(parents=True)
    usual.write_text(SAYS)
    usual.chmod(0o666)
    one = found(tmp_path, HOME=str(tmp_path))
    why = "others than its owner can write to it (mode 666)"
    assert (sides(one), one.not_read) == ((None, None), ((str(usual), why),))


def test_a_found_link_that_leads_elsewhere_is_not_read(repository: Path, tmp_path: Path):
    (tmp_path / "credentials").write_text("aws_access_key_id = 1")
    (repository / "leadline.toml").symlink_to(tmp_path / "credentials")
    one = found(repository)
    assert (sides(one), one.not_read) == (
        (None, None),
        (("leadline.toml", "it is a link that leads elsewhere"),),
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives files away")
def test_a_found_file_of_another_user_is_not_read(tmp_path: Path):
    (tmp_path / "work").mkdir()
    (tmp_path / "leadline.toml").write_text(SAYS)
    os.chown(tmp_path / "leadline.toml", 12345, 12345)
    assert found(tmp_path / "work").not_read == (
        ("../leadline.toml", "it belongs to another user (id 12345)"),
    )
    os.chown(tmp_path / "work", 12345, 12345)
    assert sides(found(tmp_path / "work")) == (None, "../leadline.toml")


def test_no_config_reads_none(repository: Path):
    (repository / "leadline.toml").write_text("broken =")
    assert found(repository, Asked(none=True)) == Found()
