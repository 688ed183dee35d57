"""The exceptions that opsconsole raises, as one tree.

* OpsconsoleError
    * ConfigError        the configuration cannot be used; carries every problem found
    * SecretError        a secret's reference cannot be resolved
    * StateError         a file or database of the console's own cannot be used

Invariant: ``str(error)`` says what happened, to what, and what to do next, in text that is
safe for a terminal and free of secrets. What goes wrong outside (a probe, a query) is a
``model.fault.Fault`` in a reading, never an exception that crosses a layer.
"""


class OpsconsoleError(Exception):
    """Base of everything raised on purpose."""

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy


class ConfigError(OpsconsoleError):
    """The configuration cannot be used. ``problems`` holds one line for each reason."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SecretError(OpsconsoleError):
    """A reference to a secret cannot be resolved. Never carries the value."""


class StateError(OpsconsoleError):
    """A file or database of the console's own cannot be read or written."""
