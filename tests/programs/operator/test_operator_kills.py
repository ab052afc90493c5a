"""A hundred kills of the operator, and of it and the server of results at once, while objects change: all that is stored is right.

With ``LEADLINE_KILLS`` a slice of the hundred, which ``LEADLINE_SEED`` makes another one.
"""

import json
import os
import random
import signal
import threading
import time

import pytest
from extension import Extension
from operator_process import OperatorProcess, prepare, status_of
from workloads import deployment, privileged

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("kills")]
TIMES = int(os.environ.get("LEADLINE_KILLS", "100"))
SEED = int(os.environ.get("LEADLINE_SEED", "9"))
WORKLOADS = 20
SETTLED_S = 300.0


class Changes:
    """Makes workloads good and bad again without an end, and knows what each is."""

    def __init__(self, cluster: Extension, space: str) -> None:
        self.is_bad: dict[str, bool] = {}
        self.count = 0
        self._cluster, self._space = cluster, space
        self._chance, self._ends = random.Random(SEED + 1), threading.Event()
        self._thread = threading.Thread(target=self._change)
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        self._thread.join()

    def _change(self) -> None:
        while not self._ends.is_set():
            name = f"web{self._chance.randrange(WORKLOADS)}"
            is_bad = self._chance.random() < 0.5
            make = privileged if is_bad else deployment
            self._cluster.apply(make(self._space, name, replicas=0))
            self.is_bad[name] = is_bad
            self.count += 1


def wrong(cluster: Extension, changes: Changes, space: str) -> list[str]:
    """Workloads whose stored verdict is not that of what they are."""
    return [
        name
        for name, is_bad in changes.is_bad.items()
        if status_of(cluster, space, f"deployment-{name}", "C-0057") != ("failed" if is_bad else "passed")
    ]


@pytest.fixture(scope="module")
def cluster(private_extension: Extension) -> Extension:
    prepare(private_extension)
    return private_extension


@pytest.mark.parametrize("with_server", [False, True], ids=["operator", "both"])
def test_what_is_stored_is_right_after_a_hundred_kills(cluster: Extension, with_server: bool):
    space = cluster.namespace(f"killed-{'both' if with_server else 'operator'}")
    changes = Changes(cluster, space)
    operator = OperatorProcess(cluster, f"{space}-0")
    chance, longest = random.Random(SEED), 0.0
    try:
        for number in range(1, TIMES + 1):
            time.sleep(chance.random() * 2)
            operator.child.kill()
            if with_server:
                cluster.stop_ours(signal.SIGKILL)
                cluster.start_ours()
            operator.child.wait()
            began = time.monotonic()
            operator = OperatorProcess(cluster, f"{space}-{number}")
            operator.until(operator.is_following, SETTLED_S)
            longest = max(longest, time.monotonic() - began)
        changes.end()
        operator.until(lambda: not wrong(cluster, changes, space), SETTLED_S)
        run = json.loads(cluster.kubectl("get", "scanrun", "posture-current", "-o", "json"))
        assert run["status"]["phase"] == "Following"
        assert run["status"]["coverage"].get("unreadPlaces") in (None, [])
        print(
            f"{TIMES} kills, seed {SEED}, {changes.count} changes of {len(changes.is_bad)} workloads; following again after {longest:.1f} s at most",
            flush=True,
        )
    finally:
        changes.end()
        if operator.child.poll() is None:
            operator.end(signal.SIGKILL)
        cluster.kubectl("-n", "leadline", "delete", "lease", "leadline-operator", "--ignore-not-found")
