"""Faults of accounts, devices and keys: who is let in, what they may, what a phone is told."""

from __future__ import annotations

from sabotage.fault import Fault

SCOPES = "tests/protocol/test_scopes.py::"
SIGNING_IN = "tests/protocol/test_signing_in.py::"
SHUT_OUT = "tests/protocol/test_shut_out.py::"
STATUSES = "tests/unit/dav/test_statuses.py"
ACCOUNTS = "tests/unit/service/test_accounts.py::"
KEYS = "tests/unit/stores/test_keys.py::"

PEOPLE = (
    Fault(
        "what is in a calendar is looked for in a book of that name",
        "service/past.py",
        "        collection = collection or name_in(segments)\n",
        '        collection = collection or (segments[-2] if len(segments) > 1 else "")\n',
        ("tests/unit/control/test_past.py",),
    ),
    Fault(
        "what was refused of a calendar has no name",
        "service/refused.py",
        "(title_of(body), digest_of(body))",
        '("", digest_of(body))',
        ("tests/protocol/test_refused.py",),
    ),
    Fault(
        "the demo has no events",
        "cli/demo.py",
        "    return Made(len(people), len(events))",
        "    return Made(len(people))",
        (
            "tests/e2e/test_commands.py::"
            "test_the_demo_fills_its_book_and_calendars_once_and_gives_a_password_each_time",
        ),
    ),
    Fault(
        "a calendar is shown by a name that no command takes",
        "cli/people.py",
        'return f"{kind.noun.capitalize()} {name}{called}',
        'return f"{kind.noun.capitalize()} {short_name(name)}{called}',
        ("tests/unit/cli/test_texts.py",),
    ),
    Fault(
        "a read-only device writes",
        "dav/app.py",
        "    check_writes(request)\n",
        "",
        (SCOPES + "test_a_read_only_device_changes_nothing_and_hears_which_privilege_it_lacks",),
    ),
    Fault(
        "a device reaches a service that it was not made for",
        "dav/app.py",
        "    check_service(request)\n    if place in _FREEZABLE",
        "    if place in _FREEZABLE",
        (
            SCOPES
            + "test_what_a_phone_was_set_up_with_before_is_503_for_another_service_and_never_gone",
        ),
    ),
    Fault(
        "a suspended account is served",
        "dav/app.py",
        "    check_open(request.caller)\n",
        "",
        (SIGNING_IN + "test_a_suspended_account_is_503_with_the_reason_and_nothing_changes",),
    ),
    Fault(
        "a suspended account makes phones forget",
        "dav/statuses.py",
        "    errors.SuspendedError: Status(503),",
        "    errors.SuspendedError: Status(403),",
        (STATUSES,),
    ),
    Fault(
        "a service out of scope makes phones forget",
        "dav/statuses.py",
        "    errors.OutOfScopeError: Status(503),",
        "    errors.OutOfScopeError: Status(404),",
        (STATUSES,),
    ),
    Fault(
        "a scope that nobody understands may write",
        "service/rights.py",
        'scope.get("read_only") is not False',
        'bool(scope.get("read_only"))',
        ("tests/unit/service/test_rights.py::test_a_scope_that_nobody_understands_opens_nothing",),
    ),
    Fault(
        "a revoked device keeps its connection",
        "wire.py",
        "            if caller is not None and shut_out(caller):",
        "            if caller is None:",
        (SHUT_OUT + "test_an_idle_connection_ends_within_a_second_and_others_stay",),
    ),
    Fault(
        "an opening of the cell cuts everybody off",
        "service/accounts.py",
        "    if device is None or device.etag != caller.device.etag:",
        "    if device is not caller.device:",
        (SHUT_OUT + "test_a_cell_that_is_closed_or_opened_anew_costs_nobody_a_connection",),
    ),
    Fault(
        "two changes of an account are mixed",
        "service/accounts.py",
        "    when = Precondition(match=frozenset({account.etag}))",
        "    when = Precondition()",
        (ACCOUNTS + "test_two_changes_of_an_account_at_once_are_not_mixed",),
    ),
    Fault(
        "a key may be read by its group",
        "stores/keys.py",
        "    if mode & ~MODE:",
        "    if mode & 0o007:",
        (KEYS + "test_a_key_that_others_can_read_is_refused_with_what_mends_it",),
    ),
    Fault(
        "a backup of keys takes the place of another",
        "stores/durable.py",
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL",
        "os.O_WRONLY | os.O_CREAT | os.O_TRUNC",
        (KEYS + "test_a_backup_never_takes_the_place_of_a_file",),
    ),
    Fault(
        "a backup of keys is not read back",
        "stores/keybackup.py",
        "    if found != sealed:",
        "    if not found:",
        (KEYS + "test_a_backup_that_reads_back_otherwise_is_not_believed",),
    ),
)
