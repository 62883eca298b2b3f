"""What writing the full model for PuLP will cost, before it is written."""

from __future__ import annotations

from dataclasses import dataclass

from siteselect.optimization._compile import Compiled

#: From this many columns on, `build_model` tells before it starts.
TELL_COLUMNS = 200_000
#: Measured on PuLP 3.3 with 7,000 to 75,000 columns; seconds between those of an idle
#: and of a busy machine, which are a factor of three apart. On PuLP 4 the memory is
#: half of it.
BYTES_PER_COLUMN, BYTES_PER_ENTRY = 900.0, 100.0
SECONDS_PER_COLUMN, SECONDS_PER_ENTRY = 8e-6, 2.5e-6


@dataclass(frozen=True)
class ModelSize:
    """Size of a full model, with what it is estimated to cost in PuLP.

    Parameters
    ----------
    columns, rows, entries : int
        Of the matrix; rows that a spacing adds are not among them.
    memory_gb : float
        Estimated memory of the model, without that of a solver [GB].
    seconds : float
        Estimated time to write it, without solving [s].
    """

    columns: int
    rows: int
    entries: int
    memory_gb: float
    seconds: float

    def __str__(self) -> str:
        """Return the size as a sentence."""
        return (
            f"the full model has {self.columns:,} columns, {self.rows:,} rows and "
            f"{self.entries:,} entries; estimated, not measured here: "
            f"{self.memory_gb:.2g} GB and {self.seconds:.2g} s to write it for PuLP, "
            "and more of both to solve it (optimize_sites prices columns out instead)"
        )


def model_size(compiled: Compiled) -> ModelSize:
    """Estimate what the full model of a compiled program costs in PuLP.

    Parameters
    ----------
    compiled : Compiled
        The program.

    Returns
    -------
    ModelSize
    """
    columns = compiled.problem.n_columns
    entries = int(compiled.rows.matrix.nnz)
    return ModelSize(
        columns,
        len(compiled.rows),
        entries,
        (BYTES_PER_COLUMN * columns + BYTES_PER_ENTRY * entries) / 1e9,
        SECONDS_PER_COLUMN * columns + SECONDS_PER_ENTRY * entries,
    )
