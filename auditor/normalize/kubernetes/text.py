"""How text of Kubernetes begins: its lists, and what kubectl prints that is no list of pods."""

import re

PODS_COMMAND = "kubectl get pods,jobs,replicasets,nodes -A -o json"
_USE_JSON = f"Export it with `{PODS_COMMAND}`."
_ASK_RIGHTS = f"`kubectl auth can-i list pods -A` says whether you may; then `{PODS_COMMAND}`."

_STARTS = (
    (r"(apiVersion|kind|items|metadata):(\s|$)", "it is YAML", _USE_JSON),
    (r"(Error from server|error: You must be logged in)", "kubectl was refused: '{line}'",
     _ASK_RIGHTS),
    (r"(The connection to the server|Unable to connect to the server)",
     "kubectl reached no cluster: '{line}'", _USE_JSON),
    (r"No resources found", "kubectl saw nothing: '{line}'", _ASK_RIGHTS),
    (r"(NAMESPACE +)?(LAST SEEN|LASTSEEN) ", "it is a table of events, not of pods", _USE_JSON),
    (r"(NAMESPACE +)?NAME +(READY|STATUS|COMPLETIONS|DESIRED|SCHEDULE|AGE|CPU\(cores\)) ?",
     "it is a table that kubectl prints for people: it lacks times and requests", _USE_JSON),
    (r"Name: +\S+$", "it is what `kubectl describe` prints for people", _USE_JSON),
    (r"(pod|node|job\.batch|replicaset\.apps|event)/[a-z0-9][-a-z0-9.]*$",
     "it is a list of names (-o name), without times and requests", _USE_JSON),
)  # fmt: skip
_SHOWN = 160
_FIRST_KEY = re.compile(rb'\s*(\[\s*)?\{\s*"(apiVersion|kind|items|metadata|spec)"\s*:')


def looks_like_kubernetes(head: bytes) -> bool:
    """Say whether JSON begins as an object or a list of Kubernetes does."""
    return _FIRST_KEY.match(head) is not None


def kubectl_fault(lines: list[str]) -> tuple[str, str] | None:
    """Return why text of kubectl is no export and what to do instead; None for other text."""
    first = lines[1] if lines[0].startswith("---") and len(lines) > 1 else lines[0]
    for pattern, reason, hint in _STARTS:
        if re.match(pattern, first):
            return reason.format(line=first[:_SHOWN]), hint
    return None
