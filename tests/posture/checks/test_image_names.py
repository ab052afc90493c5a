"""Image names taken apart as the container runtime does it, and which registry or repository they belong to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.posture.checks.image_names import ImageName, is_below, parse_image_name

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("docker.io", "library/nginx", "", "")),
        ("nginx:1.27", ("docker.io", "library/nginx", "1.27", "")),
        ("bitnami/redis:7", ("docker.io", "bitnami/redis", "7", "")),
        ("docker.io/nginx", ("docker.io", "library/nginx", "", "")),
        ("index.docker.io/nginx:1", ("docker.io", "library/nginx", "1", "")),
        ("registry-1.docker.io/library/nginx", ("docker.io", "library/nginx", "", "")),
        ("localhost/web:dev", ("localhost", "web", "dev", "")),
        ("localhost:5000/web", ("localhost:5000", "web", "", "")),
        ("reg.example:5000/team/web:1.0", ("reg.example:5000", "team/web", "1.0", "")),
        ("reg.example/a/b/c/d", ("reg.example", "a/b/c/d", "", "")),
        ("10.0.0.7/web", ("10.0.0.7", "web", "", "")),
        ("[::1]:5000/web:1", ("[::1]:5000", "web", "1", "")),
        ("REGISTRY/web", ("REGISTRY", "web", "", "")),
        (f"nginx@{DIGEST}", ("docker.io", "library/nginx", "", DIGEST)),
        (f"reg.example:5000/web:1@{DIGEST}", ("reg.example:5000", "web", "1", DIGEST)),
        ("  nginx:1 ", ("docker.io", "library/nginx", "1", "")),
    ],
)
def test_names_are_taken_apart_as_the_runtime_does(image, parts):
    assert parse_image_name(image) == parts


@pytest.mark.parametrize("image", ["", "/", ":", "@", "a@@b", "reg.example/", "x:y:z", "a//b", "\x00"])
def test_odd_names_are_never_refused(image):
    assert isinstance(parse_image_name(image), ImageName)


@pytest.mark.parametrize(
    ("image", "floats"),
    [
        ("nginx", True),
        ("nginx:latest", True),
        ("nginx:1.27", False),
        (f"nginx@{DIGEST}", False),
        (f"nginx:latest@{DIGEST}", False),
    ],
)
def test_an_image_floats_without_a_digest_and_a_tag_of_its_own(image, floats):
    assert parse_image_name(image).is_floating is floats


@pytest.mark.parametrize(
    ("image", "entry", "is_inside"),
    [
        ("reg.example/web:1", "reg.example", True),
        ("reg.example/web:1", "reg.example/", True),
        ("reg.example/web:1", "reg.example/web", True),
        ("reg.example/web/api:1", "reg.example/web", True),
        ("reg.example/web2:1", "reg.example/web", False),
        ("reg.example.evil/web:1", "reg.example", False),
        ("evil/reg.example/web", "reg.example", False),
        ("reg.example:5000/web", "reg.example", False),
        ("reg.example:5000/web", "reg.example:5000", True),
        ("nginx:1", "docker.io", True),
        ("nginx:1", "nginx", True),
        ("nginx:1", "library/nginx", True),
        ("nginx:1", "docker.io/library", True),
        ("bitnami/redis", "bitnami", True),
        ("bitnamix/redis", "bitnami", False),
        ("reg.example/web:1", "reg.example/web:1", True),
        ("reg.example/web:2", "reg.example/web:1", False),
        ("nginx", "", False),
        ("nginx", "/", False),
    ],
)
def test_an_entry_holds_whole_steps_of_a_name(image, entry, is_inside):
    assert is_below(parse_image_name(image), entry) is is_inside


PART = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
REGISTRIES = st.builds(lambda a, b: f"{a}.{b}", PART, PART) | st.builds(
    lambda a, port: f"{a}:{port}", PART, st.integers(1, 65535)
)


@given(REGISTRIES, st.lists(PART, min_size=1, max_size=4), st.none() | PART, st.booleans())
def test_a_full_name_keeps_every_part(registry, path, tag, with_digest):
    written = (
        f"{registry}/{'/'.join(path)}" + (f":{tag}" if tag else "") + (f"@{DIGEST}" if with_digest else "")
    )
    name = parse_image_name(written)
    assert name == (registry, "/".join(path), tag or "", DIGEST if with_digest else "")
    assert is_below(name, registry)
    assert is_below(name, name.full)
    assert not is_below(name, f"{registry}x")


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_text_is_taken_apart_and_compared(image, entry):
    name = parse_image_name(image)
    assert isinstance(is_below(name, entry), bool)
