"""How well a variance is known that is pooled over samples with common seeds."""

import numpy as np
import pandas as pd


def correlated_freedom(samples: pd.DataFrame) -> float:
    """Degrees of freedom of the pooled variance of samples [seed, sample] that have equal variances; NaN is missing.

    Samples that rise and fall together say less of their variance than independent ones: the variance of the pooled one
    is matched to that of a χ² (Satterthwaite 1946), with the squared correlations of the samples, corrected for chance
    as an adjusted R² (Ezekiel 1930). Two samples with two common seeds, or of which one is constant at these, count as
    one: nothing is known of their correlation.
    """
    known = samples.notna().to_numpy(dtype=float)
    common = known.T @ known
    squared = samples.corr().to_numpy() ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = 1 - (1 - squared) * (common - 1) / (common - 2)
    squared = np.where(common > 2, np.nan_to_num(squared, nan=1.0), common == 2)
    np.fill_diagonal(squared, 1.0)
    freedoms = np.maximum(common - 1, 0.0)
    total = float(np.trace(freedoms))
    return total**2 / max(float((freedoms * squared).sum()), total) if total else 0.0
