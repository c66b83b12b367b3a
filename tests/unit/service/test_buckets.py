"""So much at once, so much an hour."""

from __future__ import annotations

from strongroom.service.buckets import Bucket


def test_a_bucket_gives_what_it_holds_and_not_one_more():
    bucket = Bucket(3, 60, 100.0)

    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(100.0 + 59)
    assert bucket.take(100.0 + 61)
    assert not bucket.take(100.0 + 61)


def test_a_bucket_never_holds_more_than_it_can():
    bucket = Bucket(3, 60, 0.0)
    bucket.take(0.0, 3)

    assert not bucket.is_full(179.0)
    assert bucket.is_full(180.0)
    assert not bucket.take(10_000.0, 4)
    assert bucket.take(10_000.0, 3)
