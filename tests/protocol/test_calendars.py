"""CalDAV over the same services as CardDAV: homes, calendars, objects, reports."""

from __future__ import annotations

import pytest

from fakes.asgi import Answer, Client
from fakes.events import BERLIN, calendar, component, event
from fakes.site import BOOK, Site, card
from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.history.edits import Origin
from strongroom.history.entries import digest_of
from strongroom.service.accounts import add_device, change_facts
from strongroom.service.rights import choose

D = "{DAV:}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
XML = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
HOME = "/dav/calendars/alice/"
CALENDAR = HOME + "calendar/"
MEETING = event("SUMMARY:Meeting", "DTSTART:20260105T090000Z", "DURATION:PT1H",
                "RRULE:FREQ=WEEKLY", uid="meeting")  # fmt: skip
LUNCH = event("SUMMARY:Lunch", "DTSTART:20260108T120000Z", "DTEND:20260108T130000Z", uid="lunch")
WEEK = '<C:time-range start="20260105T000000Z" end="20260112T000000Z"/>'


@pytest.fixture
def site() -> Site:
    return Site()


def put(site: Site, name: str, body: bytes, where: str = CALENDAR, **headers: str) -> Answer:
    return site.do("PUT", where + name, body, content_type="text/calendar", **headers)


def props(site: Site, path: str, *names: str, depth: str = "0") -> Answer:
    inner = "".join(f"<{name}/>" for name in names)
    body = f"<D:propfind {XML}><D:prop>{inner}</D:prop></D:propfind>"
    return site.do("PROPFIND", path, body, depth=depth)


def query(
    site: Site, inner: str, wanted: str = "<D:getetag/>", extra: str = "", where: str = CALENDAR
) -> Answer:
    body = (
        f"<C:calendar-query {XML}><D:prop>{wanted}</D:prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR">{inner}</C:comp-filter></C:filter>{extra}'
        "</C:calendar-query>"
    )
    return site.do("REPORT", where, body, depth="1")


def events(inner: str = "") -> str:
    return f'<C:comp-filter name="VEVENT">{inner}</C:comp-filter>'


# --- homes ----------------------------------------------------------------------------------------
@pytest.mark.rfc("4791", "5.1", "6.2.1", "6.2.2")
@pytest.mark.rfc("6764", "5")
def test_a_client_finds_its_calendars(site: Site) -> None:
    assert site.do("PROPFIND", "/.well-known/caldav").headers["location"] == "/dav/"
    assert "calendar-access" in site.do("OPTIONS", "/dav/principals/alice/").headers["dav"]
    principal = "/dav/principals/alice/"
    found = props(site, principal, "C:calendar-home-set", "C:calendar-user-address-set")
    home, users = (
        found.prop(principal, CAL + name)
        for name in ("calendar-home-set", "calendar-user-address-set")
    )
    assert home is not None
    assert users is not None
    assert [home.findtext(D + "href"), users.findtext(D + "href")] == [HOME, principal]
    site.run(change_facts(site.cell, "alice", {"email": "a@example.org"}, Origin()))
    users = props(site, principal, "C:calendar-user-address-set").prop(
        principal, CAL + "calendar-user-address-set"
    )
    assert users is not None
    assert users[1].text == "mailto:a@example.org"


@pytest.mark.rfc("4791", "5.2.3")
def test_an_account_begins_with_events_tasks_and_notes(site: Site) -> None:
    found = props(site, HOME, "C:supported-calendar-component-set", "D:displayname", depth="1")
    sets = {
        href: [c.get("name") for c in found.response(href).iter(CAL + "comp")]
        for href in found.hrefs
    }
    assert sets == {
        HOME: [], CALENDAR: ["VEVENT"], HOME + "notes/": ["VJOURNAL"], HOME + "tasks/": ["VTODO"],
    }  # fmt: skip
    assert found.hrefs[1] == CALENDAR  # the one that phones take without asking


def test_what_was_removed_of_them_does_not_come_back(site: Site) -> None:
    assert site.do("DELETE", HOME + "tasks/").status == 204
    assert props(site, HOME, depth="1").hrefs == [HOME, CALENDAR, HOME + "notes/"]
    for name in ("calendar", "notes"):
        site.do("DELETE", HOME + name + "/")
    assert props(site, HOME, depth="1").hrefs == [HOME]


