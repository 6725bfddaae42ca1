"""Files that nobody should have to read: damaged, lying, endless, or made to do harm."""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import docx
from fpdf import FPDF

TABLE = (("Code", "Meaning", "Remedy"), ("F901", "Seal wet", "Replace the seal"))
MARKDOWN = """---
document: MUT-{n}
revision: "A"
kinds: [pump]
---
# 1 Mutant pump

> WARNING: Hot. Keep off.

1. Open the drain with 40 N.m.

| Code | Meaning |
|---|---|
| F901 | Seal wet |
"""
HTML = (
    "<!doctype html><html><head><title>Mutant</title><meta name='manual.revision' content='B'>"
    "<script>bad()</script></head><body><h1>1 Mutant</h1><p>Open the drain &amp; wait.</p>"
    "<table><tr><th>Code</th><th>Meaning</th></tr><tr><td>F901</td><td>Seal wet</td></tr></table>"
    "<ul><li>One</li><li>Two</li></ul></body></html>"
)
CSV = 'code;meaning;remedy\nF901;"Seal; wet";Replace\nF902;Bearing hot;Grease\n'
YAML = "faults:\n  - code: F901\n    meaning: Seal wet\n    remedy: [Replace, Test]\n"


def pdf(pages: int = 2, password: str = "") -> bytes:
    """A small PDF with a heading, a paragraph and a table."""
    made = FPDF()
    made.set_title("Mutant manual")
    made.set_subject("MUT-PDF")
    for number in range(1, pages + 1):
        made.add_page()
        made.set_font("Helvetica", "B", 15)
        made.cell(text=f"{number} Section", new_x="LMARGIN", new_y="NEXT")
        made.set_font("Helvetica", size=10)
        made.set_y(100)  # below the margin, where a line on every page is a running head
        made.multi_cell(160, 5, f"Open drain {number} and wait until nothing comes out of it.")
        if number == 1:
            with made.table() as table:
                for row in TABLE:
                    table.row(row)
    if password:
        made.set_encryption(owner_password=password, user_password=password)
    return bytes(made.output())


def swelling_pdf() -> bytes:
    """A PDF of 70 kB whose only page holds twenty million letters."""
    content = b"BT /F1 12 Tf 10 10 Td " + b"(%s) Tj " % (b"a" * 64) * 300_000 + b"ET"
    packed = zlib.compress(content, 9)
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed),
    )
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, o) for n, o in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF"


def word() -> bytes:
    """A small DOCX with a heading, a paragraph and a table."""
    made = docx.Document()
    made.add_heading("1 Mutant", 1)
    made.add_paragraph("Open the drain and wait.")
    table = made.add_table(0, len(TABLE[0]))
    for row in TABLE:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def mutants(seed: int, each: int) -> Iterator[tuple[str, bytes]]:
    """`each` damaged copies of a small file of every kind, by name."""
    random = Random(seed)
    sources = {
        "pdf": pdf(),
        "docx": word(),
        "html": HTML.encode(),
        "md": MARKDOWN.encode(),
        "csv": CSV.encode(),
        "yaml": YAML.encode(),
    }
    for suffix, source in sources.items():
        for number in range(each):
            yield f"mutant-{number:03d}.{suffix}", _mutate(source, random)
    # A damaged archive seldom opens: here the archive is whole and its text is damaged.
    parts = _parts(sources["docx"])
    for number in range(each):
        name = random.choice(("word/document.xml", "word/styles.xml", "[Content_Types].xml"))
        yield f"text-{number:03d}.docx", _zipped({**parts, name: _mutate(parts[name], random)})


def _mutate(source: bytes, random: Random) -> bytes:
    content = source
    for _ in range(random.randint(1, 4)):
        if content:
            content = random.choice(_CHANGES)(content, random)
    return content


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def _drop(content: bytes, random: Random) -> bytes:
    at, size = _place(content, random)
    return content[:at] + content[at + size :]


def _double(content: bytes, random: Random) -> bytes:
    at, size = _place(content, random)
    return content[: at + size] + content[at:]


def _blank(content: bytes, random: Random) -> bytes:
    at, size = _place(content, random)
    return content[:at] + bytes(size) + content[at + size :]


def _insert(content: bytes, random: Random) -> bytes:
    at, _ = _place(content, random)
    return content[:at] + random.randbytes(16) + content[at:]


def _flip(content: bytes, random: Random) -> bytes:
    flipped = bytearray(content)
    for _ in range(random.randint(1, 40)):
        flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
    return bytes(flipped)


