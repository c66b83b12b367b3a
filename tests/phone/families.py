"""All families of clients that are imitated."""

from __future__ import annotations

from phone.apple import Apple
from phone.davx5 import Davx5
from phone.evolution import Evolution
from phone.family import Phone
from phone.thunderbird import Thunderbird
from phone.vdirsyncer import VdirsyncerLike

FAMILIES: tuple[type[Phone], ...] = (Davx5, Thunderbird, Evolution, VdirsyncerLike, Apple)
