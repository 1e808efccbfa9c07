"""What time it is by the order of the records of a partition.

The rules are those of docs/decisions/clocks.md, written anew. Times are in ns.
"""

from dataclasses import dataclass

CLOCKS = 8
CONFIRM = 1024
DECAY = 32
BEGINNING = 32
YOUNG = 16
FEW = 64
SLACK = 250_000_000


@dataclass
class Clock:
    last: int
    elapsed: int
    records: int = 0
    seen: int = 0
    missed: int = 0


class Clocks:
    def __init__(self, grace, skew):
        self.grace, self.skew = grace, skew
        self.list = []  # by last
        self.seen = self.elapsed = self.rhythm = 0
        self.known = False
        self.time = None

    @property
    def watermark(self):
        return None if self.time is None else self.time - self.grace

    def take(self, t):
        """Takes the time of the next record, which is accepted or late, or has a bad body."""
        if self.time is not None and t < self.time - self.skew:
            return
        clock = self._clock_of(t)
        self._stamp(clock, t)
        self.list.sort(key=lambda c: c.last)  # stable
        if len(self.list) > 1:
            self.list = [c for c in self.list if not self._dead(c)]
        if not self.known and (self.seen >= BEGINNING or self.elapsed >= self.skew):
            self.known = True
            for c in self.list:
                c.records = max(c.records, 2)
        if self.known:
            now = next((c.last for c in self.list[:-1] if c.records > 1), self.list[-1].last)
            self.time = now if self.time is None else max(self.time, now)

    def _shows(self, c):
        return c.last + self.elapsed - c.elapsed

    def _explains(self, c, t, rhythm):
        if t <= c.last:
            return t >= c.last - (self.grace - self.grace // 8)
        return t <= self._shows(c) + rhythm + rhythm // 2 + max(self.grace // 2, SLACK)

    def _dead(self, c):
        silent = self.seen - c.seen
        return silent >= min(FEW * c.records, CONFIRM) or c.missed >= FEW or self.elapsed - c.elapsed >= self.skew

    def _clock_of(self, t):
        found = None
        for c in list(self.list):
            if not self._explains(c, t, self.rhythm):
                continue
            if found is None or abs(t - self._shows(c)) < abs(t - self._shows(found)):
                if found is not None and self._by_chance(found, c, t):
                    self.list.remove(c)
                    continue
                found = c
            if self._explains(c, t, 0):
                c.missed += 1
        if found is None and self.rhythm == 0:
            found = self._sparse(t)
        return found or self._begin(t)

    def _by_chance(self, clock, ahead, t):
        if clock.records < YOUNG or t < self._shows(clock) - self.grace:
            return False
        return ahead.records <= 1 or ahead.records < YOUNG and self._explains(clock, t, 0)

    def _sparse(self, t):
        behind = [c for c in self.list if c.last <= t]
        if len(behind) < 2 or behind[-2].seen > behind[-1].seen:
            return None
        first, second = behind[-2:]
        before, step = second.last - first.last, t - second.last
        if 2 * step > 3 * before or 2 * before > 3 * step:
            return None
        self.list.remove(first)
        return second

    def _begin(self, t):
        if len(self.list) == CLOCKS:
            self.list.remove(min(self.list, key=lambda c: (c.records > 1, c.seen)))
        c = Clock(t, self.elapsed)
        i = next((i for i, other in enumerate(self.list) if other.last >= t), len(self.list))
        self.list.insert(i, c)
        return c

    def _stamp(self, c, t):
        self.seen += 1
        if t > c.last:
            c.elapsed += t - c.last
            c.last = t
        step = c.elapsed - self.elapsed
        if step > 0:
            self.rhythm = max(step, self.rhythm - (self.rhythm - step) // min(DECAY, self.seen))
            self.elapsed = c.elapsed
        c.elapsed += (self.elapsed - c.elapsed) // DECAY
        c.records += 1
        c.seen, c.missed = self.seen, 0
