"""The page image as it is read: not too large, not too small, with paper around the text."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from liandong.engines.reading import imaging
from liandong.kernel.pages import Box

from .detection import SCROLL
from .models import Pixels, Reals

LARGEST = 3508  # pixels of the long side: A4 at 300 dpi; lines are cut from this image
LONGEST = 8  # times as long may a scroll be
SMALL = 160  # pixels; the detector finds nothing in an image that is all text
LOW = 64  # pixels; anything lower is enlarged


@dataclass(frozen=True, slots=True)
class Sheet:
    """An image for reading, and the way back to the image it was made of."""

    image: Pixels
    scale: float  # size of the sheet ÷ size of the given image
    margin: int  # pixels of the sheet added on each side
    width: int  # of the given image
    height: int

    def place(self, quad: Reals) -> Box:
        """The box around the quad on the given image."""
        points = (quad - self.margin) / self.scale
        limit = np.array([self.width, self.height], np.float32)
        (left, top), (right, bottom) = (
            np.clip(points, 0, limit).min(axis=0),
            np.clip(points, 0, limit).max(axis=0),
        )
        return Box(*(round(float(edge), 1) for edge in (left, top, right, bottom)))


def lay_out(image: Pixels) -> Sheet:
    """The sheet to read instead of the image."""
    height, width = image.shape[:2]
    lowest = min(height, width)
    if lowest >= SMALL:
        stretch = min(LONGEST, max(1.0, height / width / SCROLL))  # a scroll keeps its width
        small, scale = imaging.shrink(image, round(LARGEST * stretch))
        return Sheet(small, scale, 0, width, height)
    scale = min(max(1.0, LOW / lowest), LARGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    enlarged = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    margin = max(LOW // 2, min(enlarged.shape[:2]) // 2)
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    ground = [float(shade) for shade in np.median(edge, axis=0)]
    framed = cv2.copyMakeBorder(
        enlarged, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=ground
    )
    return Sheet(cast(Pixels, framed), scale, margin, width, height)
