"""Faults of what stands between the world and the application: proxies, access log, doctor."""

from __future__ import annotations

from sabotage.fault import Fault

EARLY = "tests/protocol/test_early_answers.py::test_a_small_body_is_read_before_the_answer"
LOG = "tests/protocol/test_access_log.py::"
DOCTOR = "tests/e2e/test_doctor.py::"

PROXIES = (
    Fault(
        "the access log tells what was asked for",
        "access_log.py",
        '            "method": method if method in _METHODS else "other",\n',
        '            "method": f"{method} {scope[\'path\']}",\n',
        (LOG + "test_nothing_of_a_card_its_name_or_its_owner_is_logged_at_any_level",),
    ),
    Fault(
        "the access log tells what a proxy was told",
        "access_log.py",
        "        return str(ip_address(address))\n",
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
)
