"""The configuration of a Kubernetes cluster: whom to ask, and whose a pod is."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from auditor.settings.base import ConfigPath, Name, Section

_SAYS = re.compile(r"namespace(:[^*\s]*\*[^*\s]*)?|(label|annotation):[^\s:]+")
_URL = re.compile(r"https?://[^\s/@]+(/[^\s?#]*)?")
_MATCHER = re.compile(r'[a-zA-Z_]\w*\s*(=|=~|!=|!~)\s*"([^"\\\n]|\\.)*"')


def _says_who(text: str) -> str:
    if not _SAYS.fullmatch(text):
        msg = f"{text!r} is none of namespace, namespace:PRE*POST, label:KEY, annotation:KEY"
        raise ValueError(msg)
    return text


def _web_address(text: str) -> str:
    # What was written is not said again: it may hold a password, and this lands in journals.
    if "@" in text:
        msg = "it holds a login: state it as username and password_file, or bearer_token_file"
        raise ValueError(msg)
    if not _URL.fullmatch(text):
        msg = "it is no address like http://127.0.0.1:9090, without ? and #"
        raise ValueError(msg)
    return text.rstrip("/")


def _matchers(text: str) -> str:
    if not re.fullmatch(rf"{_MATCHER.pattern}(\s*,\s*{_MATCHER.pattern})*", text):
        msg = f'{text!r} is no list of label matchers like cluster="alpha"'
        raise ValueError(msg)
    return text


WhoSays = Annotated[Name, AfterValidator(_says_who)]
WebAddress = Annotated[Name, AfterValidator(_web_address)]
Matchers = Annotated[Name, AfterValidator(_matchers)]

PLATFORM_NAMESPACES = (
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "gpu-operator",
    "nvidia-gpu-operator",
    "monitoring",
)


class KubernetesSection(Section):
    """How a Kubernetes API is asked, and whose a pod is."""

    kubeconfig: ConfigPath | None = Field(
        None,
        examples=["/etc/auditor/kubeconfig"],
        description="How to reach the API; unless stated, that of the pod the auditor runs in.",
    )
    context: Name | None = Field(
        None, examples=["gpu-cloud"], description="Context of the kubeconfig; default its current."
    )
    user: tuple[WhoSays, ...] = Field(
        (),
        examples=[["label:example.org/user", "namespace:user-*"]],
        description="What says whose a pod is: `label:KEY`, `annotation:KEY`, `namespace`, or "
        "`namespace:user-*`, of which the part at the star counts. The first that a pod has. "
        "Who may write pods may write labels; unless stated, nobody is named.",
    )
    project: tuple[WhoSays, ...] = Field(
        ("namespace",), description="The same for the project (account)."
    )
    platform_namespaces: tuple[Name, ...] = Field(
        PLATFORM_NAMESPACES,
        description="Namespaces whose pods are the platform's own, as globs; so are daemons of "
        "every node.",
    )


class PrometheusSection(Section):
    """The Prometheus that watches a Kubernetes cluster: pods that are gone, and meters."""

    url: WebAddress = Field(
        examples=["http://127.0.0.1:9090"], description="Its address, without /api/v1."
    )
    bearer_token_file: ConfigPath | None = Field(
        None, examples=["/etc/auditor/prometheus.token"], description="File with a bearer token."
    )
    username: Name | None = Field(None, examples=["auditor"], description="Login, if it asks.")
    password_file: ConfigPath | None = Field(
        None, examples=["/etc/auditor/prometheus.password"], description="File with its password."
    )
    ca_file: ConfigPath | None = Field(
        None, examples=["/etc/ssl/certs/site.pem"], description="Certificates to trust."
    )
    match: Matchers | None = Field(
        None,
        examples=['cluster="gpu-cloud"'],
        description="Label matchers of this cluster's series, where it holds several clusters'.",
    )
    timeout_s: int = Field(
        60, ge=1, le=3600, description="How long one question to it may take. [s]"
    )

    @model_validator(mode="after")
    def _one_login(self) -> "PrometheusSection":
        if (self.username is None) != (self.password_file is None):
            msg = "username and password_file belong together"
            raise ValueError(msg)
        if self.username is not None and self.bearer_token_file is not None:
            msg = "state either bearer_token_file or username and password_file"
            raise ValueError(msg)
        return self
