"""From particles to reconstructed objects: decays, efficiencies, resolutions, missing momentum.

Each generated event is tried many times, since most of its cost is the generator's. The numbers
are in ``response``, the same for every process.
"""

from dataclasses import dataclass, fields

import numpy as np

from fivesigma_datasets.higgsml.features import Floats, Reconstructed
from fivesigma_datasets.higgsml.missing_mass import missing_mass
from fivesigma_datasets.higgsml.processes import LEP_HAD
from fivesigma_datasets.higgsml.response import RESPONSE, Response
from fivesigma_datasets.higgsml.tau_decays import decay
from fivesigma_datasets.higgsml.truth import Booleans, Integers, Truth, wrap

Rng = np.random.Generator

PASSES = 24
"""Tries at each generated event."""

OVERLAP = 0.4
"""Distance in eta and phi below which a jet is the tau or the lepton."""


def reconstruct(
    truth: Truth,
    rng: Rng,
    *,
    one_leptonic: bool,
    thinning: float,
    response: Response = RESPONSE,
) -> tuple[Reconstructed, Floats]:
    """Selected events with one lepton and one tau candidate, and their sampling weights.

    Every event goes ``PASSES`` times through tau decays and resolutions; one of the passes that are
    selected is drawn, and the weight is the share of passes, efficiencies included. Events of a
    share below ``thinning`` are kept with a probability that raises their weight to it.
    """
    n = len(truth)
    tried = _candidates(truth.take(np.repeat(np.arange(n), PASSES)), rng, one_leptonic, response)
    drawn, weight = _drawn(tried.weight.reshape(n, PASSES), thinning, rng)
    truth, found = truth.take(drawn // PASSES), tried.take(drawn)
    tau, lepton = found.tau, found.lepton
    jets = np.concatenate([found.jets, _pile_up(len(truth), rng, response)], axis=1)
    jets = _clean(jets, tau, lepton)
    met, sum_et = _missing(truth, found, jets, rng, response)
    events = Reconstructed(
        tau=tau,
        lep=lepton,
        jets=_above(jets, response.jet_pt),
        met=met,
        sum_et=sum_et,
        mmc=_mmc(tau, lepton, met, jets, rng, response),
    )
    return events, weight


def _drawn(weight: Floats, thinning: float, rng: Rng) -> tuple[Integers, Floats]:
    """One pass for each kept event, drawn by its weight (n, PASSES): flat index, event's weight."""
    share = weight.mean(axis=1)
    kept = np.flatnonzero(rng.random(len(share)) * thinning < share)
    edges = np.cumsum(weight[kept], axis=1)
    which = (rng.random(len(kept))[:, None] * edges[:, -1:] >= edges).sum(axis=1)
    which = np.minimum(which, weight.shape[1] - 1)
    return kept * weight.shape[1] + which, np.maximum(share[kept], thinning)


@dataclass(frozen=True)
class _Candidates:
    """Selected objects of passes: lepton, tau (n, 4), jets (n, k, 4); weight 0 where not selected.

    ``decayed`` (n, 2) and ``decayed_et`` (n,) are visible momentum and transverse energy of taus.
    """

    lepton: Floats
    tau: Floats
    jets: Floats
    weight: Floats
    decayed: Floats
    decayed_et: Floats

    def take(self, rows: Integers) -> "_Candidates":
        return _Candidates(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def _candidates(truth: Truth, rng: Rng, one_leptonic: bool, response: Response) -> _Candidates:
    """One try at each event: taus decay, one lepton and one tau are looked for."""
    visible, leptonic, muon = decay(truth.taus, rng, one_leptonic=one_leptonic)
    soft_leptons = np.where(leptonic[..., None], visible, 0.0)
    leptons = np.concatenate([truth.leptons, soft_leptons], axis=1)
    lepton, good = _leptons(leptons, np.concatenate([truth.is_muon, muon], axis=1), rng, response)
    hadronic = np.where(leptonic[..., None], 0.0, visible)
    real = _real_tau(hadronic, rng, response)
    fake, rate = _fake_tau(truth, lepton, rng, response)
    is_real = real[:, 0] > 0
    rate = np.where((hadronic[..., 0] > 0).any(axis=1), 0.0, rate)
    tau = np.where(is_real[:, None], real, fake)
    jets = _measured_jets(truth.jets, rng, response)
    good &= ~_tagged(jets, truth.is_b, tau, rng, response)
    efficiency = _lepton_efficiency(lepton, response)
    weight = np.where(is_real, response.tau_efficiency, rate) * good * efficiency
    return _Candidates(
        lepton=lepton,
        tau=tau,
        jets=jets,
        weight=weight * (LEP_HAD if one_leptonic else 1.0),
        decayed=_momentum(visible).sum(axis=1),
        decayed_et=visible[..., 0].sum(axis=1),
    )


def _leptons(
    leptons: Floats, is_muon: Booleans, rng: Rng, response: Response
) -> tuple[Floats, Booleans]:
    """The hardest lepton after resolution, and where it is good and alone."""
    pt = np.where(np.abs(leptons[..., 1]) < 2.7, leptons[..., 0], 0.0)
    electron = np.sqrt(0.1**2 / np.maximum(pt, 1.0) + 0.01**2)
    width = np.where(is_muon, np.hypot(0.018, 2e-4 * pt), electron)
    smeared = leptons.copy()
    smeared[..., 0] = pt * (1 + width * rng.standard_normal(pt.shape))
    order = np.argsort(-smeared[..., 0], axis=1)[:, :2]
    smeared = np.take_along_axis(smeared, order[..., None], axis=1)
    muon = np.take_along_axis(is_muon, order, axis=1)[:, 0]
    eta = np.abs(smeared[:, 0, 1])
    low, high = response.crack
    lost = (eta > low) & (eta < high) & ~muon
    good = (smeared[:, 0, 0] > response.lepton_pt) & (eta < response.lepton_eta) & ~lost
    return smeared[:, 0], good & (smeared[:, 1, 0] < response.veto_lepton_pt)


def _real_tau(taus: Floats, rng: Rng, response: Response) -> Floats:
    """The leading hadronic tau after resolution; zeros where it is out of acceptance."""
    rows = np.arange(len(taus))
    tau = _smeared(taus[rows, taus[..., 0].argmax(axis=1)], response.tau_terms, rng)
    tau[:, 0] *= response.tau_scale
    good = (tau[:, 0] > response.tau_pt) & (np.abs(tau[:, 1]) < response.tau_eta)
    return np.where(good[:, None], tau, 0.0)


def _lepton_efficiency(lepton: Floats, response: Response) -> Floats:
    """Trigger and identification, rising to a plateau."""
    missing = response.lepton_turn_on * np.exp((response.lepton_pt - lepton[:, 0]) / 10.0)
    return np.asarray(response.lepton_efficiency * (1.0 - missing))


def _measured_jets(jets: Floats, rng: Rng, response: Response) -> Floats:
    """Jets after resolution; some soft central ones are lost, taken for pile-up."""
    measured = _smeared(jets, response.jet_terms, rng)
    central = (measured[..., 0] < response.vertex_pt) & (np.abs(jets[..., 1]) < response.vertex_eta)
    lost = central & (rng.random(central.shape) < response.vertex_loss)
    return np.where(lost[..., None], 0.0, measured)


def _tagged(jets: Floats, is_b: Booleans, tau: Floats, rng: Rng, response: Response) -> Booleans:
    """Events with a jet that is recognised as one of a bottom quark: they are not selected."""
    inside = (jets[..., 0] > response.jet_pt) & (np.abs(jets[..., 1]) < response.b_tag_eta)
    found = is_b & inside & (rng.random(is_b.shape) < response.b_tag)
    return np.asarray((found & (_distance(jets, tau) > OVERLAP)).any(axis=1))


def _fake_tau(truth: Truth, lepton: Floats, rng: Rng, response: Response) -> tuple[Floats, Floats]:
    """A jet taken for a tau, and the probability that one is.

    The rate falls exponentially with pt to a floor: hard jets have too many tracks.
    """
    factor = response.fake_response + response.fake_width * rng.standard_normal(
        truth.jets.shape[:2]
    )
    pt = truth.jets[..., 0] * np.clip(factor, 0.3, 1.2)
    falling = np.exp(-np.maximum(pt - response.tau_pt, 0.0) / response.fake_slope)
    shape = response.fake_floor + (1.0 - response.fake_floor) * falling
    good = (pt > response.tau_pt) & (np.abs(truth.jets[..., 1]) < response.tau_eta)
    good &= _distance(truth.jets, lepton) > OVERLAP
    rate = np.where(good, response.fake_rate * shape, 0.0)
    edges = np.cumsum(rate, axis=1)
    which = (rng.random(len(pt))[:, None] * edges[:, -1:] >= edges).sum(axis=1)
    rows, which = np.arange(len(pt)), np.minimum(which, pt.shape[1] - 1)
    tau = truth.jets[rows, which].copy()
    tau[:, 0], tau[:, 3] = pt[rows, which], 0.8
    return tau, np.asarray(edges[:, -1])


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
    truth: Truth, found: _Candidates, jets: Floats, rng: Rng, response: Response
) -> tuple[Floats, Floats]:
    """Missing momentum (n, 2) and total transverse energy (n,).

    The momentum balances the objects; of the soft rest a small part survives the suppression of
    pile-up, so that recoil below the jet threshold is lost, as in the published table.
    """
    jets = _above(jets, response.met_jet_pt)
    objects = _momentum(found.lepton) + _momentum(found.tau) + _momentum(jets).sum(axis=1)
    soft = truth.seen + found.decayed - objects
    kept = np.minimum(rng.exponential(response.soft_kept, (len(truth), 1)), 1.0)
    spread = np.exp(response.soft_noise_spread * rng.standard_normal((len(truth), 1)))
    noise = response.soft_noise * spread * rng.standard_normal((len(truth), 2))
    hard = found.lepton[:, 0] + found.tau[:, 0] + jets[..., 0].sum(axis=1)
    scale, width = response.soft_sum_et
    rest = scale * np.maximum(truth.sum_et + found.decayed_et - hard, 0.0)
    rest += width * rng.standard_normal(len(truth))
    return -objects - kept * soft + noise, np.maximum(hard + rest, 0.3 * hard)


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
