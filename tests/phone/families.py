"""All families of clients that are imitated, with contacts and with events."""

from __future__ import annotations

from phone.apple import Apple
from phone.davx5 import Davx5, Davx5AllEvents, Davx5Calendar
from phone.evolution import Evolution
from phone.family import Phone
from phone.thunderbird import Thunderbird
from phone.vdirsyncer import VdirsyncerLike

FAMILIES: tuple[type[Phone], ...] = (Davx5, Thunderbird, Evolution, VdirsyncerLike, Apple)
WITH_EVENTS: tuple[type[Phone], ...] = (Davx5Calendar, Davx5AllEvents)
