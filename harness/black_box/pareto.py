"""Two objectives: accuracy, of which more is better, and a cost, of which less is."""

from collections.abc import Sequence

Point = tuple[float, float]  # accuracy, cost


def front(points: Sequence[Point]) -> list[int]:
    """Numbers of the points that no other dominates, by rising cost; of equal points the first."""
    order = sorted(range(len(points)), key=lambda number: (points[number][1], -points[number][0], number))
    found: list[int] = []
    for number in order:
        if not found or points[number][0] > points[found[-1]][0]:
            found.append(number)
    return found


def hypervolume(points: Sequence[Point], worst: Point) -> float:
    """The area between the points' front and `worst`, which points beyond it add nothing to (Zitzler & Thiele 1998)."""
    inside = [point for point in points if point[0] > worst[0] and point[1] < worst[1]]
    steps = [inside[number] for number in front(inside)]
    if not steps:
        return 0.0
    ends = [cost for _, cost in steps[1:]] + [worst[1]]
    return sum((accuracy - worst[0]) * (end - cost) for (accuracy, cost), end in zip(steps, ends, strict=True))
