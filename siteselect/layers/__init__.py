"""Layers: the bundle, rasters, and every spatial question."""

from siteselect.layers import crs, datasets, raster, spatial
from siteselect.layers.info import LayerInfo, layer_info
from siteselect.layers.raster import Raster

__all__ = [
    "LayerInfo",
    "Raster",
    "crs",
    "datasets",
    "layer_info",
    "raster",
    "spatial",
]
