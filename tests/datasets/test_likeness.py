"""Simulated events against the 7,521 real ones: what a classifier finds, and where it may not."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_datasets.higgsml.detector import reconstruct
from fivesigma_datasets.higgsml.features import FEATURES, UNDEFINED, features
from fivesigma_datasets.higgsml.figures import draw
from fivesigma_datasets.higgsml.likeness import picture
from fivesigma_datasets.higgsml.processes import COMMON, PROCESSES
from fivesigma_datasets.higgsml.simulate import Task, generate_truth
from fivesigma_datasets.higgsml.truth import Truth
from fivesigma_datasets.shuffling import auc
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

# On the real rows the same tree has 0.887 without weights and 0.911 with them. Without weights it
# sees how many rows were simulated where: the real background has ten times its share of jets.
AUC = {"unweighted": (0.884, 0.035), "weighted": (0.920, 0.015)}


def inputs(table: pl.DataFrame) -> np.ndarray:
    values = table.select(FEATURES).to_numpy().astype(float)
    return np.where(values == UNDEFINED, np.nan, values)


def predicted(table: pl.DataFrame, target: np.ndarray) -> np.ndarray:
    """Scores of a boosted tree, five-fold."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    tree = HistGradientBoostingClassifier(random_state=0)
    scores = cross_val_predict(tree, inputs(table), target, cv=folds, method="predict_proba")
    return np.asarray(scores[:, 1])


def test_a_boosted_tree_tells_signal_as_well_as_among_real_events(
    small_table: pl.DataFrame,
) -> None:
    sample = small_table.sample(7521, seed=1)
    signal = (sample["Label"] == "s").to_numpy()
    score = predicted(sample, signal)
    found = {
        "unweighted": roc_auc_score(signal, score),
        "weighted": roc_auc_score(signal, score, sample_weight=sample["Weight"].to_numpy()),
    }
    for name, (expected, tolerance) in AUC.items():
        assert found[name] == pytest.approx(expected, abs=tolerance), name


def test_processes_share_the_background_as_in_2014(small_manifest: dict[str, list[dict]]) -> None:
    """Real weights tell processes: W + jet 87 %, Z 11 %, top pairs 2 % of the background."""
    expected = {part["process"]: part["expected_events"] for part in small_manifest["processes"]}
    background = sum(expected[name] for name in ("Ztautau", "ttbar", "Wjet"))
    assert expected["Wjet"] / background == pytest.approx(0.87, abs=0.04)
    assert expected["Ztautau"] / background == pytest.approx(0.11, abs=0.03)
    assert expected["ttbar"] / background < 0.06
    assert expected["VBF"] / (expected["VBF"] + expected["ggH"]) == pytest.approx(0.10, abs=0.02)


def test_generator_settings_alone_do_not_separate_processes() -> None:
    """The same particles, taken for another process's, give the same events."""
    vbf = next(process for process in PROCESSES if process.name == "VBF")
    other = next(process for process in PROCESSES if process.name == "ggH")
    truth, _ = generate_truth(Task(vbf, 0, 3, 500), 3)
    again, _ = generate_truth(Task(vbf, 0, 4, 500), 4)
    tables = [
        pl.DataFrame(
            features(
                reconstruct(
                    particles,
                    np.random.default_rng(number),
                    one_leptonic=process.one_leptonic,
                    thinning=process.thinning,
                )[0]
            )
        )
        for number, (particles, process) in enumerate(((truth, vbf), (again, other)))
    ]
    table = pl.concat(tables)
    target = np.arange(len(table)) < len(tables[0])
    score = predicted(table, target)
    error = (6 * min(len(part) for part in tables)) ** -0.5
    assert auc(score, target) <= max(0.52, 0.5 + 3 * error)
    own = {setting for process in PROCESSES for setting in process.settings}
    assert not {setting.split(" ")[0] for setting in own} & {line.split(" ")[0] for line in COMMON}


def test_bottom_jets_veto_events() -> None:
    """The same events are selected less often when their jets are said to be of bottom quarks."""
    top = next(process for process in PROCESSES if process.name == "ttbar")
    truth, _ = generate_truth(Task(top, 0, 5, 250), 5)
    assert 0.2 < truth.is_b[truth.jets[..., 0] > 30].mean() < 0.8
    light = Truth(**{**truth.__dict__, "is_b": np.zeros_like(truth.is_b)})
    yields = [
        reconstruct(events, np.random.default_rng(1), one_leptonic=False, thinning=0.001)[1].sum()
        for events in (truth, light)
    ]
    assert yields[0] < 0.5 * yields[1]


def test_figures_are_drawn_for_every_feature_and_the_same_each_time(
    small_table: pl.DataFrame, tmp_path: Path
) -> None:
    table = small_table.head(500)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert draw(table, FEATURES, tmp_path / name) == []
        picture(table, table, tmp_path / name / "likeness.svg")
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()} == drawn
    texts = b"".join(drawn.values()).decode()
    assert all(f">{feature}<" in texts for feature in FEATURES)


def test_without_matplotlib_figures_are_left_out_with_a_line(
    small_table: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    (line,) = draw(small_table.head(10), FEATURES, tmp_path)
    assert "no figures" in line
    assert not any(tmp_path.iterdir())
