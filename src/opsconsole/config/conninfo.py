"""What leads libpq to a server, as far as it is looked at without libpq.

Source: https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING.
"""

import re
from typing import Final
from urllib.parse import unquote

_WORD: Final = re.compile(r"\b(?:ssl)?password\s*=", re.IGNORECASE)


def has_password(words: str) -> bool:
    """Whether a password stands in words or a URL's query; that of its user is found as in any."""
    return _WORD.search(unquote(words)) is not None
