"""What a study says about its data: one set of images, or several; and tables of trainings that were done before."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_serializer, model_validator
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from harness.study.bounds import PIXELS
from harness.study.model import Model

LATER = (("test_part", None), ("resample", False))


class Data(Model):
    """`train_images` and `test_images`: how many of each set (all where null), the same ones for every seed.

    `resample`: the training images are drawn anew for every search seed; the test images never are.
    """

    name: str = "cifar10"
    train_images: int | None = Field(None, gt=1, le=10**9)
    test_images: int | None = Field(None, gt=0, le=10**9)
    image_size: int | None = Field(None, gt=0, le=PIXELS)  # images are scaled to it; null: as they are
    test_part: float | None = Field(None, gt=0, lt=1)  # of each class, held out where data come in one part
    resample: bool = False

    @model_validator(mode="after")
    def _drawn_from_more(self) -> Self:
        if self.resample and self.train_images is None:
            raise ValueError("data.resample draws data.train_images of the set: say how many")
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what came later and is not set, so that protocols of older folders stay as they are."""
        return {name: value for name, value in dumped(self).items() if (name, value) not in LATER}

    @property
    def label(self) -> str:
        """In front of a method's name, where a study has several data sets."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", self.name).strip("-")


ONE, SEVERAL = "one set", "several sets"  # stand in the place of an error (harness.study.validation)
Sets = Annotated[Annotated[Data, Tag(ONE)] | Annotated[tuple[Data, ...], Tag(SEVERAL)],
                 Discriminator(lambda value: SEVERAL if isinstance(value, list | tuple) else ONE)]  # fmt: skip


class Table(Model):
    """Trainings that somebody did before: scoring and final training are look-ups, searches still train supernets."""

    name: str  # "nasbench201", or a CSV or Parquet file's path from the study file on (docs/tables.md)
    data: str | None = None  # data set of the table; null: named as the study's
    signal: Literal["run", "mean"] = "run"  # what a search sees: one run's validation accuracy, or the mean of all
    sha256: str | None = None  # of the table's file; null: of the file that is there

    def settings(self, data: Data) -> dict[str, Any]:
        """Of a job that is of this data set."""
        return {**self.model_dump(), "data": self.data or data.name}


def labels_fault(sets: tuple[Data, ...]) -> str:
    """'' where several data sets have a label each."""
    if not sets:
        return "data: the list is empty; name a data set"
    labels = [data.label for data in sets]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    return f"data: '{twice}' appears twice in the list" if twice else ""
