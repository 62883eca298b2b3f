"""Scores from many criteria: scikit-criteria, pymcdm, xarray-spatial, siteselect.

Bundled candidates over the contiguous US, measured once by the ten criteria of
`scoring.py` and written to a file; candidates with anything unknown are left out for
all, because the peers have no unknown. Each contestant turns the raw measurements into
the answer: bounds, directions and weights as stated.

- ``sum``: weighted sum of values in [0, 1] between the bounds.
- ``topsis``: closeness to the best values met (vector normalization) of the same
  values. siteselect calls pymcdm for it; xarray-spatial has no TOPSIS.
- ``product``: the weighted geometric mean. Two of the peers refuse a value of 0, which
  makes the mean 0 elsewhere; for all, values below 0.01 are raised to it.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from contest import lines_of, measured

METHODS = ("sum", "topsis", "product")


def prepare(size: int, folder: Path) -> None:
    """Measure the candidates once and keep what the contestants read."""
    import scoring

    import siteselect as ss

    sites = scoring.candidates(size)
    scored = ss.score_sites(sites, scoring.criteria(scoring.layers_read()))
    names = list(scoring.CRITERIA)
    raw = scored[[f"{name}_raw" for name in names]].set_axis(names, axis=1)
    raw = pd.DataFrame(raw).dropna()
    points = sites.loc[raw.index].geometry.representative_point().to_crs(4326)
    np.savez(
        folder / f"criteria{size}.npz",
        raw=raw.to_numpy(dtype=float),
        names=np.array(names),
        worst=np.array([scoring.CRITERIA[name][4] for name in names], dtype=float),
        best=np.array([scoring.CRITERIA[name][5] for name in names], dtype=float),
        weight=np.array([scoring.CRITERIA[name][6] for name in names]),
        x=points.x.to_numpy(),
        y=points.y.to_numpy(),
    )


def table_of(path: Path, method: str) -> dict[str, np.ndarray]:
    """Return the file that was prepared."""
    with np.load(path) as stored:
        table = {name: stored[name] for name in stored.files}
    return raised(table) if method == "product" else table


def raised(table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return measurements whose values are 0.01 or more."""
    worst, best = table["worst"], table["best"]
    least = worst + 0.01 * (best - worst)
    is_below = np.where(best > worst, table["raw"] < least, table["raw"] > least)
    return {**table, "raw": np.where(is_below, least, table["raw"])}


def scored(t: dict[str, np.ndarray], aggregate: Any = "weighted_sum") -> Any:
    """Score with the library."""
    import geopandas as gpd

    import siteselect as ss

    sites = gpd.GeoDataFrame(
        dict(zip(t["names"].tolist(), t["raw"].T, strict=True)),
        geometry=gpd.points_from_xy(t["x"], t["y"], crs=4326),
    )
    criteria = [
        ss.Criterion(
            name,
            ss.Column(name),
            ss.Rising(worst, best) if best > worst else ss.Falling(best, worst),
            weight=weight,
        )
        for name, worst, best, weight in zip(
            t["names"].tolist(), t["worst"], t["best"], t["weight"], strict=True
        )
    ]
    return ss.score_sites(sites, criteria, aggregate=aggregate)


def sum_siteselect(t: dict[str, np.ndarray]) -> np.ndarray:
    """Weighted sum with the library."""
    return scored(t)["score"].to_numpy()


def topsis_siteselect(t: dict[str, np.ndarray]) -> np.ndarray:
    """TOPSIS with the library."""
    import siteselect as ss

    return ss.rank_sites(scored(t), method="topsis")["topsis"].to_numpy()


def product_siteselect(t: dict[str, np.ndarray]) -> np.ndarray:
    """Weighted geometric mean with the library."""
    import siteselect as ss

    return scored(t, ss.GeometricMean())["score"].to_numpy()


def values_of(t: dict[str, np.ndarray]) -> np.ndarray:
    """Return values in [0, 1]; the peers' own scales are those of the sample."""
    return np.clip((t["raw"] - t["worst"]) / (t["best"] - t["worst"]), 0, 1)


