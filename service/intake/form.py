"""Take a multipart form apart: the one file in it, and the text fields beside it."""

import re
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import InvalidRequest

HINT = "With curl, send it as -F file=@song.mp3, with the @."
MAX_PARTS = 32
# As much of a body is enough to tell text from audio.
HEAD_BYTES = 512
FILE_MEDIA_TYPES = ("audio/", "video/", "application/octet-stream", "application/ogg")
MAX_SHOWN_NAMES = 8
MAX_SHOWN_CHARACTERS = 40
# How much may stand in front of the first boundary, for readers who know of no forms.
MAX_PREAMBLE_BYTES = 1 << 16
_NO_FORM = "it is no multipart/form-data, or not of the boundary it states"
_FILENAME = re.compile(rb";\s*filename\*?\s*=", re.IGNORECASE)
_TEXT_CONTROLS = b"\t\n\f\r"

Fields = Sequence[tuple[str, str]]  # name and value, in the order of the form; names may repeat


@dataclass
class Part:
    """One part of a form, while it arrives."""

    disposition: bytes = b""
    media_type: bytes = b""
    data: bytearray = field(default_factory=bytearray)

    @property
    def name(self) -> str:
        """The field's name."""
        _, parameters = parse_options_header(self.disposition)
        return parameters.get(b"name", b"").decode("utf-8", "replace")

    @property
    def has_filename(self) -> bool:
        """Whether the part says that it is a file, in the usual way or as ``filename*``."""
        return _FILENAME.search(self.disposition) is not None

    @property
    def is_file(self) -> bool:
        """Whether the part is a file; many clients give it no name, or no media type."""
        declared = self.media_type.decode("latin-1").strip().lower().startswith(FILE_MEDIA_TYPES)
        return self.has_filename or declared or not is_text(self.data)


def is_text(data: bytes | bytearray) -> bool:
    """Tell whether bytes begin like text; audio in any format does not."""
    head = bytes(data[:HEAD_BYTES])
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The head may end in the middle of a character.
        return len(data) > HEAD_BYTES and error.start >= HEAD_BYTES - 3
    return True


async def receive_form(content_type: str, chunks: AsyncIterable[bytes]) -> tuple[bytearray, Fields]:
    """Return the bytes of the only file of a form, and its other fields.

    The charset that the client names is not heeded: fields are read as UTF-8.

    Raises
    ------
    InvalidRequest
        The form is broken, or it holds no file or several.
    """
    try:
        form = _Form(content_type)
        async for chunk in chunks:
            form.write(chunk)
    except FormParserError as error:
        raise _broken(_NO_FORM) from error
    if not form.has_begun:
        raise _broken(_NO_FORM)
    if not form.parts.complete:
        raise _broken("it ends before its last boundary")
    return _file_and_fields(form.parts.found)


class _Form:
    """A form, taken apart chunk by chunk.

    Its parts do not know it: in a circle, they would be in memory until some time after the answer.
    """

    def __init__(self, content_type: str) -> None:
        _, parameters = parse_options_header(content_type)
        if b"boundary" not in parameters:
            raise _broken("its content type names no boundary, which the HTTP client must write")
        self.parts = _Parts()
        self._mark = b"--" + parameters[b"boundary"]
        self._preamble: bytearray | None = bytearray()
        self._parser = self.parts.parser(parameters[b"boundary"])

    @property
    def has_begun(self) -> bool:
        """Whether a part was found."""
        return self._preamble is None

    def write(self, chunk: bytes) -> None:
        if self._preamble is not None:
            self._preamble += chunk
            known = max(len(self._preamble) - len(chunk) - len(self._mark) - 1, 0)
            begin = self._first_boundary(self._preamble, known)
            if begin is None:
                return
            chunk, self._preamble = bytes(self._preamble[begin:]), None
        self._parser.write(chunk)

    def _first_boundary(self, head: bytearray, known: int) -> int | None:
        """Return where the first part begins, at or after a place; None to wait for more."""
        if head.startswith(self._mark):
            return 0
        before = head.find(b"\n" + self._mark, known)
        if before >= 0:
            return before + 1
        if len(head) > MAX_PREAMBLE_BYTES:
            raise _broken(_NO_FORM)
        return None


class _Parts:
    """The parts of a form, as its parser finds them."""

    def __init__(self) -> None:
        self.found: list[Part] = []
        self.complete = False
        self._header_name = b""
        self._header_value = b""

    def parser(self, boundary: bytes) -> MultipartParser:
        """Return what finds them."""
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._add_data,
                "on_header_field": self._add_header_name,
                "on_header_value": self._add_header_value,
                "on_header_end": self._end_header,
                "on_end": self._end,
            },
        )

    def _begin(self) -> None:
        if len(self.found) == MAX_PARTS:
            raise InvalidRequest(f"The form has more than {MAX_PARTS} parts. Send the file alone.")
        self.found.append(Part())

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self.found[-1].data += memoryview(data)[start:end]

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        name = self._header_name.lower()
        if name == b"content-disposition":
            self.found[-1].disposition = self._header_value
        elif name == b"content-type":
            self.found[-1].media_type = self._header_value
        self._header_name = self._header_value = b""

    def _end(self) -> None:
        self.complete = True


def _file_and_fields(parts: list[Part]) -> tuple[bytearray, Fields]:
    files = [part for part in parts if part.is_file]
    texts = [part for part in parts if not part.is_file]
    if not all(text.name for text in texts):
        raise _broken("one of its parts is no file and has no name in its Content-Disposition")
    # A browser sends an input in which nothing was chosen, too.
    chosen = [part for part in files if part.data] or files[:1]
    fields = [(text.name, text.data.decode("utf-8", "replace")) for text in texts]
    if not chosen:
        raise InvalidRequest(f"The form has no file, but {_shown(parts)}. {HINT}")
    if len(chosen) > 1:
        raise InvalidRequest(
            f"The form has {len(chosen)} files, in {_shown(chosen)}. "
            "Send each in a request of its own."
        )
    return chosen[0].data, fields


def _broken(reason: str) -> InvalidRequest:
    return InvalidRequest(f"The form cannot be read: {reason}. {HINT}")


def _shown(parts: list[Part]) -> str:
    if not parts:
        return "no field at all"
    names = ", ".join(repr(part.name[:MAX_SHOWN_CHARACTERS]) for part in parts[:MAX_SHOWN_NAMES])
    more = ", …" if len(parts) > MAX_SHOWN_NAMES else ""
    return f"the field {names}" if len(parts) == 1 else f"the fields {names}{more}"
