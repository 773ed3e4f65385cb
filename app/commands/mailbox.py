"""`gapbridge mailbox`: connect mailboxes, sign them in, and look after them."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import ACTOR
from app.commands.operate import JsonOption, installation
from app.errors import BadInput, FieldProblem
from app.models import Mailbox, MailboxWatch, Security

if TYPE_CHECKING:
    from app.container import Container
    from app.mail.checks import Looked
    from app.mail.providers import Server


def attach(cli: typer.Typer) -> None:
    """Add the group `mailbox`."""
    group = typer.Typer(no_args_is_help=True, help="Connect mailboxes and look after them.")
    group.command("add")(add)
    group.command("sign-in")(sign_in)
    group.command("test")(try_mailboxes)
    group.command("list")(list_mailboxes)
    group.command("folders")(show_folders)
    group.command("aliases")(show_aliases)
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("set")(change)
    group.command("off")(switch_off)
    cli.add_typer(group, name="mailbox")


def add(
    email: Annotated[str, typer.Argument(help="The address that mail is sent from.")],
    from_name: Annotated[str, typer.Option(help="The name that editors see as the sender.")],
    provider: Annotated[
        str, typer.Option(help="google or microsoft (a person signs in, no password), or imap (servers and password).")
    ] = "imap",
    smtp_host: Annotated[str, typer.Option(help="Server that takes outgoing mail; a provider has its own.")] = "",
    imap_host: Annotated[str, typer.Option(help="Server that holds incoming mail; a provider has its own.")] = "",
    username: Annotated[str | None, typer.Option(help="Sign-in name; default: the address.")] = None,
    password: Annotated[
        str | None,
        typer.Option(
            envvar="GAPBRIDGE_MAILBOX_PASSWORD",
            help="Asked for when left out; other users of this machine can read the command line.",
        ),
    ] = None,
    smtp_port: Annotated[int | None, typer.Option(help="Default: 465 with tls, else 587.")] = None,
    smtp_security: Annotated[Security, typer.Option(help="How the server is spoken to.")] = Security.TLS,
    imap_port: Annotated[int | None, typer.Option(help="Default: 993 with tls, else 143.")] = None,
    imap_security: Annotated[Security, typer.Option(help="How the server is spoken to.")] = Security.TLS,
    time_zone: Annotated[str, typer.Option(help="Where this mailbox works, such as Europe/Berlin.")] = "UTC",
    daily_cap: Annotated[int, typer.Option(help="Messages a day at most.")] = 50,
    gap_min_seconds: Annotated[int, typer.Option(help="Least time between two messages.")] = 60,
    gap_max_seconds: Annotated[int, typer.Option(help="Most time between two messages that wait.")] = 240,
    test_first: Annotated[
        bool, typer.Option("--test/--no-test", help="Sign in to both servers first, and add nothing when that fails.")
    ] = True,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="With a provider: ask here for what the browser brings back.")
    ] = True,
) -> None:
    """Connect a mailbox. Its password, or its permission at the provider, is stored encrypted."""
    from app.mail import accounts, checks, providers

    with installation() as container:
        at = providers.provider(container.settings, provider) if provider != "imap" else None
        if at is None and not (smtp_host and imap_host):
            raise BadInput(
                "A mailbox needs its two servers, or a provider.",
                FieldProblem("smtp_host", "name --smtp-host and --imap-host, or use --provider google or microsoft"),
            )
        if at is None and password is None:
            password = typer.prompt("Password", hide_input=True)
        wanted = accounts.draft(
            container.settings,
            email=email,
            from_name=from_name,
            username=username,
            password=password or "",
            smtp=_server(smtp_host, smtp_port, smtp_security, (465, 587), at.smtp if at else None),
            imap=_server(imap_host, imap_port, imap_security, (993, 143), at.imap if at else None),
            time_zone=time_zone,
            daily_cap=daily_cap,
            gap_min_seconds=gap_min_seconds,
            gap_max_seconds=gap_max_seconds,
            by_oauth=at is not None,
        )
        if at is None and test_first and not _told(wanted.email, checks.examine(wanted, container.settings)):
            typer.echo("nothing was added; correct the options, or add it unseen with --no-test", err=True)
            raise typer.Exit(1)
        with container.db.work() as uow:
            others = accounts.sharing(uow.session, wanted)
            made = accounts.add(uow, container.vault, wanted, provider=at.name if at else None)
        typer.echo(f"mailbox {made.id}: {made.email}, at most {made.daily_cap} a day")
        if others:
            typer.echo(f"{', '.join(others)} reads the same account: each answer is taken in once", err=True)
        if at is not None:
            _sign_in(container, made.email, at.name, wait=wait)
        if test_first:
            _look_at_domain(container, made.email)


def _server(host: str, port: int | None, security: Security, ports: tuple[int, int], known: Server | None) -> Server:
    from app.mail.providers import Server

    if known is not None and not host:
        return known
    return Server(host, port or ports[security is not Security.TLS], security)


def sign_in(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    provider: Annotated[
        str | None, typer.Option(help="google or microsoft, for a mailbox that has used a password until now.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Ask here for what the browser brings back.")] = True,
) -> None:
    """Sign a mailbox in at its provider (again): prints an address to open anywhere, and takes what comes back."""
    with installation() as container:
        _sign_in(container, email, provider, wait=wait)


def _sign_in(container: Container, email: str, provider: str | None, *, wait: bool) -> None:
    from app.mail import accounts, checks, signin

    if not wait:
        with container.db.read() as look:
            mailbox = accounts.find(look.session, email)
        page = f"{container.settings.public_url.rstrip('/')}/mailboxes/{mailbox.id}/sign-in"
        typer.echo(f"it sends nothing until somebody has signed in at {page}")
        return
    with container.db.work() as uow:
        mailbox = accounts.find(uow.session, email)
        begun = signin.begin(
            uow, container.vault, container.settings, mailbox, holder=signin.CLI, provider_name=provider
        )
    typer.echo("Open this address in a browser on any machine, and agree:\n")
    typer.echo(f"  {begun.authorize_url}\n")
    typer.echo(
        f"The browser is then sent to {begun.redirect_uri} (which must be registered with the provider, exactly so).\n"
        "A page that cannot be reached there is fine: copy its whole address from the address bar."
    )
    pasted = typer.prompt("Address (or the code in it)")
    done = signin.finish(
        container.db,
        container.vault,
        container.settings,
        signin.parse_return(pasted, begun),
        holder=signin.CLI,
    )
    typer.echo(f"{done.email} is signed in{f' as {done.account}' if done.account else ''}, and awake")
    with container.db.read() as look:
        mailbox = accounts.find(look.session, email)
    if not _told(email, checks.examine(accounts.stored(mailbox, container.credentials), container.settings)):
        raise typer.Exit(1)


_MARKS = {"ok": "ok   ", "warn": "warn ", "fail": "FAULT", "unknown": "?    "}


def _told(email: str, looked: Looked) -> bool:
    for line in looked.checks:
        fault = line.state.value == "fail"
        typer.echo(f"{_MARKS[line.state.value]} {email} {line.name}: {line.found}", err=fault)
        if line.fix:
            typer.echo(f"      {line.fix}", err=fault)
    return looked.fine


def _look_at_domain(container: Container, email: str) -> bool:
    from app.commands.domain import tell
    from app.deliverability import repository, service

    with container.db.read() as look:
        row = repository.find(look.session, email.rpartition("@")[2].lower())
    if row is None:
        return True
    lines = service.check(container, row.id)
    with container.db.read() as look:
        return tell(row.domain, lines, service.get(look.session, row.domain).hold_reason)


def try_mailboxes(
    email: Annotated[str | None, typer.Argument(help="One mailbox; default: all.")] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Also send it two messages of its own, and wait until they can be read.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at a mailbox: servers, TLS, sign-in, folders, and the DNS of its domain, each with its fix. Exit code 1 with faults."""
    from app.deliverability import mailbox_check
    from app.mail import accounts

    with installation() as container:
        with container.db.read() as look:
            found = [accounts.find(look.session, email)] if email else accounts.every(look.session)
        fine = True
        for mailbox in found:
            looked = mailbox_check.look(container, mailbox.id, send=send)
            fine &= looked.fine
            if as_json:
                for line in looked.checks:
                    typer.echo(json.dumps({"mailbox": mailbox.email, **dataclasses.asdict(line)}))
            else:
                _told(mailbox.email, looked)
        if not found:
            typer.echo("there is no mailbox yet; add one with `gapbridge mailbox add`", err=True)
    if not fine:
        raise typer.Exit(1)


