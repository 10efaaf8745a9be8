"""Who is told when the write-back needs a person: a guard tripped, the CRM refuses too much, a sync stalled or failed.

What is wrong is read from the operational store, from where on by ``seeds/alert_settings.csv``, and told to a webhook
(``LEADHOUSE_ALERT_WEBHOOK_URL``; JSON with ``text``, which Slack, Teams' workflows and Mattermost show) and by e-mail
(``LEADHOUSE_ALERT_EMAIL_TO`` through ``LEADHOUSE_ALERT_SMTP_URL``). An alert is sent once when it opens, again every
``repeat_hours`` while it is open, and once more when it is over. A message holds no personal data.
"""

from __future__ import annotations

import csv
import smtplib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests

from leadhouse.settings import Settings
from orchestration.errors import AlertNotSent
from reverse_etl.health import SyncState, sync_states
from reverse_etl.render import mask
from reverse_etl.store import Store, utc_now

#: Seconds that a webhook or a mail server may take.
_TIMEOUT = 15.0


@dataclass(frozen=True)
class Alert:
    """One thing that needs a person. ``key`` stays the same as long as it is the same thing."""

    key: str
    kind: str
    sync: str
    message: str
    what_to_do: str


@dataclass(frozen=True)
class Told:
    """What was sent: newly opened alerts, those still open that were due again, and those that are over."""

    opened: tuple[Alert, ...]
    repeated: tuple[Alert, ...]
    closed: tuple[dict[str, Any], ...]
    #: Open and known already: nobody was told again.
    quiet: tuple[Alert, ...]


def current_alerts(store: Store, limits: Mapping[str, float], now: datetime) -> list[Alert]:
    """What is wrong now, by sync.

    Args:
        store: the operational store.
        limits: ``seeds/alert_settings.csv``: ``reject_max_share``, ``reject_min_rows``, ``stalled_hours``.
        now: UTC, without a zone.
    """
    return [alert for state in sync_states(store) for alert in _of_sync(state, limits, now)]


def _of_sync(state: SyncState, limits: Mapping[str, float], now: datetime) -> Iterator[Alert]:
    sync = state.sync
    if state.guards and now <= state.expires_at:
        yield Alert(
            f"guard:{sync}",
            "guard",
            sync,
            f"{sync}: a guard holds plan {state.plan_id} back: {'; '.join(state.guards)}",
            f"Read it with `leadhouse plan show {state.plan_id}`; if it is right, `leadhouse apply {state.plan_id} "
            "--approve`",
        )
    if state.run_status == "failed":
        reason = mask(state.run_message or "no reason on record")
        yield Alert(
            f"failed:{sync}",
            "failed",
            sync,
            f"{sync}: run {state.run_id} failed: {reason}",
            "Mend the cause, then apply again: it goes on where it stopped",
        )
    total = state.written + state.rejected
    if state.rejected >= limits["reject_min_rows"] and state.rejected > limits["reject_max_share"] * total:
        yield Alert(
            f"rejects:{sync}",
            "rejects",
            sync,
            f"{sync}: the CRM refused {state.rejected:,} of {total:,} records in run {state.run_id}",
            "See why with `leadhouse deadletters`",
        )
    yield from _stalled(state, timedelta(hours=limits["stalled_hours"]), now)


def _stalled(state: SyncState, patience: timedelta, now: datetime) -> Iterator[Alert]:
    sync = state.sync
    if state.waiting_since is not None and now - state.waiting_since > patience:
        yield Alert(
            f"stalled:{sync}",
            "stalled",
            sync,
            f"{sync}: {state.changes_waiting:,} changes have waited to be written since "
            f"{state.waiting_since:%Y-%m-%d %H:%M} UTC",
            "Is the sync sensor on, and does a guard or an error hold it back? See `leadhouse plans`",
        )
    elif now - state.planned_at > patience:
        yield Alert(
            f"stalled:{sync}",
            "stalled",
            sync,
            f"{sync}: not planned since {state.planned_at:%Y-%m-%d %H:%M} UTC",
            "Do builds still publish? See `leadhouse doctor`",
        )


def read_limits(seeds_dir: Path) -> dict[str, float]:
    """The numbers of ``alert_settings.csv``."""
    with (seeds_dir / "alert_settings.csv").open(encoding="utf-8", newline="") as file:
        return {row["setting"]: float(row["value"]) for row in csv.DictReader(file)}


