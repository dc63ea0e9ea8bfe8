"""The configuration of mail: who gets it, from whom, and by which server."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from auditor.domain.address import domain_of, is_plain_address, is_web_address
from auditor.settings.base import ConfigPath, Name, Ratio, Section

# What stands before it in the names of mails and of their lists must fit, too (RFC 2919).
_N_MOST_SENDER_DOMAIN = 150


def _plain_address(text: str) -> str:
    if not text.isascii():
        msg = f"{text!r} is not an ASCII address; write its domain as xn--..."
        raise ValueError(msg)
    if not is_plain_address(text):
        msg = f"{text!r} is not a mail address; write it as in carbon@example.org"
        raise ValueError(msg)
    return text


def _sender_address(text: str) -> str:
    if len(domain_of(text)) > _N_MOST_SENDER_DOMAIN:
        msg = f"its domain is longer than {_N_MOST_SENDER_DOMAIN} characters"
        raise ValueError(msg)
    return text


def _user_pattern(text: str) -> str:
    if text.count("{user}") != 1 or not is_plain_address(text.replace("{user}", "u")):
        msg = f"{text!r} is not an address with {{user}} in it, as in {{user}}@example.org"
        raise ValueError(msg)
    return text


def _web_address(text: str) -> str:
    _refuse_login(text)
    if not is_web_address(text, is_encrypted=False):
        msg = "it is not a web address; write it as in https://carbon.example.org/weeks"
        raise ValueError(msg)
    return text


def _encrypted_address(text: str) -> str:
    _refuse_login(text)
    if not is_web_address(text, is_encrypted=True):
        msg = "it is not a web address that begins with https://, which RFC 8058 asks for"
        raise ValueError(msg)
    return text


def _refuse_login(text: str) -> None:
    """Refuse an address with a password: it stands in every mail, and messages land in journals."""
    if "@" in text.partition("://")[2].partition("/")[0]:
        msg = "it holds a login, which every reader of a mail would see"
        raise ValueError(msg)


def _host_name(text: str) -> str:
    if "@" in text or "/" in text:
        msg = "it is the name of a host; a login is username and password_file"
        raise ValueError(msg)
    return text


HostName = Annotated[Name, AfterValidator(_host_name)]
WebAddress = Annotated[Name, AfterValidator(_web_address)]
EncryptedAddress = Annotated[Name, AfterValidator(_encrypted_address)]
Address = Annotated[str, AfterValidator(_plain_address)]
Sender = Annotated[Address, AfterValidator(_sender_address)]
AddressPattern = Annotated[str, AfterValidator(_user_pattern)]
_LOCAL = ("localhost", "127.0.0.1", "::1")
Frequency = Literal["weekly", "monthly", "never"]


class SmtpSection(Section):
    """The mail server, where mail goes by smtp."""

    host: HostName = Field("localhost", description="Its name.")
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        examples=[587],
        description="Its port; default 587 for starttls, 465 for tls, 25 for none.",
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "none",
        examples=["starttls"],
        description="starttls, tls, or none (on this host only); default none on this host "
        "without login, else starttls.",
    )
    username: Name | None = Field(None, examples=["auditor"], description="Login, if it wants one.")
    password_file: ConfigPath | None = Field(
        None,
        examples=["/etc/auditor/credentials/smtp"],
        description="File with the password and nothing else, mode 0600; a name without folder is "
        "looked up in systemd's $CREDENTIALS_DIRECTORY first.",
    )
    ca_file: ConfigPath | None = Field(
        None,
        examples=["/etc/ssl/certs/site-ca.pem"],
        description="Certificate authorities to trust instead of the system's.",
    )
    timeout_s: int = Field(30, ge=1, le=600, description="How long it may be silent. [s]")

    @model_validator(mode="before")
    @classmethod
    def _secure_unless_local(cls, stated: object) -> object:
        if not isinstance(stated, dict) or "security" in stated:
            return stated
        is_open = stated.get("host", _LOCAL[0]) in _LOCAL and "username" not in stated
        return {**stated, "security": "none" if is_open else "starttls"}

    @model_validator(mode="after")
    def _login_is_whole(self) -> "SmtpSection":
        if (self.username is None) != (self.password_file is None):
            msg = "username and password_file go together"
            raise ValueError(msg)
        if self.username is not None and self.security == "none":
            msg = "a password is not sent without starttls or tls"
            raise ValueError(msg)
        return self


class AddressSection(Section):
    """Whose address is what; the first that knows a user is taken: file, command, pattern."""

    file: ConfigPath | None = Field(
        None,
        examples=["addresses.csv"],
        description="CSV with the columns user and address; an empty address is none.",
    )
    command: tuple[Name, ...] | None = Field(
        None,
        examples=[["ldap-mail", "{user}"]],
        description="Command that prints the address of {user}, and nothing else; for a user whom "
        "it does not know it prints nothing and ends with 0 or 2. Any other end is trouble, and "
        "the week waits.",
    )
    pattern: AddressPattern | None = Field(
        None, examples=["{user}@example.org"], description="Address of every other user."
    )

    @model_validator(mode="after")
    def _command_names_user(self) -> "AddressSection":
        if self.command is not None and not any("{user}" in word for word in self.command[1:]):
            msg = "command must name {user} in one of its arguments"
            raise ValueError(msg)
        return self

    @property
    def is_stated(self) -> bool:
        """Whether users get mail at all."""
        return not (self.file is None and self.command is None and self.pattern is None)


class ProjectSection(Section):
    """Who gets the report of a project."""

    leads: Literal["none", "coordinators", "file"] = Field(
        "none",
        examples=["file"],
        description="none (the default), coordinators (Slurm's, by the users' addresses) or file.",
    )
    file: ConfigPath | None = Field(
        None, examples=["leads.csv"], description="CSV with the columns account and address."
    )

    @model_validator(mode="after")
    def _file_is_stated(self) -> "ProjectSection":
        if (self.leads == "file") != (self.file is not None):
            msg = 'leads = "file" and file go together'
            raise ValueError(msg)
        return self


class MailSection(Section):
    """Weekly mail; without `sender` nothing is mailed."""

    sender: Sender | None = Field(
        None, examples=["carbon@example.org"], description="From whom; turns mail on."
    )
    reply_to: Address | None = Field(
        None, examples=["hpc-support@example.org"], description="Where replies go."
    )
    operators: tuple[Address, ...] = Field(
        (), examples=[["hpc-team@example.org"]], description="Who gets the digest of the site."
    )
    transport: Literal["sendmail", "smtp"] = Field(
        "smtp",
        description="smtp, or sendmail: the local program, which cannot work in the sandbox of the "
        "shipped systemd unit.",
    )
    sendmail: ConfigPath = Field(Path("/usr/sbin/sendmail"), description="The local sendmail.")
    frequency: Frequency = Field(
        "weekly",
        description="weekly, monthly or never, for users who did not choose themselves.",
    )
    restated_ratio: Ratio = Field(
        0.1, description="A restated week is mailed again where its carbon changed by this share."
    )
    pages_url: WebAddress | None = Field(
        None,
        examples=["https://carbon.example.org/weeks"],
        description="Where the pages folder is served; mails then link the page, else attach it.",
    )
    unsubscribe_mailto: Address | None = Field(
        None,
        examples=["carbon-unsubscribe@example.org"],
        description="For List-Unsubscribe; default reply_to, else sender.",
    )
    unsubscribe_url: EncryptedAddress | None = Field(
        None,
        examples=["https://carbon.example.org/unsubscribe"],
        description="For one-click List-Unsubscribe (RFC 8058), if the site has such a page.",
    )
    smtp: SmtpSection = Field(default_factory=SmtpSection, description="The mail server.")
    addresses: AddressSection = Field(
        default_factory=AddressSection, description="Users' addresses."
    )
    projects: ProjectSection = Field(default_factory=ProjectSection, description="Projects.")

    @model_validator(mode="after")
    def _somebody_gets_it(self) -> "MailSection":
        if self.projects.leads == "coordinators" and not self.addresses.is_stated:
            msg = 'projects.leads = "coordinators" needs [mail.addresses]: they are users'
            raise ValueError(msg)
        is_any = self.operators or self.addresses.is_stated or self.projects.leads == "file"
        if self.sender is not None and not is_any:
            msg = "sender is stated, but nobody gets mail: state operators or [mail.addresses]"
            raise ValueError(msg)
        return self