def by_pymcdm(t: dict[str, np.ndarray], method: str) -> np.ndarray:
    """Answer with pymcdm."""
    from pymcdm import methods, normalizations

    def as_they_are(column: np.ndarray, cost: bool = False) -> np.ndarray:
        return column

    if method == "topsis":
        made = methods.TOPSIS(normalizations.vector_normalization)
    elif method == "sum":
        made = methods.WSM(as_they_are)
    else:
        made = methods.WPM(as_they_are)
    weights = t["weight"] / t["weight"].sum()
    return made(values_of(t), weights, np.ones(len(weights)), validation=False)


def by_skcriteria(t: dict[str, np.ndarray], method: str) -> np.ndarray:
    """Answer with scikit-criteria."""
    import skcriteria as skc
    from skcriteria.agg.simple import WeightedProductModel, WeightedSumModel
    from skcriteria.agg.topsis import TOPSIS
    from skcriteria.preprocessing.scalers import VectorScaler

    asked = skc.mkdm(
        values_of(t),
        [max] * len(t["weight"]),
        weights=t["weight"] / t["weight"].sum(),
        criteria=t["names"].tolist(),
    )
    if method == "sum":
        return WeightedSumModel().evaluate(asked).e_.score
    if method == "product":
        # The score is the logarithm, to base ten.
        return 10 ** WeightedProductModel().evaluate(asked).e_.score
    scaled = VectorScaler(target="matrix").transform(asked)
    return TOPSIS().evaluate(scaled).e_.similarity


def by_xrspatial(t: dict[str, np.ndarray], method: str) -> np.ndarray:
    """Answer with xarray-spatial, the candidates as a grid of one row."""
    import xarray as xr
    from xrspatial.mcda import standardize, wlc, wpm

    layers = {}
    for name, raw, worst, best in zip(
        t["names"].tolist(), t["raw"].T, t["worst"], t["best"], strict=True
    ):
        layers[name] = standardize(
            xr.DataArray(raw[None, :], dims=("y", "x")),
            direction="higher_is_better" if best > worst else "lower_is_better",
            bounds=(min(worst, best), max(worst, best)),
        )
    weights = t["weight"] / t["weight"].sum()
    combine = {"sum": wlc, "product": wpm}[method]
    parts = dict(zip(t["names"].tolist(), weights.tolist(), strict=True))
    return combine(xr.Dataset(layers), parts).to_numpy()[0]


OWN = {
    "sum": sum_siteselect,
    "topsis": topsis_siteselect,
    "product": product_siteselect,
}
PEERS: dict[str, Callable[[dict[str, np.ndarray], str], np.ndarray]] = {
    "scikit-criteria": by_skcriteria,
    "pymcdm": by_pymcdm,
    "xarray-spatial": by_xrspatial,
}
#: What a user writes besides the function itself.
HELPERS: dict[Any, tuple[Any, ...]] = {
    sum_siteselect: (scored,),
    topsis_siteselect: (scored,),
    product_siteselect: (scored,),
    by_pymcdm: (values_of,),
    by_skcriteria: (values_of,),
}


def ask(who: str, method: str, t: dict[str, np.ndarray]) -> np.ndarray:
    """Return the answer of one contestant."""
    return OWN[method](t) if who == "siteselect" else PEERS[who](t, method)


def written(who: str, method: str) -> int:
    """Return the lines of code behind a contestant."""
    function = OWN[method] if who == "siteselect" else PEERS[who]
    return sum(map(lines_of, (function, *HELPERS.get(function, ()))))


def main(who: str, size: int, folder: Path, method: str) -> dict[str, Any]:
    """Time one contestant, its imports and data done."""
    warnings.simplefilter("ignore")
    if who == "prepare":
        prepare(size, folder)
        return {}
    t = table_of(folder / f"criteria{size}.npz", method)
    few = {k: v[:20] if k in ("raw", "x", "y") else v for k, v in t.items()}
    ask(who, method, few)
    answer, figures = measured(ask, who, method, t)
    stored = folder / f"mcda{size}{method}.npy"
    if who == "siteselect":
        np.save(stored, answer)
    own = np.load(stored)
    return {
        **figures,
        "lines": written(who, method),
        "n": len(answer),
        "apart": float(np.abs(answer - own).max()),
        "same_hundred": len(
            set(np.argsort(-answer)[:100]) & set(np.argsort(-own)[:100])
        ),
    }


if __name__ == "__main__":
    _who, _size, _folder, _method = sys.argv[1:]
    print(json.dumps(main(_who, int(_size), Path(_folder), _method)))
