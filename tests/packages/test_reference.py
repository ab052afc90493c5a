import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadline.packages.reference import Reference, read_reference, read_registry

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "reference", "full", "familiar"),
    [
        ("nginx", Reference("docker.io", "library/nginx"), "docker.io/library/nginx:latest", "nginx:latest"),
        (
            "nginx:1.27",
            Reference("docker.io", "library/nginx", "1.27"),
            "docker.io/library/nginx:1.27",
            "nginx:1.27",
        ),
        ("team/app", Reference("docker.io", "team/app"), "docker.io/team/app:latest", "team/app:latest"),
        (
            "docker.io/nginx",
            Reference("docker.io", "library/nginx"),
            "docker.io/library/nginx:latest",
            "nginx:latest",
        ),
        (
            "index.docker.io/library/nginx:1",
            Reference("docker.io", "library/nginx", "1"),
            "docker.io/library/nginx:1",
            "nginx:1",
        ),
        ("localhost/x", Reference("localhost", "x"), "localhost/x:latest", "localhost/x:latest"),
        ("host:5000/a/b:t", Reference("host:5000", "a/b", "t"), "host:5000/a/b:t", "host:5000/a/b:t"),
        ("UPPER/x", Reference("UPPER", "x"), "UPPER/x:latest", "UPPER/x:latest"),
        ("[::1]:5000/x", Reference("[::1]:5000", "x"), "[::1]:5000/x:latest", "[::1]:5000/x:latest"),
        (
            f"reg.example/x@sha256:{HEX}",
            Reference("reg.example", "x", "", f"sha256:{HEX}"),
            f"reg.example/x@sha256:{HEX}",
            f"reg.example/x@sha256:{HEX}",
        ),
        (
            f"x:1@sha256:{HEX}",
            Reference("docker.io", "library/x", "1", f"sha256:{HEX}"),
            f"docker.io/library/x:1@sha256:{HEX}",
            f"x:1@sha256:{HEX}",
        ),
    ],
)
def test_reference_is_taken_apart(text: str, reference: Reference, full: str, familiar: str) -> None:
    found = read_reference(text)
    assert found == reference
    assert (found.full, found.familiar) == (full, familiar)


@pytest.mark.parametrize(
    "text",
    ["", "nginx:", "Nginx", "a//b", "/a", "a/", "x@sha256:abc", "x@", "x y", "reg.example/", "a" * 5000, "x:" + "t" * 129,
     "-a", "a..b", "reg.example:port/x", "reg.example/../x", "a/b:t/c:d:e"],
)  # fmt: skip
def test_what_is_no_reference_is_none(text: str) -> None:
    assert read_reference(text) is None


@given(st.text(max_size=60))
@example("A/0")
@example("LOCALHOST/0")
@example("Reg.Example/0")
def test_full_name_reads_back_as_itself(text: str) -> None:
    found = read_reference(text)
    if found is not None:
        again = read_reference(found.full)
        assert again is not None
        assert again.full == found.full


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("docker.io", "docker.io"),
        ("Index.Docker.io", "docker.io"),
        ("R.example:5000", "r.example:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("localhost", "localhost"),
        ("https://r.example", ""),
        ("r.example/team", ""),
        ("r.example:", ""),
        ("", ""),
    ],
)
def test_registry_is_read_alone(text: str, registry: str) -> None:
    assert read_registry(text) == registry