def pause(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    reason: Annotated[str, typer.Option(help="Why: those who wonder why nothing leaves read this.")],
) -> None:
    """Let a mailbox rest until it is resumed: it sends nothing and is read, and what waits in it goes on waiting."""
    from app.mail import accounts

    with installation() as container, container.db.work() as uow:
        accounts.pause(uow, accounts.find(uow.session, email).id, reason=reason, actor=ACTOR)
    typer.echo(f"{email} rests; `gapbridge mailbox resume` wakes it")


def resume(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Ask for a new password, after a refused sign-in.")
    ] = False,
    test: Annotated[
        bool,
        typer.Option("--test/--no-test", help="Sign in to both servers first, and change nothing when that fails."),
    ] = True,
) -> None:
    """Wake a mailbox that rests (a refused sign-in, a refused sender): what waits in it leaves."""
    from app.mail import accounts, checks

    password = typer.prompt("Password", hide_input=True) if new_password else None
    with installation() as container:
        if test:
            with container.db.read() as look:
                mailbox = accounts.find(look.session, email)
            tried = accounts.stored(mailbox, container.credentials, password=password)
            if not _told(email, checks.examine(tried, container.settings)):
                typer.echo("nothing was changed", err=True)
                raise typer.Exit(1)
        with container.db.work() as uow:
            accounts.resume(uow, container.vault, email, password=password)
    typer.echo(f"{email} is awake")


