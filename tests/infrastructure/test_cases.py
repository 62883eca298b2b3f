"""Networks read from MATPOWER files and PyPSA networks have the flows of those."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from siteselect.errors import DataQualityWarning, LayerError
from siteselect.infrastructure.grid import (
    Network,
    dc_flow,
    dispatch,
    hosting_capacity,
    lodf_columns,
    spare_mw,
)
from siteselect.infrastructure.grid.cases import _worked_out


def case(seed: int, base: float = 100.0) -> dict[str, Any]:
    """A random meshed case in MATPOWER's columns, all generators balanced."""
    rng = np.random.default_rng(seed)
    n = 9
    ends = [(int(rng.integers(k)), k) for k in range(1, n)]
    ends += [tuple(rng.choice(n, 2, replace=False)) for _ in range(6)]
    number = rng.permutation(90)[:n] + 1
    bus = np.zeros((n, 13))
    bus[:, 0], bus[:, 1], bus[:, 9] = number, 1, rng.choice([115.0, 230.0], n)
    bus[0, 1] = 3
    bus[:, 2] = rng.uniform(0, 80, n)
    bus[:, 7] = 1.0
    bus[:, 11], bus[:, 12] = 1.1, 0.9
    gen = np.zeros((3, 21))
    gen[:, 0] = number[[0, 3, 5]]
    output = rng.uniform(10, 90, 3)
    gen[:, 1] = output / output.sum() * bus[:, 2].sum()
    gen[:, 5], gen[:, 6], gen[:, 7] = 1.0, base, 1
    gen[:, 8] = gen[:, 1] + rng.uniform(50, 100, 3)
    branch = np.zeros((len(ends), 13))
    branch[:, 0] = [number[i] for i, _ in ends]
    branch[:, 1] = [number[j] for _, j in ends]
    branch[:, 3] = rng.uniform(0.01, 0.3, len(ends))
    branch[:, 5] = rng.choice([90.0, 100.0, 250.0], len(ends))
    # A tap ratio makes a transformer of a branch; 0 is a line.
    branch[:, 8] = np.where(rng.random(len(ends)) < 0.4, rng.uniform(0.9, 1.1), 0.0)
    branch[:, 10] = 1
    return {"baseMVA": base, "bus": bus, "gen": gen, "branch": branch, "version": "2"}


def written(path: Path, found: dict[str, Any]) -> Path:
    lines = ["function mpc = some_case", "% a case", "mpc.version = '2';"]
    lines.append(f"mpc.baseMVA = {found['baseMVA']};  % MVA")
    for name in ("bus", "gen", "branch", "dcline"):
        if name not in found:
            continue
        lines.append(f"mpc.{name} = [  % [first comment]")
        for k, row in enumerate(found[name]):
            mark = "," if k % 2 else "\t"
            lines.append(mark.join(repr(float(v)) for v in row) + ";  % row")
        lines.append("];")
    lines.append("mpc.bus_name = {'100% pure'; 'b'};")
    path.write_text("\n".join(lines))
    return path


