"""What is said of phones and certificates: pure texts, a QR code, records to publish."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.cli.qr import page_text, qr_text
from strongroom.cli.server import served_text
from strongroom.cli.status_text import EXPIRY_DAYS, certificate_lines
from strongroom.cli.tls import dns_records, init_text
from strongroom.control.reach import Lan
from strongroom.control.serve import Served

PAGE = "https://192.168.1.5:8800/pair/abcdefghijklmnopqrstuv/"
CERTIFICATE = {"fingerprint": "AA:BB", "authority_fingerprint": "CC:DD"}


def served(**changed: Any) -> str:
    base: dict[str, Any] = {
        "origins": ["http://127.0.0.1:8800"], "trouble": None, "phone_origin": "",
        "certificate": None, "lan": None, "unheard": "", "page": "", "no_page": None,
    }  # fmt: skip
    return served_text(Served(**{**base, **changed}))


def tls(**changed: Any) -> list[str]:
    return certificate_lines({"trouble": "", "days_left": 300, "local": True, **changed})


def test_on_loopback_no_qr_is_shown_but_how_to_get_one():
    text = served()
    assert text.startswith("Strongroom serves at http://127.0.0.1:8800/ (")
    assert "make run LAN=1" in text
    assert "█" not in text


def test_on_a_lan_the_fingerprints_and_the_page_are_shown():
    text = served(
        origins=["https://192.168.1.5:8800", "https://127.0.0.1:8800"], certificate=CERTIFICATE,
        phone_origin="https://192.168.1.5:8800", lan=Lan("192.168.1.5", "box"), page=PAGE,
    )  # fmt: skip
    assert "AA:BB" in text
    assert "CC:DD" in text
    assert PAGE in text
    assert "█" in text


def test_a_network_without_multicast_is_told_and_the_server_goes_on():
    text = served(phone_origin="https://x", unheard="No route to host")
    assert "not announced on the network (No route to host)" in text
    assert "--qr" in text


def test_the_page_says_that_it_works_once_and_for_how_long():
    assert "works once, for 15 minutes" in page_text(PAGE, 900, "")


def test_the_fingerprint_to_compare_stands_beside_the_code():
    assert page_text(PAGE, 900, "AA:BB").endswith("AA:BB")
    assert "fingerprint" not in page_text(PAGE, 900, "")


def test_a_qr_code_fits_a_terminal_of_80_columns():
    rows = qr_text(PAGE).splitlines()
    assert len(rows) > 10
    assert max(map(len, rows)) < 80


def test_a_certificate_that_lasts_is_not_spoken_of():
    assert certificate_lines(None) == []
    assert tls(days_left=EXPIRY_DAYS) == []


@pytest.mark.parametrize(
    ("days", "said"), [(13, "ends in 13 days"), (0, "ends today"), (-1, "has ended")]
)
def test_the_end_of_a_certificate_is_told_two_weeks_before(days: int, said: str):
    (line,) = tls(days_left=days)
    assert said in line
    assert "strongroom tls init" in line
    assert "Put a new one" in tls(days_left=days, local=False)[0]


def test_files_that_cannot_be_used_are_an_alarm():
    assert tls(trouble="no such file") == ["Alarm (certificate): no such file"]
    assert certificate_lines({"trouble": "torn"}) == ["Alarm (certificate): torn"]


MADE = {
    "made": "authority and leaf", "names": ["box.local"], "fingerprint": "AA", "authority": "/d/ca",
    "authority_fingerprint": "BB", "certificate": "/d/server.pem", "key": "/d/server.key",
}  # fmt: skip


def test_a_new_certificate_comes_with_the_two_lines_of_the_settings():
    text = init_text(MADE, in_use=False)
    assert 'tls_certificate = "/d/server.pem"\n  tls_key = "/d/server.key"' in text


def test_a_renewed_certificate_is_said_to_be_one():
    text = init_text({**MADE, "made": "leaf"}, in_use=True)
    assert "renewed under the same" in text
    assert "half a minute" in text


@pytest.mark.rfc("6764", "3", "4")
def test_records_name_the_service_its_path_and_that_there_is_none_unencrypted():
    assert dns_records("example.org", "dav.example.org", 443) == [
        "_carddavs._tcp.example.org. 86400 IN SRV 0 1 443 dav.example.org.",
        '_carddavs._tcp.example.org. 86400 IN TXT "path=/dav/"',
        "_carddav._tcp.example.org.  86400 IN SRV 0 0 0 .",
        "_caldavs._tcp.example.org. 86400 IN SRV 0 1 443 dav.example.org.",
        '_caldavs._tcp.example.org. 86400 IN TXT "path=/dav/"',
        "_caldav._tcp.example.org.  86400 IN SRV 0 0 0 .",
    ]
