"""Asking a cluster what one may do there, by access reviews. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

import json
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.sources.kubernetes.api.wire import JsonObject

REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
"""Where a review is sent; it is the only POST of what looks."""


@dataclass(frozen=True, slots=True)
class Right:
    """What somebody wants to do: ``patch`` ``deployments`` of ``apps`` in a namespace.

    ``subresource`` is such as ``scale``; without a namespace it is all of them.
    """

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def review_of(asked: Right) -> bytes:
    """The body of a review."""
    attributes = {
        "verb": asked.verb,
        "resource": asked.resource,
        "group": asked.group,
        "namespace": asked.namespace,
        "name": asked.name,
        "subresource": asked.subresource,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: each for key, each in attributes.items() if each}},
    }
    return json.dumps(body).encode()


def said_of(answer: JsonObject) -> bool | None:
    """Whether it is allowed; None where the answer does not say."""
    status = answer.get("status")
    allowed = status.get("allowed") if isinstance(status, dict) else None
    return allowed if isinstance(allowed, bool) else None
