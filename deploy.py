#!/usr/bin/env python3
"""The command line: one function a command, which hands over to what stands behind it in meridian/."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

try:
    import typer
except ModuleNotFoundError:
    message = (
        "Meridian's libraries are not installed here. Run `make .venv/installed`, then .venv/bin/python deploy.py."
    )
    print(message, file=sys.stderr)
    sys.exit(2)

from meridian import inputs
from meridian.commandline import OPTIONS, EndpointUrl, OneSentence, Profile, Region, on_aws
from meridian.session import Session  # noqa: TC001  # Typer evaluates the annotations

app = typer.Typer(cls=OneSentence, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
RequestFile = Annotated[Path | None, typer.Option("--request", help="The request, YAML or JSON.", metavar="FILE")]


@app.callback()
def meridian(
    context: typer.Context, endpoint_url: EndpointUrl = None, profile: Profile = None, region: Region = None
) -> None:
    """Stand up, prove and clean up a multi-Region DynamoDB global table, as AWS Step Functions workflows.

    Exit codes: 0 done, 1 found something wrong, 2 refused or failed.
    """
    context.obj = dict(zip(OPTIONS, (endpoint_url, profile, region), strict=True))


@app.command()
@on_aws
def up(  # noqa: PLR0913, PLR0917  # its options
    session: Session,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would change, and stop.")] = False,
    alert_email: Annotated[str | None, typer.Option(help="Who is told of failed executions.", metavar="TO")] = None,
    log_days: Annotated[int | None, typer.Option(help="How long logs are kept.", metavar="DAYS")] = None,
    log_execution_data: Annotated[
        bool | None,
        typer.Option("--log-execution-data/--no-log-execution-data", help="Log inputs and outputs of executions too."),
    ] = None,
    archive_lock_days: Annotated[
        int | None,
        typer.Option(help="How long S3 locks what is archived; 0 does not.", metavar="DAYS", min=0, max=36_500),
    ] = None,
) -> int:
    """Install the control stack in the home Region, or bring it up to date: show the plan, then apply it.

    What is not given stays as it is.
    """
    from meridian import control

    parameters = {
        "AlertEmail": alert_email,
        "LogRetentionDays": log_days,
        "LogExecutionData": None if log_execution_data is None else str(log_execution_data).lower(),
        "ArchiveLockDays": archive_lock_days,
    }
    return control.up(session, plan_only=plan, parameters=parameters)


@app.command()
@on_aws
def run(  # noqa: PLR0913, PLR0917  # its options
    session: Session,
    workflow: Annotated[inputs.Workflow, typer.Argument(help="Which workflow.", show_default=False)],
    request: RequestFile = None,
    table: Annotated[str | None, typer.Option(help="The table, where a workflow is of one.", metavar="NAME")] = None,
    member: Annotated[str | None, typer.Option(help="The Region to add or remove.", metavar="REGION")] = None,
    confirm: Annotated[str | None, typer.Option(help="What you agree to lose.", metavar="TEXT")] = None,
    delete_failures: Annotated[
        bool, typer.Option("--delete-failures", help="Delete failure buckets that hold records.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Print the execution's ARN and do not follow it.")] = False,
    as_json: Json = False,
) -> int:
    """Start a workflow and follow it to its end.

    provision takes --request; validate, redeliver and refresh-regions --table; add-region and deploy-processors --table
    and --member; remove-region --table, --member and --confirm with the Region; cleanup --table and --confirm with the
    table; archive nothing. --request may stand for --table.
    """
    from meridian import runs

    given = inputs.compose(workflow, request, table, member, confirm, delete_failures=delete_failures)
    return runs.run(session, workflow, given, detach=detach, as_json=as_json)


@app.command()
@on_aws
def follow(
    session: Session,
    execution: Annotated[str, typer.Argument(metavar="ARN", help="The execution's ARN.", show_default=False)],
    as_json: Json = False,
) -> int:
    """Follow an execution that was started here, in the console or by a schedule."""
    from meridian import runs

    return runs.follow(session, execution, as_json=as_json)


@app.command()
@on_aws
def audit(  # noqa: PLR0913, PLR0917  # its options
    session: Session,
    execution: Annotated[
        str | None,
        typer.Argument(
            metavar="EXECUTION",
            help="Its ARN, the name that `run` gave it, or WORKFLOW:NAME, as --table lists it.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[str | None, typer.Option(help="List the executions that worked on it.", metavar="NAME")] = None,
    since: Annotated[
        str | None, typer.Option(help="How far back: 90s, 15m, 12h, 30d, 2w or 2026-11-01. [30d]", metavar="WHEN")
    ] = None,
    diff: Annotated[
        tuple[str, str] | None, typer.Option(help="Show what differs between two executions.", metavar="A B")
    ] = None,
    last_good: Annotated[
        bool, typer.Option("--last-good", help="Compare with the last success of the same workflow and table.")
    ] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Check the archive, file by file.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page to a file; - is stdout.", metavar="FILE")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Write JSON Lines; - is stdout.", metavar="FILE")] = None,
    full: Annotated[bool, typer.Option("--full", help="Leave nothing out.")] = False,
    as_json: Json = False,
) -> int:
    """Show what an execution did, from its history or the archive; list, compare or verify executions.

    Exit code 1 if the execution that is audited failed, timed out or was stopped, or if --verify found something;
    a list and --diff end with 0 whatever they show. --json goes with --table, --diff, --last-good and --verify.
    """
    from meridian.audit import command
    from meridian.audit.asked import Asked

    asked = Asked(execution, table, since, diff, last_good, verify, html, jsonl, full, as_json)
    return command.command(session, asked)


@app.command()
@on_aws
def status(
    session: Session,
    table: Annotated[str, typer.Argument(help="The table.", show_default=False)],
    as_json: Json = False,
) -> int:
    """Show each Region of a deployment, one a line, and what differs from the recorded request."""
    from meridian import status as deployments

    return deployments.show(session, table, as_json=as_json)


@app.command()
@on_aws
def load(  # noqa: PLR0913, PLR0917  # its options
    session: Session,
    table: Annotated[str, typer.Argument(help="The table.", show_default=False)],
    rate: Annotated[int | None, typer.Option(help="Writes a second over all Regions.", min=1, max=10_000)] = None,
    seconds: Annotated[int | None, typer.Option(help="How long.", min=1, max=3600)] = None,
    regions: Annotated[str | None, typer.Option(help="Where to write; all Regions otherwise.", metavar="A,B")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same data.", min=0, max=999_999_999)] = None,
    remove: Annotated[str | None, typer.Option(help="Remove what a run wrote.", metavar="RUN")] = None,
    as_json: Json = False,
) -> int:
    """Write sample users, products and orders to a deployed table, read each back, and show how long that took.

    The items are real. They carry the run in meridian:load, expire in 7 days where the table has TTL, and go with
    --remove. One process reaches some hundreds of writes a second; the result says how many there were.
    """
    from meridian import load as loads

    options = {"rate": rate, "seconds": seconds, "regions": regions, "seed": seed, "remove": remove}
    return loads.command(session, table, options, as_json=as_json)


@app.command()
@on_aws
def redeliver(
    session: Session,
    table: Annotated[str, typer.Argument(help="The table.", show_default=False)],
    as_json: Json = False,
) -> int:
    """Give what the processors failed on to them again, the oldest first, and say what came of it in each Region.

    Exit code 1 if records still fail; they stay in the failure bucket.
    """
    from meridian import runs

    given = inputs.compose(inputs.Workflow.REDELIVER, None, table, None, None)
    return runs.run(session, inputs.Workflow.REDELIVER, given, detach=False, as_json=as_json)


@app.command()
@on_aws
def schedule(  # noqa: PLR0913, PLR0917  # its options
    session: Session,
    table: Annotated[str, typer.Argument(help="The table.", show_default=False)],
    pause: Annotated[bool, typer.Option("--pause", help="Start no more validations.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Start validations again.")] = False,
    last: Annotated[int, typer.Option(help="How many of the last runs to show.", min=1, max=100, metavar="N")] = 10,
    as_json: Json = False,
) -> int:
    """Show a table's schedule of validations and its last runs with their verdicts, pause it, or resume it.

    Exit code 1 if the last validation failed, an alarm rings, or a validation could not be started.
    """
    from meridian import schedule as schedules

    state = schedules.asked(pause=pause, resume=resume)
    return schedules.command(session, table, state, last=last, as_json=as_json)


@app.command()
def local(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)] = 0,
    delay: Annotated[float, typer.Option(help="Seconds that a table, replica or stream takes.", min=0)] = 1.0,
) -> int:
    """Run AWS on this machine with the control stack installed, until Ctrl-C.

    stdout is export lines for another terminal; stderr is what to do there.
    """
    from meridian import local as embedded

    return embedded.serve(port, delay)


@app.command()
def demo(request: RequestFile = None, as_json: Json = False) -> int:
    """Provision, prove and clean up a three-Region table on this machine, and count what is left."""
    from meridian import demo as whole

    return whole.run(request, as_json=as_json)


@app.command()
@on_aws
def down(session: Session) -> int:
    """Remove the control stack and its bucket. Refused while a table is deployed."""
    from meridian import control

    return control.down(session)


if __name__ == "__main__":
    app()
