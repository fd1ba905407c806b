"""Pictures of reports; or nothing in their place, for tests that look at none: drawing takes most of a small report's
time."""

from analysis.figures import style

REAL = style._bytes


def draw(really: bool) -> None:
    style._bytes = REAL if really else _nothing


def drawn() -> bool:
    return style._bytes is REAL


def _nothing(_: object) -> dict[str, bytes]:
    return dict.fromkeys(style.FORMATS, b"<svg />")