def test_books_and_calendars_of_one_name_are_two(site: Site) -> None:
    assert site.do("MKCALENDAR", HOME + "contacts/").status == 201
    assert put(site, "e.ics", LUNCH, HOME + "contacts/").status == 201
    assert site.put("a.vcf").status == 201
    assert props(site, BOOK, depth="1").hrefs == [BOOK, BOOK + "a.vcf"]
    assert props(site, "/dav/addressbooks/alice/", depth="1").hrefs == [
        "/dav/addressbooks/alice/",
        BOOK,
    ]


def test_a_device_for_contacts_reaches_no_calendar(site: Site) -> None:
    rights = choose(["contacts"], read_only=False)
    secret = site.run(add_device(site.cell, "alice", "only", site.entropy, Origin(), rights))
    phone = Client(site.app, "alice", secret)
    assert site.run(phone("PROPFIND", HOME, depth="0")).status == 503
    answer = site.run(phone("PROPFIND", "/dav/principals/alice/",
                            f"<D:propfind {XML}><D:prop><C:calendar-home-set/></D:prop>"
                            "</D:propfind>",
                            depth="0"))  # fmt: skip
    assert answer.prop("/dav/principals/alice/", CAL + "calendar-home-set") is None


# --- calendars ------------------------------------------------------------------------------------
@pytest.mark.rfc("4791", "5.2.4", "5.2.5", "5.2.6", "5.2.7", "7.5.1")
def test_what_a_calendar_says_of_itself(site: Site) -> None:
    names = ("supported-calendar-data", "max-resource-size", "min-date-time", "max-date-time",
             "supported-collation-set")  # fmt: skip
    found = props(site, CALENDAR, *(f"C:{name}" for name in names), "D:resourcetype",
                  "D:supported-report-set", "D:sync-token")  # fmt: skip
    told = {name: found.prop(CALENDAR, CAL + name) for name in names}
    data = told["supported-calendar-data"]
    assert data is not None
    assert dict(data[0].attrib) == {"content-type": "text/calendar", "version": "2.0"}
    texts = [told[name].text for name in names[1:4]]  # type: ignore[union-attr]
    assert texts == [str(OBJECT_BYTES_MAX), "00010101T000000Z", "99991231T235959Z"]
    # An endless series is taken, so no number is told.
    assert props(site, CALENDAR, "C:max-instances").prop(CALENDAR, CAL + "max-instances") is None
    collations = {one.text for one in told["supported-collation-set"]}  # type: ignore[union-attr]
    assert {"i;ascii-casemap", "i;octet"} <= collations
    kinds = found.prop(CALENDAR, D + "resourcetype")
    assert kinds is not None
    assert [one.tag for one in kinds] == [D + "collection", CAL + "calendar"]
    reports = found.prop(CALENDAR, D + "supported-report-set")
    assert reports is not None
    assert {CAL + "calendar-query", CAL + "calendar-multiget", CAL + "free-busy-query"} <= {
        one[0][0].tag for one in reports
    }


@pytest.mark.rfc("4791", "5.3.1", "5.3.1.1", "5.3.1.2", "4.2")
@pytest.mark.rfc("5689", "3")
def test_making_calendars(site: Site) -> None:
    body = (
        f"<C:mkcalendar {XML}><D:set><D:prop><D:displayname>Work</D:displayname>"
        '<C:supported-calendar-component-set><C:comp name="VTODO"/>'
        "</C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"
    )
    assert site.do("MKCALENDAR", HOME + "work/", body).status == 201
    found = props(site, HOME + "work/", "D:displayname", "C:supported-calendar-component-set")
    assert found.prop(HOME + "work/", D + "displayname").text == "Work"  # type: ignore[union-attr]
    assert (
        put(site, "l.ics", LUNCH, HOME + "work/").condition == CAL + "supported-calendar-component"
    )
    again = site.do("MKCALENDAR", HOME + "work/")
    assert (again.status, again.condition) == (403, D + "resource-must-be-null")

    assert site.do("MKCALENDAR", HOME + "any/").status == 201
    extended = (
        f"<D:mkcol {XML}><D:set><D:prop><D:resourcetype><D:collection/><C:calendar/>"
        "</D:resourcetype></D:prop></D:set></D:mkcol>"
    )
    assert site.do("MKCOL", HOME + "col/", extended).status == 201
    for name in ("any", "col"):
        found = props(site, HOME + name + "/", "C:supported-calendar-component-set")
        assert [c.get("name") for c in found.xml.iter(CAL + "comp")] == [
            "VEVENT",
            "VTODO",
            "VJOURNAL",
        ]


