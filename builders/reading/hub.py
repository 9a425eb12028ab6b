"""Documents of a dataset on the Hub, by way of the `datasets` library: kept in its cache, or streamed."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from builders.errors import UserError
from builders.reading.files import text_columns, whole_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SPLIT = "train"


def hub_texts(place: str, column: str) -> Iterator[str]:
    """One document a row of the split `train` of the default configuration.

    Args:
        place: `OWNER/NAME` or `OWNER/NAME@REVISION`.
        column: the field of the text; where there is no `text`, instruction and response make one.

    Raises:
        UserError: there is no such dataset, no network, or no such column of texts.
    """
    rows = hub_dataset(place)
    columns = text_columns(column, rows.column_names, place)
    for number, row in enumerate(rows.select_columns(list(columns)), 1):
        yield whole_text(row, columns, f"{place}, row {number}")


def hub_dataset(place: str) -> Any:
    """The split `train` of the default configuration, memory-mapped from the cache: a `datasets.Dataset`.

    Raises:
        UserError: there is no such dataset, or no network.
    """
    import datasets

    name, _, revision = place.partition("@")
    _quiet()
    try:
        return datasets.load_dataset(name, revision=revision or None, split=SPLIT)
    except _failures() as error:
        raise UserError(
            f"the dataset {place} of the Hub cannot be read ({_why(error)}), and there is no such file: "
            "check the name, the network, and `hf auth login` for a private one"
        ) from None


def hub_revision(place: str) -> str:
    """The commit that `OWNER/NAME` or `OWNER/NAME@REVISION` stands for now; a commit needs no network.

    Raises:
        UserError: there is no such dataset, or no network.
    """
    from huggingface_hub import HfApi

    name, _, revision = place.partition("@")
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    _quiet()
    try:
        return str(HfApi().dataset_info(name, revision=revision or None).sha)
    except _failures() as error:
        raise UserError(
            f"the dataset {place} of the Hub cannot be found ({_why(error)}), and there is no such file: "
            "check the name, the network, and `hf auth login` for a private one"
        ) from None


def hub_stream(name: str, revision: str, *, skip: int = 0) -> Iterator[dict[str, Any]]:
    """Rows of the split `train` as they are downloaded, without the first `skip`; none is kept on disk.

    Raises:
        UserError: it cannot be read, or breaks off.
    """
    import datasets

    _quiet()
    read = skip
    try:
        for row in datasets.load_dataset(name, revision=revision, split=SPLIT, streaming=True).skip(skip):
            yield row
            read += 1
    except _failures() as error:
        raise UserError(
            f"the dataset {name} of the Hub breaks off after {read:,} rows ({_why(error)}): check the "
            "network and run the same command again, which goes on from there"
        ) from None


def _failures() -> tuple[type[Exception], ...]:
    """What `datasets` and `huggingface_hub` raise for a dataset that is not there or a network that is not.

    The bases of `HfHubHTTPError` are what its HTTP client raises, whichever client a release has.
    """
    import datasets
    from huggingface_hub.errors import HfHubHTTPError

    return datasets.exceptions.DatasetsError, *HfHubHTTPError.__bases__, OSError, ValueError, RuntimeError


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:160]


def _quiet() -> None:
    """Else each retry without a network is a line of its own."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
