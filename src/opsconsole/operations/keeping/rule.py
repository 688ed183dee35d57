"""How a promise is kept: what each kind of them does when it is its turn."""

from typing import Protocol


class Rule(Protocol):
    """One promise under way."""

    async def turn(self) -> float | None:
        """Look, do what is due, and say in how many seconds to look again; None when it is over.

        Raises OpsconsoleError for what could not be done now and is to be tried again.
        """
        ...
