"""The one record of a container of a workload revision, out of those of its replicas."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline.model.container import Container
from leadline.model.profile import (
    COLLAPSED,
    COMPLETE,
    INTERRUPTED,
    LOST,
    NO_CAPABILITIES,
    PARTIAL,
    STARTED_BEFORE,
    OpenedFile,
    Profile,
    Use,
)
from leadline.runtime.revision import MOST_SPANS, Record, with_profile


def profile(id: str, *reasons: str, opened: tuple[str, ...] = (), times: int = 1, **more: object) -> Profile:
    files = tuple(OpenedFile(path, ("O_RDONLY",), Use(("/bin/x",), 1.0, 2.0, times)) for path in opened)
    container = Container(
        id, "web", namespace="shop", workload_kind="Deployment", workload="web", revision="a1"
    )
    made = Profile(
        container, PARTIAL if reasons else COMPLETE, reasons, opened=files, since_s=10.0, until_s=100.0
    )
    return replace(made, **more)


def test_a_node_that_does_not_tell_capabilities_is_not_forgotten_beside_one_that_does():
    record = record_of(profile("a", NO_CAPABILITIES), profile("b"), profile("c", STARTED_BEFORE))
    assert (record.profile.reasons, len(record.whole)) == ((NO_CAPABILITIES,), 2)


def record_of(*profiles: Profile) -> Record:
    record = None
    for one in profiles:
        record = with_profile(record, one)
    assert record is not None
    return record


def test_the_same_profile_twice_changes_nothing():
    one = profile("c1", opened=("/a", "/b"), times=7)
    once = record_of(one)
    assert record_of(one, one) == once
    assert once.profile.opened[0].use.times == 7


def test_replicas_become_one_and_one_that_was_seen_whole_is_enough():
    early = profile("c1", STARTED_BEFORE, opened=("/a",))
    late = profile("c2", opened=("/b",))
    for order in ((early, late), (late, early)):
        record = record_of(*order)
        assert [one.path for one in record.profile.opened] == ["/a", "/b"]
        assert (record.profile.completion, record.profile.reasons) == (COMPLETE, ())
        assert list(record.whole) == ["c2"]
    assert record_of(early).profile.completion == PARTIAL


def test_what_is_missing_of_one_replica_is_missing_of_all():
    record = record_of(profile("c1"), profile("c2", LOST))
    assert (record.profile.completion, record.profile.reasons) == (PARTIAL, (LOST,))
    assert record_of(profile("c2", LOST), profile("c1")).profile.completion == PARTIAL


def test_a_container_that_was_there_when_its_agent_came_back_was_not_seen_whole():
    whole = profile("c1")
    for again in (profile("c1", STARTED_BEFORE), profile("c1", INTERRUPTED)):
        record = record_of(whole, again)
        assert record.whole == {}
        assert record.profile.completion == PARTIAL
    record = record_of(whole, profile("c1", STARTED_BEFORE), profile("c2"))
    assert record.profile.completion == COMPLETE


def test_files_of_which_the_folder_is_known_leave_it_whole_and_are_said():
    record = record_of(replace(profile("c1", COLLAPSED), collapsed={"open": 5}))
    assert list(record.whole) == ["c1"]
    assert record.profile.reasons == (COLLAPSED,)


def test_names_of_single_pods_are_not_kept():
    container = Container("c1", "web", pod="web-1", pod_uid="u", labels=(("app", "web"), ("pod", "1")))
    other = replace(container, id="c2", pod="web-2", labels=(("app", "web"), ("pod", "2")))
    record = record_of(profile("c1", container=container), profile("c2", container=other))
    assert (record.profile.container.id, record.profile.container.pod) == ("", "")
    assert record.profile.container.labels == (("app", "web"),)


def test_how_many_are_remembered_is_bounded():
    record = record_of(*(profile(f"c{n}", until_s=100.0 + n) for n in range(MOST_SPANS + 10)))
    assert len(record.whole) == MOST_SPANS
    assert record.longest_s == 90.0 + MOST_SPANS + 9


REPLICAS = st.lists(
    st.builds(
        lambda name, reasons, opened: profile(name, *reasons, opened=tuple(sorted(opened))),
        st.sampled_from(["c1", "c2", "c3"]),
        st.sampled_from([(), (), (STARTED_BEFORE,), (LOST,)]),
        st.sets(st.sampled_from(["/a", "/b", "/c"]), max_size=3),
    ),
    min_size=1,
    max_size=6,
)


@given(REPLICAS)
def test_nothing_that_any_did_is_lost_and_a_hole_stays(profiles: list[Profile]):
    record = record_of(*profiles)
    did = {file.path for one in profiles for file in one.opened}
    assert {file.path for file in record.profile.opened} == did
    if any(LOST in one.reasons for one in profiles):
        assert record.profile.completion == PARTIAL
    if record.profile.completion == COMPLETE:
        assert record.whole
