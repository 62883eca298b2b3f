"""A transmission network as arrays, built from plain tables and checked.

Four tables describe a network. ``grid_buses`` (``bus``, ``base_kv``,
``load_mw``), ``grid_branches`` (``branch``, ``from_bus``, ``to_bus``, ``x_pu``,
``rating_mva``), ``grid_generators`` (``bus``, ``p_mw``, ``p_max_mw``) and, if
there are any, ``grid_dclines`` (``from_bus``, ``to_bus``, ``p_mw``). Other
columns are ignored.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Hashable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from siteselect.errors import LayerError, StudyError, four_parts, nearest_name, shown
from siteselect.layers.cards import card, in_short

if TYPE_CHECKING:
    import geopandas as gpd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BASE_MVA: Final = 100.0
"""Power base of ``x_pu`` [MVA]."""

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "grid_buses": ("bus", "base_kv", "load_mw"),
    "grid_branches": ("branch", "from_bus", "to_bus", "x_pu", "rating_mva"),
    "grid_generators": ("bus", "p_mw", "p_max_mw"),
    "grid_dclines": ("from_bus", "to_bus", "p_mw"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """Buses, branches, generators and DC lines of one or more islands.

    Build it with `from_tables`, which checks every column. Buses are referred
    to by position inside; labels are kept in ``bus`` and ``branch``.

    Parameters
    ----------
    bus : ndarray, shape (n_buses,)
        Labels of the buses, unique.
    base_kv : ndarray of float, shape (n_buses,)
        Nominal voltage [kV]; NaN where unknown. Flows do not depend on it.
    load_mw : ndarray of float, shape (n_buses,)
        Demand at the bus [MW]; below zero is an infeed.
    branch : ndarray, shape (n_branches,)
        Labels of the branches (lines and transformers), unique.
    from_bus, to_bus : ndarray of int, shape (n_branches,)
        Positions of the two ends in ``bus``.
    x_pu : ndarray of float, shape (n_branches,)
        Series reactance on a 100 MVA base [pu], never 0. Negative ones are
        right where a three-winding transformer is drawn as a star: dropping
        them breaks the network into islands that do not exist. A tap ratio,
        where it matters, belongs into this figure (``x * ratio``).
    rating_mw : ndarray of float, shape (n_branches,)
        Largest flow [MW]; ``inf`` where there is no limit. DC flow carries no
        reactive power, so the rating in MVA is read as MW.
    generator_bus : ndarray of int, shape (n_generators,)
        Position of each generator's bus.
    p_mw, p_max_mw : ndarray of float, shape (n_generators,)
        Output in the base case, below 0 for one that draws (storage that charges, a
        pump), and the largest output [MW].
    dc_from, dc_to : ndarray of int, shape (n_dclines,)
        Positions of the ends of the DC lines.
    dc_mw : ndarray of float, shape (n_dclines,)
        Fixed transfer from ``dc_from`` to ``dc_to`` [MW], without losses.
    island : ndarray of int, shape (n_buses,)
        Number of the AC island of each bus. Two buses are in one island if
        branches connect them; a DC line does not.
    lon_lat : ndarray, shape (n_buses, 2), optional
        Longitude and latitude of each bus [degree], NaN where unknown; None where
        none is known (`with_places`). Flows do not depend on it.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.infrastructure.grid import Network
    >>> network = Network.from_tables(
    ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
    ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
    ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
    ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
    ... )
    >>> network
    Network(2 buses, 1 branches, 1 generators, 0 DC lines, 1 islands, 80 MW load)

    >>> network.n_islands, network.net_load_mw.tolist()
    (1, [0.0, 80.0])
    """

    bus: npt.NDArray[Any]
    base_kv: FloatArray
    load_mw: FloatArray
    branch: npt.NDArray[Any]
    from_bus: IntArray
    to_bus: IntArray
    x_pu: FloatArray
    rating_mw: FloatArray
    generator_bus: IntArray
    p_mw: FloatArray
    p_max_mw: FloatArray
    dc_from: IntArray
    dc_to: IntArray
    dc_mw: FloatArray
    island: IntArray
    lon_lat: FloatArray | None = None

    @cached_property
    def _kept(self) -> dict[Any, Any]:
        """What was worked out from these arrays; see `kept.kept`."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        """Return the arrays alone: a factorised matrix cannot be sent elsewhere."""
        return {k: v for k, v in self.__dict__.items() if k != "_kept"}

    @classmethod
    def from_tables(
        cls,
        buses: pd.DataFrame,
        branches: pd.DataFrame,
        generators: pd.DataFrame,
        dclines: pd.DataFrame | None = None,
    ) -> Network:
        """Build a network from the bus, branch, generator and DC-line tables.

        Parameters
        ----------
        buses : DataFrame
            Columns ``bus`` (label), ``base_kv`` [kV] (NaN: unknown), ``load_mw`` [MW].
        branches : DataFrame
            Columns ``branch`` (label), ``from_bus``, ``to_bus``, ``x_pu``
            [pu on 100 MVA], ``rating_mva`` [MVA] (NaN or 0: no limit).
        generators : DataFrame
            Columns ``bus``, ``p_mw`` [MW], ``p_max_mw`` [MW].
        dclines : DataFrame, optional
            Columns ``from_bus``, ``to_bus``, ``p_mw``: the transfer in the base
            case [MW], not what the line could carry.

        Returns
        -------
        Network
            The checked network; the tables are not changed.

        Raises
        ------
        LayerError
            If a column is missing, a label is repeated or unknown, a figure is
            NaN, infinite or of the wrong sign, or a reactance is 0. The message
            names table, column and row.

        Examples
        --------
        >>> import pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 1], "base_kv": 230.0, "load_mw": 0.0}),
        ...     pd.DataFrame(columns=["branch", "from_bus", "to_bus", "x_pu",
        ...                           "rating_mva"]),
        ...     pd.DataFrame(columns=["bus", "p_mw", "p_max_mw"]),
        ... )
        Traceback (most recent call last):
        siteselect.errors.LayerError: `grid_buses` needs each `bus` once. ...
        """
        tables = {
            "grid_buses": buses,
            "grid_branches": branches,
            "grid_generators": generators,
        }
        if dclines is not None:
            tables["grid_dclines"] = dclines
        for name, table in tables.items():
            _check_columns(name, table)

        labels = _labels("grid_buses", buses, "bus")
        from_bus = _positions("grid_branches", branches, "from_bus", labels)
        to_bus = _positions("grid_branches", branches, "to_bus", labels)
        _refuse(
            "grid_branches",
            branches,
            "to_bus",
            from_bus == to_bus,
            "a branch needs two different ends",
        )
        x_pu = _numbers("grid_branches", branches, "x_pu")
        _refuse(
            "grid_branches",
            branches,
            "x_pu",
            x_pu == 0,
            "a reactance must not be 0 (negative is allowed, as in the star point "
            "of a three-winding transformer)",
        )
        base_kv = _voltages(buses)
        p_max_mw = _numbers("grid_generators", generators, "p_max_mw")
        _refuse(
            "grid_generators",
            generators,
            "p_max_mw",
            p_max_mw < 0,
            "a largest output is 0 MW or more",
        )
        no_ends = np.empty(0, dtype=np.int64)
        return cls(
            bus=labels.to_numpy(),
            base_kv=base_kv,
            load_mw=_numbers("grid_buses", buses, "load_mw"),
            branch=_labels("grid_branches", branches, "branch").to_numpy(),
            from_bus=from_bus,
            to_bus=to_bus,
            x_pu=x_pu,
            rating_mw=_ratings(branches),
            generator_bus=_positions("grid_generators", generators, "bus", labels),
            p_mw=_numbers("grid_generators", generators, "p_mw"),
            p_max_mw=p_max_mw,
            dc_from=no_ends
            if dclines is None
            else _positions("grid_dclines", dclines, "from_bus", labels),
            dc_to=no_ends
            if dclines is None
            else _positions("grid_dclines", dclines, "to_bus", labels),
            dc_mw=np.empty(0)
            if dclines is None
            else _numbers("grid_dclines", dclines, "p_mw"),
            island=_islands(len(labels), from_bus, to_bus),
        )

    @classmethod
    def from_matpower(cls, path: str | Path) -> Network:
        """Read a network from a MATPOWER case file (``.m``, format version 2).

        Parameters
        ----------
        path : str or Path
            The case file; code in it is not run.

        Returns
        -------
        Network
            See `siteselect.infrastructure.grid.cases.network_from_matpower` for what
            is read and what is refused.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from siteselect.infrastructure.grid import Network
        >>> text = '''
        ... function mpc = two
        ... mpc.baseMVA = 100;
        ... mpc.bus = [1 3 0 0 0 0 1 1 0 230 1 1.1 0.9
        ...            2 1 80 0 0 0 1 1 0 230 1 1.1 0.9];
        ... mpc.gen = [1 80 0 0 0 1 100 1 200 0];
        ... mpc.branch = [1 2 0 0.1 0 100 0 0 0 0 1];
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "two.m")
        ...     _ = path.write_text(text)
        ...     Network.from_matpower(path)
        Network(2 buses, 1 branches, 1 generators, 0 DC lines, 1 islands, 80 MW load)
        """
        from siteselect.infrastructure.grid.cases import network_from_matpower

        return network_from_matpower(path)

    @classmethod
    def from_pypsa(cls, other: Any, snapshot: Any = None) -> Network:
        """Read a network from a ``pypsa.Network``, or from tables like its own.

        Parameters
        ----------
        other : pypsa.Network
            The network, or any object with its tables.
        snapshot : label, optional
            Snapshot whose set points are taken; the first by default.

        Returns
        -------
        Network
            See `siteselect.infrastructure.grid.cases.network_from_pypsa` for what is
            read and what is refused.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> import pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> other = SimpleNamespace(
        ...     buses=pd.DataFrame({"v_nom": 230.0}, index=["a", "b"]),
        ...     lines=pd.DataFrame(
        ...         {"bus0": "a", "bus1": "b", "x": 52.9, "s_nom": 100.0}, index=["l"]
        ...     ),
        ...     generators=pd.DataFrame(
        ...         {"bus": "a", "p_set": 80.0, "p_nom": 200.0}, index=["g"]
        ...     ),
        ...     loads=pd.DataFrame({"bus": "b", "p_set": 80.0}, index=["d"]),
        ... )
        >>> Network.from_pypsa(other).x_pu
        array([0.1])
        """
        from siteselect.infrastructure.grid.cases import network_from_pypsa

        return network_from_pypsa(other, snapshot)

    @classmethod
    def from_pandapower(cls, other: Any) -> Network:
        """Read a network from a pandapower network, or from tables like its own.

        Parameters
        ----------
        other : pandapowerNet
            The network, or any object with its tables.

        Returns
        -------
        Network
            See `siteselect.infrastructure.grid.pandapower_case` for what is read and
            what is refused.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> import pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> other = SimpleNamespace(
        ...     bus=pd.DataFrame({"vn_kv": [110.0, 110.0]}),
        ...     line=pd.DataFrame({"from_bus": [0], "to_bus": [1], "length_km": [10.0],
        ...                        "x_ohm_per_km": [1.21], "max_i_ka": [0.5]}),
        ...     load=pd.DataFrame({"bus": [1], "p_mw": [60.0]}),
        ...     ext_grid=pd.DataFrame({"bus": [0], "max_p_mw": [500.0]}),
        ... )
        >>> network = Network.from_pandapower(other)
        >>> network.x_pu.round(6), network.rating_mw.round(1)
        (array([0.1]), array([95.3]))
        """
        from siteselect.infrastructure.grid.pandapower_case import (
            network_from_pandapower,
        )

        return network_from_pandapower(other)

    @property
    def n_islands(self) -> int:
        """Number of AC islands."""
        return int(self.island.max()) + 1 if len(self.island) else 0

    @property
    def net_load_mw(self) -> FloatArray:
        """Load of each bus with its DC lines [MW], shape (n_buses,).

        A DC line is a load where it starts and an infeed where it ends.
        """
        size = len(self.bus)
        return np.asarray(
            self.load_mw
            + np.bincount(self.dc_from, self.dc_mw, size)
            - np.bincount(self.dc_to, self.dc_mw, size),
            dtype=np.float64,
        )

    def positions(self, buses: npt.ArrayLike) -> IntArray:
        """Look up bus labels.

        Parameters
        ----------
        buses : array_like
            Labels of buses.

        Returns
        -------
        ndarray of int
            Position of each label in ``bus``.

        Raises
        ------
        LayerError
            If a label is not in the network.

        Examples
        --------
        >>> import pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> network = Network.from_tables(
        ...     pd.DataFrame({"bus": [7, 9], "base_kv": 230.0, "load_mw": 0.0}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [7], "to_bus": [9],
        ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
        ...     pd.DataFrame({"bus": [7], "p_mw": [0.0], "p_max_mw": [200.0]}),
        ... )
        >>> network.positions([9, 7])
        array([1, 0])
        """
        wanted = np.ravel(np.asarray(buses))
        found = pd.Index(self.bus).get_indexer(pd.Index(wanted)).astype(np.int64)
        if (found < 0).any():
            raise LayerError(
                four_parts(
                    "Buses were asked for by label",
                    f"not in the network: {shown(wanted[found < 0])}",
                    f"it has {len(self.bus):,} buses, such as {shown(self.bus[:3])}",
                    "Pass labels from the column `bus` of `grid_buses`",
                )
            )
        return np.asarray(found, dtype=np.int64)

    def with_load(self, load_mw: Mapping[Any, float]) -> Network:
        """Add committed loads, such as data centers already granted a connection.

        Parameters
        ----------
        load_mw : mapping of bus label to float
            Additional load [MW].

        Returns
        -------
        Network
            A new network; this one is not changed.

        Raises
        ------
        LayerError
            If a bus is unknown or a load is not finite.

        Examples
        --------
        >>> import pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> network = Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 10.0}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
        ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
        ...     pd.DataFrame({"bus": [1], "p_mw": [20.0], "p_max_mw": [200.0]}),
        ... )
        >>> network.with_load({2: 50.0}).load_mw
        array([10., 60.])
        """
        added = np.asarray(list(load_mw.values()), dtype=np.float64)
        if not np.isfinite(added).all():
            wrong = [b for b, mw in load_mw.items() if not np.isfinite(mw)]
            raise LayerError(
                four_parts(
                    "`with_load` needs a finite load in MW for each bus",
                    f"not so at bus {shown(wrong)}",
                    "A load is a number; leave a bus out where it is unknown",
                    "Drop these buses from the mapping",
                )
            )
        if not len(added):
            return self
        where = self.positions(np.asarray(list(load_mw)))
        more = np.bincount(where, added, len(self.bus))
        return dataclasses.replace(self, load_mw=self.load_mw + more)

    def with_loads_scaled(self, factor: float) -> Network:
        """Take another load case: every load times a factor.

        Parameters
        ----------
        factor : float
            Load over that of the network [-]: 0.6 is a night at 60 %.

        Returns
        -------
        Network
            A new network; this one is not changed. Infeeds and DC lines stay as they
            are, and generators follow the load (`dispatch`).

        Raises
        ------
        LayerError
            ``factor`` is not a number from 0.

        Examples
        --------
        >>> import pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> network = Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0,
        ...                   "load_mw": [10.0, -5.0]}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
        ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
        ...     pd.DataFrame({"bus": [1], "p_mw": [20.0], "p_max_mw": [200.0]}),
        ... )
        >>> network.with_loads_scaled(0.6).load_mw
        array([ 6., -5.])
        """
        if not (isinstance(factor, int | float | np.number) and 0 <= factor < np.inf):
            raise LayerError(
                four_parts(
                    "`with_loads_scaled` multiplies every load by a factor",
                    f"found {factor!r}",
                    "A factor is a finite number from 0",
                    "network.with_loads_scaled(0.6)",
                )
            )
        load = np.where(self.load_mw > 0, self.load_mw * float(factor), self.load_mw)
        return dataclasses.replace(self, load_mw=load)

    def with_committed(
        self,
        loads: Mapping[Any, float] | pd.Series[Any] | None = None,
        plants: Mapping[Any, float] | pd.Series[Any] | None = None,
    ) -> Network:
        """Add announced loads and plants, before any headroom is claimed.

        Parameters
        ----------
        loads : mapping or Series of bus label to float, optional
            Load that is granted or announced at each bus [MW]. A Series may name a
            bus more than once.
        plants : mapping or Series of bus label to float, optional
            Largest output of new plants at each bus [MW].

        Returns
        -------
        Network
            A new network; this one is not changed.

        Raises
        ------
        LayerError
            If a bus is unknown, or a figure is not finite or below 0.

        See Also
        --------
        adequacy : Whether the generation still covers load and reserve.

        Notes
        -----
        In the base case a new plant runs as hard as its island's generators do
        together: ``p_mw`` is ``p_max_mw`` times their total ``p_mw`` over their
        total ``p_max_mw``, and 0 where none runs; those whose ``p_mw`` is below 0
        do not count. So plants shift flows in the base case and add spare output
        that serves new load.

        Examples
        --------
        >>> import pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> network = Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 10.0}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
        ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
        ...     pd.DataFrame({"bus": [1], "p_mw": [20.0], "p_max_mw": [200.0]}),
        ... )
        >>> more = network.with_committed(loads={2: 50}, plants={2: 300})
        >>> more.load_mw, more.p_mw, more.p_max_mw
        (array([10., 60.]), array([20., 30.]), array([200., 300.]))
        """
        at, load = _committed(self, "loads", loads)
        where, most = _committed(self, "plants", plants)
        count = self.n_islands
        of_generator = self.island[self.generator_bus]
        makes = self.p_mw >= 0
        running = np.bincount(of_generator, np.where(makes, self.p_mw, 0.0), count)
        largest = np.bincount(of_generator, np.where(makes, self.p_max_mw, 0.0), count)
        share = np.divide(running, largest, out=np.zeros(count), where=largest > 0)
        return dataclasses.replace(
            self,
            load_mw=self.load_mw + np.bincount(at, load, len(self.bus)),
            generator_bus=np.concatenate([self.generator_bus, where]),
            p_mw=np.concatenate([self.p_mw, most * share[self.island[where]]]),
            p_max_mw=np.concatenate([self.p_max_mw, most]),
        )

    def around(self, buses: npt.ArrayLike) -> Network:
        """Keep only the islands that hold some buses.

        Flows there are the same, and the rest of a large network costs nothing.

        Parameters
        ----------
        buses : array_like
            Labels of buses.

        Returns
        -------
        Network
            A new network of whole islands. A DC line to a bus outside becomes a
            load or an infeed at its end inside.

        Raises
        ------
        LayerError
            If a label is not in the network.

        Examples
        --------
        >>> import pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> network = Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 2, 3], "base_kv": 230.0, "load_mw": 10.0}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
        ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
        ...     pd.DataFrame({"bus": [1], "p_mw": [20.0], "p_max_mw": [200.0]}),
        ... )
        >>> network.around([2]).bus
        array([1, 2])
        """
        wanted = np.zeros(self.n_islands, dtype=np.bool_)
        wanted[self.island[self.positions(buses)]] = True
        keep = wanted[self.island]
        if keep.all():
            return self
        place = np.cumsum(keep) - 1
        branch = keep[self.from_bus]
        generator = keep[self.generator_bus]
        inner = keep[self.dc_from] & keep[self.dc_to]
        leaves, arrives = keep[self.dc_from] & ~inner, keep[self.dc_to] & ~inner
        size = len(self.bus)
        load = (
            self.load_mw
            + np.bincount(self.dc_from[leaves], self.dc_mw[leaves], size)
            - np.bincount(self.dc_to[arrives], self.dc_mw[arrives], size)
        )
        return Network(
            bus=self.bus[keep],
            base_kv=self.base_kv[keep],
            load_mw=load[keep],
            branch=self.branch[branch],
            from_bus=place[self.from_bus[branch]],
            to_bus=place[self.to_bus[branch]],
            x_pu=self.x_pu[branch],
            rating_mw=self.rating_mw[branch],
            generator_bus=place[self.generator_bus[generator]],
            p_mw=self.p_mw[generator],
            p_max_mw=self.p_max_mw[generator],
            dc_from=place[self.dc_from[inner]],
            dc_to=place[self.dc_to[inner]],
            dc_mw=self.dc_mw[inner],
            island=(np.cumsum(wanted) - 1)[self.island[keep]],
            lon_lat=None if self.lon_lat is None else self.lon_lat[keep],
        )

    def with_places(
        self,
        places: gpd.GeoSeries | gpd.GeoDataFrame,
        buses: pd.Series[Any] | None = None,
    ) -> Network:
        """Say where the buses are, for maps and for the length of lines.

        Parameters
        ----------
        places : GeoSeries or GeoDataFrame
            Points keyed by bus label, in any CRS; or keyed by substation.
        buses : Series, optional
            Substation of each bus, keyed by bus label, where ``places`` are those
            of substations.

        Returns
        -------
        Network
            A new network; this one is not changed. A bus that is not in ``places``
            has no known place.

        Raises
        ------
        LayerError
            ``places`` holds no points, names one twice, or names no bus at all.
        CRSError
            ``places`` has no CRS.

        Examples
        --------
        >>> import geopandas as gpd, pandas as pd
        >>> from siteselect.infrastructure.grid import Network
        >>> network = Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 10.0}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
        ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
        ...     pd.DataFrame({"bus": [1], "p_mw": [20.0], "p_max_mw": [200.0]}),
        ... )
        >>> places = gpd.GeoSeries.from_xy([-100], [32], index=["north"], crs=4326)
        >>> at = pd.Series({1: "north", 2: "south"})
        >>> network.with_places(places, at).lon_lat
        array([[-100.,   32.],
               [  nan,   nan]])
        """
        from siteselect.infrastructure.grid.places import lon_lat_of

        return dataclasses.replace(self, lon_lat=lon_lat_of(self.bus, places, buses))

    def hosting_capacity(
        self, buses: npt.ArrayLike | None = None, **rules: Any
    ) -> pd.Series[float]:
        """Return how much new load each bus can take, by its label.

        Parameters
        ----------
        buses : array_like, optional
            Labels of buses; all by default.
        **rules
            ``cutoff``, ``min_kv``, ``outages``, ``area``, ``workers`` and ``progress``
            as of `siteselect.grid.hosting_capacity`, which states the rules and what
            is not covered.

        Returns
        -------
        Series of float
            Capacity [MW] by bus; NaN where it is not looked at.

        Raises
        ------
        LayerError
            If a bus is not in the network.
        StudyError
            If a rule is not known or cannot be used.

        Examples
        --------
        >>> import pandas as pd
        >>> network = Network.from_tables(
        ...     pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": [0.0, 80.0]}),
        ...     pd.DataFrame({"branch": ["a"], "from_bus": [1], "to_bus": [2],
        ...                   "x_pu": [0.1], "rating_mva": [100.0]}),
        ...     pd.DataFrame({"bus": [1], "p_mw": [80.0], "p_max_mw": [200.0]}),
        ... )
        >>> network.hosting_capacity().round(6).to_dict()
        {1: 120.0, 2: 20.0}
        """
        # Here, because that module works on networks.
        from siteselect.infrastructure.grid import hosting

        known = [*inspect.signature(hosting.hosting_capacity).parameters][2:]
        unknown = [name for name in rules if name not in known]
        if unknown:
            raise StudyError(
                four_parts(
                    f"hosting_capacity({unknown[0]}=...) was asked for",
                    f"there is no such rule.{nearest_name(unknown[0], known)}",
                    "allowed are cutoff, min_kv, outages, area, workers, progress",
                    "network.hosting_capacity(cutoff=0.05)",
                )
            )
        asked = self.bus if buses is None else np.asarray(buses)
        capacity = hosting.hosting_capacity(self, buses, **rules)
        index = pd.Index(asked, name="bus")
        return pd.Series(capacity, index=index, name="hosting_capacity_mw")

    def __repr__(self) -> str:
        return (
            f"Network({len(self.bus):,} buses, {len(self.branch):,} branches, "
            f"{len(self.p_mw):,} generators, {len(self.dc_mw):,} DC lines, "
            f"{self.n_islands:,} islands, {self.load_mw.sum():,.0f} MW load)"
        )

    def _repr_html_(self) -> str:
        kv = np.unique(self.base_kv[~np.isnan(self.base_kv)])
        voltages = f"{in_short(kv[::-1].tolist())} kV" if len(kv) else ""
        unknown = int(np.isnan(self.base_kv).sum())
        if unknown:
            voltages += f"{', ' if voltages else ''}unknown at {unknown:,} buses"
        ratings = self.rating_mw[np.isfinite(self.rating_mw)]
        placed = (
            0
            if self.lon_lat is None
            else int(np.isfinite(self.lon_lat).all(axis=1).sum())
        )
        branches = f"{len(self.branch):,}"
        if len(ratings) < len(self.branch):
            branches += f", {len(self.branch) - len(ratings):,} without a limit"
        rows = [
            ("buses", f"{len(self.bus):,}, {placed:,} with a known place"),
            ("voltages", voltages),
            ("branches", branches),
            (
                "generators",
                f"{len(self.p_mw):,}, {self.p_mw.sum():,.0f} of "
                f"{self.p_max_mw.sum():,.0f} MW in the base case",
            ),
            ("load", f"{self.load_mw.sum():,.0f} MW"),
            ("DC lines", f"{len(self.dc_mw):,}"),
            ("islands", f"{self.n_islands:,}"),
            ("not covered", "voltage, stability, short circuit (DC power flow)"),
        ]
        return card("Network", rows)


def _committed(
    network: Network, name: str, given: Mapping[Any, float] | pd.Series[Any] | None
) -> tuple[IntArray, FloatArray]:
    """Return positions and MW of committed loads or plants."""
    if given is None or not len(given):
        return np.empty(0, dtype=np.int64), np.empty(0)
    if not isinstance(given, Mapping | pd.Series):
        raise LayerError(
            four_parts(
                f"`with_committed` was given {name}",
                f"that is {type(given).__name__}",
                "a mapping or a Series from bus label to MW",
                f"{name}=table.set_index('bus')['mw']",
            )
        )
    buses = list(given.keys())
    figures = pd.Series(
        list(given.values) if isinstance(given, pd.Series) else list(given.values()),
        dtype=object,
    )
    mw = pd.to_numeric(figures, errors="coerce").to_numpy(np.float64)
    wrong = ~np.isfinite(mw) | (mw < 0)
    if wrong.any():
        raise LayerError(
            four_parts(
                f"`with_committed` needs MW of 0 or more for each bus in {name}",
                "not so at bus "
                + shown(
                    f"{b!r} ({v!r})"
                    for b, v, bad in zip(buses, figures, wrong, strict=True)
                    if bad
                ),
                "A committed load or plant is a finite number of MW",
                "Leave a bus out where it is unknown; with_load takes infeeds",
            )
        )
    return network.positions(pd.Index(buses, tupleize_cols=False)), mw


def _islands(n_buses: int, from_bus: IntArray, to_bus: IntArray) -> IntArray:
    """Give each bus the number of its AC island."""
    links = sparse.coo_array(
        (np.ones(len(from_bus), dtype=np.int8), (from_bus, to_bus)),
        shape=(n_buses, n_buses),
    )
    _, label = csgraph.connected_components(links.tocsr(), directed=False)
    return np.asarray(label, dtype=np.int64)


def _check_columns(name: str, table: pd.DataFrame) -> None:
    given: Any = table
    if not isinstance(given, pd.DataFrame):
        raise LayerError(
            four_parts(
                f"`{name}` needs a table",
                f"found {type(given).__name__}",
                f"a DataFrame with the columns {shown(_COLUMNS[name])} is needed",
                f"Build it with `pd.DataFrame`, or load `{name}` of the bundle",
            )
        )
    for column in _COLUMNS[name]:
        if (table.columns == column).sum() > 1:
            raise LayerError(
                four_parts(
                    f"`{name}` needs the column `{column}`",
                    "it occurs more than once",
                    "one column of each name is allowed",
                    "Use table.loc[:, ~table.columns.duplicated()]",
                )
            )
        if column not in table.columns:
            have = [str(c) for c in table.columns]
            raise LayerError(
                four_parts(
                    f"`{name}` needs the column `{column}`",
                    f"found {shown(have)}{nearest_name(column, have)}",
                    f"needed are {shown(_COLUMNS[name])}",
                    "Rename the column with `DataFrame.rename`",
                )
            )


def _refuse(
    name: str,
    table: pd.DataFrame,
    column: str,
    bad: npt.NDArray[np.bool_],
    allowed: str,
) -> None:
    """Raise if any row is marked bad, naming table, column and rows."""
    if not bad.any():
        return
    rows = np.flatnonzero(bad)
    first = table[column].iloc[int(rows[0])]
    raise LayerError(
        four_parts(
            f"`{name}` cannot be used: column `{column}`",
            f"{len(rows):,} rows are wrong, row {shown(table.index[rows])} "
            f"(first value: {first!r})",
            allowed,
            f"Mend or drop these rows of `{name}`",
        )
    )


def _numbers(name: str, table: pd.DataFrame, column: str) -> FloatArray:
    values = _as_numbers(table[column])
    _refuse(name, table, column, ~np.isfinite(values), "every value is a finite number")
    return values


def _as_numbers(column: pd.Series[Any]) -> FloatArray:
    """Return a column as floats; NaN where it holds no number, dates as well."""
    if column.dtype.kind in "bcmM":
        return np.full(len(column), np.nan)
    values = pd.to_numeric(column, errors="coerce")
    if values.dtype.kind == "c":
        return np.full(len(column), np.nan)
    return np.asarray(values.to_numpy(np.float64, na_value=np.nan), dtype=np.float64)


def _ratings(branches: pd.DataFrame) -> FloatArray:
    """Ratings with no limit written as inf; text that is no number is refused."""
    column = branches["rating_mva"]
    values = _as_numbers(column)
    _refuse(
        "grid_branches",
        branches,
        "rating_mva",
        (np.isnan(values) & column.notna().to_numpy()) | (values < 0),
        "a rating is above 0 MVA; NaN or 0 means no limit",
    )
    return np.where(np.isnan(values) | (values == 0), np.inf, values)


def _voltages(buses: pd.DataFrame) -> FloatArray:
    """Nominal voltages, NaN where unknown; text that is no number is refused."""
    column = buses["base_kv"]
    values = _as_numbers(column)
    _refuse(
        "grid_buses",
        buses,
        "base_kv",
        (np.isnan(values) & column.notna().to_numpy())
        | (values <= 0)
        | np.isinf(values),
        "a voltage is a number above 0 kV; NaN means unknown",
    )
    return values


def _labels(name: str, table: pd.DataFrame, column: str) -> pd.Index[Any]:
    unusable = [not isinstance(x, Hashable) for x in table[column]]
    missing = table[column].isna().to_numpy() | np.array(unusable, dtype=np.bool_)
    _refuse(name, table, column, missing, "every row is named by a text or a number")
    labels: pd.Index[Any] = pd.Index(table[column])
    if not labels.is_unique:
        repeated = labels[labels.duplicated()].unique()
        rows = table.index[labels.duplicated(keep=False)]
        raise LayerError(
            four_parts(
                f"`{name}` needs each `{column}` once",
                f"repeated: {shown(repeated)}, in row {shown(rows)}",
                f"a `{column}` is a unique label",
                f"Drop the repeated rows, e.g. `drop_duplicates('{column}')`",
            )
        )
    return labels


def _positions(
    name: str, table: pd.DataFrame, column: str, labels: pd.Index[Any]
) -> IntArray:
    unusable = [not isinstance(x, Hashable) for x in table[column]]
    allowed = "every value is a `bus` of `grid_buses`"
    _refuse(name, table, column, np.array(unusable, dtype=np.bool_), allowed)
    found = labels.get_indexer(pd.Index(table[column])).astype(np.int64)
    _refuse(
        name,
        table,
        column,
        found < 0,
        allowed,
    )
    return np.asarray(found, dtype=np.int64)
