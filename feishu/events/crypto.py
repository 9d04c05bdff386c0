"""Encryption and signatures of events and callbacks, as the platform defines them. Pure; knows no HTTP.

Sources: open.feishu.cn/document/event-subscription-guide (encrypt key configuration) and the official SDKs; the test
vectors are in tests/vectors/feishu.json.
"""

import base64
import binascii
import hashlib
import hmac
import os
from functools import lru_cache

from Crypto.Cipher import AES

BLOCK_BYTES = 16


class DecryptError(ValueError):
    """The text is not something encrypted under this key. Deliberately without a reason (no padding oracle)."""

    def __init__(self) -> None:
        super().__init__("not decryptable under this encrypt key")


@lru_cache(maxsize=8)
def aes_key(encrypt_key: str) -> bytes:
    """The 32-byte AES key: SHA-256 of the Encrypt Key as UTF-8 (the Encrypt Key itself is never the AES key)."""
    return hashlib.sha256(encrypt_key.encode()).digest()


def encrypt(encrypt_key: str, plaintext: bytes, iv: bytes | None = None) -> str:
    """AES-256-CBC with PKCS#7; returns base64(iv ‖ ciphertext). `iv` is 16 random bytes unless given."""
    iv = os.urandom(BLOCK_BYTES) if iv is None else iv
    padding = BLOCK_BYTES - len(plaintext) % BLOCK_BYTES
    cipher = AES.new(aes_key(encrypt_key), AES.MODE_CBC, iv)
    return base64.b64encode(iv + cipher.encrypt(plaintext + bytes([padding]) * padding)).decode()


def decrypt(encrypt_key: str, encrypted: str) -> bytes:
    """The plaintext of base64(iv ‖ ciphertext). Raises `DecryptError` whatever is wrong with it."""
    try:
        raw = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raise DecryptError from None
    if len(raw) < 2 * BLOCK_BYTES or len(raw) % BLOCK_BYTES:
        raise DecryptError
    cipher = AES.new(aes_key(encrypt_key), AES.MODE_CBC, raw[:BLOCK_BYTES])
    padded = cipher.decrypt(raw[BLOCK_BYTES:])
    padding = padded[-1]
    if not 1 <= padding <= BLOCK_BYTES or padded[-padding:] != bytes([padding]) * padding:
        raise DecryptError
    return padded[:-padding]


def sign(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """`X-Lark-Signature` of events and new callbacks: hex SHA-256 over timestamp, nonce, key and the raw body.

    Nothing marks where the timestamp ends and the nonce begins: whoever verifies must know the timestamp's length."""
    return hashlib.sha256(_utf8(timestamp + nonce + encrypt_key) + body).hexdigest()


def sign_legacy_card(timestamp: str, nonce: str, verification_token: str, body: bytes) -> str:
    """`X-Lark-Signature` of legacy card callbacks: hex SHA-1 over timestamp, nonce, token and the raw body."""
    return hashlib.sha1(_utf8(timestamp + nonce + verification_token) + body).hexdigest()  # noqa: S324


def same(a: str, b: str) -> bool:
    """Constant-time comparison of two texts."""
    return hmac.compare_digest(_utf8(a), _utf8(b))


def _utf8(text: str) -> bytes:
    """UTF-8 that never fails: a stranger's header may hold lone surrogates."""
    return text.encode("utf-8", "surrogatepass")
