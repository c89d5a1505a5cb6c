"""Small files made by code, good and bad."""

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping

from openpyxl import Workbook
from PIL import Image

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PROGRAM = b"MZ\x90\x00" + b"\0" * 60 + b"PE\0\0" + b"\0" * 200
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 100


def pdf(pages: int = 1, extra: str = "", text: str = "x") -> bytes:
    """A valid PDF of blank pages; `extra` goes into its catalogue."""
    kids = " ".join(f"{3 + at} 0 R" for at in range(pages))
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{extra}>>",
        f"<</Type/Pages/Kids[{kids}]/Count {pages}>>",
        *["<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>"] * pages,
        f"<</Title({text})>>",
    ]
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.writelines(f"{place:010d} 00000 n \n".encode() for place in places)
    out.write(
        f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R/Info {len(objects)} 0 R>>\n"
        f"startxref\n{start}\n%%EOF\n".encode()
    )
    return out.getvalue()


def packed_script() -> bytes:
    """A PDF whose JavaScript stands in a packed object stream."""
    packed = zlib.compress(b"1 0 <</S/JavaScript/JS(app.alert(1))>>")
    head = f"9 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length {len(packed)}>>stream\n"
    return pdf() + head.encode() + packed + b"\nendstream\nendobj\n"


def png(shade: int = 200) -> bytes:
    """A small grey picture."""
    out = io.BytesIO()
    Image.new("L", (40, 60), shade).save(out, "PNG", dpi=(200, 200))
    return out.getvalue()


def zipped(entries: Mapping[str, bytes], *, packed: bool = True) -> bytes:
    """A zip of these entries."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as package:
        for name, content in entries.items():
            package.writestr(name, content)
    return out.getvalue()


def gbk_zipped(entries: Mapping[str, bytes]) -> bytes:
    """A zip whose names are GBK without a flag, as Chinese Windows writes them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for number, content in enumerate(entries.values()):
            package.writestr(_placeholder(number, entries), content)
    raw = out.getvalue()
    for number, name in enumerate(entries):
        raw = raw.replace(_placeholder(number, entries).encode(), name.encode("gbk"))
    return raw


def _placeholder(number: int, entries: Mapping[str, bytes]) -> str:
    length = len(list(entries)[number].encode("gbk"))
    return f"{number:03d}".ljust(length, "@")


def linked_zip(target: str = "/etc/passwd") -> bytes:
    """A zip with a symbolic link and a file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        link = zipfile.ZipInfo("link.pdf")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        package.writestr(link, target)
        package.writestr("a.pdf", pdf())
    return out.getvalue()


def bomb_zip() -> bytes:
    """70 MiB of zeros in some 70 kB."""
    return zipped({"zeros.txt": b"\0" * (70 << 20)})


def encrypted_zip() -> bytes:
    """A zip with an entry that is marked as encrypted, and one that is not."""
    raw = bytearray(zipped({"secret.pdf": pdf(), "open.pdf": pdf(2)}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + at] |= 1
    return bytes(raw)


def docx(extra: Mapping[str, bytes] | None = None) -> bytes:
    """The skeleton of a Word document."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Default Extension="xml" ContentType="application/xml"/><Override '
        'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument'
        '.wordprocessingml.document.main+xml"/></Types>'
    )
    relations = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        'relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/'
        'officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
        "</Relationships>"
    )
    body = (
        '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/'
        'wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>通知</w:t></w:r></w:p></w:body>'
        "</w:document>"
    )
    entries = {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": relations.encode(),
        "word/document.xml": body.encode(),
    }
    return zipped({**entries, **(extra or {})})


def xlsx(rows: list[list[object]]) -> bytes:
    """A spreadsheet with these rows."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("目录")
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
