"""What status says, what is said of an account, and the sample contacts."""

from typing import Any

import pytest

from strongroom.cli.demo_cards import cards, fold
from strongroom.cli.people import bytes_text, space_text
from strongroom.cli.status_text import replicas_text, status_text, survives
from strongroom.formats.vcard import check


def disks(*devices: int | None) -> list[dict[str, Any]]:
    return [{"place": f"r{i}", "device": device} for i, device in enumerate(devices)]


@pytest.mark.parametrize(
    ("devices", "quorum", "said"),
    [
        ((1, 1, 1), 2, "one disk: this survives the loss of no disk"),
        ((1, 2, 3), 2, "3 disks. One disk may die"),
        ((1, 2, 3, 4, 5), 3, "5 disks. Two disks may die"),
        ((1, 2, 2), 2, "the loss of no further disk"),
        ((1, 2, None), 2, "the loss of no further disk. (1 of the 3 places"),
        ((1, 2, 3), 3, "the loss of no further disk"),
        ((1,), 1, "the loss of no further disk"),
        ((None, None, None), 2, "the loss of no further disk"),
    ],
)
def test_what_the_places_survive_is_said_plainly(
    devices: tuple[int | None, ...], quorum: int, said: str
):
    assert said in survives(disks(*devices), quorum)


def report(**changed: Any) -> dict[str, Any]:
    row = {
        "replica": "r1",
        "place": "/a",
        "standing": "voter",
        "held": 7,
        "behind": 0,
        "reason": "",
    }
    base = {
        "server": "running", "open": True, "trouble": "", "toy": False, "write_quorum": 2,
        "disks": disks(1, 2, 3), "scrubbed": None, "number": 7, "writable": True, "full": False,
        "replicas": [row], "copying": {}, "frozen": [], "alarms": {}, "keys": [],
    }  # fmt: skip
    return {**base, **changed}


def test_all_well_is_said_in_one_line():
    assert status_text(report()).startswith("All is well enough to take writes: batch 7")


def test_a_key_that_others_can_read_is_an_alarm():
    text = status_text(report(keys=["a.key is open to others (mode 0644); run `chmod 600 a.key`."]))
    assert "Alarm (keys): a.key is open to others (mode 0644); run `chmod 600 a.key`." in text


def test_trouble_is_said_with_what_is_not_lost():
    text = status_text(report(writable=False))
    assert "what was acknowledged is kept" in text
    assert "Too few good copies" in text
    assert "nearly full" in status_text(report(writable=False, full=True))


def test_a_copy_in_trouble_says_why_and_how_far_it_is():
    row = {**report()["replicas"][0], "standing": "doubtful", "behind": 3, "reason": "a bad page"}
    copying = {"r1": {"held": 4, "of": 7}}
    text = replicas_text(report(replicas=[row], copying=copying))
    for said in ("not believed", "3 batches behind", "a bad page", "4 of 7 batches"):
        assert said in text


def test_freezes_alarms_and_the_last_scrub_are_shown():
    scrubbed = {"ended_ms": 1, "replicas": [{"replica": "r2", "damage": "x", "lost": []}]}
    text = status_text(report(frozen=["5/account"], alarms={"witness": "gone"}, scrubbed=scrubbed))
    for said in ("Frozen: 5/account", "Alarm (witness): gone", "damage on r2"):
        assert said in text


def test_a_stopped_server_s_places_are_shown_as_they_lie_there():
    places = [
        {"place": "/a", "state": "found", "replica": "r1", "number": 7, "term": 2},
        {"place": "/b", "state": "blank"},
        {"place": "/c", "state": "absent", "reason": "it is not there"},
    ]
    text = status_text(report(open=False, places=places, witness={"number": 9}, toy=True))
    for said in ("No server runs", "r1, batch 7 of term 2", "blank", "not there", "batch 9", "toy"):
        assert said in text
    frozen = status_text(report(open=False, places=[], witness=None, trouble="no quorum"))
    assert "frozen: no quorum" in frozen
    assert "The witness knows nothing" in frozen


# --- accounts -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (5 << 29, "2.5 GiB"),
     (9 << 50, "9216.0 TiB")],
)  # fmt: skip
def test_bytes_are_written_for_people(count: int, text: str):
    assert bytes_text(count) == text


def test_the_past_is_told_apart_from_what_stands():
    counted = {"live": 2048, "history": 10, "quota": 4096}
    told = "Space: 2.0 KiB of 4.0 KiB; and 10 bytes of old and deleted versions"
    assert space_text(counted) == told
    assert "of 4.0" not in space_text({**counted, "quota": None})
    assert "cannot be counted" in space_text(None)


# --- samples ------------------------------------------------------------------------------------
def test_every_sample_is_a_card_that_the_server_takes():
    samples = cards()
    facts = [check(card.body) for card in samples]
    assert len({fact.uid for fact in facts}) == len({card.href for card in samples}) == 40
    assert {fact.version for fact in facts} == {"3.0", "4.0"}


def test_no_line_of_a_sample_is_longer_than_the_standard_says():
    for card in cards():
        assert all(len(line) <= 75 for line in card.body.split(b"\r\n")), card.href


def test_folding_never_cuts_a_character_and_can_be_undone():
    line = "NOTE:" + "ä山🦊x" * 60
    folded = fold(line)
    assert all(len(part.encode()) <= 75 for part in folded.split("\r\n"))
    assert folded.replace("\r\n ", "") == line


def test_samples_are_the_same_each_time():
    assert cards() == cards()
