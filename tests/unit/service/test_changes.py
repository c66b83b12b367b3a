"""The fold of a delta: the last entry of a name decides (I4)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from strongroom.history.entries import DELETE, GAP, OBJECT, PUT, Entry
from strongroom.service.changes import fold


def entries(acts: list[tuple[str, bool]], standing: dict[str, str]) -> list[Entry]:
    """Make a valid journal out of wishes: (name, delete?); `standing` is changed with it."""
    made = []
    for number, (name, delete) in enumerate(acts, 1):
        was = standing.get(name, "")
        if delete and not was:
            continue
        verb, etag = (DELETE, "") if delete else (PUT, f"e{number}")
        made.append(Entry(9, number, verb, OBJECT, name, 1, etag=etag, was_etag=was))
        if delete:
            del standing[name]
        else:
            standing[name] = etag
    return made


ACTS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=12)


@given(ACTS, ACTS)
def test_a_phone_that_applies_a_delta_has_what_stands(
    before: list[tuple[str, bool]], after: list[tuple[str, bool]]
) -> None:
    standing: dict[str, str] = {}
    entries(before, standing)
    phone = dict(standing)
    changed, removed = fold(entries(after, standing))

    for member in changed:
        phone[member.href] = member.etag
    for name in removed:
        phone.pop(name, None)  # the name may have come and gone since
    assert phone == standing
    assert not {m.href for m in changed} & set(removed)


def test_a_gap_names_nothing() -> None:
    assert fold([Entry(9, 50, GAP, "", "", 0)]) == ((), ())
