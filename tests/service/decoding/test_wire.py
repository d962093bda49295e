import socket
import struct
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from service.deadline import Deadline
from service.decoding import wire

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_message_arrives_as_it_was_sent(pair: Pair) -> None:
    samples = np.linspace(-1, 1, 1_000_000, dtype=np.float32)
    sender = threading.Thread(target=wire.send, args=(pair[0], {"a": [1, "ü"]}, samples.data))
    sender.start()
    header, payload = wire.receive(pair[1], samples.nbytes)
    sender.join()
    assert header == {"a": [1, "ü"]}
    np.testing.assert_array_equal(payload.view(np.float32), samples)


def test_messages_follow_each_other(pair: Pair) -> None:
    for number in range(3):
        wire.send(pair[0], {"number": number}, bytes([number]))
    for number in range(3):
        header, payload = wire.receive(pair[1], 1)
        assert header == {"number": number}
        assert payload.tobytes() == bytes([number])


def test_a_message_that_ends_early_is_broken(pair: Pair) -> None:
    pair[0].sendall(struct.pack("!IQ", 2, 100) + b"{}" + bytes(50))
    pair[0].close()
    with pytest.raises(wire.BrokenMessage, match="closed"):
        wire.receive(pair[1], 100)


@pytest.mark.parametrize("lengths", [(wire.MAX_HEADER_BYTES + 1, 0), (2, 101)])
def test_a_message_that_is_too_large_is_refused_before_it_is_read(
    pair: Pair, lengths: tuple[int, int]
) -> None:
    pair[0].sendall(struct.pack("!IQ", *lengths))
    with pytest.raises(wire.BrokenMessage, match="too large"):
        wire.receive(pair[1], 100)


@pytest.mark.parametrize(
    ("header", "reason"),
    [(b"\xff{}", "no JSON"), (b"[1]", "no object"), (b"[" * 10_000, "no JSON")],
)
def test_a_header_that_is_no_json_object_is_refused(pair: Pair, header: bytes, reason: str) -> None:
    pair[0].sendall(struct.pack("!IQ", len(header), 0) + header)
    with pytest.raises(wire.BrokenMessage, match=reason):
        wire.receive(pair[1], 100)


def test_a_large_payload_can_be_had_as_bytes(pair: Pair) -> None:
    data = bytes(range(256)) * 40_000
    sender = threading.Thread(target=wire.send, args=(pair[0], {"a": 1}, data))
    sender.start()
    header, payload = wire.receive_bytes(pair[1], len(data))
    sender.join()
    assert (header, payload) == ({"a": 1}, data)


def test_bytes_that_end_early_are_broken(pair: Pair) -> None:
    pair[0].sendall(struct.pack("!IQ", 2, 100) + b"{}" + bytes(50))
    pair[0].close()
    with pytest.raises(wire.BrokenMessage, match="closed"):
        wire.receive_bytes(pair[1], 100)


def test_nobody_waits_longer_than_the_deadline(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        wire.receive(pair[1], 0, Deadline.within(0.05))
    with pytest.raises(TimeoutError):
        wire.send(pair[0], {}, bytes(10_000_000), Deadline.within(0.05))
