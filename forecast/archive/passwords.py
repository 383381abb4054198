"""Passwords as they are kept: scrypt with its parameters and a salt, never the words themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import unicodedata

# 2**15 blocks of 8 x 128 bytes: 32 MB and about 0.1 s a try. Source: RFC 7914, section 2.
COST, BLOCK, PARALLEL = 2**15, 8, 1
MOST_MEMORY = 128 * 1024 * 1024  # [byte] of one try, whatever the parameters kept say
SALT, KEY = 16, 32  # [byte]
SHORTEST, LONGEST = 10, 200  # [character] of a password

_AT_ONCE = threading.Semaphore(2)  # tries: memory and processors are for the forecasts


def hashed(password: str) -> str:
    """Return what is kept of a password: scrypt$n$r$p$salt$key."""
    salt = secrets.token_bytes(SALT)
    key = _key(password, salt, COST, BLOCK, PARALLEL)
    texts = (base64.b64encode(part).decode() for part in (salt, key))
    return "$".join(("scrypt", str(COST), str(BLOCK), str(PARALLEL), *texts))


def matches(password: str, kept: str) -> bool:
    """Return whether a password is the one kept; it takes as long where it is not."""
    try:
        name, *numbers, salt, key = kept.split("$")
        cost, block, parallel = (int(number) for number in numbers)
        if name != "scrypt":
            return False
        found = _key(password, base64.b64decode(salt), cost, block, parallel)
        return hmac.compare_digest(found, base64.b64decode(key))
    except ValueError:  # what is kept was not written by `hashed`
        return False


# That of nobody: an unknown name costs as much time as a known one.
NOBODY = "$".join(("scrypt", str(COST), str(BLOCK), str(PARALLEL), "AAAAAAAAAAAAAAAAAAAAAA==", ""))


def generated() -> str:
    """Return a new password of 96 random bits."""
    return secrets.token_urlsafe(12)


def fault(password: str, account: str) -> str:
    """Return why a password is not taken; "" where it is."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"a password has {SHORTEST} to {LONGEST} characters, this one {len(password)}"
    if account.casefold() in password.casefold() or len(set(password)) < 5:
        return "this password is easily guessed: take several words that do not name you"
    return ""


def _key(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    # a keyboard set to full-width letters must not lock anybody out
    plain = unicodedata.normalize("NFKC", password[:LONGEST]).encode()
    with _AT_ONCE:
        return hashlib.scrypt(
            plain, salt=salt, n=cost, r=block, p=parallel, maxmem=MOST_MEMORY, dklen=KEY
        )