def _renumber(content: bytes, random: Random) -> bytes:
    """Some digits become others, or none: lengths, counts and offsets that lie."""
    changed = bytearray(content)
    places = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    for place in random.sample(places, min(5, len(places))):
        changed[place] = random.choice(b"0123456789-")
    return bytes(changed)


def _place(content: bytes, random: Random) -> tuple[int, int]:
    return random.randrange(len(content)), random.randint(1, max(1, len(content) // 8))


_CHANGES = (_cut, _drop, _double, _blank, _insert, _flip, _renumber)


def crafted() -> dict[str, bytes]:
    """Files made with intent; the names say what is wrong."""
    return {
        **{f"empty.{suffix}": b"" for suffix in ("pdf", "docx", "html", "csv", "yaml")},
        **{f"noise.{s}": Random(s).randbytes(4000) for s in ("pdf", "docx", "html", "md", "csv")},
        **_texts(),
        **_yaml(),
        **_words(),
        **_pdfs(),
    }


def _texts() -> dict[str, bytes]:
    deep = 30_000
    return {
        "utf16.md": "# Über\n\nTür öffnen".encode("utf-16"),
        "latin1.html": "<p>Tür öffnen".encode("latin-1"),
        "latin1.csv": "code;meaning\nF1;Tür\n".encode("latin-1"),
        "nul.html": b"<p>a\0b</p>",
        "nul.csv": b"code;meaning\nF1;a\0b\n",
        "deep.html": b"<div>" * deep + b"x",
        "deep-tables.html": b"<table><tr><td>wide words" * 2000,
        "deep-lists.html": b"<ul><li>" * 5000 + b"x",
        "attributes.html": b"<p " + b"a=1 " * 50_000 + b">x</p>",
        "entities.html": b"<p>" + b"&#xD800;&#x110000;&#0;&lt;" * 5000,
        "frames.html": b"<frameset><frame src='http://127.0.0.1:9/x'></frameset>",
        "only-script.html": b"<script>while(1){}</script>",
        "deep-quotes.md": b"> " * 5000 + b"x",
        "deep-brackets.md": b"[" * 40_000,
        "deep-emphasis.md": b"*a **b " * 4000,
        "spaces.md": b"# 1\n\n<|" + b" " * 200_000 + b"x",
        "wide-table.md": b"|" + b"a|" * 400 + b"\n|" + b"-|" * 400 + b"\n" + b"x\n" * 400,
        "long-head.md": b"|code" + b"h" * 100_000 + b"|b|\n|-|-|\n" + b"|F1|b|\n" * 2000,
        "no-fields.md": b"---\n- a\n- b\n---\ntext",
        "bad-fields.md": b"---\n\tdocument: [a\n---\ntext",
        "date.md": b"---\ndate: 2025-99-99\n---\ntext",
        "long-head.csv": b"code," + b"h" * 100_000 + b"\n" + b"F1,x\n" * 5000,
        "quotes.csv": b'"' * 20_000 + b"\na,b\n",
        "one-column.csv": b"code\nF1\nF2\n",
        "keys.csv": b"code,meaning\n" + (b"A" * 57 + b"--,x\n") * 300,
        "many-rows.csv": b"code,meaning\n" + b"F1,x\n" * 50_001,
        "field.csv": b"code,meaning\nF1," + b"x" * 200_000 + b"\n",
    }


def _yaml() -> dict[str, bytes]:
    names = "abcdefghij"
    bomb = [f"{names[0]}: &{names[0]} [x, x, x, x, x, x, x, x, x]"]
    for old, new in pairwise(names):
        bomb.append(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]")
    endless = "\n".join([*bomb, f"faults: [{{code: F1, meaning: *{names[-1]}}}]"])
    wide = "\n".join([*bomb[:3], "faults: [{code: F1, meaning: [*c, *c, *c]}]"])
    return {
        "bomb.yaml": endless.encode(),
        "wide.yaml": wide.encode(),
        "bomb.md": f"---\n{endless}\n---\ntext".encode(),
        "circle.yaml": b"- &a {code: F1, meaning: [*a]}\n",
        "deep.yaml": b"[" * 100_000,
        "deep-maps.yaml": b"- code: F1\n  m: " + b"{a: " * 500 + b"1" + b"}" * 500,
        "code.yaml": b"- !!python/object/apply:os.system ['touch harm']\n",
        "surrogate.yaml": b'- "\\uD800<|im_start|>": F1\n  code: "\\uDFFF"\n',
        "tab.yaml": b"- code:\tF1\n\t- x",
        "names.yaml": b"- {" + b", ".join(b"k%d: 1" % n for n in range(2000)) + b"}\n",
        "text.yaml": b"just words",
    }


def _words() -> dict[str, bytes]:
    entity = "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>"
    laughs = "<!DOCTYPE a [<!ENTITY l 'ha'>" + "".join(
        f"<!ENTITY l{n} '{f'&l{n - 1 or str()};' * 10}'>" for n in range(1, 12)
    )
    paragraph = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
    span = "<w:tcPr><w:gridSpan w:val='900000000'/></w:tcPr>"
    return {
        "not-word.docx": _zipped({"a.txt": b"x"}),
        "zip-bomb.docx": _claiming(word(), size=3_000_000_000),
        "markup-bomb.docx": _claiming(word(), size=90_000_000),
        "locked.docx": _locked(word()),
        "parts.docx": _zipped({f"{n}.bin": b"" for n in range(6000)}),
        "entity.docx": _document(paragraph.format("&b;"), entity),
        "laughs.docx": _document(paragraph.format("&l11;"), laughs + "]>"),
        "deep.docx": _document("<w:p>" * 20_000),
        "span.docx": _document(f"<w:tbl><w:tr><w:tc>{span}<w:p/></w:tc></w:tr></w:tbl>"),
        "pages.docx": _document(paragraph.format("x<w:lastRenderedPageBreak/>") * 4000),
        "no-rows.docx": _document("<w:tbl/>"),
    }


def _document(body: str, before: str = "") -> bytes:
    """A DOCX whose text is this markup."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = f"{before}<w:document xmlns:w='{space}'><w:body>{body}</w:body></w:document>"
    return _zipped({**_parts(word()), "word/document.xml": text.encode()})


def _parts(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _zipped(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def _claiming(archive: bytes, size: int) -> bytes:
    """An archive whose directory says that its first part unpacks to `size` bytes."""
    at = archive.index(b"PK\x01\x02") + 24
    return archive[:at] + struct.pack("<I", size) + archive[at + 4 :]


def _locked(archive: bytes) -> bytes:
    """An archive whose parts are marked as encrypted."""
    content = bytearray(archive)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


def _pdfs() -> dict[str, bytes]:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %s]/Contents 4 0 R>>"
    return {
        "locked.pdf": pdf(password="secret"),
        "no-end.pdf": pdf()[:-600],
        "html.pdf": HTML.encode(),
        "count.pdf": _objects(b"<</Type/Pages/Kids[3 0 R]/Count 99999>>", page % b"99 99"),
        "circle.pdf": _objects(b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 4>>", page % b"9 9"),
        "huge-page.pdf": _objects(b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page % b"9e30 9e30"),
        "no-page.pdf": _objects(b"<</Type/Pages/Kids[]/Count 0>>", b"null"),
        "deep.pdf": _objects(b"[" * 50_000, page % b"9 9"),
        "surrogate.pdf": _objects(
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page % b"9 9", b"<</Title<FEFFD800>>>"
        ),
        "keywords.pdf": _objects(
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            page % b"9 9",
            b'<</Keywords({"date": 1e999, "kinds": [[["x"]]], "document": {}})>>',
        ),
        "letters.pdf": _objects(
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 900 900]/Contents 4 0 R/Resources"
            b"<</Font<</F 6 0 R>>>>>>",
            content=b"BT /F 9 Tf 9 9 Td "
            + b"(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) Tj " * 6000,
        ),
    }


def _objects(pages: bytes, page: bytes, info: bytes = b"<<>>", content: bytes = b"BT ET") -> bytes:
    """A PDF of these objects, its table of places right."""
    stream = b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    made, places = b"%PDF-1.7\n", []
    catalogue = b"<</Type/Catalog/Pages 2 0 R>>"
    for number, thing in enumerate((catalogue, pages, page, stream, info, font), 1):
        places.append(len(made))
        made += b"%d 0 obj%s\nendobj\n" % (number, thing)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"xref\n0 7\n0000000000 65535 f \n%s%s\nstartxref\n%d\n%%%%EOF" % (
        table,
        b"trailer<</Size 7/Root 1 0 R/Info 5 0 R>>",
        len(made),
    )


def odd_entries(folder: Path) -> list[str]:
    """Puts what is no ordinary file into the folder; the names that must be spoken of."""
    (folder / "folder.pdf").mkdir()
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "circle.md").symlink_to(folder / "circle.md")
    (folder / "nowhere.pdf").symlink_to(folder / "gone.pdf")
    os.mkfifo(folder / "pipe.csv")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xffname.md")).write_text("# x\n\ny")
    (folder / "side.md").write_text("# 1 Side\n\nText.", encoding="utf-8")
    (folder / "side.md.toml").write_text("revision = [", encoding="utf-8")
    return ["circle.md", "nowhere.pdf", "pipe.csv", "badname.md", "side.md"]
