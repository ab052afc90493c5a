"""What messages do to tables and alerts, what a copied token can and cannot do, and how a provider comes back."""

import shutil
import sqlite3
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.programs.provider.provider_parts import AT, Chain, Provider, found, image, measured, report

from leadline.api.protocol import FullError
from leadline.api.provider.wire import FoundFinding, UnlistedKind, WholeReport, encoded
from leadline.programs.provider import ingest
from leadline.programs.provider import log as provider_log
from leadline.programs.provider.adding import add_source
from leadline.programs.provider.ingest import Message, Refused
from leadline.programs.provider.log import verify_log
from leadline.programs.provider.tables import VIEW, Token
from leadline.programs.provider.watchman import EVENTS, STATES
from leadline.scans.submitting.sending import DoubtError, check, parcel_of


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both answer the same."""
    return request.param


def marks(*numbers: int) -> set[str]:
    return {f"{one:032x}" for one in numbers}


def test_a_report_opens_and_closes(provider: Provider):
    first = provider.take(report([1, 2, 3]))
    assert (first.opened, first.gone, first.open) == (3, 0, 3)
    second = provider.take(report([2, 3, 4]))
    assert (second.opened, second.gone, second.open) == (1, 1, 3)
    assert provider.open() == marks(2, 3, 4)


def test_what_could_not_be_read_or_was_not_judged_stays_open(provider: Provider):
    here = tuple(found(one, file=f"deploy/{one}.yaml") for one in (1, 2))
    elsewhere = found(3, control="C-0016", file="deploy/3.yaml")
    whole = report([])
    provider.take(type(whole)(measured(), ("C-0057", "C-0016"), (*here, elsewhere)))
    provider.take(type(whole)(measured(unread=1), ("C-0057",), (), ("deploy/1.yaml",)))
    assert provider.open() == marks(1, 3)
    provider.take(type(whole)(measured(unread=1), ("C-0057", "C-0016"), (), ("deploy",)))
    assert provider.open() == marks(1, 3)
    provider.take(type(whole)(measured(), ("C-0057", "C-0016"), ()))
    assert provider.open() == set()


def test_accepted_is_not_gone(provider: Provider):
    whole = report([1, 2])
    provider.take(whole)
    accepted = (found(1, accepted="reviewed (until 2027-06-01)"), found(2))
    receipt = provider.take(type(whole)(measured(), ("C-0057",), accepted))
    assert (receipt.opened, receipt.gone, receipt.open) == (0, 0, 2)
    rows = provider.place.tables.read(
        "default", "SELECT open, accepted FROM tally WHERE tenant = ? AND severity = 1"
    )
    assert [tuple(row) for row in rows] == [(1, 1)]


def test_the_same_message_again_gets_the_same_receipt(provider: Provider):
    key = str(uuid.uuid4())
    first = provider.take(report([1]), key)
    again = provider.take(report([1]), key)
    assert again == first
    with pytest.raises(Refused) as refused:
        provider.take(report([2]), key)
    assert refused.value.status == 409
    assert provider.open() == marks(1)


def test_changes_follow_one_another_and_a_fork_is_an_alert(provider: Provider):
    chain = Chain()
    for opened, gone in (([1, 2], []), ([3], [1])):
        changes = chain.next(opened, gone)
        assert provider.take(changes).expected_sequence == changes.sequence + 1
        chain.sent(changes)
    assert provider.open() == marks(2, 3)
    skipped = Chain()
    skipped.sequence, skipped.previous = 5, "0" * 64
    with pytest.raises(Refused) as refused:
        provider.take(skipped.next([9], []))
    assert (refused.value.status, refused.value.expected) == (409, 3)
    assert provider.alerts() == set()
    with pytest.raises(Refused):
        provider.take(Chain().next([], [2, 3]))
    assert provider.alerts() == {"fork"}
    assert provider.open() == marks(2, 3)


def test_a_source_has_one_way_of_reporting(provider: Provider):
    provider.take(report([1]))
    with pytest.raises(Refused) as refused:
        provider.take(Chain().next([], [1]))
    assert refused.value.status == 409


def test_mass_gone_without_vanished_objects_is_an_alert(provider: Provider):
    provider.take(report(range(100), objects=50))
    provider.take(report(range(90), objects=50))
    assert provider.alerts() == set()
    provider.take(report(range(10), objects=50))
    assert provider.alerts() == {"mass-gone"}


def test_findings_that_go_with_their_objects_are_none(provider: Provider):
    provider.take(report(range(100), objects=50))
    provider.take(report(range(10), objects=5))
    assert "mass-gone" not in provider.alerts()


def test_fewer_controls_more_unread_and_an_older_program_are_alerts_while_they_last(provider: Provider):
    provider.take(report([1], judged=50))
    provider.take(report([1], judged=20, unread=8))
    assert provider.alerts() == {"fewer-controls", "more-unread"}
    provider.take(type(report([]))(measured(judged=50, program="leadline 1.1.9"), ("C-0057",), (found(1),)))
    assert provider.alerts() == {"other-program"}
    provider.take(report([1], judged=50))
    assert provider.alerts() == set()


def test_no_source_fills_the_disk(provider: Provider, monkeypatch):
    monkeypatch.setattr(ingest, "MOST_BYTES_A_DAY", 8_000)

    def fill() -> None:
        for number in range(20):
            provider.take(report(range(number, number + 20)))

    with pytest.raises(Refused) as refused:
        fill()
    assert refused.value.status == 429
    size = (provider.log / "records").stat().st_size
    assert size < 8_000
    # A restart gives nobody another allowance.
    provider.again()
    with pytest.raises(Refused) as refused:
        provider.take(report(range(50)))
    assert refused.value.status == 429
    provider.clock.pass_by(days=1)
    provider.take(report([1]))


def rows(provider: Provider) -> list[tuple[object, ...]]:
    return provider.place.tables.view(provider.source)


messages = st.lists(st.sets(st.integers(0, 12), max_size=8), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(history=messages, attack=messages)
def test_a_stolen_token_changes_no_byte_of_the_past(tmp_path_factory, history, attack):
    """Whatever it sends, in both ways: the log begins with what it held, and says for each finding when it was first seen."""
    provider = Provider(tmp_path_factory.mktemp("stolen") / "provider")
    chain = Chain()
    known: set[int] = set()
    receipt = None
    for numbers in history:
        changes = chain.next(sorted(numbers - known), sorted(known - numbers))
        receipt = provider.take(changes)
        chain.sent(changes)
        known = set(numbers)
    log = {name: (provider.log / name).read_bytes() for name in ("records", "index")}
    past = [row for row in rows(provider) if row[0] == "finding"]
    before = provider.place.keys.verifier.opened(receipt.checkpoint)
    for numbers in attack:
        for content in (
            report(sorted(numbers)),
            Chain().next(sorted(numbers), [1]),
            chain.next([], sorted(numbers)),
        ):
            parcel = parcel_of(content, str(uuid.uuid4()))
            try:
                answer = provider.take(content, parcel.key, known_size=before.size)
            except Refused:
                continue
            chain.sent(content)
            check(answer, parcel, before, provider.place.keys.verifier)
    for name, content in log.items():
        assert (provider.log / name).read_bytes().startswith(content)
    later = [row for row in rows(provider) if row[0] == "finding"]
    # A finding keeps what it is and when it came; only when it went is added.
    kept = {row[1:-1] for row in later}
    assert {row[1:-1] for row in past} <= kept
    assert {row for row in past if row[-1]} <= set(later)
    assert not verify_log(provider.log, provider.place.keys.verifier).faults
    provider.close()


@settings(max_examples=20, deadline=None)
@given(history=messages, lost=st.sampled_from(VIEW))
def test_tables_are_made_anew_as_they_were(tmp_path_factory, history, lost):
    provider = Provider(tmp_path_factory.mktemp("anew") / "provider")
    for numbers in history:
        provider.clock.pass_by(hours=7)
        provider.take(report(sorted(numbers)))
    before = rows(provider)
    assert [equal for source, _, equal in provider.rebuild() if source.name == "shop"] == [True]
    assert rows(provider) == before
    with sqlite3.connect(provider.folder / "provider.db") as write:
        changed = write.execute(f"DELETE FROM {lost}").rowcount
    equal = [equal for source, _, equal in provider.rebuild() if source.name == "shop"]
    assert equal == [changed == 0]
    assert rows(provider) == before
    provider.close()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_tables_of_yesterday_catch_up_with_the_log(provider: Provider, tmp_path):
    provider.take(report([1, 2]))
    provider.again()
    shutil.copy(provider.folder / "provider.db", tmp_path / "yesterday.db")
    provider.take(report([2, 3]))
    provider.take(report([3, 4]))
    before = rows(provider)
    provider.close()
    for part in provider.folder.glob("provider.db*"):
        part.unlink()
    shutil.copy(tmp_path / "yesterday.db", provider.folder / "provider.db")
    provider.again()
    assert provider.ingest.catch_up() == 2
    assert rows(provider) == before


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_provider_that_was_set_back_whole_is_noticed_by_its_sender(provider: Provider, tmp_path):
    """Log and tables of yesterday: the next message of a sender that kept its checkpoint is refused, and says what was lost."""
    first = provider.take(report([1]))
    provider.again()
    shutil.copytree(provider.folder, tmp_path / "yesterday")
    second = provider.take(report([1, 2]), known_size=1)
    provider.close()
    shutil.rmtree(provider.folder)
    shutil.copytree(tmp_path / "yesterday", provider.folder)
    provider.again()
    with pytest.raises(Refused) as refused:
        provider.take(report([2]), known_size=2)
    assert refused.value.status == 409
    # One that hides it and writes on cannot prove that its log begins with what was acknowledged.
    parcel = parcel_of(report([7]), str(uuid.uuid4()))
    forged = provider.take(report([7]), parcel.key, known_size=1)
    provider.take(report([8]), known_size=1)
    key = provider.place.keys.verifier
    with pytest.raises(DoubtError):
        check(forged, parcel, key.opened(second.checkpoint), key)
    check(forged, parcel, key.opened(first.checkpoint), key)


def whole(found_ones: tuple[FoundFinding, ...] = (), scope: str = "", **other: Any) -> WholeReport:
    about = msgspec.structs.replace(measured(), scope=scope)
    return WholeReport(about, ("C-0057",), found_ones, **other)


@pytest.mark.parametrize(
    ("file", "unread", "stays"),
    [
        ("pod.yaml", "deploy/pod.yaml", True),
        ("pod.yaml", "deploy", False),
        ("shop/pod.yaml", "home/deploy/shop", True),
        ("charts/shop:charts/shop/templates/pod.yaml", "deploy/charts/shop", True),
        (
            "charts/shop with prod.yaml:charts/shop/templates/pod.yaml",
            "deploy/charts/shop/templates/pod.yaml",
            True,
        ),
        ("pod.yaml", "deploy/other-pod.yaml", False),
        ("pod.yaml", ".", True),
        ("", "deploy/role.yaml", True),
    ],
)
def test_files_are_known_from_the_scanned_folder_on(provider: Provider, file: str, unread: str, stays: bool):
    """As the file of a finding is, and what was unread as the user would open it."""
    provider.take(whole((found(1, file=file),)))
    provider.take(whole(unread=(unread,)))
    assert provider.open() == (marks(1) if stays else set())


def test_what_is_left_out_by_choice_stays_open_and_closes_nothing_else(provider: Provider):
    provider.take(whole((found(1, file="old/pod.yaml"), found(2, kind="User"))))
    provider.take(whole(left_out=("deploy/old",)))
    assert provider.open() == marks(1)


def test_kinds_that_may_not_be_listed_and_undecided_pairs_stay_open(provider: Provider):
    before = (
        found(1),
        found(2, namespace="other"),
        found(3, kind="NetworkPolicy", group="networking.k8s.io"),
        found(4, kind="User"),
        found(5, kind="Octopus", group="zoo.example"),
        found(6),
    )
    provider.take(whole(before))
    unlisted = (
        UnlistedKind("pods", "", "shop"),
        UnlistedKind("networkpolicies", "networking.k8s.io"),
        UnlistedKind("clusterrolebindings", "rbac.authorization.k8s.io"),
        UnlistedKind("octopodes", "zoo.example"),
    )
    provider.take(whole(unlisted=unlisted))
    assert provider.open() == marks(1, 3, 4, 5, 6)
    provider.take(whole(undecided=(f"{6:032x}",)))
    assert provider.open() == marks(6)


def test_a_report_about_something_else_closes_nothing(provider: Provider):
    provider.take(whole((found(1), found(2)), "deploy"))
    for scope in ("deploy, namespaces shop", "other", ""):
        with pytest.raises(Refused) as refused:
            provider.take(whole((found(2),), scope))
        assert refused.value.status == 409
        assert "about deploy;" in refused.value.detail
    assert provider.open() == marks(1, 2)
    assert provider.alerts() == {"other-scope"}
    assert [equal for source, _, equal in provider.rebuild() if source.name == "shop"] == [True]
    assert provider.source.scope == "deploy"
    provider.place.tables.settle(provider.source, EVENTS, AT)
    assert provider.alerts() == set()
    provider.take(whole((found(2),), "other"))
    assert provider.open() == marks(2)


def test_a_table_that_could_not_be_written_gets_the_entry_later(provider: Provider, monkeypatch):
    """The log has it, the disk was full then: the next message, or the same one again, finds both equal."""
    provider.take(report([1]))
    apply, key = provider.place.tables.apply, str(uuid.uuid4())

    def full(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    for again in (True, False):
        with monkeypatch.context() as patched:
            patched.setattr(provider.place.tables, "apply", full)
            with pytest.raises(sqlite3.OperationalError):
                provider.take(report([1, 2]), key)
        if again:
            assert provider.take(report([1, 2]), key).open == 2
            assert provider.source.entries == 2
            key = str(uuid.uuid4())
    assert provider.place.tables.apply == apply
    provider.take(report([2, 3]))
    assert provider.source.entries == 4
    assert provider.open() == marks(2, 3)
    assert [equal for source, _, equal in provider.rebuild() if source.name == "shop"] == [True]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_full_disk_is_said_to_be_full(provider: Provider):
    """And the message is taken when there is room."""
    provider.take(report([1]))
    writer = provider.place.tables._database._writer
    writer.execute(f"PRAGMA max_page_count = {writer.execute('PRAGMA page_count').fetchone()[0]}")
    for _ in range(2):
        with pytest.raises(FullError, match=r"the provider's database .* cannot grow"):
            provider.take(report(range(400)))
    assert provider.open() == marks(1)
    writer.execute("PRAGMA max_page_count = 100000")
    provider.take(report([1, 2]))
    assert provider.open() == marks(1, 2)
    assert [equal for source, _, equal in provider.rebuild() if source.name == "shop"] == [True]


def test_a_checkpoint_that_could_not_be_written_adds_nothing(provider: Provider, monkeypatch):
    key = provider.place.keys.verifier
    first = provider.take(report([1]))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(provider_log, "write_whole", full)
        with pytest.raises(OSError, match="No space"):
            provider.take(report([1, 2]))
    content = report([2, 3])
    parcel = parcel_of(content, str(uuid.uuid4()))
    receipt = provider.take(content, parcel.key, known_size=1)
    check(receipt, parcel, key.opened(first.checkpoint), key)
    assert (provider.source.entries, provider.open()) == (2, marks(2, 3))
    assert not verify_log(provider.log, key).faults


@pytest.mark.parametrize("engine", ["sqlite"])
def test_no_source_fills_the_memory(provider: Provider, monkeypatch):
    """Findings of a control that never judges again stay open: each report may add others."""
    monkeypatch.setattr(ingest, "MOST_OPEN", 25)
    provider.take(report(range(20)))
    other = tuple(found(number, control="C-0016") for number in range(100, 110))
    with pytest.raises(Refused) as refused:
        provider.take(whole((*(found(one) for one in range(20)), *other)))
    assert refused.value.status == 413
    assert provider.source.entries == 1
    assert (provider.folder / "provider.db").stat().st_mode & 0o077 == 0


def test_a_lie_that_is_repeated_becomes_no_truth(provider: Provider):
    """Less is looked at, time and again: the alert lasts until a person settles it."""
    provider.take(report([1], objects=100, judged=50))
    for _ in range(3):
        provider.take(report([1], objects=10, judged=5, unread=9, program="leadline 1.1.0"))
        assert provider.alerts() == {"fewer-objects", "fewer-controls", "more-unread", "other-program"}
        list(provider.rebuild())
    provider.place.tables.settle(provider.source, (*EVENTS, *STATES), AT)
    provider.take(report([1], objects=10, judged=5, unread=9, program="leadline 1.1.0"))
    assert provider.alerts() == set()


@pytest.mark.parametrize(("left", "alert"), [(50, {"mass-gone"}), (5, {"mass-gone", "fewer-objects"})])
def test_objects_that_a_sender_calls_deleted_explain_nothing(provider: Provider, left: int, alert: set[str]):
    chain = Chain()
    first = chain.next(list(range(100)), [], objects=50)
    provider.take(first)
    chain.sent(first)
    lie = chain.next([], list(range(99)), objects=left)
    provider.take(msgspec.structs.replace(lie, deleted_objects=10**12))
    assert provider.alerts() == alert


def test_an_image_that_comes_first_is_no_report_to_compare_with(provider: Provider):
    provider.take(image(1, "deb openssl 3.0"))
    provider.take(report([1], unread=9))
    assert provider.alerts() == set()


def test_few_logs_are_open_at_a_time(provider: Provider, monkeypatch):
    monkeypatch.setattr(ingest, "MOST_OPEN_LOGS", 3)
    sources = []
    for number in range(8):
        add_source(provider.place.tables, f"source-{number}", "cluster", 0)
        sources.append(provider.place.tables.source("default", f"source-{number}"))
    for turn in range(2):
        for source in sources:
            message = Message(encoded(report([turn])), report([turn]), str(uuid.uuid4()), turn)
            token = Token(source.name, "default", source.id, "write")
            assert provider.ingest.take(token, source, message).open == 1
            assert len(provider.ingest._logs) <= 3
    assert all(equal for _, _, equal in provider.rebuild())
