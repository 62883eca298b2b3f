"""Plants, generators and prices as EIA publishes them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import bomb, html_page, workbook

import siteselect as ss

PLANT_NAMES = [
    "Utility ID", "Utility Name", "Plant Code", "Plant Name", "State", "Zip", "County",
    "Latitude", "Longitude", "NERC Region", "Balancing Authority Code",
    "Sector Name", "Grid Voltage (kV)", "Grid Voltage 2 (kV)",
]  # fmt: skip
GENERATOR_NAMES = [
    "Utility ID", "Utility Name", "Plant Code", "Plant Name", "State", "County",
    "Generator ID", "Technology", "Prime Mover", "Status", "Nameplate Capacity (MW)",
    "Summer Capacity (MW)", "Winter Capacity (MW)", "Current Month", "Current Year",
    "Energy Source 1",
]  # fmt: skip


def plant_rows(**other):
    """Return the sheet Plant, title and note included."""
    rows = {
        3: [195, "A Utility", 3, "Barry", "AL", "36512", "Mobile", 31.0069, -88.0103,
            "SERC", "SOCO", "Electric Utility", 230, "."],
        9: [1, "B Utility", 9, "Copper", "TX", "79912", "El Paso", 31.7569, -106.375,
            "WECC", "EPE", "Electric Utility", ".", "."],
        77: [1, "B Utility", 77, "Nowhere", "TX", "", "", ".", ".", "SERC", "ERCO", ".",
             345, "."],
    }  # fmt: skip
    return [
        ["Form EIA-860 Data - Schedule 2, 'Plant Y2023 Data - Optional Water Source'"],
        PLANT_NAMES,
        *rows.values(),
        ["NOTE: Plants without coordinates have points."],
    ]


def proposed_rows():
    return [
        ["Form EIA-860 Data - Schedule 3, 'Generator Data' (Proposed Units Only)"],
        GENERATOR_NAMES,
        [195, "A", 3, "Barry", "AL", "Mobile", "A3C1", "Natural Gas", "CT", "U",
         "1,226.6", 210.5, ".", 6, 2027, "NG"],
        [1, "B", 9, "Copper", "TX", "El Paso", "S1", "Solar Photovoltaic", "PV", "P",
         150, " ", 150, 12, 2026, "SUN"],
        [1, "B", 77, "Nowhere", "TX", "", "W1", "Wind", "WT", "P", 80, 80, 80, 1, 2028,
         "WND"],
    ]  # fmt: skip


@pytest.fixture
def books(tmp_path):
    plants = workbook(tmp_path / "2___Plant_Y2023.xlsx", {"Plant": plant_rows()})
    generators = workbook(
        tmp_path / "3_1_Generator_Y2023.xlsx",
        {
            "Operable": [["a title"], GENERATOR_NAMES],
            "Proposed": proposed_rows(),
            "Retired and Canceled": [["a title"], GENERATOR_NAMES],
        },
    )
    return plants, generators


def test_plants_stand_where_eia_says_and_points_are_unknown(books):
    with pytest.warns(ss.DataQualityWarning, match="1 of 3 .*left out: plant 77"):
        plants = ss.releases.eia860_plants(books[0])
    assert plants["plant"].tolist() == ["3", "9"]
    np.testing.assert_array_equal(plants["grid_kv"], [230, np.nan])
    assert plants.geometry.y.tolist() == [31.0069, 31.7569]
    assert plants.geometry.x.tolist() == [-88.0103, -106.375]
    assert plants.crs.to_epsg() == 4326
    assert ss.layer_info(plants).vintage == "2023"


def test_generators_stand_at_their_plants(books):
    with (
        pytest.warns(ss.DataQualityWarning, match="left out: plant 77"),
        pytest.warns(ss.DataQualityWarning, match=r"1 of 3 generators \(80 MW\)"),
    ):
        proposed = ss.releases.eia860_generators(books[1], books[0], which="proposed")
    assert proposed["nameplate_mw"].tolist() == [1226.6, 150.0]
    np.testing.assert_array_equal(proposed["summer_mw"], [210.5, np.nan])
    np.testing.assert_array_equal(proposed["winter_mw"], [np.nan, 150])
    assert proposed["planned_year"].tolist() == [2027, 2026]
    assert proposed["operating_year"].isna().all()
    assert proposed.geometry.x.tolist() == [-88.0103, -106.375]


@pytest.mark.filterwarnings("ignore::siteselect.errors.DataQualityWarning")
def test_generators_of_unknown_size_are_told_apart_from_none(books, tmp_path):
    plants = ss.releases.eia860_plants(books[0])
    rows = proposed_rows()
    rows[3][GENERATOR_NAMES.index("Nameplate Capacity (MW)")] = "."
    path = workbook(tmp_path / "3_1_Generator.xlsx", {"Proposed": rows})
    known = plants[plants["plant"] != "9"]
    with pytest.warns(ss.DataQualityWarning, match="80 MW and 1 of unknown size"):
        ss.releases.eia860_generators(path, known, which="proposed")


def test_a_grid_in_volts_is_refused(tmp_path):
    rows = plant_rows()
    rows[2][PLANT_NAMES.index("Grid Voltage (kV)")] = 230_000
    path = workbook(tmp_path / "2___Plant.xlsx", {"Plant": rows})
    with pytest.raises(ss.LayerError, match="Grid Voltage.*too large, in line 3"):
        ss.releases.eia860_plants(path)


@pytest.mark.filterwarnings("ignore::siteselect.errors.DataQualityWarning")
def test_proposed_generators_can_be_committed_to_a_network(books):
    proposed = ss.releases.eia860_generators(books[1], books[0], which="proposed")
    network = ss.grid.Network.from_tables(
        pd.DataFrame({"bus": [1, 2], "base_kv": 230.0, "load_mw": 10.0}),
        pd.DataFrame(
            {
                "branch": ["a"],
                "from_bus": [1],
                "to_bus": [2],
                "x_pu": [0.1],
                "rating_mva": [100.0],
            }
        ),
        pd.DataFrame({"bus": [1], "p_mw": [20.0], "p_max_mw": [200.0]}),
    )
    bus = proposed["plant"].map({"3": 2, "9": 1})
    plants = pd.Series(proposed["nameplate_mw"].to_numpy(), index=bus)
    assert network.with_committed(plants=plants).p_max_mw.tolist() == [200, 1226.6, 150]


def test_generators_of_other_plants_and_kinds_are_refused(books, tmp_path):
    others = workbook(
        tmp_path / "2___Plant_Y1999.xlsx",
        {
            "Plant": [
                ["a title"],
                PLANT_NAMES,
                [
                    1,
                    "C",
                    55,
                    "Other",
                    "TX",
                    "1",
                    "X",
                    31,
                    -97,
                    "SERC",
                    "E",
                    "S",
                    69,
                    ".",
                ],
            ]
        },
    )
    with pytest.raises(ss.LayerError, match="None of them belongs"):
        ss.releases.eia860_generators(books[1], others, which="proposed")
    with pytest.raises(ss.LayerError, match="Did you mean 'proposed'"):
        ss.releases.eia860_generators(books[1], books[0], which="propsed")


# ------------------------------------------------------------------------ prices

BLOCKS = ["RESIDENTIAL", "COMMERCIAL", "INDUSTRIAL", "TRANSPORTATION", "TOTAL"]


def sales_rows():
    """Return the sheet States: three lines of names, a note at the end."""
    front = ["Data Year", "Utility Number", "Utility Name", "Part", "Service Type",
             "Data Type\nO = Observed\nI = Imputed", "State", "Ownership",
             "BA Code"]  # fmt: skip
    blank = [None] * len(front)

    def row(number, part, state, *blocks):
        figures = [v for block in blocks for v in block]
        figures += [None] * (15 - len(figures))
        service = {"A": "Bundled", "B": "Energy", "C": "Delivery"}[part]
        return [2023, number, f"Utility {number}", part, service, "O", state,
                "Municipal", "ERCO", *figures]  # fmt: skip

    return [
        [*blank, *[v for b in BLOCKS for v in (b, None, None)]],
        [*blank, *["Revenues", "Sales", "Customers"] * 5],
        [*front, *["Thousand Dollars", "Megawatthours", "Count"] * 5],
        row(1, "A", "TX", (1300, 10000, 9), (800, 10000, 5), ("6,500", "100,000", 1)),
        row(2, "B", "TX", (500, 10000, 9), (".", ".", "."), (2000, 50000, 1)),
        row(3, "C", "TX", (400, 10000, 9), (".", ".", "."), (500, 50000, 1)),
        row(4, "A", "VT", (2000, 10000, 9), (".", ".", "."), (0, 0, 0)),
        ["To calculate a state or the US total, sum Parts A, B, C and D for Revenue."],
    ]


@pytest.fixture
def sales(tmp_path):
    return workbook(
        tmp_path / "Sales_Ult_Cust_2023.xlsx",
        {"States": sales_rows(), "Territories": [["x"]]},
    )


def test_a_state_pays_all_parts_for_what_was_sold_once(sales):
    prices = ss.releases.eia861_prices(sales)
    assert prices.index.tolist() == ["TX", "VT"]
    # By hand: (1300 + 500 + 400) thousand dollars over 20,000 MWh.
    np.testing.assert_allclose(prices.loc["TX", "residential_usd_per_mwh"], 110)
    np.testing.assert_allclose(prices.loc["TX", "industrial_usd_per_mwh"], 60)
    assert prices.loc["TX", "industrial_mwh"] == 150_000
    # Nothing sold and nothing known are both unknown, not free of charge.
    assert np.isnan(prices.loc["VT", "industrial_usd_per_mwh"])
    assert np.isnan(prices.loc["VT", "commercial_usd_per_mwh"])
    assert ss.layer_info(prices).units["industrial_usd_per_mwh"] == "USD/MWh"


def test_a_utility_is_that_of_its_bundled_service(sales):
    prices = ss.releases.eia861_prices(sales, by="utility")
    assert prices.index.tolist() == [("1", "TX"), ("4", "VT")]
    np.testing.assert_allclose(prices.loc[("1", "TX"), "industrial_usd_per_mwh"], 65)


def sold(path, *rows):
    """Write rows of part, state and industrial revenue and sales; return prices."""
    lines = [
        [None] * 4 + ["RESIDENTIAL", None, "COMMERCIAL", None, "INDUSTRIAL", None],
        [None] * 4 + ["Revenues", "Sales"] * 3,
        ["Utility Number", "Utility Name", "Part", "State"]
        + ["Thousand Dollars", "Megawatthours"] * 3,
    ]
    lines += [[i, "x", *row[:2], 1, 10, 1, 10, *row[2:]] for i, row in enumerate(rows)]
    return ss.releases.eia861_prices(workbook(path, {"States": lines}))


@pytest.mark.parametrize(
    ("rows", "price", "mwh", "left_out"),
    [
        # A utility of which one figure is known says nothing of the price.
        ([("A", 3000, 50_000), ("A", 1000, ".")], 60, 50_000, 1),
        ([("A", 3000, 50_000), ("A", ".", 50_000)], 60, 100_000, 1),
        ([("A", 3000, 50_000), ("A", ".", ".")], 60, 50_000, 0),
        ([("A", 3000, "."), ("A", ".", 50_000)], np.nan, 50_000, 2),
        # Energy without its delivery is too cheap, delivery alone is no energy.
        ([("A", 3000, 50_000), ("B", 40, 1000), ("C", ".", 1000)], 60, 51_000, 2),
        ([("A", 3000, 50_000), ("B", 40, "."), ("C", 20, 1000)], 60, 50_000, 2),
        ([("B", 40, 1000), ("C", 20, ".")], 60, 1000, 0),
        ([("B", 40, 1000), ("C", ".", 1000)], np.nan, 1000, 2),
    ],
)
def test_a_price_is_that_of_rows_with_both_figures(
    tmp_path, rows, price, mwh, left_out
):
    rows = [(part, "TX", *figures) for part, *figures in rows]
    # Another state does not take part in what is left out.
    found = sold(tmp_path / "a.xlsx", *rows, ("C", "OK", 5, 10), ("B", "OK", 5, 100))
    np.testing.assert_allclose(found.loc["TX", "industrial_usd_per_mwh"], price)
    np.testing.assert_allclose(found.loc["TX", "industrial_mwh"], mwh)
    assert found.loc["TX", "industrial_rows_left_out"] == left_out
    assert found.loc["OK", "industrial_usd_per_mwh"] == 100
    assert found.loc["TX", "residential_usd_per_mwh"] > 0
    assert ss.layer_info(found).units["industrial_rows_left_out"] == "rows"


@pytest.mark.parametrize("reader", ["eia860_plants", "eia861_prices"])
def test_other_files_are_refused(tmp_path, reader, books):
    read = getattr(ss.releases, reader)
    with pytest.raises(ss.LayerError, match="web page"):
        read(html_page(tmp_path, "book.xlsx"))
    with pytest.raises(ss.LayerError, match="unpacks from"):
        read(bomb(tmp_path, "bomb.xlsx", "xl/worksheets/sheet1.xml"))
    (tmp_path / "empty.xlsx").write_bytes(b"")
    with pytest.raises(ss.LayerError, match="empty"):
        read(tmp_path / "empty.xlsx")
    with pytest.raises(ss.LayerError, match="Nothing is|nothing is downloaded"):
        read("https://www.eia.gov/book.xlsx")
    with pytest.raises(ss.LayerError, match="no such file"):
        read(tmp_path / "book-2.xlsx")
    whole = books[0].read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ss.LayerError, match="damaged"):
        read(tmp_path / "cut.xlsx")


def test_another_workbook_is_refused_with_the_missing_column(books, tmp_path, sales):
    with pytest.raises(ss.LayerError, match="reads the sheet Plant"):
        ss.releases.eia860_plants(books[1])
    rows = plant_rows()
    rows[1] = [n.replace("Latitude", "Latitude N") for n in rows[1]]
    path = workbook(tmp_path / "2___Plant.xlsx", {"Plant": rows})
    with pytest.raises(ss.LayerError, match="'Latitude'.*Did you mean 'Latitude N'"):
        ss.releases.eia860_plants(path)
    rows = plant_rows()
    rows[3][7] = "north"
    path = workbook(tmp_path / "2___Plant.xlsx", {"Plant": rows})
    with pytest.raises(ss.LayerError, match="'Latitude'.*line 4, e.g. 'north'"):
        ss.releases.eia860_plants(path)


def test_a_gdal_without_workbooks_is_named(books, monkeypatch):
    monkeypatch.setattr("pyogrio.list_drivers", dict)
    with pytest.raises(ss.MissingDependencyError, match="pip install"):
        ss.releases.eia860_plants(books[0])
