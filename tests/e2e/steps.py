"""Steps of a case as a person takes them on its page."""

import io

from PIL import Image
from playwright.sync_api import FilePayload, Page


def photo(colour: str) -> FilePayload:
    """A small picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return {"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def take(page: Page, word: str, *, colour: str = "", **fields: str) -> None:
    """Open a step, fill in what it asks for, take it; with a photo where a colour is given."""
    step = page.locator("details.ld-step", has=page.locator("summary", has_text=word)).first
    if step.get_attribute("open") is None:
        step.locator("summary").click()
    for label, value in fields.items():
        field = step.get_by_label(label, exact=True)
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.fill(value)
    if colour:
        step.locator("input[type=file]").set_input_files([photo(colour)])
    step.get_by_role("button", name=word, exact=True).click()
    page.wait_for_load_state()