@pytest.mark.rfc("4791", "5.3.1", "5.3.1.1", "5.3.1.2", "4.2")
def test_calendars_that_cannot_be_made(site: Site) -> None:
    book = (
        f"<D:mkcol {XML} xmlns:A='urn:ietf:params:xml:ns:carddav'><D:set><D:prop><D:resourcetype>"
    )
    book += "<D:collection/><A:addressbook/></D:resourcetype></D:prop></D:set></D:mkcol>"
    assert site.do("MKCOL", HOME + "x/", book).condition == D + "valid-resourcetype"
    here = site.do("MKCALENDAR", "/dav/addressbooks/alice/x/")
    assert here.condition == CAL + "calendar-collection-location-ok"
    inside = site.do("MKCALENDAR", CALENDAR + "x/")
    assert inside.condition == CAL + "calendar-collection-location-ok"
    strange = (
        f"<C:mkcalendar {XML}><D:set><D:prop><C:supported-calendar-component-set>"
        '<C:comp name="VCARD"/></C:supported-calendar-component-set></D:prop></D:set>'
        "</C:mkcalendar>"
    )
    refused = site.do("MKCALENDAR", HOME + "x/", strange)
    assert refused.condition == CAL + "supported-calendar-component"
    protected = strange.replace("supported-calendar-component-set", "max-instances")
    answer = site.do("MKCALENDAR", HOME + "x/", protected)
    assert answer.status == 207
    assert answer.xml.find(f".//{D}propstat/{D}prop/{CAL}max-instances") is not None
    assert site.do("GET", HOME + "x/").status == 404
    assert HOME + "x/" not in props(site, HOME, depth="1").hrefs


@pytest.mark.rfc("4791", "5.2.1", "5.2.2")
def test_colours_names_and_zones_are_kept_as_they_were_sent(site: Site) -> None:
    body = (
        f'<D:propertyupdate {XML} xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop>'
        "<A:calendar-color>#ff0000ff</A:calendar-color><A:calendar-order>3</A:calendar-order>"
        "<C:calendar-description>Mine</C:calendar-description>"
        "</D:prop></D:set></D:propertyupdate>"
    )
    assert site.do("PROPPATCH", CALENDAR, body).status == 207
    names = ("{http://apple.com/ns/ical/}calendar-color", CAL + "calendar-description")
    asked = (
        f'<D:propfind {XML} xmlns:A="http://apple.com/ns/ical/"><D:prop>'
        "<A:calendar-color/><C:calendar-description/></D:prop></D:propfind>"
    )
    found = site.do("PROPFIND", CALENDAR, asked, depth="0")
    texts = [found.prop(CALENDAR, name) for name in names]
    assert [one.text for one in texts if one is not None] == ["#ff0000ff", "Mine"]
    fixed = body.replace("A:calendar-color", "C:supported-calendar-component-set")
    assert "403" in str(site.do("PROPPATCH", CALENDAR, fixed).body)


