"""Seeds of a test that is played often: a sample always, the rest in the long campaigns."""

import pytest


def seeds(sample: int, whole: int) -> list[object]:
    """Return the seeds from 0: `sample` of them for every run, up to `whole` for `make soak`."""
    rest = [pytest.param(seed, marks=pytest.mark.soak) for seed in range(sample, whole)]
    return [*range(sample), *rest]
