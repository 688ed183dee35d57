"""The keys of the service screen's tabs by name, so that tests know no order."""

from opsconsole.ui.screens.service.tabs.all_tabs import TABS


def key_of(name: str) -> str:
    """The number key of the tab called ``name``."""
    position = [tab.NAME for tab in TABS].index(name)
    return str((position + 1) % 10)
