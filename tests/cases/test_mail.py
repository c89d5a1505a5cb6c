"""Reports by e-mail: words without quotations, pictures without a position, each message once."""

import io
from email.message import EmailMessage

import pytest
from PIL import Image
from tests.cases.build import NOW

from liandong.cases.models import Case, Evidence
from liandong.cases.services.mailing import MOST_PARTS, BadMail, read_mail, take_mail
from liandong.cases.services.photos import clean_path
from liandong.cases.services.sealing import contact_of

pytestmark = pytest.mark.django_db


def picture() -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (37.0, 22.0, 30.0), 3: "E", 4: (118.0, 1.0, 5.0)}
    Image.new("RGB", (320, 240), (90, 140, 90)).save(out, "JPEG", exif=exif)
    return out.getvalue()


def mail(text: str = "黄河五路井盖缺失，请尽快处理。", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "王小明 <wang@example.com>"
    message["Subject"] = "井盖缺失"
    message["Message-ID"] = "<1@example.com>"
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def test_a_message_becomes_a_case_with_its_picture_and_the_sender_sealed() -> None:
    message = mail()
    message.add_attachment(picture(), maintype="image", subtype="jpeg", filename="井盖.jpg")
    opened = take_mail(message.as_bytes(), now=NOW)
    case = Case.objects.get()
    assert (opened.is_fresh, case.channel, case.title) == (True, "mail", "井盖缺失")
    assert case.text == "井盖缺失\n黄河五路井盖缺失，请尽快处理。"
    assert contact_of(case) == {"email": "wang@example.com", "name": "王小明"}
    one = case.evidence.get()
    with clean_path(one).open() as stream, Image.open(stream) as kept:
        assert (kept.size, dict(kept.getexif())) == ((320, 240), {})
    assert "wang@example.com" not in f"{case.title}{case.text}{case.form}"


def test_the_same_message_again_is_the_same_case() -> None:
    first = take_mail(mail().as_bytes(), now=NOW)
    again = take_mail(mail("别的话").as_bytes(), now=NOW)
    other = take_mail(mail(Message_ID="<2@example.com>").as_bytes(), now=NOW)
    assert (again.is_fresh, again.case.pk) == (False, first.case.pk)
    assert other.case.pk != first.case.pk


@pytest.mark.parametrize(
    "mark",
    ["> 上次的话", "-----原始邮件-----", "------ Original Message ------",
     "在 2026年11月1日，李四写道：", "On Mon, Nov 2, 2026 Li wrote:"],
)  # fmt: skip
def test_what_another_wrote_is_left_out(mark: str) -> None:
    assert read_mail(mail(f"还没有修好。\n\n{mark}\n别人的电话").as_bytes()).text == "还没有修好。"


def test_a_line_that_only_looks_like_a_quotation_stays() -> None:
    text = "水深 > 30 厘米\n- 路口\n在五路口写道路名的牌子倒了"
    assert read_mail(mail(text).as_bytes()).text == text


def test_what_is_not_taken_is_named() -> None:
    message = mail()
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="说明.pdf")
    message.add_attachment(b"nothing", maintype="image", subtype="jpeg", filename="坏.jpg")
    for number in range(7):
        message.add_attachment(
            picture(), maintype="image", subtype="jpeg", filename=f"{number}.jpg"
        )
    case = take_mail(message.as_bytes(), now=NOW).case
    assert case.text.endswith("（未收附件：说明.pdf、5.jpg、6.jpg、坏.jpg）")
    assert case.evidence.count() == 5


@pytest.mark.parametrize("charset", ["gb2312", "gbk", "gb18030", "big5", "utf-8"])
def test_old_chinese_mailers_are_read(charset: str) -> None:
    message = EmailMessage()
    message["From"] = "a@example.com"
    message["Subject"] = "路燈不亮" if charset == "big5" else "路灯不亮"
    message.set_content("在黃河五路" if charset == "big5" else "在黄河五路", charset=charset)
    found = read_mail(message.as_bytes())
    assert found.text in {"在黄河五路", "在黃河五路"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "broken"),
        (b"\x00\xff" * 50, "broken"),
        (b"From: a@example.com\n\n", "empty"),
        (mail(Auto_Submitted="auto-replied").as_bytes(), "automatic"),
        (b"Content-Type: multipart/mixed; boundary=x\n" * 3000 + b"\n" * 9000, "hostile"),
    ],
    ids=["nothing", "noise", "empty", "automatic", "hostile"],
)
def test_what_is_no_report_is_refused_and_leaves_nothing(content: bytes, code: str) -> None:
    with pytest.raises(BadMail) as refused:
        take_mail(content, now=NOW)
    assert refused.value.code == code
    assert (Case.objects.count(), Evidence.objects.count()) == (0, 0)


def test_a_bomb_of_parts_ends() -> None:
    message = mail()
    for number in range(MOST_PARTS + 50):
        message.add_attachment(b"x", maintype="application", subtype="x", filename=f"{number}.bin")
    assert len(read_mail(message.as_bytes()).left) < MOST_PARTS
