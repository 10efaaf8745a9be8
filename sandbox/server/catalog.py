"""What an empty portal knows: object types, the properties the vendor defines, association types.

Facts, not code: ids and names follow the vendor's public documentation (object type ids, default properties,
association type ids). Properties a portal adds later are kept by :class:`sandbox.server.definitions.Definitions`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectType:
    """One CRM object type.

    ``code`` is the number in the object type id (``0-<code>``). ``created`` and ``modified`` name the properties that
    mirror the record's own timestamps; ``defaults`` are returned when a read names no properties; ``searched`` are the
    properties that a search's free-text ``query`` looks in; ``unique`` is the built-in unique property, if any.
    """

    code: int
    name: str
    singular: str
    created: str
    modified: str
    defaults: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    unique: str | None = None

    @property
    def type_id(self) -> str:
        """The id used in paths and lists, such as ``0-1``."""
        return f"0-{self.code}"

    @property
    def table(self) -> str:
        """The table that holds the records."""
        return f"records_{self.name}"

    @property
    def system(self) -> frozenset[str]:
        """Properties that are columns of the record, never stored with the others and never writable."""
        created = () if self.name in ("companies", "deals") else (self.created,)
        return frozenset({"hs_object_id", self.modified, *created})


_ENGAGEMENT = ("hs_createdate", "hs_lastmodifieddate")
_CRM = ("createdate", "hs_lastmodifieddate")

OBJECT_TYPES: tuple[ObjectType, ...] = (
    ObjectType(
        1, "contacts", "contact", "createdate", "lastmodifieddate", ("email", "firstname", "lastname"),
        ("firstname", "lastname", "email", "phone", "company", "hs_additional_emails"), "email",
    ),
    ObjectType(2, "companies", "company", *_CRM, ("domain", "name"), ("name", "domain", "website", "phone")),
    ObjectType(
        3, "deals", "deal", *_CRM, ("amount", "closedate", "dealname", "dealstage", "pipeline"), ("dealname",)
    ),
    ObjectType(5, "tickets", "ticket", *_CRM, ("content", "subject", "hs_pipeline_stage"), ("subject", "content")),
    ObjectType(27, "tasks", "task", *_ENGAGEMENT, (), ("hs_task_subject",)),
    ObjectType(46, "notes", "note", *_ENGAGEMENT, (), ("hs_note_body",)),
    ObjectType(47, "meetings", "meeting_event", *_ENGAGEMENT, (), ("hs_meeting_title",)),
    ObjectType(48, "calls", "call", *_ENGAGEMENT, (), ("hs_call_title",)),
    ObjectType(49, "emails", "email", *_ENGAGEMENT, (), ("hs_email_subject",)),
)  # fmt: skip

BY_NAME: dict[str, ObjectType] = {object_type.name: object_type for object_type in OBJECT_TYPES}
BY_CODE: dict[int, ObjectType] = {object_type.code: object_type for object_type in OBJECT_TYPES}
_ALIASES: dict[str, ObjectType] = {
    alias: object_type
    for object_type in OBJECT_TYPES
    for alias in (object_type.name, object_type.singular, object_type.name.rstrip("s"), object_type.type_id)
}


def find_object_type(name: str) -> ObjectType | None:
    """The object type of a path segment: plural, singular, or type id, in any case."""
    return _ALIASES.get(name.lower())


_STAGES = "subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer evangelist other"
_LEAD_STATUS = "NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING"

#: name, type, field type, label, options. A ``*`` before the name: its value is read-only for the API.
_SHARED = """
hs_object_id            number      number          Record ID
*hs_object_source       enumeration select          Record source
*hs_object_source_id    string      text            Record source ID
*hs_merged_object_ids   enumeration checkbox        Merged record IDs
hubspot_owner_id        enumeration select          Owner
"""

_PROPERTIES: dict[str, str] = {
    "contacts": """
