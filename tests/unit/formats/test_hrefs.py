"""Paths: one name, one meaning; what could be misread is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.base.limits import HREF_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.hrefs import PATH_BYTES_MAX, Path, join, split


@pytest.mark.parametrize(
    "raw, path",
    [
        (b"/", Path((), True)),
        (b"/dav/a/", Path(("dav", "a"), True)),
        (b"/dav/a.vcf", Path(("dav", "a.vcf"), False)),
        (b"/x%40y/a%20b.vcf", Path(("x@y", "a b.vcf"), False)),
        ("/x@y/ü", Path(("x@y", "ü"), False)),
        (b"/%C3%BC/", Path(("ü",), True)),
        (b"/...", Path(("...",), False)),
        (b"/.well-known/carddav", Path((".well-known", "carddav"), False)),
        (b"/a%3Fb%23c%25", Path(("a?b#c%",), False)),
        ("https://host:8443/dav/a.vcf", Path(("dav", "a.vcf"), False)),
        ("HTTP://u@[::1]:80", Path((), True)),
        (b"http://", Path((), True)),
    ],
)
@pytest.mark.rfc("4918", "8.3")
def test_paths_are_read(raw: bytes | str, path: Path):
    assert path == split(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"a",
        b"a/b",
        b"//",
        b"//a",
        b"/a//b",
        b"/a//",
        b"/a%2Fb",
        b"/a%2fb",
        b"/%2F",
        b"/.",
        b"/..",
        b"/a/../b",
        b"/a/./b",
        b"/%2e%2E/b",
        b"/%2e/",
        b"/a%00",
        b"/a\x00",
        b"/a%0Ab",
        b"/a%7F",
        b"/a%C2%80",
        b"/%",
        b"/a%4",
        b"/a%zz",
        b"/a%%40",
        b"/%C3",
        b"/\xff",
        b"/%ED%A0%80",
        "/\ud800",
        b"/%EF%BF%BF",
        b"/a?b",
        b"/a#b",
        b"http://h?x",
        b"urn:x",
        b"*",
        b"/a\n",
    ],
)
@pytest.mark.rfc("4918", "8.3")
def test_paths_that_could_be_misread_are_refused(raw: bytes | str):
    with pytest.raises(FormatError) as caught:
        split(raw)
    assert caught.value.code == "bad-path"


@pytest.mark.parametrize("letter", ["a", "%61", "@"])
def test_a_name_is_taken_at_the_limit_and_refused_one_past_it(letter: str):
    split("/" + letter * HREF_BYTES_MAX)
    with pytest.raises(FormatError):
        split("/" + letter * (HREF_BYTES_MAX + 1))


def test_a_path_is_taken_at_the_limit_and_refused_one_past_it():
    longest = "/" + "a/" * (PATH_BYTES_MAX // 2 - 1) + "b"

    assert len(longest) == PATH_BYTES_MAX
    split(longest)
    with pytest.raises(FormatError):
        split(longest + "c")


def test_what_needs_no_escape_is_written_plainly():
    assert join(("dav", "x@y", "a:b&c(1)'~.vcf"), False) == "/dav/x@y/a:b&c(1)'~.vcf"
    assert join(("a b", "ü%"), True) == "/a%20b/%C3%BC%25/"
    assert join((), True) == join((), False) == "/"


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"], exclude_characters="/"),
    min_size=1,
    max_size=12,
).filter(lambda name: name not in {".", ".."})


@settings(max_examples=150, deadline=None)
@given(st.lists(NAMES, max_size=5), st.booleans())
def test_a_path_written_and_read_again_is_the_same(segments: list[str], collection: bool):
    written = join(segments, collection)

    assert split(written) == Path(tuple(segments), collection or not segments)
    assert split("https://host" + written) == split(written)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=30).map(b"/".__add__) | st.text("a%2/.:e\x00", max_size=20) | st.text())
def test_any_path_gives_segments_or_the_one_error(raw: bytes | str):
    try:
        path = split(raw)
    except FormatError:
        return
    assert path == split(join(path.segments, path.is_collection))
