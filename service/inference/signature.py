"""Whether a bundle was made by somebody who holds a certain key: minisign's signatures.

The card holds the hash of every other file of its bundle, so a signature of ``card.json`` vouches
for all of them. It lies beside the card as ``card.json.minisig``; both of minisign's forms are
read, that of the whole file and that of its BLAKE2b hash.
"""

import base64
import binascii
import hashlib
import importlib
from pathlib import Path
from typing import Any

from service.errors import BundleError
from service.inference.network import shown

SUFFIX = ".minisig"
INSTALL = "pip install -c requirements.lock '.[signatures]'"

_WHOLE, _HASHED = b"Ed", b"ED"
_ALGORITHM_BYTES = 2
_KEY_ID_BYTES = 8
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_HEAD_BYTES = _ALGORITHM_BYTES + _KEY_ID_BYTES
_LINES = 4
_TRUSTED = "trusted comment: "


class PublicKey:
    """What signatures are checked with.

    Parameters
    ----------
    text
        The key as minisign writes it into the second line of ``minisign.pub``.

    Raises
    ------
    ValueError
        It is no such key, or what checks signatures is not installed.
    """

    def __init__(self, text: str) -> None:
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error:
            data = b""
        if len(data) != _HEAD_BYTES + _KEY_BYTES or not data.startswith(_WHOLE):
            raise ValueError(
                "it is no public key of minisign; write the second line of minisign.pub"
            )
        self._id = data[_ALGORITHM_BYTES:_HEAD_BYTES]
        try:
            ed25519: Any = importlib.import_module(
                "cryptography.hazmat.primitives.asymmetric.ed25519"
            )
            self._invalid: type[Exception] = importlib.import_module(
                "cryptography.exceptions"
            ).InvalidSignature
        except ModuleNotFoundError as error:
            raise ValueError(
                f"signatures are checked with {error.name}, which is not installed: {INSTALL}"
            ) from error
        self._key = ed25519.Ed25519PublicKey.from_public_bytes(data[_HEAD_BYTES:])

    def check(self, file: Path) -> None:
        """See that a file has a signature of this key beside it.

        Raises
        ------
        BundleError
            It has none, or one that does not fit.
        """
        beside = file.with_name(file.name + SUFFIX)
        try:
            lines = beside.read_text("utf-8").splitlines()
            signed = file.read_bytes()
        except FileNotFoundError as error:
            raise BundleError(f"{shown(Path(error.filename))} does not exist") from error
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(f"{shown(beside)} cannot be read: {error}") from error
        try:
            signature, comment, global_signature = _parts(lines)
        except (ValueError, binascii.Error) as error:
            raise BundleError(f"{shown(beside)} is no signature of minisign") from error
        algorithm, key_id = signature[:_ALGORITHM_BYTES], signature[_ALGORITHM_BYTES:_HEAD_BYTES]
        if key_id != self._id:
            raise BundleError(f"{shown(beside)} was made with another key than the one that is set")
        message = hashlib.blake2b(signed).digest() if algorithm == _HASHED else signed
        try:
            self._key.verify(signature[_HEAD_BYTES:], message)
            self._key.verify(global_signature, signature[_HEAD_BYTES:] + comment)
        except self._invalid as error:
            raise BundleError(
                f"{shown(beside)} does not fit: {file.name} is not as it was signed"
            ) from error


def _parts(lines: list[str]) -> tuple[bytes, bytes, bytes]:
    """Return the signature with its head, the trusted comment, and the signature of both."""
    _, signature_line, trusted, global_line = lines[:_LINES]
    signature = base64.b64decode(signature_line, validate=True)
    global_signature = base64.b64decode(global_line, validate=True)
    if (
        len(signature) != _HEAD_BYTES + _SIGNATURE_BYTES
        or len(global_signature) != _SIGNATURE_BYTES
        or signature[:_ALGORITHM_BYTES] not in (_WHOLE, _HASHED)
        or not trusted.startswith(_TRUSTED)
    ):
        raise ValueError("a part has another form")
    return signature, trusted.removeprefix(_TRUSTED).encode(), global_signature