email                   string      text            Email
*hs_additional_emails   enumeration checkbox        Additional email addresses
*hs_calculated_merged_vids enumeration checkbox     Merged record IDs with timestamps
*hs_email_optout        bool        booleancheckbox Unsubscribed from all email
*createdate             datetime    date            Create date
*lastmodifieddate       datetime    date            Last modified date
firstname               string      text            First name
lastname                string      text            Last name
phone                   string      phonenumber     Phone number
mobilephone             string      phonenumber     Mobile phone number
company                 string      text            Company name
jobtitle                string      text            Job title
website                 string      text            Website URL
address                 string      text            Street address
city                    string      text            City
state                   string      text            State/Region
zip                     string      text            Postal code
country                 string      text            Country/Region
hs_language             enumeration select          Preferred language
industry                string      text            Industry
lifecyclestage          enumeration radio           Lifecycle stage | STAGES
hs_lead_status          enumeration radio           Lead status | LEAD_STATUS
*hs_analytics_source    enumeration select          Original traffic source
associatedcompanyid     number      number          Primary associated company ID
numemployees            string      text            Number of employees
annualrevenue           string      text            Annual revenue
""",
    "companies": """
name                    string      text            Company name
domain                  string      text            Company domain name
*hs_additional_domains  enumeration checkbox        Additional domains
createdate              datetime    date            Create date
*hs_lastmodifieddate    datetime    date            Last modified date
website                 string      text            Website URL
phone                   string      phonenumber     Phone number
address                 string      text            Street address
city                    string      text            City
state                   string      text            State/Region
zip                     string      text            Postal code
country                 string      text            Country/Region
industry                string      text            Industry
description             string      textarea        Description
numberofemployees       number      number          Number of employees
annualrevenue           number      number          Annual revenue
hs_parent_company_id    number      number          Parent company
lifecyclestage          enumeration radio           Lifecycle stage | STAGES
hs_lead_status          enumeration radio           Lead status | LEAD_STATUS
""",
    "deals": """
dealname                string      text            Deal name
amount                  number      number          Amount
deal_currency_code      enumeration select          Currency
pipeline                enumeration select          Pipeline
dealstage               enumeration radio           Deal stage
createdate              datetime    date            Create date
closedate               datetime    date            Close date
*hs_lastmodifieddate    datetime    date            Last modified date
*hs_is_closed           bool        booleancheckbox Is closed
*hs_is_closed_won       bool        booleancheckbox Is closed won
dealtype                enumeration radio           Deal type
closed_lost_reason      string      textarea        Closed lost reason
closed_won_reason       string      textarea        Closed won reason
description             string      textarea        Deal description
""",
    "tickets": """
subject                 string      text            Ticket name
content                 string      textarea        Ticket description
*createdate             datetime    date            Create date
*hs_lastmodifieddate    datetime    date            Last modified date
hs_pipeline             enumeration select          Pipeline
hs_pipeline_stage       enumeration radio           Ticket status
""",
    "calls": """
hs_call_title           string      text            Call title
hs_call_body            string      html            Call notes
hs_call_direction       enumeration select          Call direction | INBOUND OUTBOUND
hs_call_disposition     enumeration select          Call outcome
hs_call_duration        number      number          Call duration
hs_call_status          enumeration select          Call status
hs_call_from_number     string      text            From number
hs_call_to_number       string      text            To number
""",
    "meetings": """
hs_meeting_title        string      text            Meeting name
hs_meeting_body         string      html            Meeting description
hs_meeting_start_time   datetime    date            Meeting start time
hs_meeting_end_time     datetime    date            Meeting end time
hs_meeting_outcome      enumeration select          Meeting outcome
""",
    "emails": """
hs_email_subject        string      text            Email subject
hs_email_text           string      textarea        Email body
hs_email_direction      enumeration select          Email direction
hs_email_status         enumeration select          Email send status
""",
    "tasks": """
hs_task_subject         string      text            Task title
hs_task_body            string      html            Task notes
hs_task_type            enumeration select          Task type
hs_task_status          enumeration select          Task status
hs_task_priority        enumeration select          Task priority
""",
    "notes": """
