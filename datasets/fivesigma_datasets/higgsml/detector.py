"""A documented detector response: efficiencies, resolutions, tau identification, missing momentum.

Numbers are round values near ATLAS's published 8 TeV performance; they were set once against
medians of the published table and are the same for every process. Pile-up enters through the
soft part of the missing momentum and of the total transverse energy, and as jets.
"""

from dataclasses import dataclass

import numpy as np

from fivesigma_datasets.higgsml.features import Floats, Reconstructed
from fivesigma_datasets.higgsml.missing_mass import missing_mass
from fivesigma_datasets.higgsml.truth import Booleans, Truth, wrap

Rng = np.random.Generator


OVERLAP = 0.4
"""Distance in eta and phi below which a jet is the tau or the lepton."""


@dataclass(frozen=True)
class Response:
    """Settings of the response, GeV where not a pure number; they go into the manifest."""

    lepton_pt: float = 26.0
    lepton_eta: float = 2.47
    veto_lepton_pt: float = 15.0
    crack: tuple[float, float] = (1.37, 1.52)
    lepton_efficiency: float = 0.80
    tau_pt: float = 20.0
    tau_eta: float = 2.47
    tau_scale: float = 0.95
    tau_efficiency: float = 0.42
    fake_rate: float = 0.11
    fake_floor: float = 0.15
    fake_slope: float = 10.0
    fake_response: float = 0.8
    fake_width: float = 0.12
    fake_boost: float = 7.0
    jet_pt: float = 30.0
    jet_eta: float = 4.5
    jet_terms: tuple[float, float, float] = (3.5, 0.7, 0.05)
    tau_terms: tuple[float, float, float] = (1.0, 0.5, 0.03)
    met_jet_pt: float = 20.0
    soft_kept: float = 0.05
    soft_noise: float = 2.0
    soft_sum_et: tuple[float, float] = (0.35, 35.0)
    pile_up_jets: tuple[float, float] = (0.15, 5.0)
    mmc_resolution: tuple[float, float] = (9.0, 0.4)
    mmc_spread: float = 0.10


RESPONSE = Response()


def reconstruct(
    truth: Truth, rng: Rng, response: Response = RESPONSE
) -> tuple[Reconstructed, Floats]:
    """Selected events with one lepton and one tau candidate, and their sampling weights.

    The weight holds efficiencies that are not thrown (a row less is a row lost) and undoes the
    enrichment of misidentified jets.
    """
    lepton, one_lepton = _leptons(truth, rng, response)
    truth, lepton = truth.take(one_lepton), lepton[one_lepton]
    jets = _smeared(truth.jets, response.jet_terms, rng)
    real = _real_taus(truth, rng, response)
    fake = _fake_taus(truth, lepton, rng, response)
    is_real = real[:, 0] > 0
    tau = np.where(is_real[:, None], real, fake)
    keep = tau[:, 0] > 0
    jets = _clean(np.concatenate([jets, _pile_up(len(truth), rng, response)], axis=1), tau, lepton)
    met, sum_et = _missing(truth, jets, tau, lepton, rng, response)
    events = Reconstructed(
        tau=tau[keep],
        lep=lepton[keep],
        jets=_above(jets, response.jet_pt)[keep],
        met=met[keep],
        sum_et=sum_et[keep],
        mmc=_mmc(tau[keep], lepton[keep], met[keep], jets[keep], rng, response),
    )
    weight = np.where(is_real, response.tau_efficiency, 1.0 / response.fake_boost)
    return events, response.lepton_efficiency * weight[keep]


def _leptons(truth: Truth, rng: Rng, response: Response) -> tuple[Floats, Booleans]:
    """The hardest lepton after resolution, and where it is good and alone."""
    pt = truth.leptons[..., 0]
    electron = np.sqrt(0.1**2 / np.maximum(pt, 1.0) + 0.01**2)
    width = np.where(truth.is_muon, np.hypot(0.018, 2e-4 * pt), electron)
    smeared = truth.leptons.copy()
    smeared[..., 0] = pt * (1 + width * rng.standard_normal(pt.shape))
    eta = np.abs(smeared[:, 0, 1])
    low, high = response.crack
    lost = (eta > low) & (eta < high) & ~truth.is_muon[:, 0]
    good = (smeared[:, 0, 0] > response.lepton_pt) & (eta < response.lepton_eta) & ~lost
    return smeared[:, 0], good & (smeared[:, 1, 0] < response.veto_lepton_pt)


def _real_taus(truth: Truth, rng: Rng, response: Response) -> Floats:
    """The leading hadronic tau after resolution; zeros where it is not identified."""
    tau = _smeared(truth.taus[:, :1], response.tau_terms, rng)[:, 0]
    tau[:, 0] *= response.tau_scale
    good = (tau[:, 0] > response.tau_pt) & (np.abs(tau[:, 1]) < response.tau_eta)
    return np.where(good[:, None], tau, 0.0)


