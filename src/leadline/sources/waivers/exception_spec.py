"""What a ``SecurityException`` may say: the one model of its fields, for those who read them and for the definitions.

Whatever is not in it is refused by name, so that nothing is accepted that its author meant to leave out.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Status = Literal["not_affected", "affected", "fixed", "under_investigation"]
Justification = Literal[
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
]
Response = Literal["can_not_fix", "will_not_fix", "update", "rollback", "workaround_available"]
Text = Annotated[str, Meta(max_length=4096)]
Name = Annotated[str, Meta(min_length=1, max_length=253)]
Glob = Annotated[str, Meta(min_length=1, max_length=512)]
Moment = Annotated[
    str, Meta(max_length=64, description="A day, 2027-01-31, which still counts; or a moment, RFC 3339.")
]
LabelValue = Annotated[str, Meta(max_length=63)]


class Expression(Struct, rename="camel", forbid_unknown_fields=True):
    """One part of a selector."""

    key: Annotated[str, Meta(min_length=1, max_length=317, description="Of the label.")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist"],
        Meta(description="NotIn and DoesNotExist also match objects without the label."),
    ]
    values: (
        Annotated[
            list[LabelValue],
            Meta(max_length=100, description="Of In and NotIn at least one, of the others none."),
        ]
        | None
    ) = None


class Selector(Struct, rename="camel", forbid_unknown_fields=True):
    """A label selector; an empty one selects everything."""

    match_labels: (
        Annotated[dict[str, LabelValue], Meta(description="Labels with their values; all have to be there.")]
        | None
    ) = None
    match_expressions: (
        Annotated[list[Expression], Meta(max_length=100, description="All have to hold.")] | None
    ) = None


class About(Struct, rename="camel", forbid_unknown_fields=True):
    """Some objects of a kind."""

    kind: Annotated[Name, Meta(description="Such as Deployment, without regard to case; * matches any text.")]
    api_group: (
        Annotated[
            str,
            Meta(
                max_length=253, description='Such as apps; "" is the core group. Left out, it is any group.'
            ),
        ]
        | None
    ) = None
    name: (
        Annotated[
            str,
            Meta(max_length=253, description="Left out or empty, it is all of the kind; * matches any text."),
        ]
        | None
    ) = None


class Match(Struct, rename="camel", forbid_unknown_fields=True):
    """What it is about."""

    object_selector: (
        Annotated[
            Selector,
            Meta(description="Labels of the objects themselves, of a Deployment not those of its pods."),
        ]
        | None
    ) = None
    resources: (
        Annotated[list[About], Meta(max_length=500, description="Any one of them; left out, all objects.")]
        | None
    ) = None
    images: (
        Annotated[
            list[Glob],
            Meta(
                max_length=500,
                description="Any one of them, as written or in full: docker.io/library/nginx:1.27. * matches any text.",
            ),
        ]
        | None
    ) = None


class ClusterMatch(Match, rename="camel", forbid_unknown_fields=True):
    """What it is about."""

    namespace_selector: (
        Annotated[
            Selector,
            Meta(description="Labels of the objects' namespaces; objects without a namespace are left out."),
        ]
        | None
    ) = None


class Named(Struct, rename="camel", forbid_unknown_fields=True):
    """A vulnerability by its names."""

    id: Annotated[Name, Meta(description="Such as CVE-2024-1000.")]
    aliases: (
        Annotated[
            list[Name], Meta(max_length=100, description="Other ids of it, such as GHSA-…; any one fits.")
        ]
        | None
    ) = None


class Vulnerability(Struct, rename="camel", forbid_unknown_fields=True):
    """A vulnerability that is accepted in images."""

    vulnerability: Annotated[Named, Meta(description="Which one it is.")]
    status: Annotated[Status, Meta(description="What is said of it, in the words of VEX.")]
    justification: (
        Annotated[Justification, Meta(description="Why it is not affected; not_affected needs one.")] | None
    ) = None
    impact_statement: Annotated[Text, Meta(description="The same in free words.")] | None = None
    action_statement: Annotated[Text, Meta(description="What is done about it.")] | None = None
    response: (
        Annotated[list[Response], Meta(max_length=10, description="What is done about it, in fixed words.")]
        | None
    ) = None
    subcomponents: (
        Annotated[
            list[Text],
            Meta(
                max_length=500,
                description="Package URLs, any one of them; without a version every version. Left out, all packages.",
            ),
        ]
        | None
    ) = None
    expires_at: Moment | None = None
    expired_on_fix: Annotated[bool, Meta(description="Whether it ends as soon as there is a fix.")] | None = (
        None
    )


class Posture(Struct, rename="camel", forbid_unknown_fields=True):
    """A control whose findings are accepted."""

    control_id: Annotated[Name, Meta(description="Such as C-0057; * matches any text.")] = field(
        name="controlID"
    )
    framework_name: (
        Annotated[
            str,
            Meta(
                max_length=253,
                description="Such as NSA: it is accepted in that framework's score alone, and fails elsewhere.",
            ),
        ]
        | None
    ) = None
    action: (
        Annotated[
            Literal["ignore", "alert_only"],
            Meta(description="For other tools; either way the finding is accepted."),
        ]
        | None
    ) = None


class ExceptionSpec(Struct, rename="camel", forbid_unknown_fields=True):
    """Findings that are accepted in its namespace, with the reason and until when. Its status says what became of it."""

    match: Annotated[Match, Meta(description="What it is about; all parts have to match.")] | None = None
    reason: Annotated[str, Meta(max_length=4096, description="Why it is accepted.")] | None = None
    author: Annotated[str, Meta(max_length=253, description="Who answers for it.")] | None = None
    expires_at: Moment | None = None
    vulnerabilities: (
        Annotated[list[Vulnerability], Meta(max_length=500, description="What is accepted in images.")] | None
    ) = None
    posture: (
        Annotated[list[Posture], Meta(max_length=500, description="What is accepted in objects.")] | None
    ) = None


class ClusterExceptionSpec(ExceptionSpec, rename="camel", forbid_unknown_fields=True):
    """Findings that are accepted in the whole cluster, with the reason and until when. Its status says what became of it."""

    match: Annotated[ClusterMatch, Meta(description="What it is about; all parts have to match.")] | None = (
        None
    )