hs_note_body            string      html            Note body
""",
}

_ENGAGEMENT_SHARED = """
hs_timestamp            datetime    date            Activity date
*hs_createdate          datetime    date            Create date
*hs_lastmodifieddate    datetime    date            Last modified date
"""


@dataclass(frozen=True)
class DefaultProperty:
    """One property the vendor defines for an object type; no options means any value is allowed."""

    name: str
    type: str
    field_type: str
    label: str
    options: tuple[str, ...] = ()
    read_only: bool = False


def default_properties(object_type: ObjectType) -> list[DefaultProperty]:
    """The properties every portal has for this object type."""
    text = _SHARED + _PROPERTIES[object_type.name]
    if object_type.created == "hs_createdate":
        text += _ENGAGEMENT_SHARED
    return [_default_property(line) for line in text.strip().splitlines() if line.strip()]


def _default_property(line: str) -> DefaultProperty:
    head, _, options = line.partition("|")
    name, type_, field_type, label = head.split(maxsplit=3)
    words = options.replace("LEAD_STATUS", _LEAD_STATUS).replace("STAGES", _STAGES).split()
    read_only = name.startswith("*") or name == "hs_object_id"
    return DefaultProperty(name.lstrip("*"), type_, field_type, label.strip(), tuple(words), read_only)


def default_group(object_type: ObjectType) -> tuple[str, str]:
    """Name and label of the property group that holds the vendor's own properties."""
    if object_type.created == "hs_createdate":
        return "engagement", "Activity information"
    singular = object_type.singular
    return f"{singular}information", f"{singular.capitalize()} information"


@dataclass(frozen=True)
class AssociationType:
    """A kind of link from one object type to another; ``primary`` marks the labelled main company."""

    from_code: int
    to_code: int
    type_id: int
    label: str | None = None
    category: str = "HUBSPOT_DEFINED"


#: from, to, type id, type id of the way back.
_PAIRS = [
    (1, 2, 279, 280), (1, 3, 4, 3), (1, 5, 15, 16), (2, 3, 342, 341), (2, 5, 340, 339), (3, 5, 27, 28),
    (1, 1, 449, 449), (2, 2, 450, 450), (3, 3, 451, 451),
    (48, 1, 194, 193), (48, 2, 182, 181), (48, 3, 206, 205), (48, 5, 220, 219),
    (49, 1, 198, 197), (49, 2, 186, 185), (49, 3, 210, 209), (49, 5, 224, 223),
    (47, 1, 200, 199), (47, 2, 188, 187), (47, 3, 212, 211), (47, 5, 226, 225),
    (46, 1, 202, 201), (46, 2, 190, 189), (46, 3, 214, 213), (46, 5, 228, 227),
    (27, 1, 204, 203), (27, 2, 192, 191), (27, 3, 216, 215), (27, 5, 230, 229),
]  # fmt: skip

#: Types with a meaning of their own: the primary company, and company hierarchy. Same columns, then the two labels.
_LABELLED = [
    (1, 2, 1, 2, "Primary", "Primary"), (3, 2, 5, 6, "Primary", "Primary"), (5, 2, 26, 25, "Primary", "Primary"),
    (2, 2, 13, 14, "Child Company", "Parent Company"),
]  # fmt: skip

ASSOCIATION_TYPES: tuple[AssociationType, ...] = tuple(
    dict.fromkeys(
        [
            *[AssociationType(a, b, there) for a, b, there, _ in _PAIRS],
            *[AssociationType(b, a, back) for a, b, _, back in _PAIRS],
            *[AssociationType(a, b, there, label) for a, b, there, _, label, _ in _LABELLED],
            *[AssociationType(b, a, back, label) for a, b, _, back, _, label in _LABELLED],
        ]
    )
)

ASSOCIATIONS_BY_KEY: dict[tuple[int, int, int], AssociationType] = {
    (kind.from_code, kind.to_code, kind.type_id): kind for kind in ASSOCIATION_TYPES
}
#: (from, to) -> the unlabelled type, which every link has.
DEFAULT_ASSOCIATION: dict[tuple[int, int], int] = {
    pair: type_id for a, b, there, back in _PAIRS for pair, type_id in (((a, b), there), ((b, a), back))
}
#: (from, to, type id) -> type id of the way back.
INVERSE_ASSOCIATION: dict[tuple[int, int, int], int] = {
    key: value
    for a, b, there, back in [*_PAIRS, *(pair[:4] for pair in _LABELLED)]
    for key, value in (((a, b, there), back), ((b, a, back), there))
}
#: Type ids of a record's link to its primary company, by the record's object type.
PRIMARY_COMPANY: dict[int, int] = {1: 1, 3: 5, 5: 26}