# --- objects --------------------------------------------------------------------------------------
@pytest.mark.rfc("4791", "4.1", "5.3.2", "5.3.4")
def test_an_object_comes_back_as_it_was_put(site: Site) -> None:
    answer = put(site, "m.ics", MEETING)
    assert answer.status == 201
    got = site.do("GET", CALENDAR + "m.ics")
    assert (got.body, got.headers["etag"]) == (MEETING, answer.headers["etag"])
    assert got.headers["content-type"] == "text/calendar; charset=utf-8"
    kind = props(site, CALENDAR + "m.ics", "D:getcontenttype").prop(
        CALENDAR + "m.ics", D + "getcontenttype"
    )
    assert kind is not None
    assert kind.text == "text/calendar; charset=utf-8; component=vevent"
    again = put(
        site, "m.ics", MEETING, prefer="return=representation", if_match=answer.headers["etag"]
    )
    assert (again.body, again.headers["content-type"]) == (MEETING, "text/calendar; charset=utf-8")


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        (b"hello", "valid-calendar-data"),
        (card("a"), "valid-calendar-data"),
        (calendar("METHOD:REQUEST", component("VEVENT")), "valid-calendar-object-resource"),
        (calendar(component("VEVENT"), component("VTODO")), "valid-calendar-object-resource"),
        (calendar("BEGIN:VEVENT\nEND:VEVENT"), "valid-calendar-object-resource"),
        (calendar(BERLIN), "valid-calendar-object-resource"),
        (calendar(component("VCARD")), "supported-calendar-component"),
        (calendar(component("VTODO")), "supported-calendar-component"),
        (b"x" * (OBJECT_BYTES_MAX + 1), "max-resource-size"),
    ],
)
@pytest.mark.rfc("4791", "5.3.2.1")
def test_what_is_refused_says_why(site: Site, body: bytes, condition: str) -> None:
    answer = put(site, "x.ics", body)
    assert (answer.status, answer.condition) == (403, CAL + condition)
    assert site.do("PROPFIND", CALENDAR + "x.ics", depth="0").status == 404


@pytest.mark.rfc("4791", "5.3.2.1")
def test_media_types_and_uids(site: Site) -> None:
    wrong = site.do("PUT", CALENDAR + "x.ics", LUNCH, content_type="text/vcard")
    assert wrong.condition == CAL + "supported-calendar-data"
    assert put(site, "a.ics", LUNCH).status == 201
    other = put(site, "b.ics", LUNCH)
    assert other.condition == CAL + "no-uid-conflict"
    assert other.xml.findtext(f".//{D}href") == CALENDAR + "a.ics"
    changed = put(site, "a.ics", MEETING)
    assert changed.condition == CAL + "no-uid-conflict"


def test_the_same_uid_may_stand_in_two_calendars_so_a_move_by_put_and_delete_loses_nothing(
    site: Site,
) -> None:
    site.do("MKCALENDAR", HOME + "work/")
    put(site, "l.ics", LUNCH)
    assert put(site, "l.ics", LUNCH, HOME + "work/").status == 201
    assert site.do("DELETE", CALENDAR + "l.ics").status == 204
    assert site.do("GET", HOME + "work/l.ics").body == LUNCH


def test_cards_and_events_do_not_mix(site: Site) -> None:
    put(site, "l.ics", LUNCH)
    site.put("a.vcf")
    for method in ("COPY", "MOVE"):
        assert site.do(method, CALENDAR + "l.ics", destination=BOOK + "l.ics").status == 403
        assert site.do(method, BOOK + "a.vcf", destination=CALENDAR + "a.vcf").status == 403
    assert site.do("MOVE", CALENDAR, destination="/dav/addressbooks/alice/cal/").status == 403
    assert site.do("POST", CALENDAR, LUNCH, content_type="text/calendar").status in {201, 403}


def test_an_object_and_a_calendar_move_among_their_kind(site: Site) -> None:
    put(site, "l.ics", LUNCH)
    for method in ("COPY", "MOVE"):
        refused = site.do(method, CALENDAR + "l.ics", destination=HOME + "notes/l.ics")
        assert refused.condition == CAL + "supported-calendar-component"
    site.do("MKCALENDAR", HOME + "work/")
    assert site.do("MOVE", CALENDAR + "l.ics", destination=HOME + "work/l.ics").status == 201
    assert query(site, events(WEEK), where=HOME + "work/").hrefs == [HOME + "work/l.ics"]
    assert site.do("MOVE", HOME + "tasks/", destination=HOME + "todo/").status == 201
    assert HOME + "todo/" in props(site, HOME, depth="1").hrefs


