"""What tells one frame from another: a hash over all that counts."""

from __future__ import annotations

import hashlib

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely


def _column_bytes(values: pd.Series) -> bytes:
    if pd.api.types.is_bool_dtype(values.dtype) and not values.isna().any():
        return values.to_numpy(dtype=bool).astype("u1").tobytes()
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype="<f8", na_value=np.nan).copy()
        numbers[np.isnan(numbers)] = np.nan
        numbers[numbers == 0] = 0.0
        return numbers.tobytes()
    is_missing = values.isna().to_numpy()
    texts = ("\x00" if m else str(v) for v, m in zip(values, is_missing, strict=True))
    return "\x1f".join(texts).encode("utf-8")


def fingerprint(frame: pd.DataFrame) -> str:
    """Return a SHA-256 over a frame's labels, columns, values, geometry and CRS.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The frame; the order of rows and columns counts.

    Returns
    -------
    str
        64 hexadecimal digits; the same on every platform for the same values.

    Examples
    --------
    >>> import pandas as pd
    >>> from siteselect.reporting import fingerprint
    >>> fingerprint(pd.DataFrame({"a": [1.0]})) == fingerprint(pd.DataFrame({"a": [1]}))
    True
    """
    digest = hashlib.sha256()

    def add(label: str, content: bytes) -> None:
        digest.update(f"{label}\x1e{len(content)}\x1e".encode())
        digest.update(content)

    add("index", _column_bytes(pd.Series(frame.index)))
    for position, name in enumerate(frame.columns):
        values = frame.iloc[:, position]
        if isinstance(values, gpd.GeoSeries):
            crs = "" if values.crs is None else values.crs.to_string()
            add("crs", crs.encode())
            blobs = shapely.to_wkb(np.asarray(values.array), byte_order=1)
            add(str(name), b"\x1f".join(b or b"" for b in blobs))
        else:
            add(str(name), _column_bytes(values))
    return digest.hexdigest()
