"""Make the values of a recipe's keys from what TOML holds: tables become records."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from pipeline.recipe.faults import describe, keys_of
from sources.metadata.held_lists import HeldOut
from sources.metadata.options import check_table
from transforms.fetching.limits.hosts import HostLimits, limits_by_host

Record = TypeVar("Record")


def from_table(record: type[Record], given: Any) -> Record:
    """Return the record that a table describes; raises as `check_table`."""
    return record(**check_table(record, given))


def hosts_from_table(given: Any) -> dict[str, HostLimits]:
    """Return the limits of hosts by name; raises ValueError with every fault."""
    if not isinstance(given, dict):
        raise ValueError('input should be tables, as in [hosts."api.example.org"]')
    faults, checked = [], {}
    for name, limits in given.items():
        try:
            checked[name] = from_table(HostLimits, limits)
        except ValidationError as error:
            faults += describe(error, {"": keys_of(HostLimits)}, f'"{name}".')
    if faults:
        raise ValueError("; ".join(faults))
    return limits_by_host(checked)


def entry_from_toml(given: Any) -> Any:
    """Return an entry of `holdout`: a text stays, a table becomes a record."""
    if not isinstance(given, str | dict | HeldOut):
        raise ValueError('input should be a valid string, or a table as { path = "ids.csv", source = "freesound" }')
    return from_table(HeldOut, given) if isinstance(given, dict) else given


def debias_from_toml(given: Any) -> Any:
    """Return the value of `debias`; raises ValueError for the values of older recipes."""
    if isinstance(given, bool):
        raise ValueError(f'{str(given).lower()} is written "{"all" if given else "none"}" now; the values are generated, train, all, none')
    return given
