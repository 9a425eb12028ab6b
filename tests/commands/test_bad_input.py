"""A mistake of the user's is one clear line with the remedy, exit code 2, and nothing is lost.

Every case runs the real script in a process of its own.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from scripted_server import HTML, Reply, tgi_pages

if TYPE_CHECKING:
    from pathlib import Path

    from console import Run
    from scripted_server import Serve

KEY = "sk-never-shown-0123456789"
NAME = "template-biomed"


# --- what is asked for -------------------------------------------------------------------------------


async def test_a_mistyped_corpus_is_told_the_nearest(builders: Run) -> None:
    ended = await builders("build", "metasynth-biomd")

    assert "'metasynth-biomd'" in ended.error
    assert "did you mean 'metasynth-biomed'?" in ended.error
    assert ended.err.count("\n") == 1


async def test_a_corpus_like_none_is_told_all(builders: Run) -> None:
    error = (await builders("build", "zzz")).error

    assert "metasynth-finance" in error
    assert "builders list" in error


@pytest.mark.parametrize(
    ("option", "value"),
    [("--documents", "0"), ("--documents", "many"), ("--seed", "-1"), ("--protocol", "guess")],
)
async def test_an_option_out_of_its_range_is_refused_with_the_usage(
    builders: Run, option: str, value: str
) -> None:
    ended = await builders("build", NAME, option, value)

    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith(f"Error: Invalid value for '{option}'")
    assert "Traceback" not in ended.err


SCRIPTS = {
    "a field of another name": ("CORPUS = Corpus(name='own', domain='biomed', min_word=10)", "'min_words'"),
    "a field of another name, further in": (
        "CORPUS = Corpus(name='own', domain='biomed', decoding=Decoding(temprature=0.5))",
        "'temperature'",
    ),
    "the same as a mapping": (
        "CORPUS = Corpus(name='own', domain='biomed', decoding={'temprature': 0.5})",
        "'temperature'",
    ),
    "a value of another type": (
        "CORPUS = Corpus(name='own', domain='biomed', documents='many')",
        "field 'documents': Input should be a valid integer",
    ),
    "a value out of range": ("CORPUS = Corpus(name='own', domain='biomed', max_rounds=1)", "'max_rounds'"),
    "a name that is no folder's": ("CORPUS = Corpus(name='../own', domain='biomed')", "field 'name'"),
    "a field missing": ("CORPUS = Corpus(name='own')", "field 'domain': Field required"),
    "limits that contradict each other": (
        "CORPUS = Corpus(name='own', domain='biomed', min_words=500)",
        "min_words (500) is greater than max_words (400)",
    ),
    "no CORPUS": ("corpus = Corpus(name='own', domain='biomed')", "defines no CORPUS = Corpus(...)"),
    "a CORPUS that is none": ("CORPUS = {'name': 'own'}", "defines no CORPUS = Corpus(...)"),
    "a syntax error": ("CORPUS = Corpus(name='own'", "SyntaxError"),
    "an error of its own": (
        "raise RuntimeError('first line\\nsecond line')",
        "RuntimeError: first line second",
    ),
}


@pytest.mark.parametrize(("body", "words"), SCRIPTS.values(), ids=SCRIPTS)
async def test_a_wrong_corpus_script_is_told_what_and_where(
    builders: Run, tmp_path: Path, body: str, words: str
) -> None:
    (tmp_path / "own.py").write_text(f"from builders.corpora import Corpus, Decoding\n{body}\n")

    ended = await builders("build", "own.py")

    assert ended.error.startswith("own.py")
    assert words in ended.error
    assert ended.err.count("\n") == 1


async def test_a_corpus_script_that_does_not_exist_is_named(builders: Run) -> None:
    assert "nowhere.py does not exist" in (await builders("build", "nowhere.py")).error


SETTINGS = {
    "keywords file": ("keywords='nowhere.yaml'", "no keyword file at nowhere.yaml"),
    "unknown domain": ("domain='cooking'", "unknown domain 'cooking'; known are biomed, finance"),
    "unknown expert": (
        "experts=('Domain Expert', 'Sumarizer Expert')",
        "did you mean 'Summarizer Expert'?",
    ),
    "a team that cannot write": ("experts=('Summarizer Expert',)", "lacks the 'Domain Expert'"),
    "exemplars file": (
        "method='template', exemplars=Exemplars(source='nowhere.jsonl')",
        "there is no file nowhere.jsonl",
    ),
}


@pytest.mark.parametrize(("setting", "words"), SETTINGS.values(), ids=SETTINGS)
async def test_a_corpus_that_names_what_is_not_there_is_told_so(
    builders: Run, serve: Serve, tmp_path: Path, setting: str, words: str
) -> None:
    server = await serve()
    domain = "" if "domain=" in setting else "domain='biomed', "
    (tmp_path / "own.py").write_text(
        f"from builders.corpora import Corpus, Exemplars\nCORPUS = Corpus(name='own', {domain}{setting})\n"
    )

    assert words in (await builders("build", "own.py", "--endpoint", server.url)).error


# --- the endpoint ------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["foo", "http://[::1", "ftp://127.0.0.1"])
async def test_an_endpoint_that_is_no_url_is_refused(builders: Run, url: str) -> None:
    error = (await builders("build", NAME, "--endpoint", url)).error

    assert f"--endpoint '{url}' is not an http(s) URL, for example http://" in error


async def test_credentials_in_the_url_are_refused_and_not_repeated(builders: Run) -> None:
    ended = await builders("build", NAME, "--endpoint", "http://me:hush-hush@127.0.0.1:1")

    assert "METASYNTH_API_KEY" in ended.error
    assert "hush-hush" not in ended.out + ended.err


async def test_an_endpoint_that_does_not_answer_is_named(builders: Run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    ended = await builders("build", NAME, "--endpoint", url)

    assert f"cannot reach {url}" in ended.error
    assert "is the server up?" in ended.error
    assert ended.err.count("\n") == 1


async def test_a_web_server_that_is_no_text_generation_server_is_told_apart(
    builders: Run, serve: Serve
) -> None:
    server = await serve({"*": Reply(body=HTML)})

    error = (await builders("build", NAME, "--endpoint", server.url)).error

    assert "neither like TGI (/info) nor like an OpenAI server (/v1/models)" in error


def files_holding(secret: str, folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if secret.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", [NAME, "metasynth-biomed"])
async def test_a_key_that_chat_refuses_stops_the_build_and_is_never_shown(
    builders: Run, serve: Serve, tmp_path: Path, name: str
) -> None:
    server = await serve()
    server.script.extend([Reply(status=401)] * 50)

    ended = await builders("build", name, "--endpoint", server.url, METASYNTH_API_KEY=KEY)

    assert "401" in ended.error
    assert "set METASYNTH_API_KEY and run `builders build" in ended.error
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in ended.out + ended.err
    assert files_holding(KEY, tmp_path) == []


async def test_a_key_that_info_refuses_is_never_shown(builders: Run, serve: Serve) -> None:
    server = await serve({"*": Reply(status=401)})

    ended = await builders("build", NAME, "--endpoint", server.url, METASYNTH_API_KEY=KEY)

    assert "refuses the API key (401)" in ended.error
    assert "METASYNTH_API_KEY" in ended.error
    assert KEY not in ended.out + ended.err


@pytest.mark.parametrize("name", [NAME, "metasynth-biomed"])
async def test_a_context_too_small_for_the_prompts_is_found_before_any_document(
    builders: Run, serve: Serve, name: str
) -> None:
    server = await serve(tgi_pages(max_total_tokens=600))

    error = (await builders("build", name, "--endpoint", server.url)).error

    assert "(600 tokens) is too small" in error
    assert "use a model with more context" in error
    assert len(server.asked) <= 1, "at most the question which protocol it speaks"