def tell(settings: Settings, *, now: datetime | None = None, send: bool = True) -> Told:
    """Find out what is wrong, tell whoever is named in the settings, and remember that they were told.

    Without a webhook and an address alerts are kept and shown, and nobody is told. With ``send=False`` nothing is sent
    or remembered.

    Raises:
        AlertNotSent: a channel refused every message; the alerts count as not sent and are tried again.
    """
    moment = now or utc_now()
    limits = read_limits(settings.seeds_dir)
    with Store(settings.ops_store_url) as store:
        found = {alert.key: alert for alert in current_alerts(store, limits, moment)}
        known = {row["alert_key"]: row for row in store.alert_rows()}
        again = timedelta(hours=limits["repeat_hours"])
        opened = tuple(alert for key, alert in found.items() if key not in known or known[key]["sent_at"] is None)
        due = {key for key, row in known.items() if row["sent_at"] is not None and moment - row["sent_at"] >= again}
        repeated = tuple(alert for key, alert in found.items() if key in due)
        closed = tuple(row for key, row in known.items() if key not in found)
        told = opened + repeated
        quiet = tuple(alert for alert in found.values() if alert not in told)
        result = Told(opened, repeated, closed, quiet)
        if not send:
            return result
        channels = _channels(settings)
        rows = [_row(alert, known.get(alert.key), moment, sent=None) for alert in opened]
        store.save_alerts([row for row in rows if row["alert_key"] not in known])
        if told or closed:
            for channel in channels:
                channel(_subject(result), _text(result), result)
        sent_at = moment if channels else None
        store.save_alerts([_row(alert, known.get(alert.key), moment, sent=sent_at) for alert in told])
        store.save_alerts([{**row, "closed_at": moment} for row in closed])
    return result


def _row(alert: Alert, known: Mapping[str, Any] | None, moment: datetime, *, sent: datetime | None) -> dict[str, Any]:
    return {
        "alert_key": alert.key,
        "kind": alert.kind,
        "sync": alert.sync,
        "message": alert.message,
        "opened_at": known["opened_at"] if known else moment,
        "sent_at": sent,
        "closed_at": None,
    }


def _subject(told: Told) -> str:
    parts = [
        f"{len(alerts)} {word}"
        for word, alerts in (("new", told.opened), ("still open", told.repeated), ("over", told.closed))
        if alerts
    ]
    return f"Leadhouse write-back: {', '.join(parts)}"


def _text(told: Told) -> str:
    lines = [f"- {alert.message}. {alert.what_to_do}." for alert in (*told.opened, *told.repeated)]
    lines += [f"- Over: {row['message']}" for row in told.closed]
    return "\n".join([_subject(told), *lines])


# -- channels --------------------------------------------------------------------------------------------------------

Channel = Callable[[str, str, Told], None]


def _channels(settings: Settings) -> list[Channel]:
    channels: list[Channel] = []
    if settings.alert_webhook_url is not None:
        url = settings.alert_webhook_url.get_secret_value()
        channels.append(lambda _subject, text, told: _post(url, text, told))
    if settings.alert_email_to:
        smtp_url = settings.smtp_url()
        to = settings.alert_email_to
        channels.append(lambda subject, text, _told: _mail(smtp_url, to, subject, text))
    return channels


def _post(url: str, text: str, told: Told) -> None:
    """The address is a secret (who knows it can post): it is in no message."""
    body = {
        "text": text,
        "opened": [asdict(alert) for alert in told.opened],
        "repeated": [asdict(alert) for alert in told.repeated],
        "closed": [{"key": row["alert_key"], "kind": row["kind"], "sync": row["sync"]} for row in told.closed],
    }
    try:
        answer = requests.post(url, json=body, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise AlertNotSent(f"the alert webhook could not be reached ({type(error).__name__})") from None
    if answer.status_code >= 300:
        raise AlertNotSent(f"the alert webhook answered {answer.status_code}")


def _mail(smtp_url: str, to: Sequence[str], subject: str, text: str) -> None:
    parts = urlsplit(smtp_url)
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = f"leadhouse@{parts.hostname}" if not parts.query else parts.query.removeprefix("from=")
    message["To"] = ", ".join(to)
    message.set_content(text)
    secure = parts.scheme == "smtps"
    kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
    try:
        with kind(parts.hostname or "", parts.port or (465 if secure else 587), timeout=_TIMEOUT) as server:
            if parts.username:
                if not secure:
                    server.starttls()
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise AlertNotSent(
            f"the mail server {parts.hostname} did not take the alert ({type(error).__name__})"
        ) from None