@pytest.mark.filterwarnings("ignore")  # pypsa and its imports warn of themselves
@pytest.mark.parametrize("seed", range(4))
def test_matpower_case_has_the_flows_of_pypsa(seed: int, tmp_path: Path) -> None:
    pypsa = pytest.importorskip("pypsa")
    found = case(seed, base=100.0 if seed % 2 else 50.0)
    network = Network.from_matpower(written(tmp_path / "case.m", found))
    other = pypsa.Network()
    other.import_from_pypower_ppc(found)
    other.lpf()
    lines, trafos = iter(other.lines.index), iter(other.transformers.index)
    theirs = []
    same_kv = dict(zip(found["bus"][:, 0], found["bus"][:, 9], strict=True))
    for row in found["branch"]:
        is_line = row[8] == 0 and same_kv[row[0]] == same_kv[row[1]]
        table = other.lines_t.p0 if is_line else other.transformers_t.p0
        theirs.append(table[next(lines if is_line else trafos)].iloc[0])
    np.testing.assert_allclose(dc_flow(network).flow_mw, theirs, atol=1e-6)
    np.testing.assert_array_equal(network.rating_mw, found["branch"][:, 5])
    np.testing.assert_array_equal(network.bus, found["bus"][:, 0])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_pypsa_network_has_its_own_flows_and_outages(seed: int) -> None:
    pypsa = pytest.importorskip("pypsa")
    other = pypsa.Network()
    other.import_from_pypower_ppc(case(seed))
    other.set_snapshots([0])
    other.lpf()
    network = Network.from_pypsa(other)
    flow = pd.Series(dc_flow(network).flow_mw, network.branch)
    for kind, table in (
        ("Line", other.lines_t.p0),
        ("Transformer", other.transformers_t.p0),
    ):
        for name in table.columns:
            assert flow[f"{kind} {name}"] == pytest.approx(
                table[name].iloc[0], abs=1e-6
            )
    # After outages: their contingency flows, one branch at a time.
    factors = lodf_columns(network, network.branch)
    kept = np.flatnonzero(~np.isnan(factors[0]))
    lost = [tuple(str(network.branch[k]).split(" ")) for k in kept]
    theirs = other.lpf_contingency(snapshots=0, branch_outages=lost)
    assert len(lost) > 5
    for k, name in zip(kept.tolist(), lost, strict=True):
        after = flow.to_numpy() + factors[:, k] * flow.to_numpy()[k]
        want = [theirs[name][tuple(str(b).split(" "))] for b in network.branch]
        np.testing.assert_allclose(after, want, atol=1e-6)


def test_matpower_details(tmp_path: Path) -> None:
    """Out of service, isolated, shunt, dispatchable load and DC line, by hand."""
    found = case(0)
    number = found["bus"][:, 0]
    out = found["bus"].copy()[:1]
    out[0, :3] = [99, 4, 500.0]
    found["bus"] = np.vstack([found["bus"], out])
    found["bus"][1, 4] = 7.0
    found["branch"][3, 5] = 0.0
    cut = found["branch"][:2].copy()
    cut[0, 1], cut[1, 10] = 99, 0
    found["branch"] = np.vstack([cut, found["branch"]])
    more = found["gen"][:2].copy()
    more[0, [1, 8]] = [-20.0, 0.0]
    more[1, 7] = 0
    found["gen"] = np.vstack([found["gen"], more])
    found["dcline"] = np.array([[number[0], number[1], 1, 30.0] + [0.0] * 13])
    network = Network.from_matpower(written(tmp_path / "case.m", found))
    assert 99 not in network.bus
    # Numbered as they stand in the file: the two first are out.
    assert network.branch.tolist() == list(range(3, len(found["branch"]) + 1))
    assert np.isinf(network.rating_mw).tolist() == [False] * 3 + [True] + [False] * 10
    assert len(network.p_mw) == 3
    assert network.load_mw[0] == pytest.approx(found["bus"][0, 2] + 20.0)
    assert network.load_mw[1] == pytest.approx(found["bus"][1, 2] + 7.0)
    assert network.dc_mw.tolist() == [30.0]
    assert dispatch(network).sum() == pytest.approx(network.load_mw.sum())


def test_matpower_says_what_it_leaves_out(tmp_path: Path) -> None:
    found = case(1)
    found["branch"][0, 9] = 5.0
    path = written(tmp_path / "case.m", found)
    with pytest.warns(DataQualityWarning, match="1 phase shifts"):
        Network.from_matpower(path)
    path = written(tmp_path / "other.m", case(1))
    path.write_text(path.read_text() + "\nmpc.branch(:, 4) = mpc.branch(:, 4) / 2;\n")
    with pytest.warns(DataQualityWarning, match=r"changes mpc\.branch"):
        Network.from_matpower(path)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("mpc.gen =", "mpc.gens =", r"mpc\.gen"),
        ("mpc.baseMVA = 100.0", "mpc.baseMVA = many", "'many'"),
        ("mpc.bus = [", "mpc.bus = [ 1 2 3;", "have 3, 13 columns"),
        ("mpc.branch = [", "mpc.branch = [ 1 2 0 x 0 0 0 0 0 0 1 0 0;", "no number"),
        ("mpc.", "casedata.", "no assignments to mpc"),
    ],
)
def test_bad_matpower_file_is_named(
    old: str, new: str, named: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "case.m", case(2))
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(LayerError, match=named) as caught:
        Network.from_matpower(path)
    assert "'case.m'" in str(caught.value)


