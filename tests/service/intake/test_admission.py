import asyncio

import pytest

from service.errors import RETRY_AFTER_S, Overloaded, TooManyUploads
from service.intake import admission
from service.intake.admission import Admission, Place


@pytest.fixture
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every upload is judged by its speed from its beginning."""
    monkeypatch.setattr(admission, "GRACE_S", 0.0)


async def upload(place: Place, ended: asyncio.Event) -> str:
    try:
        async with asyncio.timeout(60) as timeout:
            place.begin_upload(timeout)
            await ended.wait()
    except TimeoutError:
        return "displaced" if place.displaced else "late"
    finally:
        place.end_upload()
    return "complete"


def test_a_full_service_refuses_at_once_and_admits_again_when_a_place_is_free() -> None:
    places = Admission(capacity=2, min_upload_bytes_per_s=0)
    first, _ = places.enter(), places.enter()

    with pytest.raises(Overloaded, match="2 clips are pending") as caught:
        places.enter()
    assert caught.value.retry_after_s == RETRY_AFTER_S

    first.leave()
    assert places.pending == 1
    places.enter()
    assert places.pending == 2


def test_leaving_twice_frees_one_place_only() -> None:
    places = Admission(capacity=2, min_upload_bytes_per_s=0)
    first, _ = places.enter(), places.enter()
    first.leave()
    first.leave()
    assert places.pending == 1


def test_a_place_is_abandoned_only_as_long_as_there_is_no_work_to_free_it() -> None:
    places = Admission(capacity=2, min_upload_bytes_per_s=0)
    idle, working = places.enter(), places.enter()
    working.begin_work()
    for place in (idle, working):
        place.abandon()
    assert places.pending == 1
    working.leave()
    assert places.pending == 0


@pytest.mark.usefixtures("_no_grace")
def test_the_slowest_crawling_upload_gives_way_to_a_newcomer() -> None:
    async def scenario() -> None:
        places = Admission(capacity=2, min_upload_bytes_per_s=1e9)
        ended = asyncio.Event()
        slow, slower = places.enter(), places.enter()
        slow.note_received(1_000)
        slower.note_received(10)
        uploads = [asyncio.create_task(upload(place, ended)) for place in (slow, slower)]
        await asyncio.sleep(0)

        places.enter()

        assert await uploads[1] == "displaced"
        assert places.pending == 2
        ended.set()
        assert await uploads[0] == "complete"

    asyncio.run(scenario())


@pytest.mark.usefixtures("_no_grace")
def test_a_fast_upload_keeps_its_place() -> None:
    async def scenario() -> None:
        places = Admission(capacity=1, min_upload_bytes_per_s=1)
        ended = asyncio.Event()
        place = places.enter()
        place.note_received(10**9)
        uploading = asyncio.create_task(upload(place, ended))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            places.enter()
        ended.set()
        assert await uploading == "complete"

    asyncio.run(scenario())


@pytest.mark.usefixtures("_no_grace")
def test_a_complete_upload_keeps_its_place_however_slow_it_was() -> None:
    places = Admission(capacity=1, min_upload_bytes_per_s=1e9)
    places.enter().end_upload()
    with pytest.raises(Overloaded):
        places.enter()


def test_an_upload_that_has_just_begun_keeps_its_place() -> None:
    async def scenario() -> None:
        places = Admission(capacity=1, min_upload_bytes_per_s=1e9)
        ended = asyncio.Event()
        uploading = asyncio.create_task(upload(places.enter(), ended))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            places.enter()
        ended.set()
        assert await uploading == "complete"

    asyncio.run(scenario())


def test_one_client_cannot_take_all_places() -> None:
    places = Admission(capacity=3, min_upload_bytes_per_s=0, max_per_client=2)
    first, _ = places.enter("a"), places.enter("a")

    with pytest.raises(TooManyUploads, match="2 uploads") as caught:
        places.enter("a")
    assert caught.value.retry_after_s == RETRY_AFTER_S
    places.enter("b")

    first.leave()
    places.enter("a")


def test_clients_are_not_counted_by_default() -> None:
    places = Admission(capacity=3, min_upload_bytes_per_s=0)
    for _ in range(3):
        places.enter("a")
