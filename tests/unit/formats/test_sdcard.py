"""The folder that is carried away: files, pictures, the page, the digests."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.formats.contact import read_contact
from strongroom.formats.sdcard import CardFolder, Missing

PNG = b"\x89PNG\r\n\x1a\n picture"
SVG = b"<svg onload=alert(1)>"
VOID = {"meta", "img", "li"}  # HTML lets them stay open


def card(name: str, *lines: str) -> bytes:
    rows = ("BEGIN:VCARD", "VERSION:3.0", f"UID:{name}", f"FN:{name}", *lines, "END:VCARD", "")
    return "\r\n".join(rows).encode("utf-8", "surrogatepass")


def photo(data: bytes) -> str:
    return f"PHOTO;ENCODING=b:{b64encode(data).decode()}"


def made(
    *cards: bytes, missing: tuple[Missing, ...] = (), book: str = "contacts"
) -> dict[str, bytes]:
    folder = CardFolder("alice", "2026-11-28")
    files = [file for one in cards for file in folder.add(book, one)]
    files += folder.end(missing)
    found = {"/".join(file.path): file.data for file in files}
    assert len(found) == len(files)
    return found


class Page(HTMLParser):
    """What a browser sees: elements, where they lead, and the text."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.leads: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(raw.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.leads += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_each_card_is_a_file_as_it_is_with_its_picture_beside_it() -> None:
    ann, other, bare = card("Ann", photo(PNG)), card("ann"), b"no card at all"
    files = made(ann, other, bare)
    assert set(files) == {
        "contacts/Ann.vcf", "contacts/Ann.png", "contacts/ann (2).vcf", "contacts/unnamed.vcf",
        "index.html", "SHA256SUMS",
    }  # fmt: skip
    assert files["contacts/Ann.vcf"] == ann
    assert files["contacts/Ann.png"] == PNG
    assert files["contacts/ann (2).vcf"] == other
    assert files["contacts/unnamed.vcf"] == bare


def test_a_picture_is_never_another_cards() -> None:
    files = made(card("Ann"), card("Ann", photo(PNG)), card("Ann.png"))
    assert files["contacts/Ann (2).png"] == PNG
    assert set(files) >= {"contacts/Ann.vcf", "contacts/Ann (2).vcf", "contacts/Ann.png.vcf"}


def test_what_is_no_picture_that_browsers_show_is_kept_and_not_shown() -> None:
    files = made(card("Eve", photo(SVG)))
    assert files["contacts/Eve.bin"] == SVG
    assert b"<img" not in files["index.html"]


def test_the_list_of_digests_is_what_sha256sum_reads() -> None:
    files = made(card("Ann Smith", photo(PNG)), card("山田"), missing=(Missing("Bob", "lost"),))
    sums = files.pop("SHA256SUMS").decode()
    assert sums.endswith("\n")
    listed = dict(reversed(line.split("  ", 1)) for line in sums.splitlines())
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_the_page_names_everybody_in_order_and_links_what_can_be_used() -> None:
    files = made(
        card("Zoë", "TEL:+1 (555) 0", "EMAIL:zoe@example.org"),
        card("ann", photo(PNG), "ORG:Cellar;Left", "TEL:*31#5", "TEL:see note", "EMAIL:nobody"),
    )
    page = Page(files["index.html"])
    assert not page.open[2:]
    assert page.leads == [
        "contacts/ann.png", "contacts/ann.vcf", "tel:*31%235",
        "contacts/Zo%C3%AB.vcf", "tel:+15550", "mailto:zoe@example.org",
    ]  # fmt: skip
    words = " ".join(page.words)
    for text in ("Contacts of alice", "2 contacts", "2026-11-28", "Cellar, Left", "see note"):
        assert text in words
    for lead in page.leads[:2]:
        assert unquote(lead) in files


def test_several_books_have_a_folder_and_a_part_of_the_page_each() -> None:
    folder = CardFolder("alice", "today")
    books = ("Work", "../work", "index.html", "Work")
    files = [file for book in books for file in folder.add(book, card(book))]
    assert [file.path[0] for file in files] == ["Work", "_work", "index.html (2)", "Work"]
    page = next(folder.end(())).data.decode()
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["Work (2)", "../work (1)", "index.html (1)"]


EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&\u202e\x00"


def test_whatever_a_card_holds_nothing_of_it_runs_or_leads_elsewhere() -> None:
    lines = (f"ORG:{EVIL}", f"TEL:{EVIL}1", f"EMAIL:{EVIL}@x", "TEL:javascript:alert(2)",
        f"PHOTO;VALUE=uri:https://example.org/{EVIL}")  # fmt: skip
    files = made(card(EVIL, *lines), missing=(Missing(EVIL, EVIL),), book=EVIL)
    page = Page(files["index.html"])
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not any(name.startswith("on") for name in page.attributes)
    for lead in page.leads:
        assert lead in {
            "MISSING.txt",
            *(lead for lead in page.leads if unquote(lead) in files),
        } or (lead.startswith(("tel:", "mailto:")))
    assert "\x00" not in files["index.html"].decode()
    assert "\x00" not in files["MISSING.txt"].decode()


@given(st.lists(st.text(max_size=30), max_size=4), st.text(max_size=20))
def test_of_any_card_the_page_is_whole_and_holds_the_text_as_text(
    texts: list[str], book: str
) -> None:
    cards = [card(text, f"TEL:{text}", f"ORG:{text}") for text in texts]
    page = Page(made(*cards, book=book)["index.html"])
    assert page.tags.count("li") == len(cards)
    assert set(page.tags) <= {
        "html", "meta", "title", "style", "main", "h1", "h2", "p", "code", "ul", "li", "span",
        "div", "a", "bdi",
    }  # fmt: skip
    words = "".join(page.words)
    for one in cards:
        name = read_contact(one).name
        if name.isprintable():
            assert name in words


def test_the_policy_of_the_page_lets_nothing_run_and_names_its_own_style() -> None:
    text = made(card("Ann"))["index.html"].decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    named = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{named}'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert text.index("Content-Security-Policy") < text.index("<title>")


def test_what_could_not_be_read_is_listed_and_the_page_says_so() -> None:
    files = made(
        card("Ann"), missing=(Missing("Bob\n", "no copy\x00 of it"), Missing("Cid", "lost"))
    )
    assert files["MISSING.txt"].decode().endswith("\n\nBob\ufffd: no copy\ufffd of it\nCid: lost\n")
    assert b'<a href="MISSING.txt">what is missing</a> (2)' in files["index.html"]
    assert b"MISSING.txt" not in made(card("Ann"))["index.html"]


@pytest.mark.parametrize("length", [300, 301])
def test_long_values_are_cut_in_the_page_alone(length: int) -> None:
    one = card("n" * length, "TEL:" + "1" * length, "EMAIL:a@" + "b" * (length - 2))
    files = made(one)
    page = files["index.html"].decode()
    assert one in files.values()
    assert ("n" * 300 in page, "n" * 301 in page) == (True, False)
    assert ("tel:" + "1" * 300 in page, "1" * 301 in page) == (True, False)
    assert ("mailto:" in page) == (length == 300)
    many = made(card("Ann", *["TEL:1"] * (length - 250)))["index.html"]
    assert many.count(b"tel:1") == 50
