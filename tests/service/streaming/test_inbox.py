import asyncio

import pytest

from service.streaming.inbox import Inbox
from service.streaming.protocol import Ending

LEFT = Ending("left")


def test_bytes_come_out_in_order_and_only_as_many_as_asked_for() -> None:
    async def run() -> list[bytes]:
        inbox = Inbox(100)
        await inbox.put(b"abc")
        await inbox.put(b"de")
        await inbox.wait(5)
        return [await inbox.take(4), await inbox.take(4), await inbox.take(4)]

    assert asyncio.run(run()) == [b"abcd", b"e", b""]


def test_whoever_brings_more_than_there_is_room_for_waits() -> None:
    async def run() -> None:
        inbox = Inbox(4)
        await inbox.put(b"12345678")
        bringing = asyncio.create_task(inbox.put(b"9"))
        await asyncio.sleep(0.01)
        assert not bringing.done()
        await inbox.take(5)
        await asyncio.wait_for(bringing, 1)
        assert await inbox.take(9) == b"6789"

    asyncio.run(run())


@pytest.mark.parametrize("enough", [True, False])
def test_whoever_waits_for_bytes_is_told_of_them_and_of_the_end(enough: bool) -> None:
    async def run() -> None:
        inbox = Inbox(100)
        waiting = asyncio.create_task(inbox.wait(3))
        await inbox.put(b"12")
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await (inbox.put(b"3") if enough else inbox.end(LEFT))
        await asyncio.wait_for(waiting, 1)
        assert inbox.ending == (None if enough else LEFT)
        assert inbox.waiting_bytes == (3 if enough else 2)

    asyncio.run(run())