# --- reports --------------------------------------------------------------------------------------
@pytest.mark.rfc("4791", "7.9", "7.9.1")
def test_multiget(site: Site) -> None:
    put(site, "l.ics", LUNCH)
    body = (
        f"<C:calendar-multiget {XML}><D:prop><D:getetag/><C:calendar-data/></D:prop>"
        f"<D:href>{CALENDAR}l.ics</D:href><D:href>{CALENDAR}no.ics</D:href></C:calendar-multiget>"
    )
    answer = site.do("REPORT", CALENDAR, body)
    data = answer.prop(CALENDAR + "l.ics", CAL + "calendar-data")
    assert data is not None
    assert data.text == LUNCH.decode()
    assert "404" in answer.status_of(CALENDAR + "no.ics")
    for above in (HOME, CALENDAR + "l.ics"):
        found = site.do("REPORT", above, body)
        assert found.prop(CALENDAR + "l.ics", CAL + "calendar-data") is not None
    elsewhere = body.replace(CALENDAR + "no.ics", HOME + "nowhere/no.ics")
    assert "404" in site.do("REPORT", HOME, elsewhere).status_of(HOME + "nowhere/no.ics")
    assert "403" in site.do("REPORT", CALENDAR, elsewhere).status_of(HOME + "nowhere/no.ics")
    version = body.replace("<C:calendar-data/>", '<C:calendar-data version="3.0"/>')
    assert site.do("REPORT", CALENDAR, version).condition == CAL + "supported-calendar-data"


