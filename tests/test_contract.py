"""The contract over every registered space, at small sizes where the space has them."""

import pytest

from spaces.contract import checks
from spaces.registry import SPACES, load

SMALL = {name: {"width": 0.125} if name.startswith("shortcut") else {"channels": 4} for name in SPACES}
SMALL["cell-darts"] = {"channels": 4, "cells": 3, "train_channels": 4, "train_cells": 3}
CASES = [
    pytest.param(check, id=f"{name}: {what}") for name in SPACES for what, check in checks(load(name, SMALL[name]))
]


@pytest.mark.parametrize("check", CASES)
def test_contract(check):
    check()
