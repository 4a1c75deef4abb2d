"""How far what a model finds now lies from what it found on its validation images. Pure.

The measure is the population stability index, PSI = sum over cells of (now - then) * ln(now / then), of shares that
each sum to 1. It is the symmetric form of the Kullback-Leibler divergence, and the usual measure of drift in production
(Siddiqi, "Credit Risk Scorecards", Wiley 2006), with the usual marks: below 0.1 much the same, below 0.25 somewhat
different, from there on very different.

Few observations make a PSI by chance alone: between two samples (n, m) of one distribution over k cells it is about
chi2(k - 1) * (1/n + 1/m) (Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan University
2018). Where chance would bring it past 0.1 in one of twenty cases, it is too early to say, unless the PSI is past
0.25 and twice what chance brings. Boxes of one image are not independent of each other: chance has more room yet.
"""

import math
from dataclasses import dataclass

SOME, MUCH = 0.1, 0.25
LEAST_IMAGES = 30  # on either side
LEAST_IN_CELL = 5  # of both sides together; the rest is put together, as for a chi-squared test
SURE = 1.6449  # the normal quantile of 0.95
VERDICTS = {
    "same": "much the same as on validation",
    "some": "somewhat different from validation",
    "much": "very different from validation",
    "unknown": "too few to say",
}


@dataclass(frozen=True)
class Drift:
    """`psi` is None where a side has nothing; `chance` is what chance alone stays below in 19 of 20 cases."""

    verdict: str  # a key of VERDICTS
    psi: float | None
    chance: float | None
    shares: tuple = ()  # (cell, share then, share now), cells as the counts have them

    @property
    def words(self):
        return VERDICTS[self.verdict]

    @property
    def most_moved(self):
        """(cell, share then, share now) of what changed most, or None."""
        return max(self.shares, key=lambda row: abs(row[2] - row[1]), default=None)


def drift(then, now, enough=True):
    """The Drift from counts by cell to counts by cell; `enough` is False where there are too few images to say."""
    cells = sorted(set(then) | set(now), key=_order)
    many, more = sum(then.values()), sum(now.values())
    if not many or not more:
        return Drift("unknown", None, None)
    shares = tuple((cell, then.get(cell, 0) / many, now.get(cell, 0) / more) for cell in cells)
    old, new = _pooled(then, now, cells)
    psi, chance = population_stability(old, new), chance_of(len(old), many, more)
    sure = enough and (chance <= SOME or psi >= max(MUCH, 2 * chance))
    verdict = "unknown" if not sure else "same" if psi < SOME else "some" if psi < MUCH else "much"
    return Drift(verdict, psi, chance, shares)


def population_stability(old, new):
    """The PSI of two lists of counts. Half an observation is added to each cell: an empty one has no logarithm."""
    cells = len(old)
    if cells < 2:
        return 0.0
    then = [(count + 0.5) / (sum(old) + 0.5 * cells) for count in old]
    now = [(count + 0.5) / (sum(new) + 0.5 * cells) for count in new]
    return sum((b - a) * math.log(b / a) for a, b in zip(then, now, strict=True))


def chance_of(cells, many, more):
    """What the PSI of two samples of one distribution stays below in 19 of 20 cases; chi2's quantile after
    Wilson and Hilferty (1931)."""
    free = cells - 1
    if free < 1:
        return 0.0
    quantile = free * (1 - 2 / (9 * free) + SURE * math.sqrt(2 / (9 * free))) ** 3
    return quantile * (1 / many + 1 / more)


def _pooled(then, now, cells):
    """Counts of both sides by cell; cells with hardly anything are one."""
    full = [cell for cell in cells if then.get(cell, 0) + now.get(cell, 0) >= LEAST_IN_CELL]
    rest = [cell for cell in cells if cell not in set(full)]
    old, new = [then.get(cell, 0) for cell in full], [now.get(cell, 0) for cell in full]
    if rest:
        old.append(sum(then.get(cell, 0) for cell in rest))
        new.append(sum(now.get(cell, 0) for cell in rest))
    return old, new


def _order(cell):
    return (0, int(cell), "") if str(cell).isdecimal() else (1, 0, str(cell))
