"""α is written with the digits that its precision has, and loses nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.commands.verify_again import _single
from harness.training.alpha import shortest


@given(arrays(np.float32, (2, 3), elements=st.floats(width=32, allow_nan=False)))
def test_every_single_number_comes_back_bit_for_bit(alpha):
    assert np.array_equal(np.array(shortest(torch.from_numpy(alpha)), np.float32), alpha)


def test_a_tenth_is_a_tenth_and_double_precision_keeps_its_digits():
    assert shortest(torch.tensor([0.1, -3.0])) == [0.1, -3.0]
    assert shortest(torch.tensor([1 / 3], dtype=torch.float64)) == [1 / 3]
    assert shortest(torch.tensor([0.5, 0.25], dtype=torch.bfloat16)) == [0.5, 0.25]


@pytest.mark.parametrize(("other", "equal"), [(0.1, True), (float(np.float32(0.1)), True), (0.10001, False)])
def test_verify_takes_both_ways_of_writing_for_the_same(other, equal):
    assert (_single({"5": {"normal": [[0.1]]}}) == _single({"5": {"normal": [[other]]}})) is equal
