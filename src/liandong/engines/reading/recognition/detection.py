"""Where the lines of text are on a page image.

A line is a quad: four corners from the top left clockwise, float32, so that a slanted line has
slanted corners.  The network gives a map of text likelihood (Liao and others, "Real-time scene
text detection with differentiable binarization", 2020); regions of it are grown back to lines.
"""

from typing import cast

import cv2
import numpy as np

from .models import Network, Pixels, Reals

LONG_SIDE = 1280  # pixels given to the network; larger costs time and finds no more on A4 pages
LIKELY = 0.3  # a pixel is text
TRUSTED = 0.35  # mean likelihood of what may be a line: reading decides, or page numbers are lost
GROWTH = 1.6  # the network draws lines thinner than they are: area × growth / perimeter
SMALLEST = 3  # pixels of the map; anything thinner is noise
SCROLL = 3  # times as high as wide
STRIP = 480  # pixels; what is narrower may be one column of letters, not to be cut
SLACK = 2  # pixels; what two pieces find on the border is joined later
STRIDE = 32  # the network halves its input five times


def detect(network: Network, image: Pixels) -> Reals:
    """The quads of all lines, shape (n, 4, 2), in pixels of `image` and in no order.

    A scroll, far higher than wide, is looked at piece by piece.  The pieces overlap, and each
    answers for the lines in its middle, so no line is cut and none comes twice.
    """
    height, width = image.shape[:2]
    if height <= SCROLL * width or width < STRIP:
        return _detect(network, image)
    tops = list(range(0, height - width, width))
    found = []
    for top in tops:
        quads = _detect(network, image[top : top + 2 * width])
        middles = quads[:, :, 1].mean(axis=1)
        first = 0 if top == tops[0] else width / 2 - SLACK
        last = height if top == tops[-1] else 1.5 * width + SLACK
        mine = quads[(middles >= first) & (middles < last)]
        found.append(mine + np.array([0, top], np.float32))
    return np.concatenate(found)


def _detect(network: Network, image: Pixels) -> Reals:
    height, width = image.shape[:2]
    likelihood = network.run(_prepare(image))[0, 0]
    mask = cv2.dilate((likelihood > LIKELY).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    quads = [quad for contour in contours if (quad := _line(contour, likelihood)) is not None]
    if not quads:
        return np.zeros((0, 4, 2), np.float32)
    scale = np.array([width / likelihood.shape[1], height / likelihood.shape[0]], np.float32)
    limit = np.array([width, height], np.float32)
    return cast(Reals, np.clip(np.stack(quads) * scale, 0, limit))


def _prepare(image: Pixels) -> Reals:
    height, width = image.shape[:2]
    ratio = min(1.0, LONG_SIDE / max(height, width))
    rows = max(STRIDE, round(height * ratio / STRIDE) * STRIDE)
    columns = max(STRIDE, round(width * ratio / STRIDE) * STRIDE)
    way = cv2.INTER_AREA if ratio < 0.5 else cv2.INTER_LINEAR
    return to_input(cv2.resize(image, (columns, rows), interpolation=way))


def to_input(image: Pixels | cv2.typing.MatLike) -> Reals:
    """RGB pixels as the networks want them: one batch, channels first and blue first, -1 to 1."""
    planes = np.ascontiguousarray(image[:, :, ::-1].transpose(2, 0, 1)[None], dtype=np.float32)
    planes *= np.float32(1 / 127.5)
    planes -= np.float32(1.0)
    return planes


def _line(contour: cv2.typing.MatLike, likelihood: Reals) -> Reals | None:
    (x, y), (width, height), angle = cv2.minAreaRect(contour)
    if min(width, height) < SMALLEST or _score(contour, likelihood) < TRUSTED:
        return None
    growth = GROWTH * width * height / (width + height)  # on both sides together
    corners = cv2.boxPoints(((x, y), (width + growth, height + growth), angle))
    return clockwise(cast(Reals, corners))


def _score(contour: cv2.typing.MatLike, likelihood: Reals) -> float:
    left, top, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [contour - np.array([left, top])], 1)
    return float(cv2.mean(likelihood[top : top + height, left : left + width], inside)[0])


def clockwise(corners: Reals) -> Reals:
    """The four corners from the top left clockwise."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.array([left[0], right[0], right[1], left[1]], np.float32)
