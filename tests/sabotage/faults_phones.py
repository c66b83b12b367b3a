"""Faults of what connects phones: certificates, and the page that works once."""

from __future__ import annotations

from sabotage.fault import Fault

PAGE = "tests/protocol/test_pairing_page.py::"
MOVES = "tests/unit/history/test_copy_move.py::"
MOVED = "tests/protocol/test_copy_move.py::"

PHONES = (
    Fault(
        "anybody's repeated MOVE succeeds",
        "history/decide.py",
        "    if (old.id, old.by) != (source.id, edit.origin.device):",
        "    if old.id != source.id:",
        (MOVES + "test_only_the_same_move_of_the_same_device_is_a_repeated_one",),
    ),
    Fault(
        "a copy of what nobody can read is promised",
        "service/moving.py",
        "    if body is None:\n        raise UnsureError\n",
        "    if body is None:\n        return {}\n",
        (MOVED + "test_what_can_be_read_nowhere_is_moved_and_not_copied",),
    ),
    Fault(
        "a MOVE whose answer was lost is told that nothing is there",
        "service/moving.py",
        "    what = standing if found is None and kind is Move else found",
        "    what = found",
        (MOVED + "test_a_move_whose_answer_was_lost_can_be_repeated",),
    ),
    Fault(
        "a repeated MOVE rests on one replica",
        "mirror/writer.py",
        "        if unproven:\n",
        "        if not rows:\n",
        (
            "tests/sim/test_reading.py::test_a_repeated_move_that_one_replica_alone_remembers_is_not_done",
        ),
    ),
    Fault(
        "a password over plain HTTP",
        "portal/app.py",
        '        if scope["scheme"] != "https":',
        '        if scope["scheme"] == "":',
        (PAGE + "test_over_plain_http_nothing_is_shown_and_nothing_is_used_up",),
    ),
    Fault(
        "looking at a page uses it",
        "portal/app.py",
        "self._use(cell, secret, kind) if kind else self._show(cell, offer)",
        "self._use(cell, secret, kind)",
        (PAGE + "test_looking_changes_nothing_however_often",),
    ),
    Fault(
        "a profile sets up what the device may not use",
        "portal/app.py",
        "for service, one in of.items() if rights.reaches(service)]",
        "for service, one in of.items() if service or rights]",
        (PAGE + "test_a_phone_is_set_up_for_what_its_scope_reaches_and_no_more",),
    ),
    Fault(
        "calendars are announced nowhere",
        "control/mdns.py",
        'SERVICES: Final = ("_carddavs._tcp.local.", "_caldavs._tcp.local.")',
        'SERVICES: Final = ("_carddavs._tcp.local.",)',
        ("tests/unit/control/test_reach.py",),
    ),
    Fault(
        "a page works twice",
        "service/pairing.py",
        "        offer = self._offers.pop(name, None)",
        "        offer = self._offers.get(name)",
        ("tests/unit/service/test_pairing.py::test_an_offer_is_used_once",),
    ),
    Fault(
        "a page works for ever",
        "service/pairing.py",
        "if one.until > now}",
        "if one.until > 0}",
        ("tests/unit/service/test_pairing.py::test_an_offer_ends_after_a_quarter_of_an_hour",),
    ),
    Fault(
        "an unknown ending is tried again",
        "service/pairing.py",
        "        except UnknownError:\n            raise\n",
        "",
        ("tests/unit/service/test_pairing.py",),
    ),
    Fault(
        "half an authority is replaced",
        "stores/tls.py",
        "        if any(there):",
        "        if not there:",
        ("tests/unit/stores/test_tls.py::test_half_an_authority_is_never_replaced",),
    ),
    Fault(
        "an authority for the whole world",
        "formats/certificates.py",
        '_LOCAL_NAMES: Final = ("local", "localhost")',
        '_LOCAL_NAMES: Final = ("", "local", "localhost")',
        ("tests/unit/formats/test_certificates.py",),
    ),
    Fault(
        "a leaf that ends while the server runs is not renewed",
        "stores/tls.py",
        'renew=False).what != "nothing"',
        'renew=False).what == "renewed"',
        ("tests/unit/stores/test_tls.py::test_a_server_that_runs_on_renews_its_own_leaf",),
    ),
    Fault(
        "a leaf whose time has not come is served on",
        "stores/tls.py",
        "facts.begins_ms <= now_ms < facts.expires_ms - RENEW_MS",
        "now_ms < facts.expires_ms - RENEW_MS",
        (
            "tests/unit/stores/test_tls.py::test_a_leaf_of_a_clock_that_was_ahead_is_made_anew_once_it_is_right",
        ),
    ),
    Fault(
        "passwords cross the network unencrypted",
        "base/settings.py",
        "    if encrypted or ip_address(host).is_loopback:",
        "    if encrypted or host:",
        ("tests/unit/base/test_settings.py",),
    ),
)
