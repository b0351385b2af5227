"""Conditional logit: which of a slot's candidates is chosen, by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_STEPS = 50
_SMALL = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients, their covariance, and the logarithm of the likelihood."""

    coefficient: Floats
    covariance: Floats
    log_likelihood: float

    @property
    def error(self) -> Floats:
        """Standard errors."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def probabilities(features: Floats, slot: Ints, coefficient: Floats) -> Floats:
    """(V,) chance of each candidate; `slot` (V,) numbers the choices from 0 without gaps."""
    utility = features @ coefficient
    best = np.full(slot.max() + 1, -np.inf)
    np.maximum.at(best, slot, utility)
    weight = np.exp(utility - best[slot])
    return np.asarray(weight / np.bincount(slot, weight)[slot])


def log_likelihood(features: Floats, slot: Ints, chosen: Bools, coefficient: Floats) -> float:
    """The logarithm of the chance of all choices together."""
    return float(np.log(probabilities(features, slot, coefficient)[chosen]).sum())


def fit(features: Floats, slot: Ints, chosen: Bools) -> Fit:
    """Newton's method on the log-likelihood, which is concave. Every slot has one chosen candidate."""
    coefficient = np.zeros(features.shape[1])
    likelihood = log_likelihood(features, slot, chosen, coefficient)
    for _ in range(_STEPS):
        chance = probabilities(features, slot, coefficient)
        mean = _by_slot(features * chance[:, None], slot)
        gradient = (features[chosen] - mean).sum(axis=0)
        information = (features * chance[:, None]).T @ features - mean.T @ mean
        step = np.linalg.solve(information, gradient)
        while (better := log_likelihood(features, slot, chosen, coefficient + step)) < likelihood - _SMALL:
            step /= 2.0
        coefficient, likelihood = coefficient + step, better
        if np.abs(step).max() < _SMALL * (1.0 + np.abs(coefficient).max()):
            return Fit(coefficient, np.asarray(np.linalg.inv(information), dtype=np.float64), likelihood)
    raise RuntimeError("the logit fit does not converge")


def renumber(slot: Ints) -> Ints:
    """Slot numbers from 0 without gaps, in the same order."""
    return np.asarray(np.unique(slot, return_inverse=True)[1], dtype=np.int64)


def _by_slot(values: Floats, slot: Ints) -> Floats:
    sums = np.zeros((slot.max() + 1, values.shape[1]))
    np.add.at(sums, slot, values)
    return sums
