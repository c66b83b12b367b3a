"""PUT, GET, HEAD and DELETE of a card, with all conditions (I1, I3, I4)."""

from __future__ import annotations

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site, card
from strongroom.base.errors import NoSpaceError, UnknownError
from strongroom.base.limits import OBJECT_BYTES_MAX

CARD = "{urn:ietf:params:xml:ns:carddav}"
ANN = BOOK + "ann.vcf"


@pytest.fixture
def site() -> Site:
    return Site()


def etag(answer: Answer) -> str:
    return answer.headers["etag"]


@pytest.mark.rfc("6352", "6.3.2", "6.3.2.3", "5.1.1")
@pytest.mark.rfc("4918", "9.7.1", "8.6")
def test_a_card_comes_back_byte_for_byte_with_the_same_etag(site: Site) -> None:
    body = card("ann").replace(b"FN:", b"X-ODD;p=1:\xc3\xa9\r\n b\r\nitem1.FN:")
    put = site.do("PUT", ANN, body, content_type="text/vcard; charset=utf-8")
    got = site.do("GET", ANN)

    assert put.status == 201
    assert put.body == b""
    assert (got.status, got.body) == (200, body)
    assert etag(got) == etag(put)
    assert got.headers["content-type"] == "text/vcard; charset=utf-8"
    assert "no-transform" in got.headers["cache-control"]
    assert got.headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.rfc("4918", "8.6", "9.7")
@pytest.mark.rfc("6352", "6.3.2.3")
def test_a_replaced_card_is_204_and_has_a_new_etag(site: Site) -> None:
    first = site.put("ann.vcf", called="One")
    second = site.put("ann.vcf", called="Two")

    assert (first.status, second.status) == (201, 204)
    assert etag(first) != etag(second)


def test_a_put_after_a_delete_is_201_again(site: Site) -> None:
    site.put("ann.vcf")
    assert site.do("DELETE", ANN).status == 204
    assert site.put("ann.vcf").status == 201


@pytest.mark.rfc("4918", "8.5")
def test_head_says_the_length_and_sends_no_body(site: Site) -> None:
    site.put("ann.vcf")
    got = site.do("HEAD", ANN)

    assert (got.status, got.body) == (200, b"")
    assert got.headers["content-length"] == str(len(card("ann.vcf")))


@pytest.mark.rfc("4918", "8.6")
def test_get_with_the_known_etag_is_304_and_reads_no_body(site: Site) -> None:
    tag = etag(site.put("ann.vcf"))
    site.cell.lost.add(tag.strip('"'))

    assert site.do("GET", ANN, if_none_match=tag).status == 304
    assert site.do("GET", ANN, if_none_match=f"W/{tag}").status == 304
    assert site.do("GET", ANN, if_none_match=tag[:-1] + '-gzip"').status == 304
    assert site.do("GET", ANN, if_none_match='"other"').status == 503
    assert site.do("GET", ANN, if_match='"other"').status == 412
    assert site.do("GET", ANN, if_match="", if_none_match=tag).status == 400


def test_a_card_that_never_was_is_404_and_one_whose_body_is_lost_is_503(site: Site) -> None:
    tag = etag(site.put("ann.vcf"))
    site.cell.lost.add(tag.strip('"'))

    assert site.do("GET", BOOK + "never.vcf").status == 404
    lost = site.do("GET", ANN)
    assert (lost.status, lost.headers["retry-after"]) == (503, "60")


@pytest.mark.parametrize(
    "headers,status",
    [
        ({"if_match": '"wrong"'}, 412),
        ({"if_match": "*"}, 412),
        ({"if_none_match": "*"}, 201),
        ({"if": '(["x"])'}, 412),
        ({"if": "(Not <DAV:no-lock>)"}, 201),
        ({"if_match": "not a tag"}, 400),
        ({"if": "("}, 400),
    ],
)
@pytest.mark.rfc("4918", "10.4", "12.1")
@pytest.mark.rfc("9110", "13.1.1", "13.1.2")
def test_conditions_on_a_new_name(site: Site, headers: dict[str, str], status: int) -> None:
    assert site.put("ann.vcf", **headers).status == status
    assert site.do("GET", ANN).status == (200 if status == 201 else 404)


