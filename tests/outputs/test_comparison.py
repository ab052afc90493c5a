"""What is new, known, gone and not seen again, whatever moves in between."""

import random

import msgspec
import pytest

from leadline.errors import SourceError
from leadline.model.unread import AccessRule
from leadline.outputs.documents.baseline import (
    Baseline,
    SeenFinding,
    decoded_baseline,
    encoded_baseline,
    with_first_seen,
)
from leadline.outputs.documents.comparison import compare


def seen(control: str = "C-1", object: str = "a", file: str = "a.yaml", path: str = "x") -> SeenFinding:
    return SeenFinding(control, object, path, "remove", file=file, first_seen="2027-01-01T00:00:00Z")


def baseline(
    *findings: SeenFinding, controls: tuple[str, ...] = ("C-1", "C-2"), unread: tuple[str, ...] = ()
) -> Baseline:
    return Baseline(findings, controls, unread)


def test_the_same_is_known_and_nothing_is_gone():
    found = compare(baseline(seen(), seen("C-2")), baseline(seen("C-2"), seen()))
    assert (found.new, found.gone, found.unseen) == ((), (), ())


def test_a_renamed_file_makes_nothing_new():
    found = compare(baseline(seen(file="a.yaml")), baseline(seen(file="b/c.yaml")))
    assert (found.new, found.gone) == ((), ())


def test_a_second_copy_of_an_object_is_new():
    found = compare(baseline(seen(file="a.yaml")), baseline(seen(file="b.yaml"), seen(file="a.yaml")))
    assert found.new == (0,)


def test_of_two_overlays_the_one_that_is_fixed_is_gone():
    found = compare(
        baseline(seen(file="dev:a.yaml"), seen(file="prod:a.yaml")), baseline(seen(file="prod:a.yaml"))
    )
    assert [one.file for one in found.gone] == ["dev:a.yaml"]


def test_what_nothing_judges_any_more_is_not_gone():
    found = compare(baseline(seen(), seen("C-2")), baseline(controls=("C-1",)))
    assert ([one.control for one in found.gone], [one.control for one in found.unseen]) == (["C-1"], ["C-2"])


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("set False", "set false"),
        ("set None", "set null"),
        ("set ['ALL', 'x']", "set [ALL, x]"),
        ("set [{'drop': [True, None]}]", "set [{drop: [true, null]}]"),
        ("set {}", "set {}"),
        ("set 1.50", "set 1.50"),
        ("set [1.50]", "set [1.50]"),
        ("set Falsehood", "set Falsehood"),
        ("set ['", "set ['"),
        ("set " + "['" * 5_000, "set " + "['" * 5_000),
        ("set [__import__('os')]", "set [__import__('os')]"),
        ("remove", "remove"),
    ],
)
def test_values_of_an_older_file_are_read_as_yaml(old: str, now: str):
    written = encoded_baseline(baseline(SeenFinding("C-1", "a", "x", old)))
    assert decoded_baseline(written.encode(), "f").findings[0].edit == now


@pytest.mark.parametrize("where", ["a.yaml", "deploy/a.yaml"])
def test_what_stands_in_a_file_that_is_not_read_is_not_gone(where: str):
    found = compare(baseline(seen()), baseline(unread=(where,)))
    assert (found.gone, len(found.unseen)) == ((), 1)


@pytest.mark.parametrize("where", ["a/b.yaml", "deploy/a", "deploy/a/b.yaml", "a"])
def test_what_is_left_out_now_is_not_gone(where: str):
    new = msgspec.structs.replace(baseline(), left_out=(where,))
    found = compare(baseline(seen(file="a/b.yaml"), seen("C-2", file="c.yaml")), new)
    assert ([one.file for one in found.gone], len(found.unseen)) == (["c.yaml"], 1)


def in_cluster(object: str) -> SeenFinding:
    return seen(object=object, file="")


