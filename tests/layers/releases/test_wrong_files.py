"""Every reader takes its own file, and refuses that of every other release."""

from __future__ import annotations

import re
import zipfile

import pytest
from published import html_page
from release_files import READERS, one_of_each, read

import siteselect as ss


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Write one small file for each reader; return reader, path and kind."""
    return one_of_each(tmp_path_factory.mktemp("releases"))


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.soak)])
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_takes_its_own_file_and_no_other(reader, step, files):
    own = [path for name, path in files if name == reader]
    assert own
    for path in own:
        layer = read(reader, path, files)
        assert ss.layer_info(layer).name == reader
    # Elevations in whole meters may be codes of land cover, and the other way round.
    alike = {"nlcd", "dem_3dep"}
    # By default every fourth other file, another fourth for each reader.
    for name, path in files[READERS.index(reader) % step :: step]:
        if name == reader or ({name, reader} == alike and reader == "dem_3dep"):
            continue
        with pytest.raises(ss.LayerError) as caught:
            read(reader, path, files)
        message = str(caught.value)
        assert len(re.findall(r"[.?] (?=\S)|[.?]$", message)) >= 4, message


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_refuses_a_web_page_and_an_empty_file(reader, files, tmp_path):
    for name, path in files:
        if name != reader:
            continue
        page = html_page(tmp_path, path.name)
        with pytest.raises(ss.LayerError, match="web page"):
            read(reader, page, files)
        page.write_bytes(b"")
        with pytest.raises(ss.LayerError, match="empty"):
            read(reader, page, files)
        page.unlink()
        with pytest.raises(ss.LayerError, match=re.escape(path.name)):
            read(reader, page, files)


def test_text_that_no_encoding_reads_is_told(tmp_path):
    path = tmp_path / "nri.csv"
    path.write_bytes(b"STCOFIPS,COUNTY\n48001,A\x81\n")
    with pytest.raises(ss.LayerError, match="neither in UTF-8 nor in"):
        ss.releases.national_risk_index(path)


def test_an_archive_of_a_later_version_is_told(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.geojson", "{}")
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 6] = 200
    path.write_bytes(raw)
    for reader in (ss.read_layer, ss.releases.eia860_plants, ss.releases.qcew):
        with pytest.raises(ss.LayerError, match="version"):
            reader(path)
    again = path.rename(tmp_path / "a.kmz")
    with pytest.raises(ss.LayerError, match="version"):
        ss.read_layer(again)
