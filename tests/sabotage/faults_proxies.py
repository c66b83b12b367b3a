"""Faults of what stands between the world and the application: proxies, access log, doctor."""

from __future__ import annotations

from sabotage.fault import Fault

EARLY = "tests/protocol/test_early_answers.py::test_a_small_body_is_read_before_the_answer"
LOG = "tests/protocol/test_access_log.py::"
DOCTOR = "tests/e2e/test_doctor.py::"
SLOW = "tests/protocol/test_slow_clients.py::"

PROXIES = (
    Fault(
        "the access log tells what was asked for",
        "access_log.py",
        '{method if method in _METHODS else "other"}',
        '{method} {scope["path"]}',
        (LOG + "test_nothing_of_a_card_its_name_or_its_owner_is_logged_at_any_level",),
    ),
    Fault(
        "the access log tells what a proxy was told",
        "access_log.py",
        '        return str(ip_address(address.partition("%")[0]))\n',
        "        return address\n",
        (LOG + "test_only_a_trusted_proxy_says_who_asks",),
    ),
    Fault(
        "401 before the body is read",
        "dav/app.py",
        "        except StrongroomError as error:\n            await read_past(headers, receive)\n",
        "        except StrongroomError as error:\n",
        (EARLY,),
    ),
    Fault(
        "everybody may be a trusted proxy",
        "base/settings.py",
        "    if network.prefixlen == 0:\n",
        "    if network.prefixlen < 0:\n",
        ("tests/unit/base/test_settings.py",),
    ),
    Fault(
        "the doctor shows a password to whom it does not trust",
        "cli/doctor/visit.py",
        '        safe = self.site.is_here if self.site.scheme == "http" else self.trusted\n',
        "        safe = True\n",
        (DOCTOR + "test_what_is_wrong_with_a_certificate_is_named_and_no_password_goes_there",),
    ),
    Fault(
        "the doctor does not ask whether calendars can be made",
        "cli/doctor/inside.py",
        '                ("MKCALENDAR", visit.calendar, b"", {}),\n',
        "",
        (DOCTOR + "test_each_lie_of_a_proxy_is_found_with_the_line_to_change",),
    ),
    Fault(
        "one wrong address ends the server",
        "wire.py",
        "        if self._cork.is_closing():\n            return _LEAVING, 0\n",
        "",
        (SLOW + "test_a_client_that_takes_no_part_in_the_end_is_cut_off",),
    ),
    Fault(
        "who reads nothing is waited for",
        "wire.py",
        "        if waiting or self.flow.write_paused:",
        "        if self.flow.write_paused:",
        (SLOW + "test_a_client_that_reads_not_even_a_little_is_cut_off",),
    ),
    Fault(
        "a connection that asks nothing more is kept for ever",
        "wire.py",
        '        return (_NEXT if done else ""), self._received',
        '        return "", self._received',
        (SLOW + "test_a_connection_that_asks_nothing_more_is_closed_without_a_word",),
    ),
    Fault(
        "a connection that asks in time is closed all the same",
        "wire.py",
        "BODY_BYTES_A_PERIOD_MIN, _READING: 1, _NEXT: 1}",
        "BODY_BYTES_A_PERIOD_MIN, _READING: 1}",
        (SLOW + "test_a_connection_that_asks_again_in_time_is_kept",),
    ),
    Fault(
        "the refusal of a request is the answer to the write before it",
        "wire.py",
        "        about_it = self._in_body and not self.pipeline\n",
        "        about_it = True\n",
        (SLOW + "test_a_refusal_of_what_follows_is_never_the_answer_to_a_write",),
    ),
)
