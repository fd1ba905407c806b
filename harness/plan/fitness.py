"""What a candidate of a search is chosen by."""

from harness.vocabulary.rows import Row


def fitness(row: Row) -> float | None:
    """Higher is better: the zero-cost score of a row that has one, else its validation accuracy in percent; None where
    it failed."""
    return row["score"] if "score" in row else row["val_accuracy"]
