"""What a device may do: its scope, fixed when it is made and never changed afterwards.

A phone drops edits that it has not sent when its address book turns read-only (D3 rule 7), so there
is no way to narrow a device that exists: revoke it and make another. A device of an older release
has the scope "all"; so has every new one for which nothing else was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from strongroom.base.errors import InvalidError, OutOfScopeError

CONTACTS: Final = "contacts"
CALENDARS: Final = "calendars"  # tasks and notes too
SERVICES: Final = (CONTACTS, CALENDARS)
_ALL: Final = "all"


class Rights(NamedTuple):
    """Which services a device reaches (None = all, later ones too), and whether it may write."""

    services: frozenset[str] | None = None
    read_only: bool = False

    def reaches(self, service: str) -> bool:
        """Say whether the device may use a service at all."""
        return self.services is None or service in self.services

    def report(self) -> dict[str, Any]:
        """Give it for programs."""
        services = _ALL if self.services is None else sorted(self.services)
        return {"services": services, "read_only": self.read_only}


FULL: Final = Rights()


def choose(services: Iterable[str], read_only: bool) -> Rights:
    """Give the rights of a device to be made; no services named = all.

    Raises:
        InvalidError: a service that is not known. Nothing changed.
    """
    chosen = frozenset(services)
    if unknown := sorted(chosen.difference(SERVICES)):
        raise InvalidError(
            f"There is no service {', '.join(unknown)}. Known are: {', '.join(SERVICES)}. "
            "Nothing was changed."
        )
    return Rights(chosen or None, read_only)


def scope_fact(rights: Rights) -> Any:
    """Give what is kept as `scope` among the facts of a device."""
    return _ALL if rights == FULL else rights.report()


def rights_of(facts: Mapping[str, Any]) -> Rights:
    """Read the scope of a device; what a later release wrote and we do not know opens nothing."""
    scope = facts.get("scope", _ALL)
    if scope == _ALL:
        return FULL
    if not isinstance(scope, dict):
        return Rights(frozenset(), read_only=True)
    services = scope.get("services")
    listed = frozenset(services) if isinstance(services, list) else frozenset()
    return Rights(None if services == _ALL else listed, scope.get("read_only") is not False)


def check_reaches(rights: Rights, service: str) -> None:
    """Raise OutOfScopeError where a device may not use a service."""
    if not rights.reaches(service):
        raise OutOfScopeError
