from datetime import date
from pathlib import Path

import pytest

from auditor.carbon.calculator import estimate
from auditor.errors import CatalogueError
from auditor.intensity.annual import REGION_COLUMNS, ZONE_COLUMNS, AnnualTable, CloudRegions
from auditor.resources import resource

ZONES = AnnualTable.load(resource("data"))
REGIONS = CloudRegions.load(resource("data"))
# Means of hourly life-cycle values span 11 (Nordic hydropower) to 1310 (old gas) g/kWh.
LEAST_G_PER_KWH, MOST_G_PER_KWH = 10, 1400


def test_the_table_is_wide_enough():
    countries = [row for row in ZONES.rows.values() if len(row.zone) == 2]
    assert len(countries) >= 200


def test_every_zone_is_plausible_and_says_where_it_is_from():
    for row in ZONES.rows.values():
        assert LEAST_G_PER_KWH <= row.g_per_kwh <= MOST_G_PER_KWH, row.zone
        assert row.kind in {"life_cycle", "direct"}
        assert 2021 <= row.year <= 2026
        assert row.name
        assert row.source
        assert row.source_url.startswith("https://")
        assert date.fromisoformat(row.source_date).year >= row.year


@pytest.mark.parametrize(
    ("asked", "found", "g_per_kwh"),
    [
        pytest.param("DE", "DE", 380.95, id="country"),
        pytest.param(" fr ", "FR", 56.04, id="small letters"),
        pytest.param("DE-LU", "DE", 380.95, id="else the country"),
        pytest.param("DE_LU", "DE", 380.95, id="with an underscore"),
        pytest.param("US-CAL-CISO", "US", 369.47, id="part of a country"),
        pytest.param("NO2", "NO", 30.08, id="bidding zone"),
        pytest.param("UK", "GB", 237.59, id="as the EU writes it"),
        pytest.param("WORLD", "WORLD", 485.99, id="world"),
    ],
)
def test_lookup(asked, found, g_per_kwh):
    row = ZONES.lookup(asked)
    assert (row.zone, row.g_per_kwh) == (found, g_per_kwh)


def test_a_zone_becomes_a_fallback_that_names_its_source():
    fallback = ZONES.lookup("DE").as_fallback()
    assert fallback.g_per_kwh == 380.95
    assert fallback.source.startswith("Germany 2023, Ember")


@pytest.mark.parametrize("zone", ["", "XX", "XX-YY", "Germany"])
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(CatalogueError, match="no annual carbon intensity") as caught:
        ZONES.lookup(zone)
    assert "auditor factors grid" in caught.value.hint


def test_the_calculator_has_82_regions():
    providers = [row.provider for row in REGIONS.rows.values()]
    counts = {name: providers.count(name) for name in sorted(set(providers))}
    assert counts == {
        "aws": 22,
        "azure": 32,
        "coreweave": 3,
        "gcp": 21,
        "ovh": 2,
        "scaleway": 1,
        "seeweb": 1,
    }


def test_every_region_lies_in_a_zone_whose_country_is_in_the_table():
    for row in REGIONS.rows.values():
        assert ZONES.lookup(row.zone).zone in {row.zone, row.zone.partition("-")[0]}


@pytest.mark.parametrize(
    ("key", "g_per_kwh"),
    [
        ("gcp:us-central1", 566.3),
        ("GCP:asia-east1", 557),
        ("aws:ca-central-1", 20),
        ("azure:westcentralus", 297.6),
        ("ovh:gra", 105),
        ("scaleway:", 105),
        ("scaleway:paris", 105),
        ("coreweave:las1", 474.58),
        ("seeweb:fro2", 0),
    ],
)
def test_region_lookup(key, g_per_kwh):
    assert REGIONS.lookup(key).g_per_kwh == g_per_kwh


@pytest.mark.parametrize(
    ("key", "hint"),
    [("gcp:mars", "gcp:us-central1"), ("moon:base", "providers: aws"), ("us-central1", "PROVIDER")],
)
def test_an_unknown_region_is_refused_with_the_known_ones(key, hint):
    with pytest.raises(CatalogueError, match="no cloud region") as caught:
        REGIONS.lookup(key)
    assert hint in caught.value.hint


def test_weak_rows_say_so():
    assert "one reading" in REGIONS.lookup("gcp:asia-east1").note
    assert "one reading" in REGIONS.lookup("aws:eu-central-1").note
    assert "contract" in REGIONS.lookup("seeweb:fro2").note


def test_an_estimate_for_a_region_is_the_calculators_before_rounding():
    found = estimate(250, 1, 100, REGIONS.lookup("gcp:us-central1").g_per_kwh)
    assert found.carbon_g == pytest.approx(14_157.5, rel=1e-12)


def table(tmp_path, name, *lines):
    folder = tmp_path / "grid"
    folder.mkdir()
    (folder / name).write_text("\n".join(lines))
    return tmp_path


ZONE_HEADER = ",".join(ZONE_COLUMNS)
ZONE = "DE,Germany,381,2023,life_cycle,Ember,https://example.org,2026-01-01"
REGION_HEADER = ",".join(REGION_COLUMNS)
REGION = "gcp,a,Berlin,1,2023,DE,,x,https://example.org,2026-01-01"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param(
            [ZONE_HEADER, ZONE, ZONE.lower()], "line 3: de stands there twice", id="twice"
        ),
        pytest.param([ZONE_HEADER, ZONE.replace("381", "-1")], "line 2: '-1'", id="negative"),
        pytest.param([ZONE_HEADER, ZONE.replace("381", "")], "line 2: ''", id="no value"),
        pytest.param([ZONE_HEADER, ZONE.replace("381", "nan")], "line 2: 'nan'", id="nan"),
        pytest.param([ZONE_HEADER, "DE,Germany"], "line 2: too few", id="short row"),
        pytest.param(["zone,name"], "lacks the column g_per_kwh", id="columns"),
    ],
)
def test_a_broken_table_is_refused_by_line(tmp_path, lines, message):
    with pytest.raises(CatalogueError, match=message):
        AnnualTable.load(table(tmp_path, "zones.csv", *lines))


def test_a_region_that_stands_twice_is_refused(tmp_path):
    folder = table(tmp_path, "cloud_regions.csv", REGION_HEADER, REGION, REGION)
    with pytest.raises(CatalogueError, match="gcp:a stands there twice"):
        CloudRegions.load(folder)


def test_a_name_of_two_regions_names_none(tmp_path):
    other = REGION.replace(",a,", ",b,")
    folder = table(tmp_path, "cloud_regions.csv", REGION_HEADER, REGION, other)
    with pytest.raises(CatalogueError, match="no cloud region"):
        CloudRegions.load(folder).lookup("gcp:Berlin")


def test_a_missing_table_is_refused():
    with pytest.raises(CatalogueError, match=r"zones\.csv"):
        AnnualTable.load(Path("nowhere"))
