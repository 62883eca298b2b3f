"""Archives that unpack to far more than they hold are refused before they do."""

from __future__ import annotations

import zipfile
from pathlib import Path

from siteselect.errors import LayerError, four_parts

__all__ = ["guard"]

#: An archive that unpacks to more than this is refused [bytes].
LARGEST_BYTES = 40_000_000_000
# Text and spreadsheets pack to about a tenth; a bomb to a thousandth.
_RATIO = 200
_SMALL_BYTES = 50_000_000


def guard(path: Path) -> None:
    """Refuse an archive that unpacks to far more than data do.

    Parameters
    ----------
    path : Path
        Any file; what is no archive passes.

    Raises
    ------
    LayerError
        If it is damaged, or a bomb.
    """
    with path.open("rb") as stream:
        if stream.read(4) != b"PK\x03\x04":
            return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise LayerError(
            four_parts(
                f"The archive {path.name!r} is to be read",
                f"it is damaged ({error})",
                "the file as the publisher offers it is allowed",
                "Download it again, and check its size",
            )
        ) from None
    packed = max(path.stat().st_size, 1)
    if unpacked > LARGEST_BYTES or (
        unpacked > _SMALL_BYTES and unpacked / packed > _RATIO
    ):
        raise LayerError(
            four_parts(
                f"The archive {path.name!r} is to be read",
                f"it unpacks from {packed / 1e6:,.1f} MB to {unpacked / 1e6:,.1f} MB",
                f"up to {LARGEST_BYTES / 1e9:.0f} GB, and up to {_RATIO} times its own "
                "size, are allowed",
                "Download it again; if it is right, unpack it and pass the file inside",
            )
        )
