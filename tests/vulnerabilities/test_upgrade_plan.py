"""What to upgrade, by who upgrades it."""

from hypothesis import given
from hypothesis import strategies as st

from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.vulnerability import Match
from leadline.vulnerabilities.upgrades import upgrade_plan, upgrades

LAYERS = ("sha256:base", "sha256:own")


def match(number: int, type: str, name: str, fixed: str, layer: str) -> Match:
    return Match(
        f"CVE-2024-{number:04}",
        Package(type, name, "1.0", layer=layer),
        "high",
        "fixed",
        (fixed,) if fixed else (),
    )


matches = st.lists(
    st.builds(
        match,
        st.integers(1, 9),
        st.sampled_from(["deb", "rpm", "pypi"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["", "1.1", "2.0"]),
        st.sampled_from(LAYERS),
    ),
    max_size=12,
)


@given(matches)
def test_the_plan_removes_all_that_has_a_fix_and_each_manager_is_asked_once(found):
    sbom = Sbom(ImageIdentity("x", layers=LAYERS), ())
    plan = upgrade_plan(found, sbom)
    managers = [one for one in plan if one.manager != "base image"]
    assert sum(one.removes for one in managers) == sum(1 for one in found if one.fixed_in)
    assert len({one.manager for one in managers}) == len(managers)
    assert {(one.manager, name) for one in managers for name in one.packages} == {
        (one.package.type, one.package.name) for one in found if one.fixed_in
    }
    base = sum(len(step.removes) for step in upgrades(found, sbom) if step.is_in_base)
    assert sum(one.removes for one in plan if one.manager == "base image") == base


def test_what_does_it_is_one_command():
    sbom = Sbom(ImageIdentity("x", layers=LAYERS), ())
    found = [match(1, "deb", "b", "2.0", LAYERS[0]), match(2, "deb", "a", "1.1", LAYERS[1])]
    plan = upgrade_plan(found, sbom)
    assert [(one.manager, one.command) for one in plan] == [
        ("deb", "apt-get install --only-upgrade a b"),
        ("base image", ""),
    ]
