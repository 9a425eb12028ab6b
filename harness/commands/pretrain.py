"""``harness pretrain``: continue a base model's pre-training on corpora."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from builders.commands.amounts import amount

if TYPE_CHECKING:
    from harness.pretrain.planning import Plan


@click.command("pretrain", short_help="Continue a base model's pre-training on corpora.")
@click.option("--data", metavar="CORPUS[:WEIGHT]", multiple=True, help="Train on this; again for more.")
@click.option("--output", metavar="NAME", required=True, help="Name of the model in models/, or a path.")
@click.option("--recipe", "recipes", metavar="NAME|FILE", multiple=True, help="A later one overrides.")
@click.option("--mix", metavar="NAME", help="One of the recipe's mixes, instead of --data.")
@click.option("--real", metavar="CORPUS", help="Real text of the domain, where the mix has some.")
@click.option("--replay", metavar="CORPUS:SHARE", help="General text to mix in; its share of all tokens.")
@click.option(
    "--base",
    metavar="MODEL",
    help="Hub id, folder or name; by default Mistral-7B-v0.3, embedded without a GPU.",
)
@click.option("--method", type=click.Choice(["full", "lora", "qlora"]), help="What is trained.")
@click.option("--tokens", type=amount, metavar="N", help="The budget, as 25M; by default each source once.")
@click.option("--block-size", type=click.IntRange(min=8), metavar="N", help="Tokens of a block.")
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Blocks of a step, on all devices.")
@click.option("--micro-batch", type=click.IntRange(min=1), metavar="N", help="Blocks of a forward pass.")
@click.option("--learning-rate", type=float, metavar="RATE", help="At its highest.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Of mixture, order, adapters.")
@click.option("--watch-domain", metavar="CORPUS", help="Real text of the domain for the monitor.")
@click.option("--watch-general", metavar="CORPUS", help="General text for the monitor.")
@click.option("--stop-margin", type=float, metavar="SHARE", help="Stop when general text is worse by more.")
@click.option("--set", "settings", metavar="FIELD=VALUE", multiple=True, help="Any field of a recipe.")
@click.option("--text-column", default="text", show_default=True, help="Field that holds the documents.")
@click.option("--dry-run", is_flag=True, help="Say tokens, steps, memory and time; load no weights.")
@click.option("--ignore-memory", is_flag=True, help="Begin even if it may not fit.")
@click.option("--track", is_flag=True, help="Log to trackio, too.")
@click.option("--json", "as_json", is_flag=True, help="What was done, or would be, for machines.")
def command(
    *,
    output: str,
    recipes: tuple[str, ...],
    settings: tuple[str, ...],
    text_column: str,
    dry_run: bool,
    ignore_memory: bool,
    track: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Continue the pre-training of a base model, exact to the token.

    CORPUS is a built folder, a JSONL (also .gz, .zst), Parquet or text file, or a dataset of the Hub;
    weights are shares of tokens. A run that was killed goes on with the same command.

    \b
    Example:
      harness pretrain --data metasynth-biomed --replay general.jsonl.gz:0.2 --output adapted
      harness pretrain --recipe mistral-7b-biomed --mix real+documents --real pubmed.jsonl.zst --output mixed
      torchrun --nproc-per-node 8 -m harness pretrain --recipe mistral-7b-biomed --recipe full-8-gpus \\
          --data metasynth-biomed --output adapted
    """
    from harness.pretrain.output import model_folder, quiet_transformers
    from harness.pretrain.planning import Request, plan
    from harness.pretrain.recipe import load_recipe, parse_setting
    from harness.pretrain.run import pretrain

    quiet_transformers()
    request = Request(
        recipe=load_recipe(recipes, _overrides(options) | dict(map(parse_setting, settings))),
        output=model_folder(output, option="--output"),
        text_column=text_column,
        track=track,
        ignore_memory=ignore_memory,
    )
    if dry_run:
        planned = plan(request, say=lambda line: click.echo(line, err=True))
        _print(planned, as_json=as_json)
        return
    record = pretrain(request)
    if as_json:
        click.echo(record.model_dump_json(indent=2))


def _overrides(options: dict[str, Any]) -> dict[str, Any]:
    """Options that were given, by the recipe's field."""
    fields = {
        "watch_domain": "watch.domain",
        "watch_general": "watch.general",
        "stop_margin": "watch.stop_margin",
    }
    return {fields.get(name, name): value for name, value in options.items() if value not in (None, ())}


def _print(planned: Plan, *, as_json: bool) -> None:
    """What a run would be."""
    import json

    from builders.progress import duration

    found, blocks = planned.estimate, planned.blocks
    told = {
        "base": planned.base.name,
        "stand_in": planned.base.stand_in,
        "method": planned.recipe.method,
        "tokens": blocks.tokens,
        "blocks": len(blocks),
        "padding_share": round(blocks.padding_share, 6),
        "steps": planned.steps,
        "parameters": planned.size.all,
        "trained_parameters": planned.size.trained,
        "device": planned.device.name,
        "devices": planned.device.count,
        "memory_bytes": found.memory,
        "memory_parts": found.parts,
        "memory_free_bytes": planned.device.memory,
        "seconds": found.seconds,
        "warnings": list(blocks.mixture.warnings),
    }
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for line in blocks.mixture.warnings:
        click.echo(line)
    stand_in = " (stands in for a real base)" if planned.base.stand_in else ""
    click.echo(f"base      {planned.base.name}{stand_in}, {planned.size.all / 1e6:,.1f} M parameters")
    click.echo(f"method    {planned.recipe.method}, {planned.size.trained / 1e6:,.1f} M parameters trained")
    click.echo(
        f"tokens    {blocks.tokens:,} in {len(blocks):,} blocks of {planned.recipe.block_size} "
        f"({blocks.padding_share:.2%} padding), {planned.steps:,} steps"
    )
    parts = ", ".join(f"{name} {size / 1e9:.2f}" for name, size in found.parts.items())
    click.echo(
        f"memory    about {found.memory / 1e9:.2f} GB of {planned.device.memory / 1e9:.2f} GB free ({parts})"
    )
    time = "unknown on this device" if found.seconds is None else f"about {duration(found.seconds)}"
    click.echo(
        f"time      {time} on {planned.device.count} x {planned.device.name}, measurements not included"
    )
