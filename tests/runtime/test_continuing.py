"""One profile of two: nothing of either is lost, and the gap between them is not hidden."""

from hypothesis import given
from hypothesis import strategies as st

from leadline.model.container import Container
from leadline.model.profile import (
    INTERRUPTED,
    LOST,
    MANY,
    STARTED_BEFORE,
    TOO_LARGE,
    ExecutedProgram,
    OpenedFile,
    Peer,
    Profile,
    Use,
)
from leadline.runtime.continuing import MOST, continued, joined, use_of_both

WEB = Container("one", name="web")
USES = st.builds(
    Use,
    st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), unique=True, max_size=16).map(tuple),
    st.floats(1, 100),
    st.floats(100, 200),
    st.integers(1, 9),
)
NAMES = st.lists(st.sampled_from(("a", "b", "c")), unique=True).map(sorted).map(tuple)
FILES = st.dictionaries(st.sampled_from(("/a", "/b", "/c")), st.tuples(NAMES, USES)).map(
    lambda found: tuple(OpenedFile(path, *one) for path, one in sorted(found.items()))
)
PROFILES = st.builds(
    Profile,
    st.just(WEB),
    st.just("complete"),
    st.just(()),
    opened=FILES,
    names=NAMES,
    failed_names=NAMES,
    capabilities=NAMES,
    refused_capabilities=NAMES,
    syscalls=NAMES,
    mapped=NAMES,
    mapped_by=st.dictionaries(st.sampled_from(("a", "b")), USES),
    lost=st.dictionaries(st.sampled_from(("open", "exec")), st.integers(1, 5)),
)


def test_a_profile_that_goes_on_after_a_pause_says_so():
    before = Profile(
        WEB, "complete", (), executed=(ExecutedProgram("/bin/sh", ("sh",)),), since_s=5, until_s=7
    )
    after = Profile(
        WEB,
        "partial",
        (STARTED_BEFORE,),
        executed=(ExecutedProgram("/bin/ls", ("ls",)),),
        since_s=9,
        until_s=11,
    )
    found = continued(before, after)
    assert (found.completion, found.reasons) == ("partial", (INTERRUPTED,))
    assert [one.path for one in found.executed] == ["/bin/ls", "/bin/sh"]
    assert (found.since_s, found.until_s) == (5, 11)


def test_why_it_was_partial_before_stays():
    before = Profile(WEB, "partial", (LOST, STARTED_BEFORE), lost={"open": 2})
    found = continued(before, Profile(WEB, "partial", (STARTED_BEFORE,), lost={"open": 1, "exec": 1}))
    assert found.reasons == tuple(sorted((LOST, STARTED_BEFORE, INTERRUPTED)))
    assert found.lost == {"exec": 1, "open": 3}


def test_peers_are_one_with_all_names():
    before = Profile(
        WEB, "complete", (), peers=(Peer("connects", "192.0.2.7", 443, "TCP", ("shop.example",)),)
    )
    after = Profile(
        WEB, "complete", (), peers=(Peer("connects", "192.0.2.7", 443, "TCP", ("till.example",)),)
    )
    (peer,) = joined(before, after, ()).peers
    assert peer.names == ("shop.example", "till.example")


@given(PROFILES, PROFILES)
def test_joining_loses_nothing_and_does_not_depend_on_the_order(one: Profile, other: Profile):
    found, turned = joined(one, other, ()), joined(other, one, ())
    assert {file.path: set(file.flags) for file in found.opened} == {
        file.path: set(file.flags) for file in turned.opened
    }
    for name in (
        "names",
        "failed_names",
        "capabilities",
        "refused_capabilities",
        "syscalls",
        "mapped",
        "lost",
    ):
        assert getattr(found, name) == getattr(turned, name)
    for mine in (one, other):
        assert {file.path for file in mine.opened} <= {file.path for file in found.opened}
        assert set(mine.names) | set(mine.failed_names) <= set(found.names) | set(found.failed_names)
        assert set(mine.syscalls) <= set(found.syscalls)
    assert sum(file.use.times for file in found.opened) == sum(
        file.use.times for mine in (one, other) for file in mine.opened
    )
    assert set(found.refused_capabilities) & set(found.capabilities) == set()


@given(st.lists(USES, min_size=2, max_size=6))
def test_programs_of_a_use_are_bounded(uses: list[Use]):
    whole = uses[0]
    for use in uses[1:]:
        whole = use_of_both(whole, use)
    named = {name for use in uses for name in use.programs}
    assert len(whole.programs) <= 17
    assert (MANY in whole.programs) == (len(named) > 16)
    assert whole.times == sum(use.times for use in uses)


def test_a_container_that_outlives_many_agents_has_a_bounded_profile():
    one, other = (
        Profile(WEB, "complete", (), loaded=tuple(f"/{side}/{n:06}" for n in range(MOST))) for side in "ab"
    )
    found = joined(one, other, ())
    assert len(found.loaded) == MOST
    assert (found.completion, found.reasons) == ("partial", (TOO_LARGE,))
