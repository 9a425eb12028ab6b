"""Documents of a dataset on the Hub, by way of the `datasets` library, which keeps them in its cache."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from builders.errors import UserError
from builders.reading.files import checked, only

if TYPE_CHECKING:
    from collections.abc import Iterator

SPLIT = "train"


def hub_texts(place: str, column: str) -> Iterator[str]:
    """One document a row of the split `train` of the default configuration.

    Args:
        place: `OWNER/NAME` or `OWNER/NAME@REVISION`.
        column: the field of the text.

    Raises:
        UserError: there is no such dataset, no network, or no such column of texts.
    """
    rows = hub_dataset(place)
    only(column, rows.column_names, place)
    for number, value in enumerate(rows[column], 1):
        yield checked(value, f"{place}, row {number}", column)


def hub_dataset(place: str) -> Any:
    """The split `train` of the default configuration, memory-mapped from the cache: a `datasets.Dataset`.

    Raises:
        UserError: there is no such dataset, or no network.
    """
    import datasets
    from huggingface_hub.errors import HfHubHTTPError

    name, _, revision = place.partition("@")
    logging.getLogger("huggingface_hub").setLevel(
        logging.ERROR
    )  # else each retry without a network is a line of its own
    try:
        return datasets.load_dataset(name, revision=revision or None, split=SPLIT)
    except (datasets.exceptions.DatasetsError, HfHubHTTPError, OSError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())[:160]
        raise UserError(
            f"the dataset {place} of the Hub cannot be read ({why}), and there is no such file: check the "
            "name, the network, and `hf auth login` for a private one"
        ) from None
