"""A card of one version as a card of the other, without loss.

What has a counterpart is written as the other version wants it. What has none rides along under a
name of its own (`X-VCARD4-RELATED`, `X-VCARD3-CLASS`) and comes back under its old one. A line that
means the same in both versions stays as it is, byte for byte.

Not here: the values themselves (cardvalues). What is stored is never converted: only answers are.
Rules: pure; a card that is of the version already is given back as it is; what cannot be
understood is kept as it is.
Source: RFC 6350 (4.0) against RFC 2426 (3.0); RFC 6868; X-ADDRESSBOOKSERVER-KIND and -MEMBER,
X-ANNIVERSARY, X-GENDER are what 3.0 clients write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.cardcoding import plain_lines
from strongroom.formats.cardlines import (
    REMEMBERED_BYTES_MAX,
    Line,
    Parameter,
    escape_text,
    join_card,
    parameters_of,
    split_card,
    unescape,
    values_of,
    write_line,
    write_parameters,
)
from strongroom.formats.cardvalues import (
    Content,
    date_to_3,
    date_to_4,
    media_to_3,
    media_to_4,
    number_to_3,
    place_to_3,
    place_to_4,
    without,
    zone_to_3,
    zone_to_4,
)

Version = Literal["3.0", "4.0"]

_MEDIA: Final = (b"PHOTO", b"LOGO", b"SOUND", b"KEY")
_RENAMED: Final = {
    b"KIND": b"X-ADDRESSBOOKSERVER-KIND",
    b"MEMBER": b"X-ADDRESSBOOKSERVER-MEMBER",
    b"ANNIVERSARY": b"X-ANNIVERSARY",
    b"GENDER": b"X-GENDER",
}
# RFC 6350, 6474, 6715 and 9554; FBURL, CALURI and CALADRURI are 3.0 as well (RFC 2739).
_ONLY_4: Final = (
    b"RELATED", b"CLIENTPIDMAP", b"XML", b"LANG", b"BIRTHPLACE", b"DEATHPLACE", b"DEATHDATE",
    b"EXPERTISE", b"HOBBY", b"INTEREST", b"ORG-DIRECTORY", b"CONTACT-URI", b"CREATED",
    b"GRAMGENDER", b"LANGUAGE", b"PRONOUNS", b"SOCIALPROFILE",
)  # fmt: skip
_ONLY_3: Final = (
    b"AGENT", b"CLASS", b"LABEL", b"MAILER", b"NAME", b"PROFILE", b"SORT-STRING",
)  # fmt: skip
_RIDING_4: Final = {name: b"X-VCARD4-" + name for name in _ONLY_4}
_RIDING_3: Final = {name: b"X-VCARD3-" + name for name in _ONLY_3}
_PARAMETER_BYTES_MAX: Final = 8 * 1024  # a longer text stays a property
_GENDER: Final = re.compile(rb"[MFONUmfonu]?(?:;.*)?")
_BARE_OR_PREFERRED: Final = re.compile(rb"PREF|CHARSET|;[^=]*(?:;|\Z)", re.IGNORECASE)
_PREFERRED_OR_TAKEN: Final = re.compile(rb'PREF|"|LABEL|SORT-AS', re.IGNORECASE)

Rule = Callable[[Content], Content]


def to_version(card: bytes, version: Version) -> bytes:
    """Give a card as one of `version`; the same bytes where it is one.

    Raises:
        FormatError: `unsupported-version` or `too-complex`.
    """
    lines = split_card(card)
    current = next((line.value.strip() for line in lines if line.name == b"VERSION"), b"")
    if current == version.encode():
        return card
    if current not in {b"3.0", b"4.0"}:
        raise FormatError("unsupported-version", "Only vCard 3.0 and 4.0 are known.")
    if version == "3.0":
        return join_card(_downgraded(lines))
    return join_card(_upgraded(plain_lines(card, lines)))


# --- 3.0 to 4.0 -----------------------------------------------------------------------------------


class _Paired(NamedTuple):
    """Lines that become parameters of others: which are gone, and what is added where."""

    gone: set[int]
    added: dict[int, Parameter]


def _upgraded(lines: list[Line]) -> Iterator[bytes]:
    gone, added = _pair(lines)
    begun = False
    for index, line in enumerate(lines):
        if line.name == b"BEGIN" and not begun:
            # In 4.0 the version comes first.
            begun = True
            yield line.raw
            yield write_line(b"", b"VERSION", b"", b"4.0", line.end)
        elif line.name != b"VERSION" and index not in gone:
            same = index not in added and _is_same(line, _same_in_4)
            yield line.raw if same else _line_to_4(line, added.get(index))


def _pair(lines: list[Line]) -> _Paired:
    """Find the address of each label, and the name that is sorted by another text."""
    paired = _Paired(set(), {})
    names = [line.name for line in lines]
    if b"SORT-STRING" in names and b"N" in names:
        sort, name = names.index(b"SORT-STRING"), names.index(b"N")
        line, taken = lines[sort], b"SORT-AS" in lines[name].parameters.upper()
        if not (line.group or line.parameters or taken) and _fits(line):
            paired.gone.add(sort)
            paired.added[name] = Parameter(b"SORT-AS", (_to_parameter(line.value),))
    if b"LABEL" in names:
        _pair_labels(lines, paired)
    return paired


def _pair_labels(lines: list[Line], paired: _Paired) -> None:
    """A label belongs to the address before it with the same types, or else to the next one."""
    free: dict[object, list[int]] = {}
    waiting: dict[object, list[int]] = {}
    for index, line in enumerate(lines):
        if line.name not in {b"ADR", b"LABEL"}:
            continue
        key, plain = _label_key(line)
        here, other = (waiting, free) if line.name == b"ADR" else (free, waiting)
        if not plain:
            continue
        if found := here.get(key):
            # The nearest one before it; labels that wait take their turns.
            match = found.pop(0 if line.name == b"ADR" else -1)
            label, address = (match, index) if line.name == b"ADR" else (index, match)
            paired.gone.add(label)
            paired.added[address] = Parameter(b"LABEL", (_to_parameter(lines[label].value),))
        else:
            other.setdefault(key, []).append(index)


def _label_key(line: Line) -> tuple[object, bool]:
    """Give what an address and its label have in common, and whether it can be paired at all."""
    parameters = parameters_of(line.parameters)
    types = frozenset(word.lower() for word in values_of(parameters, b"TYPE"))
    names = {one.name for one in parameters}
    plain = b"LABEL" not in names if line.name == b"ADR" else names <= {b"TYPE"} and _fits(line)
    return (line.group.upper(), types), plain


def _fits(line: Line) -> bool:
    return len(line.value) <= _PARAMETER_BYTES_MAX


def _to_parameter(value: bytes) -> bytes:
    """Write a text value as that of a parameter."""
    text = unescape(value.decode("utf-8", "surrogateescape"))
    for sign, written in (("^", "^^"), ('"', "^'"), ("\\", "\\\\"), ("\n", "\\n")):
        text = text.replace(sign, written)
    return text.encode("utf-8", "surrogateescape")


def _line_to_4(line: Line, added: Parameter | None) -> bytes:
    riding = line.name[9:] if line.name.startswith(b"X-VCARD4-") else b""
    if riding in _RIDING_4:
        return _renamed(line, riding)
    if line.name in _RIDING_3:
        return _renamed(line, _RIDING_3[line.name])
    rule = _RULES_4.get(line.name)
    known = _preference_to_4(parameters_of(line.parameters))
    content = Content(line.name, known if added is None else (*known, added), line.value)
    return _written(line, content if rule is None else rule(content))


def _preference_to_4(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """TYPE=pref becomes PREF=1; 4.0 is always UTF-8."""
    kept = []
    preferred = False
    ranked = any(one.name == b"PREF" for one in parameters)
    for one in parameters:
        words = one.values
        if one.name == b"CHARSET" and words[0].upper() == b"UTF-8":
            continue
        if one.name == b"TYPE" and not ranked:
            words = tuple(word for word in words if word.lower() != b"pref")
            preferred = preferred or words != one.values
        if words:
            kept.append(one._replace(values=words))
    return (*kept, Parameter(b"PREF", (b"1",))) if preferred else tuple(kept)


def _group_to_4(content: Content) -> Content:
    name = content.name.removeprefix(b"X-ADDRESSBOOKSERVER-")
    return content._replace(name=name)


def _anniversary_to_4(content: Content) -> Content:
    return date_to_4(content._replace(name=b"ANNIVERSARY"))


def _gender_to_4(content: Content) -> Content:
    # A 3.0 client may have written a word.
    return content._replace(name=b"GENDER") if _GENDER.fullmatch(content.value) else content


_RULES_4: Final[dict[bytes, Rule]] = {
    **dict.fromkeys(_MEDIA, media_to_4),
    b"BDAY": date_to_4,
    b"REV": date_to_4,
    b"GEO": place_to_4,
    b"TZ": zone_to_4,
    b"X-ANNIVERSARY": _anniversary_to_4,
    b"X-GENDER": _gender_to_4,
    b"X-ADDRESSBOOKSERVER-KIND": _group_to_4,
    b"X-ADDRESSBOOKSERVER-MEMBER": _group_to_4,
}


# --- 4.0 to 3.0 -----------------------------------------------------------------------------------


def _downgraded(lines: list[Line]) -> Iterator[bytes]:
    names = {line.name for line in lines}
    for line in lines:
        if line.name == b"VERSION":
            yield write_line(line.group, line.name, line.parameters, b"3.0", line.end)
        elif _is_same(line, _same_in_3):
            yield line.raw
        else:
            yield from _lines_to_3(line)
        if line.name == b"FN" and b"N" not in names:
            # 3.0 demands it, and some phones show nothing else.
            names.add(b"N")
            yield write_line(b"", b"N", b"", _one_component(line.value), line.end)


def _one_component(value: bytes) -> bytes:
    text = unescape(value.decode("utf-8", "surrogateescape"))
    return escape_text(text).encode("utf-8", "surrogateescape") + b";;;;"


def _lines_to_3(line: Line) -> Iterator[bytes]:
    riding = line.name[9:] if line.name.startswith(b"X-VCARD3-") else b""
    if riding in _RIDING_3:
        yield _renamed(line, riding)
        return
    if line.name in _RIDING_4:
        yield _renamed(line, _RIDING_4[line.name])
        return
    taken = _TAKEN.get(line.name)
    if taken is not None and taken[0] in line.parameters.upper():
        yield from _taken_apart(line, *taken)
        return
    rule = _RULES_3.get(line.name)
    parameters = parameters_of(line.parameters)
    if line.name not in _MEDIA:
        parameters = _preference_to_3(parameters)
    content = Content(line.name, parameters, line.value)
    yield _written(line, content if rule is None else rule(content))


# A parameter of 4.0 that is a line of its own in 3.0.
_TAKEN: Final = {b"ADR": (b"LABEL", b"LABEL"), b"N": (b"SORT-AS", b"SORT-STRING")}


def _taken_apart(line: Line, parameter: bytes, name: bytes) -> Iterator[bytes]:
    parameters = _preference_to_3(parameters_of(line.parameters))
    rest = without(parameters, parameter)
    yield _rewritten(line, write_parameters(rest))
    taken = b",".join(b",".join(one.values) for one in parameters if one.name == parameter)
    types = write_parameters(one for one in rest if one.name == b"TYPE" and name == b"LABEL")
    group = line.group if name == b"LABEL" else b""
    yield write_line(group, name, types, _from_parameter(taken), line.end)


_CARET: Final = re.compile(r"\^[n'^]|\\[\\nN,;]")
_MEANT: Final = {"^n": "\n", "^'": '"', "^^": "^", "\\n": "\n", "\\N": "\n"}


def _from_parameter(value: bytes) -> bytes:
    text = value.decode("utf-8", "surrogateescape")
    text = _CARET.sub(lambda found: _MEANT.get(found[0], found[0][1:]), text)
    return escape_text(text).encode("utf-8", "surrogateescape")


def _preference_to_3(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """PREF=1 becomes TYPE=pref; a lower preference stays. Lists of types lose their quotes."""
    kept = []
    for one in parameters:
        if one.name == b"PREF" and one.values == (b"1",):
            kept.append(Parameter(b"TYPE", (b"pref",)))
        elif one.name == b"TYPE":
            kept.append(one._replace(values=tuple(b",".join(one.values).split(b","))))
        else:
            kept.append(one)
    return tuple(kept)


def _name_to_3(content: Content) -> Content:
    return content._replace(name=_RENAMED[content.name])


def _anniversary_to_3(content: Content) -> Content:
    return date_to_3(_name_to_3(content))


_RULES_3: Final[dict[bytes, Rule]] = {
    **dict.fromkeys(_MEDIA, media_to_3),
    b"BDAY": date_to_3,
    b"REV": date_to_3,
    b"GEO": place_to_3,
    b"TZ": zone_to_3,
    b"TEL": number_to_3,
    b"ANNIVERSARY": _anniversary_to_3,
    b"GENDER": _name_to_3,
    b"KIND": _name_to_3,
    b"MEMBER": _name_to_3,
}


# --- both ways ------------------------------------------------------------------------------------


def _is_same(line: Line, remembered: Callable[[bytes, bytes], bool]) -> bool:
    name, parameters = line.name, line.parameters
    return len(name) + len(parameters) <= REMEMBERED_BYTES_MAX and remembered(name, parameters)


@lru_cache(4096)
def _same_in_4(name: bytes, parameters: bytes) -> bool:
    """Say whether such a line is the same in 4.0 whatever its value: most are."""
    if name in _RULES_4 or name in _RIDING_3 or name.startswith(b"X-VCARD4-"):
        return False
    return not _BARE_OR_PREFERRED.search(parameters)


@lru_cache(4096)
def _same_in_3(name: bytes, parameters: bytes) -> bool:
    """Say whether such a line is the same in 3.0 whatever its value."""
    if name in _RULES_3 or name in _RIDING_4 or name.startswith(b"X-VCARD3-"):
        return False
    return not _PREFERRED_OR_TAKEN.search(parameters)


def _renamed(line: Line, name: bytes) -> bytes:
    return write_line(line.group, name, line.parameters, line.value, line.end)


def _rewritten(line: Line, parameters: bytes) -> bytes:
    return write_line(line.group, line.name, parameters, line.value, line.end)


def _written(line: Line, content: Content) -> bytes:
    """Write what a rule has made; a line that it left alone stays as it was."""
    parameters = parameters_of(line.parameters)
    if (line.name, parameters, line.value) == content:
        return line.raw
    text = write_parameters(content.parameters)
    return write_line(line.group, content.name, text, content.value, line.end)
