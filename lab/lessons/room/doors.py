"""Who may enter: the join code, the teacher's token, the limit of wrong ones, and the names of this server."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without those that look alike: I, L, O, 0, 1
CODE_LENGTH = 6
TOKEN_BYTES = 24
MOST_WRONG, WINDOW = 10, 60.0  # wrong codes from one address in so many seconds
MOST_ADDRESSES = 4096


class Attempts:
    """Counts wrong codes of each address for a minute, in memory only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def may_try(self, address: str) -> bool:
        """False while an address has made too many wrong attempts."""
        times = self._wrong.get(address)
        if times is None:
            return True
        while times and self._clock() - times[0] >= WINDOW:
            times.popleft()
        if not times:
            del self._wrong[address]
        return len(times) < MOST_WRONG

    def note(self, address: str) -> None:
        """Count one wrong attempt. The address whose first one is the oldest is forgotten if there are too many."""
        self._wrong.setdefault(address, deque(maxlen=MOST_WRONG)).append(self._clock())
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)


class Doors:
    """The join code of the students and the token of the teacher, both new for each server.

    `hosts` are the values of the header Host that are answered, such as 127.0.0.1:8766. A page of another site that
    resolves its own name to this machine has another one.
    """

    def __init__(self, hosts: Iterable[str], attempts: Attempts | None = None) -> None:
        self.hosts = frozenset(host.lower() for host in hosts)
        self.code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.attempts = attempts or Attempts()

    @property
    def shown_code(self) -> str:
        """The code in two groups, as people read it."""
        half = CODE_LENGTH // 2
        return f"{self.code[:half]} {self.code[half:]}"

    def opens(self, typed: str) -> bool:
        """True if this is the code; case, blanks and hyphens do not matter."""
        return _same("".join(typed.upper().replace("-", " ").split()), self.code)

    def is_teacher(self, token: str) -> bool:
        """True if this is the teacher's token."""
        return _same(token, self.token)


def _same(found: str, wanted: str) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return secrets.compare_digest(found.encode("utf-8", "replace"), wanted.encode())