def _fake_taus(truth: Truth, lepton: Floats, rng: Rng, response: Response) -> Floats:
    """A jet taken for a tau in events without a hadronic tau; zeros where none is.

    The rate falls exponentially with pt to a floor: hard jets have too many tracks.
    """
    response_factor = response.fake_response + response.fake_width * rng.standard_normal(
        truth.jets.shape[:2]
    )
    pt = truth.jets[..., 0] * np.clip(response_factor, 0.3, 1.2)
    falling = np.exp(-np.maximum(pt - response.tau_pt, 0.0) / response.fake_slope)
    shape = response.fake_floor + (1.0 - response.fake_floor) * falling
    rate = response.fake_boost * response.fake_rate * shape
    good = (pt > response.tau_pt) & (np.abs(truth.jets[..., 1]) < response.tau_eta)
    good &= _distance(truth.jets, lepton) > OVERLAP
    good &= (truth.taus[:, :1, 0] == 0) & (rng.random(pt.shape) < rate)
    any_good = np.asarray(good.any(axis=1))
    rows, which = np.arange(len(truth)), good.argmax(axis=1)
    tau = truth.jets[rows, which].copy()
    tau[:, 0], tau[:, 3] = pt[rows, which], 0.8
    return np.where(any_good[:, None], tau, 0.0)


def _clean(jets: Floats, tau: Floats, lepton: Floats) -> Floats:
    """Jets away from tau and lepton, hardest first; zeros for the others."""
    good = (_distance(jets, tau) > OVERLAP) & (_distance(jets, lepton) > OVERLAP)
    kept = np.where(good[..., None], jets, 0.0)
    order = np.argsort(-kept[..., 0], axis=1, kind="stable")
    return np.take_along_axis(kept, order[..., None], axis=1)


def _above(jets: Floats, threshold: float) -> Floats:
    return np.where(jets[..., :1] > threshold, jets, 0.0)


def _pile_up(n: int, rng: Rng, response: Response) -> Floats:
    """Up to two jets per event from other collisions, uniform in eta and phi."""
    chance, slope = response.pile_up_jets
    present = rng.random((n, 2)) < chance
    pt = response.met_jet_pt + rng.exponential(slope, (n, 2))
    eta = rng.uniform(-response.jet_eta, response.jet_eta, (n, 2))
    phi = rng.uniform(-np.pi, np.pi, (n, 2))
    jets = np.stack([pt, eta, phi, 0.12 * pt], axis=-1)
    return np.where(present[..., None], jets, 0.0)


def _smeared(objects: Floats, terms: tuple[float, float, float], rng: Rng) -> Floats:
    """Momentum scaled by a Gaussian of relative width N/pt + S/sqrt(pt) + C, in quadrature."""
    noise, stochastic, constant = terms
    pt = np.maximum(objects[..., 0], 1.0)
    width = np.sqrt((noise / pt) ** 2 + stochastic**2 / pt + constant**2)
    scale = np.maximum(1.0 + width * rng.standard_normal(pt.shape), 0.05)
    changed = objects.copy()
    changed[..., 0] *= scale
    changed[..., 3] *= scale
    return changed


def _missing(
    truth: Truth, jets: Floats, tau: Floats, lepton: Floats, rng: Rng, response: Response
) -> tuple[Floats, Floats]:
    """Missing momentum (n, 2) and total transverse energy (n,).

    The momentum balances the objects; of the soft rest a small part survives the suppression of
    pile-up, so that recoil below the jet threshold is lost, as in the published table.
    """
    jets = _above(jets, response.met_jet_pt)
    objects = _momentum(lepton) + _momentum(tau) + _momentum(jets).sum(axis=1)
    soft = -truth.invisible - objects
    noise = response.soft_noise * rng.standard_normal((len(truth), 2))
    hard = lepton[:, 0] + tau[:, 0] + jets[..., 0].sum(axis=1)
    scale, width = response.soft_sum_et
    rest = scale * np.maximum(truth.sum_et - hard, 0.0)
    rest += width * rng.standard_normal(len(truth))
    return -objects - response.soft_kept * soft + noise, np.maximum(hard + rest, 0.3 * hard)


def _mmc(
    tau: Floats, lepton: Floats, met: Floats, jets: Floats, rng: Rng, response: Response
) -> Floats:
    """The mass with the resolution an analysis would assume for the missing momentum.

    The spread stands for what the collinear likelihood does not have: the real scan's own
    sampling, angles between taus and their products.
    """
    constant, stochastic = response.mmc_resolution
    resolution = np.hypot(constant, stochastic * np.sqrt(jets[..., 0].sum(axis=1)))
    mass = missing_mass(tau, lepton, met, resolution)
    return np.asarray(mass * np.exp(response.mmc_spread * rng.standard_normal(len(tau))))


def _momentum(objects: Floats) -> Floats:
    pt, phi = objects[..., 0], objects[..., 2]
    return np.stack([pt * np.cos(phi), pt * np.sin(phi)], axis=-1)


def _distance(jets: Floats, other: Floats) -> Floats:
    eta = jets[..., 1] - other[:, None, 1]
    return np.hypot(eta, wrap(jets[..., 2] - other[:, None, 2]))
