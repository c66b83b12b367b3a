"""A replica whose n-th call fails, before or after it did its work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from strongroom.ports.replica import Replica


class Faulty:
    """Passes everything on to `replica`; the call number `fail_at` (from 1) raises `error`."""

    def __init__(
        self,
        replica: Replica,
        fail_at: int = 0,
        error: Exception | None = None,
        *,
        after: bool = False,
    ) -> None:
        self.replica = replica
        self.fail_at = fail_at
        self.error = error
        self.after = after
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return self._wrapped(name, getattr(self.replica, name))

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            failing = len(self.calls) == self.fail_at and self.error is not None
            if failing and not self.after:
                raise self.error
            args = tuple(a.replica if isinstance(a, Faulty) else a for a in args)
            result = call(*args, **kwargs)
            if failing:
                raise self.error
            return Faulty(result) if name == "begin_copy" else result

        return run
