"""Attacks for real, in containers of runc: what each does must be seen. Four steps run always, all forty nightly."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import attacked_image
import pytest
from attack_listeners import Outside
from kernel_access import needs_kernel
from places import Containerd, Mounts, Runc, runc
from stories import ADDRESSES, Step, all_steps, missing, steps_of
from watching import Watched, agent, attack, listen, not_as_it_must_be

FOUR = ("miner.start", "shell.descriptors", "fileless.memory", "logs.truncate")


def test_there_are_four_steps_of_each_of_ten_stories():
    assert sorted(Counter(step.story for step in all_steps()).values()) == [4] * 10
    assert len({step.id for step in all_steps()}) == 40


def test_a_step_says_what_it_must_look_like_or_why_it_is_not_seen():
    assert [step.id for step in all_steps() if bool(step.events) == bool(step.unseen)] == []
    assert {kind for step in all_steps() for kind in step.outside} <= set(ADDRESSES)


def test_an_event_that_is_not_like_what_the_step_must_produce_is_missing():
    (step,) = steps_of("miner.start")
    started = {"event": "executed", "path": "/tmp/kdevtmpfsi", "isInUpperLayer": True}
    talks = {"event": "connected", "direction": "connects", "address": "192.88.99.66", "port": 3333}
    assert missing(step, [talks, started]) == []
    assert missing(step, [talks | {"port": 3334}, started]) == [step.events[1]]
    assert missing(step, [talks, {"event": "executed", "path": "/tmp/kdevtmpfsi"}]) == [step.events[0]]


def test_containers_of_two_places_are_never_called_the_same():
    # An alert that one raised is a repetition for the other, and told of a minute later.
    step = all_steps()[0]
    ids = [kind.owner(object.__new__(kind), step)["id"] for kind in (Runc, Containerd)]
    assert len(set(ids)) == 2
    assert all(str(os.getpid()) in id for id in ids)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Runc, Outside]]:
    programs = attacked_image.compiled(tmp_path)
    layer = attacked_image.image_layer(programs)
    outside = Outside(tmp_path, programs["tool"])
    try:
        with runc(tmp_path, Mounts(tmp_path, outside.docker, layer), layer) as containers:
            yield containers, outside
    finally:
        outside.close()


def seen(place: tuple[Runc, Outside], folder: Path, steps: Sequence[Step]) -> list[Watched]:
    containers, outside = place
    with agent(folder / "out", "--cri", "none") as watcher:
        pids = containers.start(steps)
        listen(outside, pids, steps)
        return attack(containers, pids, watcher, steps)


@pytest.mark.kernel
@needs_kernel
def test_four_steps_are_seen(place: tuple[Runc, Outside], tmp_path: Path):
    found = seen(place, tmp_path, steps_of(*FOUR))
    assert {one.step.id: one.missing for one in found} == {step: [] for step in FOUR}
    assert [one.step.id for one in found if not one.rules] == []


@pytest.mark.nightly("attacks")
@pytest.mark.kernel
@needs_kernel
def test_every_step_is_seen_within_two_seconds(place: tuple[Runc, Outside], tmp_path: Path):
    assert not_as_it_must_be(seen(place, tmp_path, all_steps())) == []
