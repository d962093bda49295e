from collections.abc import Iterator

import pytest
from distributed import KilledWorker, LocalCluster

from service import bulk
from service.bulk import AHEAD, LARGEST_BATCH, NoWorkers, map_unordered, workers
from tests.deadly import DEADLY, fail, fail_if_odd, shout


def test_every_item_comes_back_with_its_result() -> None:
    items = [f"item {n}" for n in range(50)]

    with workers(count=3, processes=False) as client:
        done = list(map_unordered(client, shout, items))

    assert {one.item: one.result for one in done} == {item: item.upper() for item in items}


def test_an_item_that_fails_comes_back_with_its_error() -> None:
    with workers(processes=False) as client:
        (done,) = map_unordered(client, fail, ["odd"])

    assert done.result is None
    assert isinstance(done.error, ValueError)


def test_an_item_that_kills_its_process_again_and_again_is_given_up_and_takes_nothing_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(bulk._CONFIG, "distributed.scheduler.allowed-failures", 1)
    quick = [f"item {n}" for n in range(200)]  # many of which come in batches
    items = [*quick[:150], DEADLY, *quick[150:]]

    with workers(count=2) as client:
        done = {one.item: one for one in map_unordered(client, shout, items)}

    assert isinstance(done.pop(DEADLY).error, KilledWorker)
    assert {item: one.result for item, one in done.items()} == {i: i.upper() for i in quick}


def test_an_item_that_fails_does_not_fail_its_batch() -> None:
    items = [*(str(n) for n in range(100)), "odd", *(str(n) for n in range(100, 120))]

    with workers(processes=False) as client:
        done = {one.item: one for one in map_unordered(client, fail_if_odd, items)}

    assert isinstance(done.pop("odd").error, ValueError)
    assert {one.result for one in done.values()} == {*items} - {"odd"}


def test_batches_grow_until_they_take_a_while() -> None:
    batches = bulk._Batches(iter(range(1000)))
    sizes = []
    for _ in range(40):
        sizes.append(len(batches.next()))
        batches.took(seconds=0.001 * sizes[-1], count=sizes[-1])
    assert sizes[0] == 1
    assert sizes[-1] == LARGEST_BATCH

    for _ in range(40):
        batches.took(seconds=2.0, count=1)
    assert len(batches.next()) == 1


def test_items_are_taken_as_they_are_needed_however_many_there_are() -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield str(taken)

    with workers(count=2, processes=False) as client:
        results = map_unordered(client, shout, endless())
        for _ in range(20):
            next(results)
        assert taken <= 20 + 2 * AHEAD * LARGEST_BATCH


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.bulk.CONNECT_S", 1)
    address = "tcp://127.0.0.1:1"  # nobody may listen there

    with pytest.raises(NoWorkers, match=address), workers(address):
        pytest.fail("there is nobody")


def test_the_work_is_done_by_the_workers_of_a_cluster() -> None:
    with (
        LocalCluster(
            n_workers=1, protocol="tcp://", processes=False, dashboard_address=None
        ) as cluster,
        workers(cluster.scheduler_address) as client,
    ):
        (done,) = map_unordered(client, shout, ["here"])

    assert done.result == "HERE"


def test_a_cluster_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.bulk.FIRST_WORKER_S", 0.2)
    with (
        LocalCluster(
            n_workers=0, protocol="tcp://", processes=False, dashboard_address=None
        ) as cluster,
        pytest.raises(NoWorkers, match="no workers"),
        workers(cluster.scheduler_address),
    ):
        pytest.fail("there is no worker")
