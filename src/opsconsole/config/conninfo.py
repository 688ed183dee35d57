"""What leads libpq to a server, as far as it is looked at without libpq.

Source: https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING.
"""

import re
from typing import Final
from urllib.parse import unquote

_WORD: Final = re.compile(r"\b(?:ssl)?password\s*=", re.IGNORECASE)
_OF_A_URL: Final = re.compile(r"postgres(?:ql)?://[^/@]*:[^/@]*@", re.IGNORECASE)


def has_password(words: str) -> bool:
    """Whether a password stands in words or in a URL; rather once too often."""
    read = unquote(words)
    return bool(_WORD.search(words) or _WORD.search(read) or _OF_A_URL.match(words.strip()))
