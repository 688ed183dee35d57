"""How it looks: the theme, zone and span of the screens, saved views, and the wall.

Invariant: nothing here decides what is read or what may be done.
"""

from typing import Literal

from pydantic import Field

from opsconsole.config.types import Duration, Model, Zone


class Display(Model):
    """How it looks."""

    theme: str = Field(default="dark", description="Name of a theme, see opsconsole themes.")
    low_bandwidth: bool = Field(default=False, description="Draw less often, for slow lines.")
    ascii: bool = Field(default=False, description="Draw with ASCII characters alone.")
    mouse: bool = Field(default=True, description="Whether the mouse is used.")
    window: Duration = Field(default=900.0, description="How much time the charts span.")
    time: Zone = Field(
        default="utc", description="The zone of times: utc, local, or one such as Europe/Berlin."
    )


class View(Model):
    """A way to look at the services, by name: ``:view NAME``, or ``opsconsole wall --view``."""

    filter: str = Field(
        default="", description="What is typed behind /: env:staging state:down, or text."
    )
    sort: Literal["state", "name", "p95", "errors", "requests", "cpu", "alerts"] | None = Field(
        default=None, description="What the services are sorted by."
    )
    grouping: Literal["group", "environment", "place", "team", "none"] | None = Field(
        default=None, description="What their headings are."
    )
    failing: bool = Field(default=False, description="Only what is not ok.")


class Wall(Model):
    """A read-only screen without a keyboard."""

    enabled: bool = Field(default=False, description="Start as a wall; implies read_only.")
    rotate: Duration = Field(default=20.0, description="How long each view stays.")
    views: tuple[Literal["overview", "services", "resources", "timeline"], ...] = Field(
        default=("overview", "services", "resources", "timeline"),
        min_length=1,
        description="What is shown in turn.",
    )
