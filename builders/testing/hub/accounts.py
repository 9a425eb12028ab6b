"""Who asks, and what he may do: users by their tokens, as the Hub tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from builders.testing.hub.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builders.testing.hub.store import Repository

BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the Hub.

    Attributes:
        name: the namespace that is his own.
        organisations: namespaces that he may write to beside it.
        writes: whether his token has the role `write`.
    """

    name: str
    organisations: tuple[str, ...] = ()
    writes: bool = True

    def owns(self, namespace: str) -> bool:
        """Whether he may see and, with a writing token, change what is in a namespace."""
        return namespace == self.name or namespace in self.organisations


def account_of(header: str | None, accounts: Mapping[str, Account]) -> Account | None:
    """Whoever a request's `Authorization` names; None without one.

    Raises:
        Refused: the token is none of the Hub's.
    """
    if not header:
        return None
    account = accounts.get(header.removeprefix(BEARER))
    if account is None:
        message = "Invalid credentials in Authorization header"
        raise Refused(401, message)
    return account


def may_read(account: Account | None, repository: Repository | None) -> Repository:
    """The repository, if this account may see it.

    Raises:
        Refused: there is none, or none that he may know of: 401 to a stranger, else 404.
    """
    if repository is None or (repository.private and not (account and account.owns(repository.owner))):
        raise Refused(404 if account else 401, "Repository not found", code="RepoNotFound")
    return repository


def may_write(account: Account | None, namespace: str) -> Account:
    """The account, if it may change what is in a namespace.

    Raises:
        Refused: 401 without a token, 403 with one that may not.
    """
    if account is None:
        raise Refused(401, "Invalid username or password.")
    if not account.owns(namespace):
        raise Refused(403, f'You don\'t have the rights to write under the namespace "{namespace}"')
    if not account.writes:
        raise Refused(403, "Your token has the role read: a write token is required")
    return account
