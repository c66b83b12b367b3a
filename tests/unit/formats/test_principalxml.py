"""Reports about principals, and expand-property, read from XML (RFC 3744 9.2-9.5, RFC 3253 3.8)."""

from __future__ import annotations

import pytest

from strongroom.formats import FormatError
from strongroom.formats.davxml import UnknownReport, parse_report
from strongroom.formats.principalxml import (
    EXPANSION_DEPTH_MAX,
    SEARCHES_MAX,
    AclPrincipals,
    Expanded,
    Expansion,
    PrincipalMatch,
    PrincipalSearch,
    PropertySearch,
    SearchableProperties,
)
from strongroom.formats.propertynames import NAMES_MAX

NAME = "<prop><displayname/></prop>"
DISPLAY = "{DAV:}displayname"


def report(name: str, inner: str = "") -> bytes:
    return f'<{name} xmlns="DAV:">{inner}</{name.partition(" ")[0]}>'.encode()


def search(text: str, prop: str = NAME) -> str:
    return f"<property-search>{prop}<match>{text}</match></property-search>"


def nested(depth: int) -> str:
    inner = nested(depth - 1) if depth > 1 else ""
    return f'<property name="p">{inner}</property>'


@pytest.mark.parametrize(
    "body,value",
    [
        (
            report("principal-property-search", search(" a\n b ") + NAME),
            PrincipalSearch((PropertySearch((DISPLAY,), "a b"),), False, False, (DISPLAY,)),
        ),
        (
            report(
                'principal-property-search test="anyof"',
                search("") + "<apply-to-principal-collection-set/>",
            ),
            PrincipalSearch((PropertySearch((DISPLAY,), ""),), True, True, ()),
        ),
        (report("principal-search-property-set"), SearchableProperties()),
        (report("principal-match", "<self/>"), PrincipalMatch("", ())),
        (
            report("principal-match", "<principal-property><owner/></principal-property>" + NAME),
            PrincipalMatch("{DAV:}owner", (DISPLAY,)),
        ),
        (report("acl-principal-prop-set", NAME), AclPrincipals((DISPLAY,))),
        (report("expand-property"), Expansion(())),
        (
            report(
                "expand-property",
                '<property name="a"/><property name="b" namespace="u:"><property name="c"/>'
                "</property>",
            ),
            Expansion(
                (Expanded("{DAV:}a"), Expanded("{u:}b", (Expanded("{DAV:}c"),))),
            ),
        ),
        (report("version-tree"), UnknownReport("{DAV:}version-tree")),
    ],
)
def test_a_report_is_read_into_a_value(body: bytes, value: object) -> None:
    assert parse_report(body) == value


@pytest.mark.parametrize(
    "body,code",
    [
        (report("principal-property-search"), "bad-request-body"),
        (report("principal-property-search", "<property-search/>"), "bad-request-body"),
        (report("principal-property-search", search("x", "")), "bad-request-body"),
        (
            report("principal-property-search", f"<property-search>{NAME}</property-search>"),
            "bad-request-body",
        ),
        (
            report("principal-property-search", search("x") * (SEARCHES_MAX + 1)),
            "too-large",
        ),
        (report("principal-match"), "bad-request-body"),
        (report("principal-match", "<self/>" + NAME + NAME), "bad-request-body"),
        (
            report("principal-match", "<principal-property><a/><b/></principal-property>"),
            "bad-request-body",
        ),
        (report("acl-principal-prop-set"), "bad-request-body"),
        (report("expand-property", "<property/>"), "bad-request-body"),
        (report("expand-property", '<property name="a b"/>'), "bad-request-body"),
        (report("expand-property", '<property name="a" namespace="a b"/>'), "bad-request-body"),
        (report("expand-property", nested(EXPANSION_DEPTH_MAX + 1)), "too-large"),
        (report("expand-property", nested(1) * (NAMES_MAX + 1)), "too-large"),
    ],
)
def test_what_cannot_be_meant_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_report(body)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body,kind",
    [
        (report("principal-property-search", search("x") * SEARCHES_MAX), PrincipalSearch),
        (report("expand-property", nested(EXPANSION_DEPTH_MAX)), Expansion),
        (report("expand-property", nested(1) * NAMES_MAX), Expansion),
    ],
)
def test_the_limits_themselves_are_kept(body: bytes, kind: type) -> None:
    assert isinstance(parse_report(body), kind)