def change(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    smtp_host: Annotated[str | None, typer.Option(help="Another server that takes outgoing mail.")] = None,
    smtp_port: Annotated[int | None, typer.Option(help="Its port.")] = None,
    smtp_security: Annotated[Security | None, typer.Option(help="How it is spoken to.")] = None,
    imap_host: Annotated[str | None, typer.Option(help="Another server that holds incoming mail.")] = None,
    imap_port: Annotated[int | None, typer.Option(help="Its port.")] = None,
    imap_security: Annotated[Security | None, typer.Option(help="How it is spoken to.")] = None,
    username: Annotated[str | None, typer.Option(help="Another sign-in name.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Where this mailbox works, such as Europe/Berlin.")] = None,
    test: Annotated[
        bool,
        typer.Option("--test/--no-test", help="Sign in to both servers first, and change nothing when that fails."),
    ] = True,
) -> None:
    """Move a mailbox to other servers, another sign-in name or another time zone; what is left out stays."""
    from app.mail import accounts, checks, upkeep
    from app.mail.providers import Server

    with installation() as container:
        with container.db.read() as look:
            mailbox = accounts.find(look.session, email)
        now = accounts.stored(mailbox, container.credentials)
        smtp, imap = now.smtp, now.imap
        wanted = upkeep.moved(
            container.settings,
            now,
            smtp=Server(smtp_host or smtp.host, smtp_port or smtp.port, smtp_security or smtp.security),
            imap=Server(imap_host or imap.host, imap_port or imap.port, imap_security or imap.security),
            username=username,
            time_zone=time_zone,
        )
        if test and not _told(email, checks.examine(wanted, container.settings)):
            typer.echo("nothing was changed", err=True)
            raise typer.Exit(1)
        with container.db.work() as uow:
            upkeep.move(uow, mailbox.id, wanted, actor=ACTOR)
    typer.echo(f"{email} is changed")


def switch_off(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    withdraw: Annotated[
        bool | None,
        typer.Option(help="Take pitches that have not left back into the queue, to be approved for another mailbox."),
    ] = None,
) -> None:
    """Switch a mailbox off: nothing is sent from it, it is not read any more, and its password is forgotten."""
    from app.mail import accounts
    from app.pitches import leaving

    with installation() as container:
        with container.db.read() as look:
            mailbox = accounts.find(look.session, email)
            held = leaving.open_there(look.session, mailbox.id)
        if held.live:
            typer.echo(
                f"mail has left in {held.live} of its open conversations; answers and opt-outs by mail are not read any more "
                f"when it is off (the opt-out links work). To have them read, let it rest instead (`gapbridge mailbox pause`)"
            )
        if not yes and not typer.confirm(f"Switch {email} off and forget its password?"):
            raise typer.Exit(1)
        if held.unsent and withdraw is None and not yes:
            withdraw = typer.confirm(
                f"Take {held.unsent} pitch(es) that have not left back into the queue?", default=True
            )
        with container.db.work() as uow:
            _, back = leaving.switch_off(uow, mailbox.id, withdraw=bool(withdraw), actor=ACTOR)
    if back:
        typer.echo(f"{back} pitch(es) are drafts in the queue again")
    typer.echo(f"{email} is switched off; `gapbridge mailbox resume --new-password` or `sign-in` switches it on")


