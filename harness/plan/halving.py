"""The rungs of successive halving (Jamieson & Talwalkar 2016)."""


def rungs(candidates: int, epochs: int, reduction: int) -> list[tuple[int, int]]:
    """(how many are trained, for how many epochs) in each rung, until fewer than `reduction` are left."""
    found = [(candidates, epochs)]
    while found[-1][0] >= reduction:
        count, longer = found[-1]
        found.append((count // reduction, longer * reduction))
    return found
