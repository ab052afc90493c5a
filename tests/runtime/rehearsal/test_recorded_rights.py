"""What a security context would take away of what was used, and what a filter would refuse of what was called."""

import pytest

from leadline.model.container import Container
from leadline.model.profile import NO_CAPABILITIES, ExecutedProgram, Profile, Use
from leadline.runtime.rehearsal.rights import DEFAULT_CAPABILITIES, Rights, capabilities_left, rights_outcomes
from leadline.runtime.rehearsal.seccomp import filter_of, runtime_default, seccomp_outcomes

USED = Use(("/usr/sbin/nginx",), 1.0, 2.0, 2)
PROFILE = Profile(
    Container("one"), "complete", (), capabilities=("CHOWN", "NET_BIND_SERVICE"),
    used_capabilities={"CHOWN": USED}, users=(0, 33), syscalls=("clone3", "keyctl", "read", "unshare"),
)  # fmt: skip


def verdicts(rights: Rights, profile: Profile = PROFILE) -> dict[str, str]:
    return {one.what: one.verdict for one in rights_outcomes(profile, rights)}


def test_a_capability_that_was_used_and_is_dropped_is_blocked_with_its_evidence():
    left = capabilities_left(frozenset({"ALL"}), frozenset({"NET_BIND_SERVICE"}))
    found = list(rights_outcomes(PROFILE, Rights(left)))
    assert [(one.what, one.verdict, one.use) for one in found] == [
        ("uses the capability CHOWN", "blocked", USED),
        ("uses the capability NET_BIND_SERVICE", "allowed", Use()),
    ]


def test_what_runtimes_give_anyway_and_all_are_enough():
    assert capabilities_left(frozenset(), frozenset({"ALL"})) is None
    for left in (None, capabilities_left(frozenset({"NET_RAW"}), frozenset())):
        assert set(verdicts(Rights(left)).values()) == {"allowed"}


def test_capabilities_that_the_kernel_does_not_tell_are_unknown_where_some_are_taken_away():
    silent = Profile(Container("one"), "partial", (NO_CAPABILITIES,))
    assert verdicts(Rights(frozenset()), silent) == {"uses capabilities": "unknown"}
    assert verdicts(Rights(DEFAULT_CAPABILITIES), silent) == verdicts(Rights(None), silent) == {}


def test_another_user_has_no_capabilities_and_unknown_files():
    assert verdicts(Rights(frozenset({"CHOWN", "NET_BIND_SERVICE"}), user=1000)) == {
        "uses the capability CHOWN": "blocked",
        "uses the capability NET_BIND_SERVICE": "blocked",
        "runs as user 0, 33": "unknown",
    }


def test_root_is_refused_where_root_may_not_be():
    assert verdicts(Rights(None, must_be_no_root=True))["runs as user 0"] == "blocked"
    other = Profile(Container("one"), "complete", (), users=(101,))
    assert verdicts(Rights(None, must_be_no_root=True), other) == {"runs as user 101": "allowed"}
    assert verdicts(Rights(None, user=101), other) == {"runs as user 101": "allowed"}


def test_programs_that_gain_rights_are_unknown_where_none_may_be_gained():
    other = Profile(
        Container("one"),
        "complete",
        (),
        users=(101,),
        executed=(ExecutedProgram("/usr/bin/sudo", ("sudo",)),),
    )
    assert verdicts(Rights(None, may_gain=False), other) == {"executes /usr/bin/sudo": "unknown"}


def test_what_runtime_default_refuses_depends_on_capabilities():
    def found(capabilities: frozenset[str] | None) -> dict[str, str]:
        outcomes = seccomp_outcomes(PROFILE, runtime_default("x", capabilities))
        return {one.what: one.verdict for one in outcomes}

    assert found(frozenset()) == {
        "calls clone3": "allowed", "calls keyctl": "blocked", "calls read": "allowed", "calls unshare": "blocked",
    }  # fmt: skip
    assert found(frozenset({"SYS_ADMIN"}))["calls unshare"] == "allowed"


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ({"names": ["read"], "action": "SCMP_ACT_ALLOW"}, "allowed"),
        ({"name": "read", "action": "SCMP_ACT_LOG"}, "allowed"),
        ({"names": ["write"], "action": "SCMP_ACT_ALLOW"}, "blocked"),
        ({"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0}]}, "unknown"),
        ({"names": ["read"], "action": "SCMP_ACT_NOTIFY"}, "unknown"),
        ({"names": ["read"], "action": "SCMP_ACT_KILL_PROCESS"}, "blocked"),
        ("no rule", "blocked"),
    ],
)
def test_a_filter_of_a_file_decides_by_name(rule: object, verdict: str):
    wanted = filter_of({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]}, "x.json")
    assert wanted is not None
    assert wanted.verdict("read")[0] == verdict


def test_a_new_call_that_is_said_not_to_exist_has_a_substitute():
    body = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38}
    wanted = filter_of(body, "x.json")
    assert wanted is not None
    assert (wanted.verdict("clone3")[0], wanted.verdict("read")[0]) == ("allowed", "blocked")
    assert filter_of({"kind": "Pod"}, "x.json") is None
