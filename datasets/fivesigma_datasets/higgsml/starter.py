"""Train boosted trees on the training events, choose a cut, write a submission.

Run it in a folder with train.parquet and test.parquet (needs numpy, polars, scikit-learn).
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent
SIGNAL, BACKGROUND, REGULARISATION = 691.988607712, 410_999.847322, 10.0
KEEP = 40  # background training events that a cut must leave, else it follows fluctuations


def inputs(table: pl.DataFrame) -> np.ndarray:
    """Features as numbers; undefined values become NaN, which trees understand."""
    names = [name for name in table.columns if name not in ("EventId", "Weight", "Label")]
    values = table.select(names).to_numpy().astype(np.float64)
    values[values == -999.0] = np.nan
    return values


def best_cut(score: np.ndarray, signal: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """The score from which on to select, and the AMS there on these events."""
    order = np.argsort(-score)
    s = np.cumsum((weight * signal)[order])
    b = np.cumsum((weight * ~signal)[order])
    s, b = s * SIGNAL / s[-1], b * BACKGROUND / b[-1] + REGULARISATION
    ams = np.sqrt(2 * ((s + b) * np.log1p(s / b) - s))
    ams[np.cumsum(~signal[order]) < KEEP] = 0
    return float(score[order][ams.argmax()]), float(ams.max())


def main() -> None:
    """Train, validate, predict, write submission.csv."""
    train = pl.read_parquet(HERE / "train.parquet")
    test = pl.read_parquet(HERE / "test.parquet")
    x, weight = inputs(train), train["Weight"].to_numpy()
    signal = (train["Label"] == "s").to_numpy()
    balanced = weight / np.where(signal, weight[signal].sum(), weight[~signal].sum()) * len(train)
    fit, check = train_test_split(np.arange(len(train)), test_size=0.3, random_state=1)
    model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, random_state=1)
    model.fit(x[fit], signal[fit], sample_weight=balanced[fit])
    cut, ams = best_cut(model.predict_proba(x[check])[:, 1], signal[check], weight[check])
    score = model.predict_proba(inputs(test))[:, 1]
    rank = np.empty(len(score), dtype=np.int64)
    rank[np.argsort(score, kind="stable")] = np.arange(1, len(score) + 1)
    pl.DataFrame(
        {"EventId": test["EventId"], "RankOrder": rank, "Class": np.where(score > cut, "s", "b")}
    ).write_csv(HERE / "submission.csv")
    sys.stdout.write(f"AMS on validation events: {ams:.2f}\n")
    sys.stdout.write("fivesigma submit higgsml -f submission.csv -m 'boosted trees'\n")


if __name__ == "__main__":
    main()
