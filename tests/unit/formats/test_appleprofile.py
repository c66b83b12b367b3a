"""Apple profiles: what plistlib reads back, and identifiers that stay."""

from __future__ import annotations

import plistlib
from typing import Any

from strongroom.formats.appleprofile import (
    CALENDARS,
    CONTACTS,
    AppleAccount,
    Service,
    apple_profile,
)

ACCOUNT = AppleAccount(
    "box.local", 8800, "https://box.local:8800/dav/principals/anna/", "anna", "se&<cret", "phone"
)


def read(*services: Service, account: AppleAccount = ACCOUNT, der: bytes | None = None) -> Any:
    return plistlib.loads(apple_profile(account, services or [CONTACTS], der))


def test_a_profile_holds_all_that_contacts_need() -> None:
    (payload,) = read()["PayloadContent"]
    assert payload["PayloadType"] == "com.apple.carddav.account"
    assert payload["CardDAVHostName"] == "box.local"
    assert payload["CardDAVPort"] == 8800
    assert payload["CardDAVUseSSL"] is True
    assert payload["CardDAVPrincipalURL"] == ACCOUNT.principal
    assert (payload["CardDAVUsername"], payload["CardDAVPassword"]) == ("anna", "se&<cret")
    assert payload["CardDAVAccountDescription"] == "Strongroom Contacts"


def test_each_service_that_answers_has_a_payload_and_no_other() -> None:
    whole = read(CONTACTS, CALENDARS)
    first, second = whole["PayloadContent"]
    assert second["PayloadType"] == "com.apple.caldav.account"
    assert (second["CalDAVHostName"], second["CalDAVPort"]) == ("box.local", 8800)
    assert second["CalDAVPrincipalURL"] == ACCOUNT.principal
    assert (second["CalDAVUsername"], second["CalDAVPassword"]) == ("anna", "se&<cret")
    assert second["CalDAVAccountDescription"] == "Strongroom Calendars"
    assert first["PayloadUUID"] != second["PayloadUUID"]
    assert whole["PayloadDescription"] == "Contacts and Calendars of your own server."
    (only,) = read(CALENDARS)["PayloadContent"]
    assert only == second


def test_a_local_authority_is_carried_to_be_trusted() -> None:
    _, root = read(der=b"\x30\x00")["PayloadContent"]
    assert root["PayloadType"] == "com.apple.security.root"
    assert root["PayloadContent"] == b"\x30\x00"


def test_identifiers_follow_from_account_and_device() -> None:
    assert read()["PayloadUUID"] == read()["PayloadUUID"]
    other = read(account=ACCOUNT._replace(device="tablet", password="x"))
    assert other["PayloadUUID"] != read()["PayloadUUID"]
    assert read()["PayloadVersion"] == 1
    assert read()["PayloadRemovalDisallowed"] is False
