"""The shape of the repository: what is where, and what is never there."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "liandong"
MODULES = sorted(PACKAGE.rglob("*.py"))
NEVER = re.compile(
    r"\.(ttf|ttc|otf|woff2?|onnx|traineddata|jar|whl|so|mo|sqlite3)$|/node_modules/|/dist/"
)
LARGEST_BYTES = 500_000
ROOM_WORDS = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common"}
MACHINE_PATH = re.compile(r"""["'\s](?:/work/|/root/|/home/\w+/)""")


def _tracked() -> list[str]:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files are kept")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in listed.stdout.decode().split("\0") if name]


def test_no_font_model_binary_or_built_file_is_kept() -> None:
    assert [name for name in _tracked() if NEVER.search(name)] == []


def test_no_kept_file_is_large() -> None:
    large = [
        name
        for name in _tracked()
        if (ROOT / name).is_file() and (ROOT / name).stat().st_size > LARGEST_BYTES
    ]
    assert large == []


def test_no_kept_file_names_a_folder_of_one_machine() -> None:
    mine = Path(__file__).relative_to(ROOT).as_posix()
    named = []
    for name in _tracked():
        if name == mine or not name.endswith((".py", ".md", ".toml", ".ts", ".csv", ".service")):
            continue
        if (ROOT / name).exists() and MACHINE_PATH.search((ROOT / name).read_text("utf-8")):
            named.append(name)
    assert named == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        file.relative_to(ROOT).as_posix()
        for file in MODULES
        if "migrations" not in file.parts
        and (text := file.read_text("utf-8")).strip()
        and ast.get_docstring(ast.parse(text)) is None
    ]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [file.name for file in MODULES if file.stem in ROOM_WORDS] == []


def test_the_kernel_imports_the_standard_library_only() -> None:
    import sys

    for file in sorted((PACKAGE / "kernel").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top == "liandong" or top in sys.stdlib_module_names, (file.name, name)
