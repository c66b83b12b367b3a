"""The duty of a running server to serve a certificate that is good."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.world import FakeEntropy, Later
from strongroom.control import serve
from strongroom.formats.certificates import LEAF_DAYS
from strongroom.formats.hosts import Hosts
from strongroom.stores.tls import RENEW_MS, LiveCertificate, LocalAuthority

HOSTS = Hosts(("box.local",), ("127.0.0.1",))


@pytest.fixture
def soon(tmp_path: Path) -> LocalAuthority:
    """An authority by whose clock its leaf ends soon."""
    clock = Later()
    authority = LocalAuthority(tmp_path / "keys", clock, FakeEntropy(0))
    authority.provide(HOSTS, renew=True)
    clock.by_ms = LEAF_DAYS * 86_400_000 - RENEW_MS
    return authority


def served(authority: LocalAuthority) -> LiveCertificate:
    return LiveCertificate(authority.certificate, authority.key, authority.authority)


def test_it_is_renewed_and_served_at_once(soon: LocalAuthority):
    live = served(soon)
    before = live.facts.fingerprint
    assert serve._keep(live, soon) == ""
    assert live.facts.fingerprint != before


def test_what_hinders_that_is_said_and_the_one_before_is_served(soon: LocalAuthority):
    live = served(soon)
    before = live.facts
    (soon.certificate.parent / "ca.key").unlink()
    assert "ca.key one is missing" in serve._keep(live, soon)
    assert live.facts == before
