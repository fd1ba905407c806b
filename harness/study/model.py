"""What every part of a study file is: frozen, with unknown keys and numbers that are none refused."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
