"""Sending e-mail: one connection to a server (SMTP, RFC 5321), each recipient alone.

The server's certificate is verified, and no password crosses a network readable. What is said of a
failure has codes of the server, never its text, which may repeat what was sent.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from types import TracebackType
from typing import Literal, TypeVar

from forecast.errors import DeliveryError, RecipientRefused
from forecast.http import reason_of
from forecast.settings import LOOPBACK

TIMEOUT = 20.0  # [s] of each step
Found = TypeVar("Found")


class Mailer:
    """One connection to a server of e-mail, open within `with`.

    alive: whether more can be sent. Raises: DeliveryError; `unclear` where a message may have been
    taken, RecipientRefused where an address is not taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        security: Literal["starttls", "tls", "none"],
        user: str = "",
        password: str = "",
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._user, self._password = user, password
        self.alive = False

    def __enter__(self) -> Mailer:
        self._smtp = self._step("the connection failed", self._connect)
        self.alive = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._smtp.quit()
        except (smtplib.SMTPException, OSError):
            self._smtp.close()

    def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Send a message to one recipient."""
        body = message.as_bytes(policy=SMTP)
        code, _ = self._step("the sender was not taken", lambda: self._smtp.mail(sender))
        if code != 250:
            self.alive = False
            raise self._refused("the sender", code)
        code, _ = self._step("the recipient was not taken", lambda: self._smtp.rcpt(recipient))
        if code not in (250, 251):
            self._step("the connection failed", self._smtp.rset)
            raise self._refused("the recipient", code, RecipientRefused)
        try:
            code, _ = self._smtp.data(body)
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
        except (smtplib.SMTPException, OSError) as error:
            self.alive = False
            raise DeliveryError(
                f"{self._where}: no answer to the message ({reason_of(error)})", unclear=True
            ) from error
        if code != 250:
            self._step("the connection failed", self._smtp.rset)
            raise self._refused("the message", code)

    @property
    def _where(self) -> str:
        return f"{self._host}:{self._port}"

    def _connect(self) -> smtplib.SMTP:
        local = self._host in LOOPBACK
        if self._security == "none" and self._user and not local:
            raise DeliveryError(
                f"{self._where}: no password is sent without encryption: set security: starttls",
                worth_retrying=True,
            )
        context = ssl.create_default_context()
        if self._security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT, context=context
            )
        else:
            smtp = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT)
        try:
            if self._security == "starttls":
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if self._user:
                smtp.login(self._user, self._password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _step(self, failed: str, step: Callable[[], Found]) -> Found:
        """Return what a step gives; translate what goes wrong. Nothing was taken by then."""
        try:
            return step()
        except smtplib.SMTPAuthenticationError as error:
            why = f"user or password refused ({error.smtp_code}): see SKYSCAPE_SMTP_PASSWORD"
        except smtplib.SMTPNotSupportedError:
            why = "the server has no STARTTLS or no login: check host, port and security"
        except ssl.SSLCertVerificationError as error:
            why = f"its certificate is not valid for {self._host} ({error.verify_message})"
        except smtplib.SMTPResponseException as error:
            why = f"{failed} ({error.smtp_code})"
        except (smtplib.SMTPException, OSError) as error:
            why = f"{failed} ({reason_of(error)})"
        self.alive = False
        raise DeliveryError(f"{self._where}: {why}", worth_retrying=True)

    def _refused(
        self, what: str, code: int, kind: type[DeliveryError] = DeliveryError
    ) -> DeliveryError:
        if code == 421:  # it closes the connection
            self.alive = False
        return kind(f"{self._where}: {what} was refused ({code})",
                    worth_retrying=400 <= code < 500)  # fmt: skip
