"""Files that unpack to far more than they hold are refused before they do."""

from __future__ import annotations

import zipfile
from pathlib import Path

from siteselect.errors import LayerError, four_parts

__all__ = ["guard", "guard_size"]

#: A file that unpacks to more than this is refused [bytes].
LARGEST_BYTES = 40_000_000_000
# Text and spreadsheets pack to about a tenth; a bomb to a thousandth.
_RATIO = 200
_SMALL_BYTES = 50_000_000
# One figure for all rows or hours packs to nearly nothing, and is not a bomb yet.
_SMALL_TABLE_BYTES = 1_000_000_000
_CELL_BYTES = 8


def guard(path: Path) -> None:
    """Refuse an archive or a Parquet file that unpacks to far more than data do.

    Of a Parquet file the cells are counted, at 8 bytes each; texts and geometries
    that it holds once and repeats are not.

    Parameters
    ----------
    path : Path
        Any file; what is neither passes.

    Raises
    ------
    LayerError
        If it is a damaged archive, or a bomb.
    """
    with path.open("rb") as stream:
        begin = stream.read(4)
    if begin == b"PAR1":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            held = pq.read_metadata(path)
        # Its reader says what is wrong with it.
        except (OSError, pa.ArrowException):
            return
        cells = held.num_rows * max(held.num_columns, 1)
        guard_size(path, path.stat().st_size, cells * _CELL_BYTES, _SMALL_TABLE_BYTES)
    elif begin == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(item.file_size for item in archive.infolist())
        except (OSError, NotImplementedError, zipfile.BadZipFile) as error:
            raise LayerError(
                four_parts(
                    f"The archive {path.name!r} is to be read",
                    f"it is damaged ({error})",
                    "the file as the publisher offers it is allowed",
                    "Download it again, and check its size",
                )
            ) from None
        guard_size(path, path.stat().st_size, unpacked, _SMALL_BYTES)


def guard_size(
    path: Path, packed: int, unpacked: int, small: int = _SMALL_TABLE_BYTES
) -> None:
    """Refuse what unpacks to far more than it takes in the file.

    Parameters
    ----------
    path : Path
        The file, for the message.
    packed, unpacked : int
        What it takes in the file, and in memory [bytes].
    small : int, optional
        Up to this any ratio is allowed [bytes].

    Raises
    ------
    LayerError
        If it is a bomb.
    """
    packed = max(packed, 1)
    if unpacked > LARGEST_BYTES or (unpacked > small and unpacked / packed > _RATIO):
        raise LayerError(
            four_parts(
                f"The file {path.name!r} is to be read",
                f"it unpacks from {packed / 1e6:,.1f} MB to {unpacked / 1e6:,.1f} MB",
                f"up to {LARGEST_BYTES / 1e9:.0f} GB, and up to {_RATIO} times its own "
                "size, are allowed",
                "Download it again; if it is right, unpack it, or read a part of it "
                "with the library that wrote it, and pass what you need",
            )
        )
