"""A strict double of a server of e-mail (RFC 5321): order of commands, TLS, lengths of lines.

localhost.pem beside it is a certificate of its own making, with its key, good for nothing else.
"""

from __future__ import annotations

import base64
import contextlib
import socketserver
import ssl
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("localhost.pem")
LONGEST_LINE = 998  # [character] RFC 5322, 2.1.1


class MailDouble:
    """What the server does and has got.

    refused: recipient -> code. data_codes: answers to whole messages instead of 250. lost: messages
    that are taken and never answered. password: wanted where it is not empty.
    """

    def __init__(self, password: str = "", tls: bool = False) -> None:
        self.password, self.tls = password, tls
        self.refused: dict[str, int] = {}
        self.data_codes: list[int] = []
        self.lost = 0
        self.connections = 0
        self.port = 0
        self.taken: list[tuple[str, EmailMessage]] = []
        self.raw: list[bytes] = []
        self.commands: list[str] = []


class _Handler(socketserver.StreamRequestHandler):
    double: MailDouble
    timeout = 10

    def handle(self) -> None:
        self.double.connections += 1
        self.secure = False
        self.entered = not self.double.password
        self.sender, self.recipients = "", list[str]()
        self._say("220 double")
        while line := self.rfile.readline(2000):
            assert line.endswith(b"\r\n"), "a command ends with CRLF"
            command = line.decode("ascii").strip()
            verb = command.partition(" ")[0].upper()
            self.double.commands.append(verb)
            if verb == "QUIT":
                self._say("221 bye")
                return
            step = getattr(self, f"_{verb.lower()}", None)
            if step is None:
                self._say("500 not known")
            elif step(command):
                return

    def _say(self, *lines: str) -> None:
        for place, line in enumerate(lines):
            last = place == len(lines) - 1
            text = line if last else f"{line[:3]}-{line[4:]}"
            self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()

    def _ehlo(self, command: str) -> None:
        more = ["250 AUTH PLAIN"] if self.secure or not self.double.tls else ["250 STARTTLS"]
        self._say("250 double", *more)

    def _starttls(self, command: str) -> bool:
        if not self.double.tls or self.secure:
            self._say("503 no")
            return False
        self._say("220 go on")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except OSError:
            return True
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.secure = True
        return False

    def _auth(self, command: str) -> None:
        assert self.secure or not self.double.tls, "a password in the open"
        kind, _, given = command.removeprefix("AUTH ").partition(" ")
        assert kind == "PLAIN"
        password = base64.b64decode(given).rsplit(b"\0", 1)[1].decode()
        self.entered = password == self.double.password
        self._say("235 in" if self.entered else f"535 wrong: {password}")

    def _mail(self, command: str) -> None:
        if not self.entered:
            self._say("530 who are you?")
            return
        assert not self.sender, "MAIL twice"
        self.sender, self.recipients = command.partition("<")[2].partition(">")[0], []
        self._say("250 ok")

    def _rcpt(self, command: str) -> None:
        assert self.sender, "RCPT before MAIL"
        recipient = command.partition("<")[2].partition(">")[0]
        if code := self.double.refused.get(recipient):
            self._say(f"{code} not {recipient}")
            return
        self.recipients.append(recipient)
        self._say("250 ok")

    def _rset(self, command: str) -> None:
        self.sender = ""
        self._say("250 ok")

    def _data(self, command: str) -> bool:
        [recipient] = self.recipients  # each alone
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline(5000)) != b".\r\n":
            if not line:
                return True
            assert line.endswith(b"\r\n")
            assert len(line) <= LONGEST_LINE + 2
            assert line.isascii(), "without 8BITMIME all is ASCII"
            lines.append(line[1:] if line.startswith(b".") else line)
        code = self.double.data_codes.pop(0) if self.double.data_codes else 250
        self.sender = ""
        if code == 250:
            body = b"".join(lines)
            message = message_from_bytes(body, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.double.raw.append(body)
            self.double.taken.append((recipient, message))
        if self.double.lost:
            self.double.lost -= 1
            return True
        self._say(f"{code} said")
        return False


@contextlib.contextmanager
def serving(double: MailDouble) -> Iterator[MailDouble]:
    """Serve a double on a free port of this machine."""
    handler = type("Handler", (_Handler,), {"double": double})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        double.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield double
        server.shutdown()
        thread.join()
