import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import UsageError
from leadline.sources.git.address import GitAddress, git_address, is_git_address

GITHUB = "https://github.com/acme/shop"

ADDRESSES = {
    GITHUB: GitAddress(GITHUB, GITHUB, "github.com"),
    f"{GITHUB}.git": GitAddress(f"{GITHUB}.git", f"{GITHUB}.git", "github.com"),
    f"{GITHUB}/": GitAddress(GITHUB, GITHUB, "github.com"),
    f"git::{GITHUB}?ref=v1.2": GitAddress(GITHUB, GITHUB, "github.com", "v1.2"),
    f"{GITHUB}@v1.2": GitAddress(GITHUB, GITHUB, "github.com", "v1.2"),
    f"{GITHUB}#feature/cart": GitAddress(GITHUB, GITHUB, "github.com", "feature/cart"),
    f"{GITHUB}//deploy/prod?ref=main": GitAddress(GITHUB, GITHUB, "github.com", "main", "deploy/prod"),
    f"{GITHUB}//a%20b/c?ref=main": GitAddress(GITHUB, GITHUB, "github.com", "main", "a b/c"),
    f"{GITHUB}.git//deploy@main": GitAddress(
        f"{GITHUB}.git", f"{GITHUB}.git", "github.com", "main", "deploy"
    ),
    f"{GITHUB}/tree/main/deploy/prod": GitAddress(GITHUB, GITHUB, "github.com", tail="main/deploy/prod"),
    f"{GITHUB}/blob/main/deploy/a%20b.yaml": GitAddress(
        GITHUB, GITHUB, "github.com", tail="main/deploy/a b.yaml"
    ),
    "https://gitlab.com/acme/team/shop/-/tree/main/deploy": GitAddress(
        "https://gitlab.com/acme/team/shop",
        "https://gitlab.com/acme/team/shop",
        "gitlab.com",
        tail="main/deploy",
    ),
    "https://bitbucket.org/acme/shop/src/main/deploy": GitAddress(
        "https://bitbucket.org/acme/shop",
        "https://bitbucket.org/acme/shop",
        "bitbucket.org",
        tail="main/deploy",
    ),
    "https://dev.azure.com/acme/web/_git/shop?path=/deploy&version=GBmain": GitAddress(
        "https://dev.azure.com/acme/web/_git/shop",
        "https://dev.azure.com/acme/web/_git/shop",
        "dev.azure.com",
        "main",
        "deploy",
    ),
    "https://me:hidden@git.acme.example:8443/shop.git": GitAddress(
        "https://me:hidden@git.acme.example:8443/shop.git",
        "https://git.acme.example:8443/shop.git",
        "git.acme.example",
    ),
    "git@github.com:acme/shop.git": GitAddress(
        "git@github.com:acme/shop.git", "git@github.com:acme/shop.git", "github.com"
    ),
    "git@github.com:acme/shop.git@v2": GitAddress(
        "git@github.com:acme/shop.git", "git@github.com:acme/shop.git", "github.com", "v2"
    ),
    "git@github.com:acme/shop.git//deploy?ref=v2": GitAddress(
        "git@github.com:acme/shop.git", "git@github.com:acme/shop.git", "github.com", "v2", "deploy"
    ),
    "ssh://git@github.com:22/acme/shop.git#main": GitAddress(
        "ssh://git@github.com:22/acme/shop.git", "ssh://git@github.com:22/acme/shop.git", "github.com", "main"
    ),
    "file:///srv/shop.git#main": GitAddress("file:///srv/shop.git", "file:///srv/shop.git", "", "main"),
}

REFUSED = {
    "--upload-pack=touch x": "invalid git address; it begins with '-' or holds blanks",
    "ext::sh -c touch% x": "invalid git address; it begins with '-' or holds blanks",
    "ext::sh": "git's transport ext is not allowed; use one of https, http, ssh, git, file",
    "ftp://host/shop": "ftp:// is not a git address; use one of https, http, ssh, git, file",
    "ssh://-oProxyCommand=x/shop": "invalid git address; its host begins with '-'",
    "git@host:-shop": "invalid git address; its path begins with '-'",
    "https://host/shop#--upload-pack": "'--upload-pack' is not a branch, tag or commit",
    "https://host/shop?ref=a..b": "'a..b' is not a branch, tag or commit",
    "https://host/shop//a/../../b": "the folder //a/../../b leaves the repository",
    "https://host/shop//a/%2e%2e/%2E%2E/b": "the folder //a/../../b leaves the repository",
    "https://host/shop//a%00b": "invalid git address; a folder's name in it holds control characters",
    f"{GITHUB}/tree/main/a%00b": "invalid git address; a folder's name in it holds control characters",
    "https://github.com": "github.com names no repository; add its path",
}


@pytest.mark.parametrize("text", ADDRESSES)
def test_address_is_taken_apart(text: str) -> None:
    assert is_git_address(text)
    assert git_address(text) == ADDRESSES[text]


@pytest.mark.parametrize("text", REFUSED)
def test_address_that_could_harm_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        git_address(text)
    assert str(refusal.value) == REFUSED[text]


@pytest.mark.parametrize("path", ["deploy", "./deploy", "/srv/deploy", "-", "a:b", "C:\\deploy", "deploy@v1"])
def test_path_is_no_address(path: str) -> None:
    assert not is_git_address(path)


@given(
    st.text(max_size=60), st.sampled_from(["", "https://", "git@host:", "ssh://", "git::", "https://h/r//"])
)
def test_any_text_gives_an_address_without_options_or_an_error(text: str, start: str) -> None:
    try:
        address = git_address(start + text)
    except UsageError:
        return
    assert not any(part.startswith("-") for part in (address.url, address.revision))
    assert ".." not in address.folder.split("/")
