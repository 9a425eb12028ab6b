"""Find a corpus by name, or load one from a script of the user's."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import runpy
from pathlib import Path

from pydantic import BaseModel, ValidationError

from builders import corpora
from builders.corpora.base import Corpus, Decoding, Exemplars, Instruct, SeedDocuments
from builders.errors import UserError

NOT_CORPORA = {"base", "registry"}
_SETTINGS: dict[str, type[BaseModel]] = {
    "Decoding": Decoding,
    "decoding": Decoding,
    "stand_in_decoding": Decoding,
    "Exemplars": Exemplars,
    "exemplars": Exemplars,
    "Instruct": Instruct,
    "instruct": Instruct,
    "SeedDocuments": SeedDocuments,
    "seed_documents": SeedDocuments,
}
"""Models of settings within a corpus, by their own name and by the field that holds them."""


def known_corpora() -> dict[str, Corpus]:
    """Every corpus that ships with the product, by name, in alphabetical order."""
    names = sorted({module.name for module in pkgutil.iter_modules(corpora.__path__)} - NOT_CORPORA)
    found = [importlib.import_module(f"builders.corpora.{name}").CORPUS for name in names]
    return {corpus.name: corpus for corpus in found}


def find_corpus(name: str) -> Corpus:
    """A shipped corpus by its name, or the one that a script file defines.

    Raises:
        UserError: no such corpus (names the nearest), or a script that does not hold one.
    """
    if name.endswith(".py"):
        return load_script(Path(name))
    known = known_corpora()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    raise UserError(f"there is no corpus {name!r}; {hint} (`builders list` shows all; a .py file works too)")


def load_script(path: Path) -> Corpus:
    """Run a corpus script and return its `CORPUS`."""
    if not path.is_file():
        raise UserError(f"corpus script {path} does not exist")
    try:
        corpus = runpy.run_path(str(path)).get("CORPUS")
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error)}") from None
    except Exception as error:
        raise UserError(f"{path} fails with {type(error).__name__}: {error}") from error
    if not isinstance(corpus, Corpus):
        raise UserError(f"{path} defines no CORPUS = Corpus(...); see `builders list` for the shipped ones")
    return corpus


def explain(error: ValidationError) -> str:
    """The first problem of a wrong corpus, in one line, with the field and a remedy."""
    first = error.errors()[0]
    *within, name = [error.title, *map(str, first["loc"])]
    field = ".".join([*within[1:], name]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        model = _SETTINGS.get(within[-1], Corpus)
        near = difflib.get_close_matches(name, model.model_fields, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"fields: {', '.join(model.model_fields)}"
        return f"{model.__name__} has no field {name!r}; {hint}"
    given = "" if first["type"] == "missing" else f" (given: {str(first['input'])[:80]!r})"
    where = f"field {field!r}: " if field else ""
    return f"{where}{first['msg']}{given}"