@pytest.mark.rfc("4791", "9.7.1")
def test_what_a_zone_or_a_calendar_itself_matches_is_found_in_every_kind_of_object(
    site: Site,
) -> None:
    site.do("PROPFIND", HOME, depth="0")
    zoned = calendar(BERLIN, component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260105T090000"))
    put(site, "zoned.ics", zoned)
    put(site, "lunch.ics", LUNCH)
    for wanted in ("<D:getetag/>", "<C:calendar-data/>"):
        in_zone = query(site, '<C:comp-filter name="VTIMEZONE"/>', wanted)
        assert in_zone.hrefs == [CALENDAR + "zoned.ics"]
        without = '<C:comp-filter name="VTIMEZONE"><C:is-not-defined/></C:comp-filter>'
        assert query(site, without, wanted).hrefs == [CALENDAR + "lunch.ics"]
        made_by = '<C:prop-filter name="PRODID"><C:text-match>//T</C:text-match></C:prop-filter>'
        assert len(query(site, made_by, wanted).hrefs) == 2
        no_calendar = f"<C:calendar-query {XML}><D:prop>{wanted}</D:prop><C:filter>" + (
            '<C:comp-filter name="VCALENDAR"><C:is-not-defined/></C:comp-filter>'
            "</C:filter></C:calendar-query>"
        )
        assert site.do("REPORT", CALENDAR, no_calendar, depth="1").hrefs == []


@pytest.mark.rfc("4791", "7.1", "7.7", "7.8", "7.8.8", "9.5", "9.8")
@pytest.mark.rfc("3253", "3.6")
def test_reports_are_answered_where_they_belong(site: Site) -> None:
    book_query = (
        '<A:addressbook-query xmlns:D="DAV:" xmlns:A="urn:ietf:params:xml:ns:carddav"><D:prop/>'
        "</A:addressbook-query>"
    )
    assert site.do("REPORT", CALENDAR, book_query, depth="1").condition == D + "supported-report"
    assert query(site, events(), where=BOOK).condition == D + "supported-report"
    without = f"<C:calendar-query {XML}><D:prop/></C:calendar-query>"
    assert site.do("REPORT", CALENDAR, without, depth="1").condition == CAL + "valid-filter"
    assert site.do("REPORT", CALENDAR, without.replace("query", "strange")).status == 403
    odd = site.do("REPORT", CALENDAR, f"<C:calendar-query {XML}><C:filter><C:comp-filter"
                  ' name="VCALENDAR"/></C:filter></C:calendar-query>', depth="7")  # fmt: skip
    assert odd.status == 400


@pytest.mark.rfc("4791", "7.3", "7.4", "7.8", "7.8.1", "9.9")
def test_a_week_holds_what_happens_in_it(site: Site) -> None:
    put(site, "m.ics", MEETING)
    put(site, "l.ics", LUNCH)
    put(site, "old.ics", event("DTSTART:20250101T090000Z", uid="old"))
    put(site, "odd.ics", event("DTSTART:soon", uid="odd"))
    assert query(site, events(WEEK)).hrefs == [CALENDAR + n for n in ("l.ics", "m.ics", "odd.ics")]
    assert query(site, events()).hrefs == [
        CALENDAR + n for n in ("l.ics", "m.ics", "odd.ics", "old.ics")
    ]
    assert query(site, '<C:comp-filter name="VTODO"/>').hrefs == []
    assert query(site, "").hrefs == query(site, events()).hrefs
    nobody = '<C:prop-filter name="SUMMARY"><C:text-match>nobody</C:text-match></C:prop-filter>'
    assert query(site, events(nobody)).hrefs == []


def test_a_query_sees_what_was_written_a_moment_ago(site: Site) -> None:
    assert query(site, events(WEEK)).hrefs == []
    put(site, "l.ics", LUNCH)
    assert query(site, events(WEEK)).hrefs == [CALENDAR + "l.ics"]
    put(site, "l.ics", LUNCH.replace(b"20260108", b"20260208"))
    assert query(site, events(WEEK)).hrefs == []
    put(site, "l.ics", LUNCH)
    site.do("DELETE", CALENDAR + "l.ics")
    assert query(site, events(WEEK)).hrefs == []


@pytest.mark.rfc("4791", "7.8.1", "9.6.5")
def test_instances_are_expanded(site: Site) -> None:
    put(site, "m.ics", MEETING)
    expand = '<C:expand start="20260105T000000Z" end="20260120T000000Z"/>'
    expand = f"<C:calendar-data>{expand}</C:calendar-data>"
    data = query(site, events(WEEK), expand).prop(CALENDAR + "m.ics", CAL + "calendar-data")
    assert data is not None
    text = data.text or ""
    assert [line for line in text.splitlines() if line.startswith("RECURRENCE-ID")] == [
        "RECURRENCE-ID:20260112T090000Z", "RECURRENCE-ID:20260119T090000Z",
    ]  # fmt: skip


def test_a_query_about_one_object_or_with_a_limit(site: Site) -> None:
    put(site, "m.ics", MEETING)
    put(site, "l.ics", LUNCH)
    assert query(site, events(WEEK), where=CALENDAR + "m.ics").hrefs == [CALENDAR + "m.ics"]
    most = "<C:limit><C:nresults>18446744073709551</C:nresults></C:limit>"
    assert len(query(site, events(WEEK), extra=most).hrefs) == 2
    limit = "<C:limit><C:nresults>1</C:nresults></C:limit>"
    answer = query(site, events(WEEK), extra=limit)
    assert answer.hrefs == [CALENDAR + "l.ics", CALENDAR]
    assert "507" in answer.status_of(CALENDAR)


@pytest.mark.rfc("4791", "7.10", "9.11")
def test_free_busy(site: Site) -> None:
    put(site, "m.ics", MEETING)
    put(site, "l.ics", LUNCH)
    body = f"<C:free-busy-query {XML}>{WEEK}</C:free-busy-query>"
    answer = site.do("REPORT", CALENDAR, body, depth="1")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    busy = [line for line in answer.body.decode().split("\r\n") if line.startswith("FREEBUSY")]
    assert busy == ["FREEBUSY:20260105T090000Z/20260105T100000Z",
                    "FREEBUSY:20260108T120000Z/20260108T130000Z"]  # fmt: skip
    assert site.do("REPORT", CALENDAR, body.replace(WEEK, "")).status == 400
    open_end = body.replace(' end="20260112T000000Z"', "")
    assert site.do("REPORT", CALENDAR, open_end).status == 400
    assert site.do("REPORT", CALENDAR, body.replace("T000000Z", "")).status == 400


def test_sync_and_delta_are_those_of_contacts(site: Site) -> None:
    put(site, "l.ics", LUNCH)
    body = (
        f"<D:sync-collection {XML}><D:sync-token>%s</D:sync-token><D:sync-level>1</D:sync-level>"
        "<D:prop><D:getetag/></D:prop></D:sync-collection>"
    )
    first = site.do("REPORT", CALENDAR, body % "")
    assert first.hrefs == [CALENDAR + "l.ics"]
    site.do("DELETE", CALENDAR + "l.ics")
    second = site.do("REPORT", CALENDAR, body % first.token)
    assert "404" in second.status_of(CALENDAR + "l.ics")


def test_bodies_that_cannot_be_had_make_a_query_503_and_never_short(site: Site) -> None:
    put(site, "l.ics", LUNCH)
    del site.cell.blobs[digest_of(LUNCH)]
    assert query(site, events(WEEK)).status == 503
    body = f"<C:free-busy-query {XML}>{WEEK}</C:free-busy-query>"
    assert site.do("REPORT", CALENDAR, body).status == 503
