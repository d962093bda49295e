import base64
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.errors import BundleError
from service.inference.bundle_files import CARD_FILE
from service.inference.registry import Registry
from service.inference.signature import PublicKey
from tests.bundles import GENRES, edit_card, write_bundle

KEY_ID = bytes(range(8))
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def public_key(private: Ed25519PrivateKey = PRIVATE, key_id: bytes = KEY_ID) -> str:
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(b"Ed" + key_id + raw).decode()


def sign(
    file: Path, *, whole: bool = False, comment: str = "of a test", key_id: bytes = KEY_ID
) -> Path:
    """Write a signature as minisign does."""
    data = file.read_bytes()
    signature = PRIVATE.sign(data if whole else hashlib.blake2b(data).digest())
    both = PRIVATE.sign(signature + comment.encode())
    lines = [
        "untrusted comment: anything",
        base64.b64encode((b"Ed" if whole else b"ED") + key_id + signature).decode(),
        f"trusted comment: {comment}",
        base64.b64encode(both).decode(),
    ]
    beside = file.with_name(f"{file.name}.minisig")
    beside.write_text("\n".join(lines) + "\n", "utf-8")
    return beside


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "genre", labels=GENRES) / CARD_FILE


@pytest.mark.parametrize("whole", [False, True])
def test_a_signature_of_either_form_fits_what_was_signed(card: Path, whole: bool) -> None:
    sign(card, whole=whole)
    PublicKey(public_key()).check(card)


def test_a_card_that_was_changed_afterwards_is_refused(card: Path) -> None:
    sign(card)
    edit_card(card.parent, version="6.6.6")
    with pytest.raises(BundleError, match="not as it was signed"):
        PublicKey(public_key()).check(card)


def test_a_trusted_comment_that_was_changed_is_refused(card: Path) -> None:
    beside = sign(card)
    beside.write_text(beside.read_text().replace("of a test", "of an owner"))
    with pytest.raises(BundleError, match="not as it was signed"):
        PublicKey(public_key()).check(card)


def test_the_signature_of_somebody_else_is_refused(card: Path) -> None:
    sign(card)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(BundleError, match="not as it was signed"):
        PublicKey(public_key(other)).check(card)
    with pytest.raises(BundleError, match="another key"):
        PublicKey(public_key(other, bytes(8))).check(card)


@pytest.mark.parametrize("text", ["", "one line", "a\nb\nc\nd", "\udcff"])
def test_what_is_no_signature_is_refused_by_name(card: Path, text: str) -> None:
    beside = sign(card)
    beside.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BundleError, match=r"genre/card\.json\.minisig"):
        PublicKey(public_key()).check(card)


def test_without_a_signature_the_file_that_is_missing_is_named(card: Path) -> None:
    with pytest.raises(BundleError, match=r"genre/card\.json\.minisig does not exist"):
        PublicKey(public_key()).check(card)


def test_only_signed_bundles_are_served_where_a_key_is_set(card: Path) -> None:
    sign(card)
    write_bundle(card.parents[1] / "emotion", labels=("happy", "sad"))
    registry = Registry(card.parents[1], ("genre", "emotion"), public_key())
    registry.load_all()
    states = {task: entry.state for task, entry in registry.entries().items()}
    assert states == {"genre": "ready", "emotion": "failed"}


def test_a_key_that_is_none_is_refused_with_where_to_find_one() -> None:
    for text in ("", "no key", public_key()[:-4], "RWQ"):
        with pytest.raises(ValueError, match=r"second line of minisign\.pub"):
            PublicKey(text)


def test_what_is_not_installed_is_named_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    with pytest.raises(ValueError, match="pip install"):
        PublicKey(public_key())


@pytest.mark.skipif(shutil.which("minisign") is None, reason="no minisign here")
@pytest.mark.parametrize("form", [[], ["-l"]], ids=["hashed", "whole"])
def test_what_minisign_itself_signs_is_accepted(
    card: Path, tmp_path: Path, form: list[str]
) -> None:
    def minisign(*words: str) -> None:
        subprocess.run(["minisign", *words], check=True, capture_output=True)  # noqa: S603, S607

    public, secret = str(tmp_path / "models.pub"), str(tmp_path / "models.key")
    minisign("-G", "-W", "-p", public, "-s", secret)
    minisign("-S", *form, "-s", secret, "-m", str(card))
    key = PublicKey(Path(public).read_text().splitlines()[1])
    key.check(card)
    edit_card(card.parent, version="6.6.6")
    with pytest.raises(BundleError, match="not as it was signed"):
        key.check(card)
