"""A bounded number of places for uploads, taken before the first byte is received.

An upload keeps its place until its work has ended, so no more uploads than places are ever in
memory. When all are taken, the next request is refused at once; unless one of the places is held
by a client that sends far too slowly: that one gives way, so a few hundred crawling clients
cannot lock everybody else out.
"""

import asyncio
import time

from service.errors import RETRY_AFTER_S, Overloaded, TooManyUploads

# A connection needs a moment to gain speed.
GRACE_S = 1.0


class Place:
    """What one request holds from its admission until its work has ended."""

    def __init__(self, admission: "Admission", client: str) -> None:
        self.client = client
        self._admission = admission
        self._began_s = time.monotonic()
        self._received_bytes = 0
        self._upload: asyncio.Timeout | None = None
        self.displaced = False
        self._at_work = False

    def begin_upload(self, timeout: asyncio.Timeout) -> None:
        """Note that the upload is awaited within a timeout, which may be cut short."""
        self._upload = timeout

    def note_received(self, n_bytes: int) -> None:
        """Note that so many more bytes of the upload have come."""
        self._received_bytes += n_bytes

    def end_upload(self) -> None:
        """Note that the upload is complete; from now on the place is safe."""
        self._upload = None

    def begin_work(self) -> None:
        """Note that from now on the end of the work frees the place, whatever else happens."""
        self._at_work = True

    def abandon(self) -> None:
        """Free the place, unless there is work that will."""
        if not self._at_work:
            self.leave()

    def leave(self) -> None:
        """Free the place; more than once does no harm."""
        self._admission.free(self)

    def displace(self) -> None:
        """Take the place away from an upload that is under way."""
        if self._upload is not None:
            self.displaced = True
            self._upload.reschedule(asyncio.get_running_loop().time())
        self.leave()

    def upload_bytes_per_s(self) -> float:
        """Return the speed of an upload under way; infinite while it is no hindrance."""
        age_s = time.monotonic() - self._began_s
        if self._upload is None or age_s < GRACE_S:
            return float("inf")
        return self._received_bytes / age_s


class Admission:
    """Hands out the places; to be used from the event loop only.

    Parameters
    ----------
    capacity
        Number of places.
    min_upload_bytes_per_s
        An upload that is slower gives its place up when there is no other.
    max_per_client
        Places that one client may have; ``None`` does not count them.
    """

    def __init__(
        self, capacity: int, min_upload_bytes_per_s: float, max_per_client: int | None = None
    ) -> None:
        self._capacity = capacity
        self._max_per_client = max_per_client
        self._min_upload_bytes_per_s = min_upload_bytes_per_s
        self._places: set[Place] = set()

    @property
    def pending(self) -> int:
        """Places that are taken."""
        return len(self._places)

    def enter(self, client: str = "") -> Place:
        """Take a place for a client.

        Raises
        ------
        TooManyUploads
            The client has as many as it may.
        Overloaded
            There is none.
        """
        if self._max_per_client is not None:
            n_own = sum(place.client == client for place in self._places)
            if n_own >= self._max_per_client:
                raise TooManyUploads(
                    f"{n_own} uploads from this address are pending. Wait for their answers.",
                    retry_after_s=RETRY_AFTER_S,
                )
        if self.pending >= self._capacity:
            self._make_room()
        place = Place(self, client)
        self._places.add(place)
        return place

    def free(self, place: Place) -> None:
        """Take a place back."""
        self._places.discard(place)

    def _make_room(self) -> None:
        slowest = min(self._places, key=Place.upload_bytes_per_s)
        if slowest.upload_bytes_per_s() >= self._min_upload_bytes_per_s:
            raise Overloaded(
                f"All workers are busy and {self.pending} clips are pending.",
                retry_after_s=RETRY_AFTER_S,
            )
        slowest.displace()
