"""What a phone meets before it signs in: certificate, redirects, challenge, keep-alive."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urljoin, urlsplit

from strongroom.cli.doctor.findings import BAD, NOTE, OK, SKIPPED, Finding
from strongroom.cli.doctor.line import SECONDS, Line, LineError, Reply, Site
from strongroom.cli.doctor.visit import CAL, CARD, DAV, KEEP_ALIVE_SECONDS, XML, Visit, propfind

Findings = Iterator[Finding]

WELL_KNOWN: Final = ("/.well-known/carddav", "/.well-known/caldav")
NOTHING: Final = "/dav/the-doctor-asks-for-nothing/"
DAYS_MIN: Final = 14
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_MAX: Final = 5
_PRINCIPAL: Final = propfind(
    DAV + "current-user-principal", CARD + "addressbook-home-set", CAL + "calendar-home-set"
)
# OpenSSL's verify code -> what is wrong, and the row of advice.
_UNTRUSTED: Final = {
    9: ("it is not valid yet: a clock is wrong", "expiry"),
    10: ("it has expired", "expiry"),
    62: ("it was issued for another name", "name"),
    64: ("it was issued for another address", "name"),
}
_NO_CHAIN: Final = (
    "an intermediate certificate is missing, or its authority is one of your own (then name it "
    "with --ca FILE, and install it on each phone)",
    "chain",
)


def certificate(visit: Visit) -> Findings:
    """Look at the certificate as a phone does: chain, name and dates."""
    site = visit.site
    if site.scheme == "http":
        visit.reached = True
        words = "without encryption, only programs on this computer can be let in"
        yield Finding(NOTE if site.is_here else BAD, words, "tls")
        return
    try:
        with (
            socket.create_connection((site.host, site.port), SECONDS) as plain,
            visit.context.wrap_socket(plain, server_hostname=site.host) as tls,
        ):
            told = tls.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        visit.reached = True
        words, advice = _UNTRUSTED.get(error.verify_code, _NO_CHAIN)
        yield Finding(BAD, f"not trusted: {words} ({error.verify_message})", advice)
        return
    except ssl.SSLError as error:
        yield Finding(BAD, f"port {site.port} does not speak TLS: {error.reason}", "tls")
        return
    except OSError as error:
        yield Finding(BAD, f"{site.host} port {site.port} is not reached: {error}")
        return
    visit.reached = visit.trusted = True
    visit.ends = ssl.cert_time_to_seconds(str(told["notAfter"]))
    by = f", through {visit.wishes.ca}: each phone needs that authority" if visit.wishes.ca else ""
    yield Finding(OK, f"trusted for {site.host}{by}")


def expiry(visit: Visit) -> Findings:
    """Say how long the certificate lasts."""
    days = int((visit.ends - time.time()) // 86_400)
    if days < DAYS_MIN:
        yield Finding(BAD, f"the certificate ends in {days} days; nothing has renewed it", "expiry")
    else:
        yield Finding(OK, f"the certificate lasts {days} more days")


def plain_http(visit: Visit) -> Findings:
    """Look whether http leads to https, and to nothing else."""
    site = visit.site
    port = visit.wishes.http_port or (80 if site.port == 443 else 0)
    if not port or site.scheme == "http":
        yield Finding(SKIPPED, "no http port is known; name it with --http-port")
        return
    line = Line(Site("http", site.host, port), visit.context)
    try:
        reply = line.ask("PROPFIND", WELL_KNOWN[0], b"", False)
    except LineError:
        yield Finding(OK, f"nothing answers on port {port}")
        return
    finally:
        line.close()
    target = urlsplit(reply.headers.get("location", ""))
    if reply.status not in _REDIRECTS:
        words = f"port {port} answers {reply.status} without encryption: a password could go there"
        yield Finding(BAD, words, "plain")
    elif target.scheme != "https" or target.hostname != site.host:
        words = f"port {port} leads to {target.geturl()!r}, not to https on {site.host}"
        yield Finding(BAD, words, "plain")
    else:
        yield Finding(OK, f"port {port} leads to https")


def well_known(visit: Visit) -> Findings:
    """Follow the well-known addresses: each step must stay https and on the host."""
    for begin in WELL_KNOWN:
        yield _followed(visit, begin)


def _followed(visit: Visit, begin: str) -> Finding:
    path = begin
    for _ in range(_REDIRECTS_MAX):
        reply = visit.line.ask("PROPFIND", path, _PRINCIPAL, False, Content_Type=XML)
        if reply.status not in _REDIRECTS:
            return _end_of_redirects(begin, path, reply)
        location = reply.headers.get("location", "")
        bad = _wrong_way(visit.site, location)
        if bad:
            return Finding(BAD, f"{path} leads to {location!r}: {bad}", "redirect")
        path = urlsplit(urljoin(path, location)).path
    return Finding(BAD, f"{begin} leads in a circle", "redirect")


def _wrong_way(site: Site, location: str) -> str:
    target = urlsplit(location)
    if target.scheme and target.scheme != site.scheme:
        return "an iPhone gives up where https becomes http"
    if target.hostname and (target.hostname, target.port or 443) != (site.host, site.port):
        return "another server"
    return "a query has no place there" if target.query else ""


def _end_of_redirects(begin: str, path: str, reply: Reply) -> Finding:
    if reply.status in {207, 401}:
        return Finding(OK, f"{begin} leads to {path}, on the same host")
    if reply.status == 404 and not reply.is_ours:
        return Finding(BAD, f"{path} is {reply.told()}: it never reaches Strongroom", "whole-host")
    return gateway(reply) or Finding(BAD, f"{path} is {reply.told()}", "methods")


def gateway(reply: Reply) -> Finding | None:
    """Say so where a proxy does not reach Strongroom, or Strongroom cannot answer now."""
    if reply.status not in {502, 503, 504}:
        return None
    if reply.is_ours:
        words = "Strongroom says 503: see `strongroom status` on the server"
        return Finding(BAD, words)
    return Finding(BAD, f"{reply.told()}: the proxy does not reach Strongroom", "upstream")


def challenge(visit: Visit) -> Findings:
    """Look whether a stranger hears 401 with Basic, and hears it before anything else."""
    for path in ("/dav/", NOTHING):
        reply = visit.line.ask("PROPFIND", path, _PRINCIPAL, False, Content_Type=XML)
        asked = reply.headers.get("www-authenticate", "")
        if reply.status != 401:
            words = f"a stranger hears {reply.told()} at {path}, and not 401"
            advice = "methods" if reply.status in {403, 405, 501} else "whole-host"
            yield gateway(reply) or Finding(BAD, words, advice)
            return
        if not asked.lower().startswith("basic"):
            yield Finding(BAD, "401 comes without `WWW-Authenticate: Basic`", "challenge")
            return
        if not reply.is_ours:
            yield Finding(BAD, f"a password of its own is asked for by {reply.told()}", "challenge")
            return
    yield Finding(OK, "a stranger hears 401 and Basic, before anything else")


def connection(visit: Visit) -> Findings:
    """Begin to keep a connection, and read how long it is meant to be kept."""
    reply = visit.use_kept()
    wanted = KEEP_ALIVE_SECONDS
    given = reply.headers.get("keep-alive", "").lower().partition("timeout=")[2].partition(",")[0]
    if not visit.kept.is_open:
        yield Finding(BAD, "the connection is closed after each answer", "keep-alive")
    elif given.strip().isdigit() and int(given) < wanted:
        words = f"connections are kept for {int(given)} s; phones come back within {wanted:.0f}"
        yield Finding(BAD, words, "keep-alive")


def keep_alive(visit: Visit) -> Findings:
    """Use the kept connection again, with `--slow` as late as a phone does."""
    if not visit.kept.is_open:
        return
    wanted = KEEP_ALIVE_SECONDS
    if visit.wishes.slow:
        time.sleep(max(0.0, wanted - (time.monotonic() - visit.asked_at)))
    idle = time.monotonic() - visit.asked_at
    try:
        visit.use_kept()
    except LineError:
        yield Finding(BAD, f"an idle connection was closed within {idle:.0f} s", "keep-alive")
        return
    if visit.wishes.slow:
        yield Finding(OK, f"a connection is kept for {wanted:.0f} s")
    else:
        yield Finding(SKIPPED, f"--slow waits {wanted:.0f} s; for {idle:.1f} s it was kept")
