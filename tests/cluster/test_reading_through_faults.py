"""A real server behind a proxy that fails, and one that stops, slows and restarts while it is read."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from control_plane import ControlPlane
from fault_proxy import CUT, Answer, FaultProxy, Script, client_tls

from leadline.errors import ClusterError
from leadline.model.unread import Unread
from leadline.sources.cluster.connection import Cluster, Patience, connect
from leadline.sources.cluster.listing import Progress
from leadline.sources.cluster.reader import ClusterSnapshot, read_cluster

pytestmark = pytest.mark.slow

PATIENCE = Patience(attempts=4, first_wait_s=0.01, longest_wait_s=0.05, silence_s=2.0)
COUNT = 1100
NAMES = [f"c{i:04}" for i in range(COUNT)]


@pytest.fixture(scope="module")
def space(private_api_server: ControlPlane) -> str:
    name = private_api_server.namespace("many")
    private_api_server.create_config_maps(name, NAMES)
    return name


@pytest.fixture(scope="module")
def tls(private_api_server: ControlPlane) -> Any:
    private_api_server.admin()
    folder = private_api_server.folder
    return client_tls(private_api_server.authority_file, folder / "user-admin.crt", folder / "user-admin.key")


def read_behind(plane: ControlPlane, tls: Any, space: str, script: Script) -> ClusterSnapshot:
    with FaultProxy(plane.url, tls, script) as proxy:
        cluster = connect(
            kubeconfig=plane.user("admin", "system:masters", server=proxy.url), environ={}, patience=PATIENCE
        )
        try:
            return read_cluster(cluster, {"ConfigMap", "Namespace"}, include_namespaces=[space])
        finally:
            cluster.close()


def config_maps(snapshot: ClusterSnapshot) -> list[str]:
    return [r.name for r in snapshot.resources if r.kind == "ConfigMap"]


def on_page(number: int, *answers: Answer) -> Script:
    """Gives ``answers`` one after the other to the requests for config maps from the given page on."""

    def script(target: str, count: int) -> Answer | None:
        if "/configmaps" not in target or not number <= count < number + len(answers):
            return None
        return answers[count - number]

    return script


PASSING = {
    "429": (Answer(429, "slow down", (("Retry-After", "1"),)),),
    "5xx": (Answer(503, "starting"), Answer(502, ""), Answer(500, "etcd")),
    "cut": (CUT, CUT),
    "410": (Answer(410, "expired"),),
    "410, then worse": (Answer(410, "expired"), CUT, Answer(429, "slow down")),
}


@pytest.mark.parametrize(
    ("fault", "page"),
    [(fault, page) for fault in PASSING for page in (0, 1, 2) if page or "410" not in fault],
)
def test_a_passing_fault_changes_nothing(
    private_api_server: ControlPlane, tls: Any, space: str, fault: str, page: int
) -> None:
    """Only a continued list can expire, so the first page never answers 410."""
    answers = PASSING[fault]
    snapshot = read_behind(private_api_server, tls, space, on_page(page, *answers))
    assert sorted(config_maps(snapshot)) == NAMES
    assert snapshot.unread == ()
    assert snapshot.unread_kinds == frozenset()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            Answer(403, 'configmaps is forbidden: User "x" cannot list'),
            'forbidden: User "x" cannot list; 500 were read before',
        ),
        (Answer(429, "slow down"), "slow down; 500 were read before"),
        (Answer(401, "Unauthorized"), "Unauthorized; 500 were read before"),
    ],
)
def test_a_lasting_fault_in_the_middle_is_counted(
    private_api_server: ControlPlane, tls: Any, space: str, answer: Answer, why: str
) -> None:
    snapshot = read_behind(private_api_server, tls, space, on_page(1, *[answer] * 9))
    (fault,) = snapshot.unread
    assert (fault.where, fault.why) == (f"configmaps in namespace {space}", why)
    assert config_maps(snapshot) == NAMES[:500]
    assert snapshot.unread_kinds == {"ConfigMap"}


def test_a_list_that_truly_expired_goes_on_with_the_token_of_the_server(
    private_api_server: ControlPlane, tls: Any, space: str
) -> None:
    """The token is made stale by compacting etcd's history between two pages."""

    def script(target: str, count: int) -> Answer | None:
        if "/configmaps" in target and count == 1:
            private_api_server.compact()
        return None

    snapshot = read_behind(private_api_server, tls, space, script)
    assert sorted(config_maps(snapshot)) == NAMES
    assert snapshot.unread == ()


@pytest.fixture
def cluster(private_api_server: ControlPlane, space: str) -> Iterator[Cluster]:
    found = connect(kubeconfig=private_api_server.admin(), environ={}, patience=PATIENCE)
    yield found
    found.close()


def test_a_server_that_restarts_is_waited_for(
    private_api_server: ControlPlane, cluster: Cluster, space: str
) -> None:
    cluster.patience = Patience(attempts=40, first_wait_s=0.2, longest_wait_s=0.5, silence_s=5.0)
    waits: list[Progress] = []
    is_half_read = threading.Event()
    is_stopped = threading.Event()
    snapshots: list[ClusterSnapshot] = []

    def on_progress(progress: Progress) -> None:
        if progress.kind == "configmaps" and progress.read == 500 and not progress.waiting_s:
            is_half_read.set()
            is_stopped.wait(30)
        if progress.waiting_s:
            waits.append(progress)

    def read() -> None:
        snapshots.append(
            read_cluster(cluster, {"ConfigMap"}, include_namespaces=[space], progress=on_progress)
        )

    reader = threading.Thread(target=read)
    reader.start()
    assert is_half_read.wait(30)
    private_api_server.stop_api()
    is_stopped.set()
    private_api_server.start_api()
    reader.join(60)
    (snapshot,) = snapshots
    assert config_maps(snapshot) == NAMES
    assert snapshot.unread == ()
    assert waits[0] == Progress("configmaps", 500, waiting_s=0.2, why="connection refused")


def test_a_silent_server_is_given_up_and_told(private_api_server: ControlPlane, space: str) -> None:
    def on_progress(progress: Progress) -> None:
        if progress.kind == "configmaps" and progress.read == 500 and not progress.waiting_s:
            private_api_server.pause_api()

    # Long enough for a busy machine to answer what comes before the silence.
    patience = Patience(attempts=1, first_wait_s=0.0, connect_s=15.0, silence_s=15.0)
    cluster = connect(kubeconfig=private_api_server.admin(), environ={}, patience=patience)
    try:
        snapshot = read_cluster(cluster, {"ConfigMap"}, include_namespaces=[space], progress=on_progress)
    finally:
        private_api_server.resume_api()
        cluster.close()
    assert config_maps(snapshot) == NAMES[:500]
    assert snapshot.unread == (
        Unread(f"configmaps in namespace {space}", "no answer in time; 500 were read before", "unreachable"),
    )


def test_a_server_that_is_gone_is_one_line(private_api_server: ControlPlane, space: str) -> None:
    private_api_server.stop_api()
    try:
        with pytest.raises(ClusterError) as caught:
            connect(kubeconfig=private_api_server.admin(), environ={}, patience=PATIENCE)
    finally:
        private_api_server.start_api()
    assert str(caught.value) == (
        f"cannot reach the cluster of context real at 127.0.0.1:{private_api_server.port}: connection refused; "
        "scan files instead: leadline scan PATH"
    )
