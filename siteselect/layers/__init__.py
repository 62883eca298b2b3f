"""Layers: reading, checking, the bundle, rasters, and every spatial question."""

from siteselect.layers import check, crs, datasets, raster, releases, spatial, terrain
from siteselect.layers.info import LayerInfo, layer_info
from siteselect.layers.raster import Raster
from siteselect.layers.read import read_layer
from siteselect.layers.releases.catalog import sources

__all__ = [
    "LayerInfo",
    "Raster",
    "check",
    "crs",
    "datasets",
    "layer_info",
    "raster",
    "read_layer",
    "releases",
    "sources",
    "spatial",
    "terrain",
]