def show_aliases(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    add: Annotated[list[str] | None, typer.Option(help="A further address that people write from.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="An address that is ours no more.")] = None,
) -> None:
    """List the further addresses of a mailbox, and change them: what comes from them is ours, and no answer."""
    from app.mail import accounts

    with installation() as container, container.db.work() as uow:
        mailbox = accounts.find(uow.session, email)
        if add or remove:
            gone = {address.strip().lower() for address in remove or ()}
            kept = [one for one in (*(mailbox.aliases or ()), *(add or ())) if one.strip().lower() not in gone]
            mailbox = accounts.set_aliases(uow, mailbox.id, kept)
        found = list(mailbox.aliases or ())
    typer.echo("\n".join(found) or "none")


def show_folders(
    email: Annotated[str, typer.Argument(help="The mailbox.")],
    watch: Annotated[str | None, typer.Option(help="Always read this folder for answers.")] = None,
    leave: Annotated[str | None, typer.Option(help="Never read this folder.")] = None,
    by_rule: Annotated[str | None, typer.Option(help="Leave this folder to the rules again.")] = None,
    start: Annotated[str | None, typer.Option(help="Read this folder again, which was given up.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the folders of a mailbox with the reason why each is read for answers, and change that."""
    from app.domain.folders import Watch
    from app.inbox import folders
    from app.mail import accounts

    with installation() as container, container.db.work() as uow:
        mailbox = accounts.find(uow.session, email)
        for name, wish in ((watch, Watch.ALWAYS), (leave, Watch.NEVER), (by_rule, None)):
            if name is not None:
                folders.choose(uow, mailbox.id, name, wish, actor=ACTOR)
        if start is not None:
            folders.start_again(uow, mailbox.id, start, actor=ACTOR)
        found = folders.of_mailbox(uow, mailbox.id)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(state) for state in found], indent=2, default=str))
        return
    for state in found:
        said = f"  ({state.watch.value}, by a person)" if state.watch else ""
        anew = f"  renumbered by its server on {state.renumbered_at:%d %b %Y %H:%M} UTC" if state.renumbered_at else ""
        fault = f"  {state.stopped_reason}" if state.stopped_reason else ""
        if state.gone:
            fault += "  its server has no such folder any more"
        if state.unfetched:
            fault += f"  cannot be fetched: UID {', '.join(map(str, state.unfetched))}"
        typer.echo(f"{state.why.value if state.why else '-':9} {state.name}{said}{anew}{fault}")
    if not found:
        typer.echo("nobody has looked into it yet; `gapbridge poll` does", err=True)


def list_mailboxes(as_json: JsonOption = False) -> None:
    """List the mailboxes with their state."""
    from app.inbox import watches
    from app.mail import accounts, resting

    with installation() as container, container.db.read() as look:
        watched = watches.by_mailbox(look.session)
        found = accounts.every(look.session)
        rests = [resting.why(mailbox, look.now()) for mailbox in found]
        rows = [
            {**_row(mailbox, why), **_waiting(watched.get(mailbox.id))}
            for mailbox, why in zip(found, rests, strict=True)
        ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row, why in zip(rows, rests, strict=True):
        state = why or row["poll_error"] or ("active" if row["active"] else "switched off")
        typer.echo(f"{row['id']}  {row['email']}  {row['smtp']}  {row['imap']}  {row['daily_cap']} a day  {state}")
    if not rows:
        typer.echo("there is no mailbox yet; add one with `gapbridge mailbox add`", err=True)


def _waiting(watch: MailboxWatch | None) -> dict[str, object]:
    """Since when a connection waits for its mail, or why none does."""
    since = watch.idle_since if watch else None
    again = watch.idle_retry_at if watch else None
    return {
        "waiting_since": since.isoformat() if since else None,
        "waiting_error": watch.idle_error if watch else None,
        "waiting_again_at": again.isoformat() if again else None,
    }


def _row(mailbox: Mailbox, rests: str | None) -> dict[str, object]:
    """`rests`: why it rests now; a rest that ran out stays in its row until the next turn."""
    return {
        "id": mailbox.id,
        "email": mailbox.email,
        "from_name": mailbox.from_name,
        "smtp": f"{mailbox.smtp_host}:{mailbox.smtp_port}/{mailbox.smtp_security.value}",
        "imap": f"{mailbox.imap_host}:{mailbox.imap_port}/{mailbox.imap_security.value}",
        "daily_cap": mailbox.daily_cap,
        "active": mailbox.active,
        "paused_reason": rests,
        "paused_until": mailbox.paused_until.isoformat() if rests and mailbox.paused_until else None,
        "polled_at": mailbox.polled_at.isoformat() if mailbox.polled_at else None,
        "poll_error": mailbox.poll_error,
    }