SMALL = """function mpc = small
mpc.baseMVA = 50/3;
mpc.bus = [
  1 3  0 0 0 0 1 1 0 {kv} 1 1.1 0.9;
  2 1 60 0 0 0 1 1 0 {kv} 1 1.1 0.9;
  3 1 40 0 0 0 1 1 0 {kv} 1 1.1 0.9;
];
mpc.gen = [
  1  70 0 0 0 1 100 1 {most} 0;
  2  30 0 0 0 1 100 1 {other} 0;
  3 -10 0 0 0 1 100 1 0 -20;
];
mpc.branch = [
  1 2 0 {x} 0 0 0 0 0 0 1;
  2 3 0 1/4 0 0 0 0 0 0 1;
  1 3 0 0.25 0 -0 0 0 0 0 1;
];
"""


def small(folder: Path, **figures: str) -> Path:
    given = {"kv": "230", "most": "200", "other": "50", "x": "0.25", **figures}
    path = folder / "small.m"
    path.write_text(SMALL.format(**given))
    return path


@pytest.mark.parametrize(
    ("kv", "volts"), [("0", np.nan), ("230", 230.0), ("135/sqrt(3)", 135 / np.sqrt(3))]
)
def test_matpower_base_voltage_is_not_needed(
    kv: str, volts: float, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = Network.from_matpower(small(tmp_path, kv=kv))
    np.testing.assert_allclose(network.base_kv, volts)
    # A base of 50/3 MVA makes six times the reactance of one of 100.
    np.testing.assert_allclose(network.x_pu, 1.5)
    # 77 and 33 MW meet 60, 40 and 10 MW over three equal lines.
    flow = dc_flow(network).flow_mw
    want = np.array([(77 + 27) / 3, (-27 + 50) / 3, (77 + 50) / 3])
    np.testing.assert_allclose(flow, want)
    assert np.isnan(hosting_capacity(network)).all() == (not volts >= 100)
    assert hosting_capacity(network, min_kv=0).tolist() == pytest.approx([140.0] * 3)


@pytest.mark.parametrize(
    ("figures", "said", "row"),
    [
        ({"most": "Inf"}, "unlimited Pmax", 1),
        ({"other": "-1"}, "Pmax of 0 or below", 2),
    ],
)
def test_matpower_generator_without_a_largest_output_keeps_its_own(
    figures: dict[str, str], said: str, row: int, tmp_path: Path
) -> None:
    with pytest.warns(DataQualityWarning, match=said) as told:
        network = Network.from_matpower(small(tmp_path, **figures))
    assert f"(rows {row} of mpc.gen)" in str(told[0].message)
    assert Path(told[0].filename).name == "test_cases.py"
    # Both run on, with their output for their largest.
    assert network.p_mw.tolist() == [70.0, 30.0]
    assert network.p_max_mw[row - 1] == network.p_mw[row - 1]
    np.testing.assert_allclose(dispatch(network), [77.0, 33.0])
    assert spare_mw(network)[row - 1] == 0.0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1 3  0 0 0 0 1 1 0 230", "1 3  0 0 0 0 1 1 0 -5", "mpc.bus` with baseKV"),
        ("2 1 60", "2 1 NaN", "mpc.bus` with Pd"),
        ("2 1 60", "1 1 60", "mpc.bus` with bus_i"),
        ("2  30 0", "9  30 0", "mpc.gen` with bus"),
        ("2  30 0", "2  Inf 0", "mpc.gen` with Pg"),
        ("1 200 0", "1 NaN 0", "mpc.gen` with Pmax"),
        ("1 2 0 0.25", "1 2 0 0", "mpc.branch` with x"),
        ("1 2 0 0.25", "1 7 0 0.25", "mpc.branch` with tbus"),
        ("1 2 0 0.25", "1 1 0 0.25", "mpc.branch` with fbus, tbus"),
        ("0.25 0 -0", "0.25 0 -5", "mpc.branch` with rateA"),
    ],
)
def test_impossible_matpower_figures_are_named_as_in_the_file(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    path = small(tmp_path)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(LayerError) as caught:
        Network.from_matpower(path)
    message = str(caught.value)
    assert said in message
    assert "'small.m'" in message
    assert "grid_" not in message
    assert re.search(r"row (1|2|3)", message)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50/3", 50 / 3),
        ("135/sqrt(3)", 135 / np.sqrt(3)),
        ("-2*(1e1+3)", -26.0),
        ("100", 100.0),
        ("2**3", np.nan),
        ("7//2", np.nan),
        ("1/0", np.nan),
        ("sqrt(-1)", np.nan),
        ("sqrt", np.nan),
        ("e", np.nan),
        ("sqrt(4)(3)", np.nan),
        ("__import__('os')", np.nan),
        ("(" * 190, np.nan),
        ("1+" * 5000 + "1", np.nan),
    ],
)
def test_arithmetic_of_numbers_and_nothing_else(text: str, value: float) -> None:
    np.testing.assert_equal(_worked_out(text), value)