@pytest.mark.parametrize(
    ("object", "rule", "is_unseen"),
    [
        ("apps/Deployment/shop/web", AccessRule("deployments", "apps"), True),
        ("apps/Deployment/shop/web", AccessRule("deployments", "apps", "shop"), True),
        ("apps/Deployment/shop/web", AccessRule("deployments", "apps", "other"), False),
        ("apps/Deployment/shop/web", AccessRule("daemonsets", "apps"), False),
        ("/Pod/shop/web", AccessRule("pods"), True),
        (
            "networking.k8s.io/NetworkPolicy/shop/all",
            AccessRule("networkpolicies", "networking.k8s.io"),
            True,
        ),
        (
            "/ServiceAccount/shop/web>RoleBinding/shop/b",
            AccessRule("rolebindings", "rbac.authorization.k8s.io"),
            True,
        ),
    ],
)
def test_what_a_cluster_does_not_list_any_more_is_not_gone(object: str, rule: AccessRule, is_unseen: bool):
    now = msgspec.structs.replace(baseline(), unlisted=(rule,))
    found = compare(baseline(in_cluster(object)), now)
    assert (len(found.unseen), len(found.gone)) == (int(is_unseen), int(not is_unseen))


def test_what_a_control_gave_up_on_is_not_gone():
    before = baseline(seen("C-1", "a"), seen("C-1", "b"))
    found = compare(before, msgspec.structs.replace(baseline(), undecided=("C-1 a",)))
    assert [one.object for one in found.unseen] == ["a"]
    assert [one.object for one in found.gone] == ["b"]


def test_what_a_new_control_finds_is_new_by_rules():
    found = compare(baseline(seen()), baseline(seen(), seen("C-3"), controls=("C-1", "C-2", "C-3")))
    assert (found.new, found.by_rules) == ((1,), frozenset({1}))


def test_every_finding_is_counted_once():
    chance = random.Random(7)
    for _ in range(300):
        old, new = (
            [
                seen(chance.choice(("C-1", "C-2")), chance.choice("ab"), chance.choice("fg"))
                for _ in range(chance.randrange(9))
            ]
            for _ in range(2)
        )
        found = compare(baseline(*old), baseline(*new))
        known = [one for one in found.known if one is not None]
        assert len(known) + len(found.gone) + len(found.unseen) == len(old)
        assert len(known) + len(found.new) == len(new)
        assert all(one.identity == was.identity for one, was in zip(new, found.known, strict=True) if was)
        # As many as possible are known: what is new and what is gone have nothing in common.
        assert not {new[n].identity for n in found.new} & {one.identity for one in found.gone}


def test_the_day_that_something_was_first_seen_is_carried_on():
    new = [
        SeenFinding("C-1", "a", first_seen="2027-02-02T00:00:00Z"),
        SeenFinding("C-2", "a", first_seen="2027-02-02T00:00:00Z"),
    ]
    dated = with_first_seen(new, [seen(), None])
    assert [one.first_seen[:10] for one in dated] == ["2027-01-01", "2027-02-02"]


def test_the_file_holds_what_was_remembered_a_line_each():
    kept = baseline(seen("C-2"), seen("C-1", object='"q"\n'))
    text = encoded_baseline(kept)
    assert len(text.splitlines()) == 4
    assert set(decoded_baseline(text.encode(), "x").findings) == set(kept.findings)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is not a baseline"),
        ("[]", "is not a baseline"),
        ('{"format": "other", "findings": []}', "is not a baseline"),
        (
            '{"format": "leadline-baseline", "version": 2, "findings": []}',
            "format version 2, this program reads up to 1",
        ),
        ('{"format": "leadline-baseline", "findings": [{"control": 7}]}', "is not a baseline"),
    ],
)
def test_what_is_no_baseline_is_refused_in_one_line(content: str, why: str):
    with pytest.raises(SourceError, match=why) as refused:
        decoded_baseline(content.encode(), "x.json")
    assert "\n" not in str(refused.value)
