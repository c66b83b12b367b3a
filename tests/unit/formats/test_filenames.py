"""File names of any text: safe, unique and short on every file system."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.formats.filenames import NAME_BYTES_MAX, UNNAMED, Folder, safe_name

WILD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            './\\:*?"<>|~- \t\n\x00\x7fCOMNULcom1aäÄ\u202e\u2066\u200b\ufeff\u037e\u0301'
        ),
    ),
    max_size=400,
)


def portable(name: str) -> bool:
    """Say whether FAT32, NTFS and ext4 all take a name, and show all of it."""
    device = re.match(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", name, re.IGNORECASE)
    invisible = {"Cc", "Cf", "Cs", "Co", "Cn"}
    return (
        0 < len(name.encode()) <= NAME_BYTES_MAX
        and not set(name) & set('<>:"/\\|?*~')
        and not any(unicodedata.category(one) in invisible for one in name)
        and name == unicodedata.normalize("NFC", name)
        and name[0] not in " .-"
        and name[-1] not in " ."
        and device is None
    )


@given(WILD, st.sampled_from(["", "vcf", "jpg"]))
def test_any_text_becomes_a_name_that_every_file_system_takes(text: str, extension: str) -> None:
    name = safe_name(text, extension)
    assert portable(name), ascii(name)
    assert name.endswith("." + extension) or not extension


@given(st.lists(st.one_of(WILD, st.sampled_from(["a", "A", "ä", "A\u0308", "ﬁ", "fi", "a (2)"]))))
def test_no_two_names_of_a_folder_are_one_on_any_file_system(texts: list[str]) -> None:
    folder = Folder("index.html")
    names = [folder.name(text, "vcf") for text in texts]
    assert all(map(portable, names))
    for fold in (
        lambda n: unicodedata.normalize("NFC", n).upper(),
        lambda n: unicodedata.normalize("NFD", n).lower(),
        lambda n: unicodedata.normalize("NFKD", n).casefold(),
    ):
        assert len({fold(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann Smith", "Ann Smith.vcf"),
        ("Jürgen Groß", "Jürgen Groß.vcf"),
        ("山田 太郎", "山田 太郎.vcf"),
        ("../../etc/passwd", "_.._etc_passwd.vcf"),
        ("..", UNNAMED + ".vcf"),
        ("", UNNAMED + ".vcf"),
        ("a/b\\c:d", "a_b_c_d.vcf"),
        ("CON", "_CON.vcf"),
        ("nul .txt", "_nul .txt.vcf"),
        ("Lpt¹", "_Lpt¹.vcf"),
        ("Console", "Console.vcf"),
        ("gpj.\u202eexe", "gpj.exe.vcf"),
        ("a\u0301", "á.vcf"),
        (" -rf . ", "rf.vcf"),
        ("one\r\n two\x00", "one two.vcf"),
        ("ANNMUE~1", "ANNMUE_1.vcf"),
        ("\ud800half", "half.vcf"),
    ],
)
def test_names_are_as_near_to_the_text_as_they_can_be(text: str, name: str) -> None:
    assert safe_name(text, "vcf") == name


def test_a_name_without_extension_that_is_a_device_is_changed() -> None:
    assert safe_name("aux") == "_aux"


def test_a_name_is_cut_at_its_limit_and_not_inside_a_character() -> None:
    room = NAME_BYTES_MAX - len(".vcf") - 1
    assert safe_name("a" * room, "vcf") == "a" * room + ".vcf"
    assert safe_name("a" * (room + 1), "vcf") == "a" * room + ".vcf"
    assert safe_name("a" + "ß" * 100, "vcf") == "a" + "ß" * ((room - 1) // 2) + ".vcf"
    assert safe_name("a" * (room - 1) + " b", "vcf") == "a" * (room - 1) + ".vcf"


def test_the_same_name_again_is_numbered_and_stays_within_the_limit() -> None:
    folder = Folder("Index.html")
    assert folder.name("index", "html") == "index (2).html"
    assert folder.name("Ann", "vcf") == "Ann.vcf"
    assert folder.name("ANN", "vcf") == "ANN (2).vcf"
    assert folder.name("ann (2)", "vcf") == "ann (2) (2).vcf"
    assert folder.name("Ann", "vcf") == "Ann (3).vcf"
    assert folder.name("Ann", "jpg") == "Ann.jpg"
    long = [folder.name("x" * 200, "vcf") for _ in range(12)]
    assert len(set(long)) == 12
    assert {len(name) for name in long} <= set(range(NAME_BYTES_MAX - 6, NAME_BYTES_MAX + 1))
    assert long[-1].endswith("x (12).vcf")
