"""A Dask client that a user hands over: checked, or opened from an address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from siteselect.errors import (
    MissingDependencyError,
    StudyError,
    check_given,
    four_parts,
)

__all__ = ["connected", "dask_part"]


@contextmanager
def connected(client: Any, call: str) -> Iterator[Any]:
    """Give the client, or open the one of an address for as long as it is used.

    Parameters
    ----------
    client : distributed.Client or str
        What the user gave.
    call : str
        The user's call, for messages.

    Yields
    ------
    distributed.Client

    Raises
    ------
    MissingDependencyError
        If Dask's distributed is not installed.
    StudyError
        If it is no client of the blocking kind, or no scheduler answers there.
    """
    what, wanted = f"{call} works on a Dask cluster", "a Dask client, or an address"
    mend = f'{call.removesuffix(")")}, client="tcp://10.0.0.1:8786")'
    distributed = dask_part("distributed", call)
    if isinstance(client, str):
        try:
            opened = distributed.Client(client)
        # What an address may do wrong is said in many ways.
        except Exception as error:
            wrong = f"no scheduler was reached at {client!r} ({error})"
            raise StudyError(four_parts(what, wrong, wanted, mend)) from error
        with opened:
            yield opened
        return
    check_given(client, ("submit", "nthreads", "cancel"), what, wanted, mend)
    if getattr(client, "asynchronous", False):
        wrong = "it was given an asynchronous client, whose answers are awaited"
        mend = "distributed.Client(address, asynchronous=False)"
        raise StudyError(four_parts(what, wrong, wanted, mend))
    yield client


def dask_part(name: str, call: str) -> Any:
    """Import a part of Dask, or say how to get it.

    Parameters
    ----------
    name : str
        Of the package.
    call : str
        The user's call, for the message.

    Returns
    -------
    module

    Raises
    ------
    MissingDependencyError
        If it is not installed.

    Examples
    --------
    >>> dask_part("dask", "score_partitions(...)").__name__
    'dask'
    """
    try:
        return import_module(name)
    except ImportError:
        raise MissingDependencyError(
            four_parts(
                f"{call} runs on Dask",
                f"the package {name!r} is not installed",
                "the extra 'parallel' is needed",
                "pip install 'siteselect[parallel]'",
            )
        ) from None