@pytest.mark.parametrize(
    "name,value,holds",
    [
        ("if_match", "{tag}", True),
        ("if_match", '"other", {tag}', True),
        ("if_match", "W/{tag}", True),
        ("if_match", '"other"', False),
        ("if_match", "*", True),
        ("if_none_match", "*", False),
        ("if_none_match", "{tag}", False),
        ("if_none_match", '"other"', True),
        ("if", "([{tag}])", True),
        ("if", '(["other"])', False),
        ("if", "<{path}> ([{tag}])", True),
        ("if", "</dav/addressbooks/alice/contacts/zoe.vcf> ([{tag}])", False),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.rfc("4918", "10.4", "12.1")
@pytest.mark.rfc("9110", "13.1.1", "13.1.2")
def test_conditions_on_a_name_that_stands(
    site: Site, method: str, name: str, value: str, holds: bool
) -> None:
    tag = etag(site.put("ann.vcf"))
    before = site.standing()
    value = value.format(tag=tag, path=ANN)
    body = card("ann.vcf", "New") if method == "PUT" else b""
    answer = site.do(method, ANN, body, **{name: value})

    assert answer.status == (204 if holds else 412)
    assert (site.standing() == before) == (not holds)
    if holds:
        assert site.cell.journal[site.book.id][-1][0].condition == (
            f"{name.replace('_', '-')}: {value}"
        )


@pytest.mark.rfc("6352", "9.2")
@pytest.mark.rfc("4918", "12.1")
def test_put_with_an_old_etag_changes_nothing(site: Site) -> None:
    old = etag(site.put("ann.vcf", called="One"))
    new = etag(site.put("ann.vcf", called="Two"))

    assert site.put("ann.vcf", called="Three", if_match=old).status == 412
    assert etag(site.do("GET", ANN)) == new


@pytest.mark.rfc("6352", "9.2")
@pytest.mark.rfc("9110", "9.2.2")
def test_a_repeated_conditional_put_finds_its_own_bytes_and_succeeds(site: Site) -> None:
    assert site.put("ann.vcf", if_none_match="*").status == 201
    assert site.put("ann.vcf", if_none_match="*").status == 204
    other = site.run(site.laptop("PUT", ANN, card("ann.vcf"), if_none_match="*"))
    assert other.status == 412


@pytest.mark.parametrize(
    "kind", ["text/vcard", "text/x-vcard", "text/directory; profile=vcard", ""]
)
def test_content_types_that_clients_send_for_cards_are_taken(site: Site, kind: str) -> None:
    headers = {"content_type": kind} if kind else {}
    assert site.do("PUT", ANN, card("ann"), **headers).status == 201


@pytest.mark.parametrize(
    "body,condition",
    [
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEND:VCARD\r\n", "valid-address-data"),
        (card("one") + card("two"), "valid-address-data"),
        (b"hello", "valid-address-data"),
        (b"", "valid-address-data"),
        (card("ann", "A\x01nn"), "valid-address-data"),
        (card("ann").replace(b"Ann", b"\xff"), "valid-address-data"),
        (card("ann").replace(b"3.0", b"2.1"), "supported-address-data"),
        (card("u" * 2000), "valid-address-data"),
    ],
)
@pytest.mark.rfc("6352", "6.3.2.1", "5.1")
@pytest.mark.rfc("4918", "8.7", "16")
def test_what_is_not_one_card_is_403_with_its_precondition(
    site: Site, body: bytes, condition: str
) -> None:
    answer = site.do("PUT", ANN, body, content_type="text/vcard")

    assert (answer.status, answer.condition) == (403, CARD + condition)
    assert site.do("GET", ANN).status == 404


@pytest.mark.rfc("6352", "6.3.2.1")
@pytest.mark.rfc("9110", "8.4", "14.5")
def test_another_type_and_an_encoding_are_refused(site: Site) -> None:
    answer = site.do("PUT", ANN, card("ann"), content_type="text/calendar")
    assert (answer.status, answer.condition) == (403, CARD + "supported-address-data")
    assert site.do("PUT", ANN, card("ann"), content_encoding="gzip").status == 415
    assert site.do("PUT", ANN, card("ann"), content_range="bytes 0-9/99").status == 400
    assert site.do("GET", ANN).status == 404


def big(size: int) -> bytes:
    start, end = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nNOTE:", b"\r\nEND:VCARD\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


@pytest.mark.rfc("6352", "6.2.3", "6.3.2.1")
def test_a_card_at_the_limit_is_kept_and_one_byte_more_is_403(site: Site) -> None:
    assert site.do("PUT", ANN, big(OBJECT_BYTES_MAX)).status == 201
    answer = site.do("PUT", BOOK + "b.vcf", big(OBJECT_BYTES_MAX + 1))
    assert (answer.status, answer.condition) == (403, CARD + "max-resource-size")
    assert "connection" not in answer.headers


def test_a_chunked_body_is_counted_while_it_streams(site: Site) -> None:
    body = big(OBJECT_BYTES_MAX + 1)
    parts = [body[i : i + 65536] for i in range(0, len(body), 65536)]
    answer = site.do("PUT", ANN, parts)
    assert (answer.status, answer.condition) == (403, CARD + "max-resource-size")
    assert site.do("PUT", ANN, [*parts[:3], b"\r\nEND:VCARD\r\n"]).status == 201


def test_a_body_too_large_to_be_thrown_away_closes_the_connection(site: Site) -> None:
    answer = site.do("PUT", ANN, b"x", content_length=str(10**12))
    assert (answer.status, answer.headers["connection"]) == (403, "close")


def test_a_truncated_upload_changes_nothing(site: Site) -> None:
    answer = site.do("PUT", ANN, [card("ann")], cut=True)

    assert answer.status == 0
    assert site.do("GET", ANN).status == 404


@pytest.mark.rfc("4918", "9.7.2", "9.7.1", "5.1")
def test_put_on_a_collection_is_405_and_into_a_missing_one_409(site: Site) -> None:
    """On a home it is 403, and says where things can be put."""
    answer = site.do("PUT", BOOK, card("ann"))
    assert answer.status == 405
    assert "PUT" not in answer.headers["allow"]
    assert site.do("PUT", HOME + "nobook/ann.vcf", card("ann")).status == 409
    for home, where in ((HOME, b"in an address book"), ("/dav/calendars/alice/", b"in a calendar")):
        refused = site.do("PUT", home, card("ann"))
        assert (refused.status, refused.headers["content-type"][:10]) == (403, "text/plain")
        assert where in refused.body
        assert "PUT" not in site.do("OPTIONS", home).headers["allow"]


@pytest.mark.rfc("4918", "9.6")
def test_delete_of_what_is_not_there_is_404(site: Site) -> None:
    assert site.do("DELETE", ANN).status == 404
    assert site.do("DELETE", HOME + "nobook/ann.vcf").status == 404
    assert site.do("DELETE", HOME + "nobook/").status == 404


@pytest.mark.rfc("4918", "9.6.1")
def test_delete_of_a_book_takes_it_out_of_the_home_and_the_name_can_be_made_again(
    site: Site,
) -> None:
    site.put("ann.vcf")
    assert site.do("DELETE", BOOK, if_match='"wrong"').status == 412
    assert site.do("DELETE", BOOK).status == 204
    assert site.do("GET", ANN).status == 404
    assert site.do("PROPFIND", BOOK, depth="0").status == 404
    assert site.do("MKCOL", BOOK).status == 201
    assert site.do("GET", ANN).status == 404


@pytest.mark.rfc("4918", "11.5")
def test_an_unknown_ending_is_503_and_a_full_disk_507(site: Site) -> None:
    site.cell.refuse = UnknownError()
    unknown = site.put("ann.vcf")
    assert (unknown.status, unknown.headers["retry-after"]) == (503, "60")
    site.cell.refuse = NoSpaceError()
    full = site.put("ann.vcf")
    assert (full.status, full.condition) == (507, "{DAV:}sufficient-disk-space")


@pytest.mark.rfc("4918", "8.3", "19")
def test_names_survive_percent_encoding(site: Site) -> None:
    name = "M%C3%BCller%20%26%20S%C3%B6hne%40home.vcf"
    assert site.put(name).status == 201
    assert site.do("GET", BOOK + name.replace("%40", "@")).status == 200
    listed = site.do("PROPFIND", BOOK, depth="1").hrefs[1]
    assert listed == BOOK + "M%C3%BCller%20&%20S%C3%B6hne@home.vcf"
    assert site.do("GET", listed).status == 200


def test_the_history_names_the_client_of_each_change(site: Site) -> None:
    site.alice.headers["user-agent"] = "DAVx5/4.5-ose (dav4jvm; okhttp/5.1.0) Android/15"
    site.put("ann.vcf")
    note = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:">1</x></prop></set>'
    site.do("PROPPATCH", ANN, f"{note}</propertyupdate>".encode())
    site.do("MOVE", ANN, destination=BOOK + "eve.vcf")
    site.do("DELETE", BOOK + "eve.vcf", user_agent="Evolution/3.56.2")
    *phone, computer = [entry for entry, _ in site.cell.journal[site.book.id]]

    assert [(e.verb, e.client) for e in phone] == [
        (verb, "DAVx5/4.5-ose") for verb in ("put", "props", "left", "arrived")
    ]
    assert computer.client == "Evolution/3.56.2"