def test_no_matpower_file(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="cannot be read"):
        Network.from_matpower(tmp_path / "none.m")


def plain() -> SimpleNamespace:
    """Tables as PyPSA has them, by hand: a line and a transformer."""
    return SimpleNamespace(
        snapshots=pd.Index(["noon", "night"]),
        buses=pd.DataFrame({"v_nom": [230.0, 230.0, 115.0]}, index=list("abc")),
        lines=pd.DataFrame(
            {"bus0": ["a"], "bus1": ["b"], "x": [52.9], "s_nom": [80.0]}, index=["l"]
        ),
        transformers=pd.DataFrame(
            {"bus0": ["b"], "bus1": ["c"], "x": [0.1], "s_nom": [200.0]}, index=["t"]
        ),
        generators=pd.DataFrame(
            {"bus": ["a"], "p_set": [50.0], "p_nom": [400.0], "p_max_pu": [0.5]},
            index=["g"],
        ),
        loads=pd.DataFrame(
            {"bus": ["b", "c"], "p_set": [20.0, 30.0]}, index=["d", "e"]
        ),
        loads_t={"p_set": pd.DataFrame({"e": [30.0, 5.0]}, index=["noon", "night"])},
    )


def test_pypsa_tables_by_hand() -> None:
    other = plain()
    network = Network.from_pypsa(other)
    assert network.branch.tolist() == ["Line l", "Transformer t"]
    # 52.9 ohm at 230 kV are 0.1 pu; 0.1 pu of 200 MVA are 0.05 of 100.
    np.testing.assert_allclose(network.x_pu, [0.1, 0.05])
    assert network.p_max_mw.tolist() == [200.0]
    assert dc_flow(network).flow_mw.tolist() == pytest.approx([50.0, 30.0])
    night = Network.from_pypsa(other, "night")
    assert night.load_mw.tolist() == [0.0, 20.0, 5.0]
    other.lines["active"] = False
    assert Network.from_pypsa(other).branch.tolist() == ["Transformer t"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_everything_that_lpf_counts_is_counted(seed: int) -> None:
    """Shunts, signs, losses and ports of links, a DC part, set points by hour."""
    pypsa = pytest.importorskip("pypsa")
    rng = np.random.default_rng(seed)
    other = pypsa.Network()
    other.set_snapshots(["noon", "night"])
    for bus, kv in zip("abcde", (100.0, 100.0, 100.0, 50.0, 100.0), strict=True):
        other.add("Bus", bus, v_nom=kv)
    for k, (i, j) in enumerate(("ab", "bc", "ac", "ce", "ae")):
        other.add("Line", f"l{k}", bus0=i, bus1=j, x=rng.uniform(5, 20), r=3.0, s_nom=9)
    other.lines.loc["l4", "active"] = False
    ratio = {"tap_ratio": 1.1, "tap_side": 1, "num_parallel": 2, "g": 0.1, "b": -0.1}
    other.add("Transformer", "t", bus0="c", bus1="d", x=0.1, s_nom=90.0, **ratio)
    other.add("Transformer", "u", bus0="e", bus1="d", x=0.2, s_nom=70.0, model="pi")
    other.add("Load", "l", bus="b", p_set=pd.Series([50.0, 30.0], other.snapshots))
    other.add("Load", "infeed", bus="c", p_set=7.0, sign=1.0)
    other.add("Load", "unset", bus="d")
    other.add("Load", "gone", bus="d", p_set=99.0, active=False)
    other.add("ShuntImpedance", "s", bus="c", g=1e-3, b=2e-3)
    other.add("ShuntImpedance", "t", bus="d", g=2e-3)
    other.add("ShuntImpedance", "gives", bus="b", g=5e-4, sign=1.0)
    other.add("ShuntImpedance", "gone", bus="b", g=1.0, active=False)
    other.add("Generator", "pump", bus="d", p_set=20.0, p_nom=50.0, sign=-1.0)
    other.add("Generator", "idle", bus="b", p_nom=50.0)
    other.add("StorageUnit", "rests", bus="b", p_nom=5.0)
    other.add("Store", "rests", bus="b", e_nom=5.0)
    ports = {"bus2": "d", "efficiency2": 0.3}
    other.add("Link", "k", bus0="b", bus1="e", p_set=20.0, efficiency=0.6, **ports)
    other.add("Link", "plain", bus0="a", bus1="c", p_set=5.0, efficiency=0.9, p_nom=9)
    # Where it is that voltages drive flows, resistances count.
    for bus in "xyz":
        other.add("Bus", bus, v_nom=100.0, carrier="DC")
    for k, (i, j) in enumerate(("xy", "yz", "xz")):
        other.add("Line", f"d{k}", bus0=i, bus1=j, r=rng.uniform(1, 9), x=1.0, s_nom=9)
    other.add("Load", "far", bus="z", p_set=8.0)
    other.add("Generator", "near", bus="x", p_set=8.0, p_nom=20.0)
    # The one generator that runs meets the rest, in PyPSA as the slack.
    other.add("Generator", "g", bus="a", p_set=1.0, p_nom=400.0, control="Slack")
    other.lpf()
    for now in other.snapshots:
        network = Network.from_pypsa(other, now)
        flow = pd.Series(dc_flow(network).flow_mw, network.branch)
        assert "Line l4" not in flow.index
        for kind, table in (
            ("Line", other.lines_t.p0),
            ("Transformer", other.transformers_t.p0),
        ):
            for name in table.columns.drop("l4", errors="ignore"):
                assert flow[f"{kind} {name}"] == pytest.approx(
                    table.at[now, name], abs=1e-6
                )


def test_bad_pypsa_tables_are_named() -> None:
    with pytest.raises(LayerError, match="snapshot 'dawn'"):
        Network.from_pypsa(plain(), "dawn")
    other = plain()
    del other.loads
    with pytest.raises(LayerError, match="`loads`"):
        Network.from_pypsa(other)
    other = plain()
    other.lines = other.lines.rename(columns={"s_nom": "snom"})
    with pytest.raises(LayerError, match="`s_nom`"):
        Network.from_pypsa(other)
    other = plain()
    other.lines["type"] = "Al/St 240/40"
    with pytest.raises(LayerError, match="type"):
        Network.from_pypsa(other)
    other = plain()
    other.storage_units = pd.DataFrame({"bus": ["a"], "p_set": [5.0]}, index=["s"])
    with pytest.raises(LayerError, match="storage"):
        Network.from_pypsa(other)
    other = plain()
    other.processes = pd.DataFrame({"bus0": ["a"], "p_set": [5.0]}, index=["s"])
    with pytest.raises(LayerError, match="Processes with a set point: s"):
        Network.from_pypsa(other)
    other = plain()
    other.transformers["phase_shift"] = 30.0
    with pytest.warns(DataQualityWarning, match="phase shifts"):
        Network.from_pypsa(other)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Network.from_pypsa(plain())


def pandapower_tables() -> SimpleNamespace:
    """Two transformers with taps, parallel and switched lines, a shunt, an sgen."""
    trafo = {"sn_mva": 300.0, "vn_hv_kv": 345.0, "vk_percent": 12.0}
    line = {"x_ohm_per_km": 0.4, "max_i_ka": 0.9}
    return SimpleNamespace(
        bus=pd.DataFrame({"vn_kv": [345.0, 138.0, 138.0, 138.0], "in_service": True}),
        trafo=pd.DataFrame(
            {
                "hv_bus": 0,
                "lv_bus": [1, 2],
                "vn_lv_kv": [138.0, 142.0],
                "vkr_percent": 0.5,
                "tap_side": ["hv", "lv"],
                "tap_pos": [3, -2],
                "tap_neutral": 0,
                "tap_step_percent": [1.5, 2.0],
                "parallel": [2, 1],
                "max_loading_percent": [np.nan, 80.0],
                **trafo,
            }
        ),
        line=pd.DataFrame(
            {
                "from_bus": [1, 2, 1, 1],
                "to_bus": [2, 3, 3, 3],
                "length_km": [20.0, 30.0, 35.0, 15.0],
                "parallel": [2, 1, 1, 1],
                "df": [0.9, 1.0, 1.0, 1.0],
                "max_loading_percent": [70.0, np.nan, np.nan, np.nan],
                **line,
            }
        ),
        switch=pd.DataFrame({"bus": [1], "element": 3, "et": "l", "closed": False}),
        ext_grid=pd.DataFrame({"bus": [0], "max_p_mw": [1000.0]}),
        load=pd.DataFrame(
            {
                "bus": [3, 2, 2],
                "p_mw": [100.0, 50.0, 500.0],
                "scaling": [0.9, 1.0, 1.0],
                "in_service": [True, True, False],
            }
        ),
        shunt=pd.DataFrame({"bus": [1], "p_mw": [4.0], "step": [1]}),
        sgen=pd.DataFrame({"bus": [3], "p_mw": [20.0]}),
    )


def test_pandapower_tables_have_its_flows() -> None:
    """The flows are those that `pandapower.rundcpp` 3.5.6 printed for this network."""
    network = Network.from_pandapower(pandapower_tables())
    assert network.branch.tolist() == [
        "line 0",
        "line 1",
        "line 2",
        "trafo 0",
        "trafo 1",
    ]
    # There the ext_grid takes what is left after the sgen.
    flow = dc_flow(network, [124.0, -4.0, -50.0, -70.0]).flow_mw
    theirs = [29.826639239, 33.103593963, 36.896406037, 70.723045276, 53.276954724]
    np.testing.assert_allclose(flow, theirs, atol=1e-8)
    one = np.sqrt(3) * 138.0 * 0.9
    np.testing.assert_allclose(
        network.rating_mw, [one * 2 * 0.9 * 0.7, one, one, 600.0, 240.0]
    )
    assert network.load_mw.tolist() == [0.0, 4.0, 50.0, 90.0]
    assert network.p_max_mw.tolist() == [1000.0, 20.0]


def test_bad_pandapower_tables_are_named() -> None:
    other = pandapower_tables()
    other.ext_grid["max_p_mw"] = np.nan
    with pytest.raises(LayerError, match="`ext_grid.max_p_mw`"):
        Network.from_pandapower(other)
    other = pandapower_tables()
    other.line = other.line.rename(columns={"length_km": "length"})
    with pytest.raises(LayerError, match="`length_km`"):
        Network.from_pandapower(other)
    other = pandapower_tables()
    other.trafo3w = pd.DataFrame({"hv_bus": [0], "in_service": [True]})
    with pytest.raises(LayerError, match="trafo3w: 0"):
        Network.from_pandapower(other)
    other.trafo3w["in_service"] = False
    assert len(Network.from_pandapower(other).bus) == 4
    other.switch = pd.DataFrame({"bus": [1], "element": 2, "et": "b", "closed": True})
    with pytest.raises(LayerError, match="switches between buses: 0"):
        Network.from_pandapower(other)
    with pytest.raises(LayerError, match="table `bus`"):
        Network.from_pandapower(SimpleNamespace())
