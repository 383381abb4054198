"""What `skyscape check` finds about what is sent: receivers without a secret, unknown sites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from forecast.commands.finding import CheckFinding
from forecast.config import Config
from forecast.settings import LOOPBACK
from forecast.settings.delivery import (
    SMTP_PASSWORD,
    WEBHOOK_SECRETS,
    WECOM_KEYS,
    EmailSettings,
    GroupSettings,
    MailServerSettings,
    named,
)


def findings(config: Config, secrets: Mapping[str, str]) -> Iterator[CheckFinding]:
    """Yield what must be mended before anything is sent, or how much is sent to whom."""
    delivery = config.delivery
    wanted = [name for name in type(delivery).model_fields if getattr(delivery, name) is not None]
    for name in wanted:
        if name not in config.output.channels:
            detail = f"nothing is sent: add {name} to output.channels"
            yield CheckFinding("fault", f"delivery.{name}", detail)
    if wanted and not config.output.base_url:
        detail = "empty: no message has a link to the pages"
        yield CheckFinding("warning", "output.base_url", detail)
    if delivery.wecom is not None:
        yield from _groups("wecom", delivery.wecom.groups, config)
        robots = alert_robots(config)
        yield from _secrets("wecom", delivery.wecom.groups, secrets, WECOM_KEYS, "fault", robots)
    if delivery.webhook is not None:
        yield from _groups("webhook", delivery.webhook.targets, config)
        yield from _secrets("webhook", delivery.webhook.targets, secrets, WEBHOOK_SECRETS,
                            "warning")  # fmt: skip
    if delivery.email is not None:
        yield from _email("delivery.email", delivery.email, secrets)
    yield from _alerts(config, secrets)


def alert_robots(config: Config) -> frozenset[str]:
    """Return the robots of WeCom that get alerts of the service."""
    return frozenset((*config.alerts.first.wecom, *config.alerts.escalated.wecom))


def _alerts(config: Config, secrets: Mapping[str, str]) -> Iterator[CheckFinding]:
    """Yield whether anybody is alerted when the service fails."""
    first, escalated = config.alerts.first, config.alerts.escalated
    if first.empty:
        yield CheckFinding("note", "alerts.first", "nobody is alerted when the service fails")
        return
    keys = named(secrets.get(WECOM_KEYS, ""))
    for robot in sorted(alert_robots(config) - keys.keys()):
        detail = f"gets no alert: {WECOM_KEYS} has no key of it; add {robot}:key, behind a comma"
        yield CheckFinding("fault", f"alerts.{robot}", detail)
    if config.alerts.mail is not None:
        yield from _email("alerts.mail", config.alerts.mail, secrets)
    count = sum(map(len, (first.wecom, first.email, first.webhook)))
    more = sum(map(len, (escalated.wecom, escalated.email, escalated.webhook)))
    detail = f"{count} recipients; {more} more once an alert is escalated"
    yield CheckFinding("ok", "alerts", detail)


def _groups(
    channel: str, groups: Sequence[GroupSettings], config: Config
) -> Iterator[CheckFinding]:
    """Yield which groups get nothing, or name sites that there are none of."""
    sites = {site.id for site in config.sites}
    for group in groups:
        subject = f"delivery.{channel}.{group.id}"
        if group.alerts is not None and (unknown := set(group.alerts.sites) - sites):
            detail = f"alerts.sites: unknown: {', '.join(sorted(unknown))}"
            yield CheckFinding("fault", subject, detail)
        alerted = channel == "wecom" and group.id in alert_robots(config)
        if not group.issues and group.alerts is None and not alerted:
            yield CheckFinding("warning", subject, "gets nothing: issues is false, alerts empty")


def _secrets(
    channel: str,
    groups: Sequence[GroupSettings],
    secrets: Mapping[str, str],
    variable: str,
    grade: str,
    also: frozenset[str] = frozenset(),
) -> Iterator[CheckFinding]:
    """Yield which groups have no secret, and which secrets no group; never a secret itself.

    also: further ids that use a secret.
    """
    given = named(secrets.get(variable, ""))
    without = [group.id for group in groups if group.id not in given]
    for name in without:
        what = "gets nothing" if grade == "fault" else "its messages are not signed"
        detail = f"{what}: {variable} has no secret of it; add {name}:secret, behind a comma"
        yield CheckFinding(grade, f"delivery.{channel}.{name}", detail)
    parts = [part for part in secrets.get(variable, "").split(",") if part.strip()]
    if len(parts) > len(given):
        bad = len(parts) - len(given)
        detail = f"{bad} of {len(parts)} parts are not id:secret, or name an id twice"
        yield CheckFinding("fault", variable, detail)
    if strange := sorted(set(given) - {group.id for group in groups} - also):
        detail = f"names what delivery.{channel} does not have: {', '.join(strange)[:200]}"
        yield CheckFinding("warning", variable, detail)
    if not without:
        yield CheckFinding("ok", f"delivery.{channel}", f"{len(groups)} receivers")


def _email(
    subject: str, email: MailServerSettings, secrets: Mapping[str, str]
) -> Iterator[CheckFinding]:
    """Yield whether a server of e-mail can be used, and safely."""
    remote = email.host not in LOOPBACK
    if email.user and not secrets.get(SMTP_PASSWORD):
        detail = f"user is set, and {SMTP_PASSWORD} is not: no mail is sent"
        yield CheckFinding("fault", subject, detail)
    elif email.user and email.security == "none" and remote:
        detail = "no password is sent without encryption: set security: starttls"
        yield CheckFinding("fault", subject, detail)
    elif email.security == "none" and remote:
        detail = f"{email.host}: addresses and texts cross the network readable"
        yield CheckFinding("warning", subject, detail)
    else:
        lists = email.lists if isinstance(email, EmailSettings) else ()
        people = sum(len(each.to) for each in lists)
        count = f"{len(lists)} lists, {people} recipients " if lists else ""
        detail = f"{count}by {email.host}:{email.port}"
        yield CheckFinding("ok", subject, detail)
