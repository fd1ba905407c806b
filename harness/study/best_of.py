"""Best of k in the study file: a number of searches, or a table that also says how long their networks are compared."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_serializer, model_validator

from harness.study.bounds import EPOCHS, SEEDS
from harness.study.model import Model


class BestOf(Model):
    """Of every `searches` searches the network that is best on the validation split is trained anew, as a row of its
    own beside the mean over all searches.

    `epochs`: of the trainings that choose; null: the recipe's. 0 searches: there is no such row.
    """

    searches: int = Field(0, ge=0, le=SEEDS)
    epochs: int | None = Field(None, gt=0, le=EPOCHS)

    @model_validator(mode="before")
    @classmethod
    def _of_a_number(cls, value: Any) -> Any:
        return value if isinstance(value, Mapping | BestOf) else {"searches": value}

    @model_validator(mode="after")
    def _chooses(self) -> "BestOf":
        if self.searches == 1 or (self.epochs and not self.searches):
            raise ValueError("the best of one search is that search; give 2 or more, or leave best_of out")
        return self

    @model_serializer
    def _as_written(self) -> int | dict[str, Any]:
        """A number where it says all."""
        return self.searches if self.epochs is None else {"searches": self.searches, "epochs": self.epochs}
