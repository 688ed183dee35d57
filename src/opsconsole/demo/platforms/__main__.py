"""One platform's process: `python -m opsconsole.demo.platforms NAME --port P --folder F`."""

from __future__ import annotations

import argparse
import asyncio
import importlib
from pathlib import Path
from typing import Final

from opsconsole.demo.platforms.base import Platform, Settings

# Where each platform is; only the one that runs is imported.
PLATFORMS: Final = {
    "errorscope": ("opsconsole.demo.platforms.errorscope", "ErrorScope"),
    "ai-ops": ("opsconsole.demo.platforms.ai_operations", "AiOperations"),
    "ai-backend": ("opsconsole.demo.platforms.ai_backend", "AiBackend"),
    "ai-service": ("opsconsole.demo.platforms.ai_service", "AiService"),
    "oatie": ("opsconsole.demo.platforms.oatie", "Oatie"),
}


def make_platform(name: str, settings: Settings) -> Platform:
    """The platform called `name`; KeyError for an unknown one."""
    module, kind = PLATFORMS[name]
    platform = getattr(importlib.import_module(module), kind)(settings)
    assert isinstance(platform, Platform)
    return platform


def main() -> None:
    """Parse the arguments and serve until stopped."""
    parser = argparse.ArgumentParser(prog="opsconsole.demo.platforms")
    parser.add_argument("name", choices=sorted(PLATFORMS))
    parser.add_argument("--instance", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--control", type=Path)
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = vars(parser.parse_args())
    name = options.pop("name")
    asyncio.run(make_platform(name, Settings(**options)).run())


if __name__ == "__main__":
    main()
