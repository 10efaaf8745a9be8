"""The objects of the org and their fields: standard ones, and the custom ones that carry what the sample world has.

A field is a line ``Name type(length | precision,scale | referenced objects) flags``. Flags: ``required``, ``readonly``
(set by the platform), ``create`` (given on creation only), ``unique``, ``external``, ``tracked`` (its changes are kept
in the object's history), ``restricted`` (a picklist takes its own values only), ``values=`` (a set of VALUES),
``default=``, ``as=`` (the relationship's name in SOQL), ``sql=`` (a formula over the table ``{t}``),
``members=`` (how many members of a campaign meet a condition).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from sandbox.salesforce.fields import Field, Stored

VALUES = {
    "lead_status": ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted"),
    "task_status": ("Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"),
    "task_type": ("Call", "Email", "Meeting", "Other"),
    "subtype": ("Task", "Email", "ListEmail", "Cadence", "Call", "LinkedIn"),
    "call_type": ("Internal", "Inbound", "Outbound"),
    "campaign_status": ("Planned", "In Progress", "Completed", "Aborted"),
    "campaign_type": ("Conference", "Webinar", "Email", "List", "Advertisement", "Other"),
    "member_status": ("Sent", "Responded"),
    "deal_type": ("New Business", "Existing Business"),
    "source": ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"),
    "industry": ("Banking", "Consulting", "Education", "Retail", "Technology", "Telecommunications", "Other"),
}

_AUDIT = """
Id                id readonly
IsDeleted         boolean readonly default=0
CreatedDate       datetime readonly
CreatedById       reference(User) readonly as=CreatedBy
LastModifiedDate  datetime readonly
LastModifiedById  reference(User) readonly as=LastModifiedBy
SystemModstamp    datetime readonly
"""
#: History rows are never changed: they have no modification dates.
_HISTORY = """
Id           id readonly
IsDeleted    boolean readonly default=0
{parent}Id   reference({parent}) readonly as={parent}
CreatedById  reference(User) readonly as=CreatedBy
CreatedDate  datetime readonly
Field        picklist(255) readonly
DataType     picklist(40) readonly
OldValue     string(255) readonly
NewValue     string(255) readonly
"""
_MEMBERS = "(SELECT count(*) FROM CampaignMember m WHERE m.CampaignId = {t}.Id AND m.IsDeleted = 0 AND "
_PERSON_NAME = "\"trim(coalesce({t}.FirstName || ' ', '') || coalesce({t}.LastName, ''))\""


@dataclass(frozen=True)
class SObject:
    """One object: key prefix of its ids, label, fields by name, and what may be done with it."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: dict[str, Field] = field(default_factory=dict)
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    #: Object that keeps the changes of tracked fields, and its field that points back.
    history: tuple[str, str] | None = None
    custom_fields: bool = False
    #: Answers ``/tooling/`` queries too.
    tooling: bool = False


_SPEC: dict[str, tuple[str, str, str]] = {
    # name: prefix, flags, fields
    "Account": (
        "001", "history=AccountHistory custom",
        """
        Name string(255) required tracked
        Website url(255) tracked
        Phone phone(40) tracked
        BillingCity string(40)
        BillingState string(80)
        BillingCountry string(80)
        Industry picklist(255) values=industry tracked
        NumberOfEmployees int(8,0) tracked
        AnnualRevenue currency(18,0) tracked
        Description textarea(32000)
        ParentId reference(Account) as=Parent tracked
        OwnerId reference(User) as=Owner tracked
        MasterRecordId reference(Account) readonly as=MasterRecord
        AccountSource picklist(255) values=source
        Type picklist(255)
        External_Id__c string(64) external unique
        Domain__c string(255)
        Additional_Domains__c textarea(32000)
        Lifecycle_Stage__c string(80) tracked
        Activity_Code__c string(40)
        Activity_Code_System__c string(20)
        """,
    ),
    "Contact": (
        "003", "history=ContactHistory custom",
        f"""
        LastName string(80) required tracked
        FirstName string(40) tracked
        Name string(121) readonly sql={_PERSON_NAME}
        Email email(80) tracked
        Phone phone(40) tracked
        MobilePhone phone(40) tracked
        Title string(128) tracked
        Department string(80)
        AccountId reference(Account) as=Account tracked
        MailingCity string(40)
        MailingState string(80)
        MailingCountry string(80)
        Description textarea(32000)
        OwnerId reference(User) as=Owner tracked
        LeadSource picklist(255) values=source tracked
        HasOptedOutOfEmail boolean default=0 tracked
        MasterRecordId reference(Contact) readonly as=MasterRecord
        External_Id__c string(64) external unique
        Language__c string(20)
        Lifecycle_Stage__c string(80) tracked
        Lead_Status__c string(80) tracked
        Additional_Emails__c textarea(32000)
        Company_Name__c string(255)
        Website__c url(255)
        Employee_Count__c double(18,0)
        Annual_Revenue__c double(18,2)
        Record_Source__c string(80)
        """,
    ),
    "Lead": (
        "00Q", "history=LeadHistory custom",
        f"""
        LastName string(80) required tracked
        FirstName string(40) tracked
        Name string(121) readonly sql={_PERSON_NAME}
        Company string(255) required tracked
        Email email(80) tracked
        Phone phone(40) tracked
        MobilePhone phone(40) tracked
        Title string(128) tracked
        Website url(255)
        City string(40)
        State string(80)
        Country string(80)
        Industry picklist(255) values=industry
        Rating picklist(255)
        Description textarea(32000)
        NumberOfEmployees int(8,0)
        AnnualRevenue currency(18,0)
        Status picklist(255) required values=lead_status "default=Open - Not Contacted" tracked
        LeadSource picklist(255) values=source tracked
        OwnerId reference(User) as=Owner tracked
        HasOptedOutOfEmail boolean default=0 tracked
        IsConverted boolean create default=0
        ConvertedDate date readonly
        ConvertedContactId reference(Contact) readonly as=ConvertedContact
        ConvertedAccountId reference(Account) readonly as=ConvertedAccount
        ConvertedOpportunityId reference(Opportunity) readonly as=ConvertedOpportunity
        MasterRecordId reference(Lead) readonly as=MasterRecord
        External_Id__c string(64) external unique
        Language__c string(20)
        Lifecycle_Stage__c string(80) tracked
        Lead_Status__c string(80) tracked
        Additional_Emails__c textarea(32000)
        Record_Source__c string(80)
        """,
    ),
    "Opportunity": (
        "006", "history=OpportunityFieldHistory custom",
        """
        Name string(120) required tracked
        Amount currency(18,2) tracked
        CurrencyIsoCode picklist(3)
        StageName picklist(255) required tracked
        Probability percent(3,0)
        CloseDate date required tracked
        IsClosed boolean readonly default=0
        IsWon boolean readonly default=0
        Type picklist(255) values=deal_type
        Description textarea(32000)
        AccountId reference(Account) as=Account tracked
        ContactId reference(Contact) create as=Contact
        CampaignId reference(Campaign) as=Campaign
        LeadSource picklist(255) values=source
        OwnerId reference(User) as=Owner tracked
        External_Id__c string(64) external unique
        Loss_Reason__c string(255)
        Pipeline__c string(80)
        Stage_Label__c string(255)
        Closed_At__c datetime
        """,
    ),
    "OpportunityContactRole": (
        "00K", "",
        """
        OpportunityId reference(Opportunity) required create as=Opportunity
        ContactId reference(Contact) required as=Contact
        Role picklist(255)
        IsPrimary boolean default=0
        """,
    ),
    "OpportunityStage": (
        "01J", "readonly",
        """
        MasterLabel string(255) readonly
        ApiName string(255) readonly
        IsActive boolean readonly default=1
        IsClosed boolean readonly default=0
        IsWon boolean readonly default=0
        DefaultProbability percent(3,0) readonly
        ForecastCategoryName picklist(40) readonly
        SortOrder int(9,0) readonly
        """,
    ),
    "LeadStatus": (
        "01J", "readonly",
        """
        MasterLabel string(255) readonly
        ApiName string(255) readonly
        IsConverted boolean readonly default=0
        IsDefault boolean readonly default=0
        SortOrder int(9,0) readonly
        """,
    ),
    "Task": (
        "00T", "custom",
        """
        Subject combobox(255)
        Status picklist(255) required values=task_status "default=Not Started"
        Priority picklist(40) default=Normal
        Type picklist(40) values=task_type
        TaskSubtype picklist(40) create values=subtype default=Task
        CallType picklist(40) values=call_type
        CallDurationInSeconds int(8,0)
        CallDisposition string(255)
        ActivityDate date
        CompletedDateTime datetime readonly
        Description textarea(32000)
        IsClosed boolean readonly default=0
        IsArchived boolean readonly default=0
        WhoId reference(Contact,Lead) as=Who
        WhatId reference(Account,Opportunity,Campaign) as=What
        AccountId reference(Account) readonly as=Account
        OwnerId reference(User) as=Owner
        External_Id__c string(64) external unique
        Email_Direction__c string(40)
        Email_Status__c string(40)
        Activity_At__c datetime
        Record_Source__c string(80)
        """,
    ),
    "Event": (
        "00U", "custom",
        """
        Subject combobox(255)
        StartDateTime datetime
        EndDateTime datetime
        ActivityDate date
        ActivityDateTime datetime
        DurationInMinutes int(8,0)
        IsAllDayEvent boolean default=0
        IsArchived boolean readonly default=0
        Type picklist(40)
        Location string(255)
        Description textarea(32000)
        WhoId reference(Contact,Lead) as=Who
        WhatId reference(Account,Opportunity,Campaign) as=What
        AccountId reference(Account) readonly as=Account
        OwnerId reference(User) as=Owner
        External_Id__c string(64) external unique
        Outcome__c string(80)
        Activity_At__c datetime
        Record_Source__c string(80)
        """,
    ),
    "TaskRelation": (
        "0RT", "",
        """
        TaskId reference(Task) required create as=Task
        RelationId reference(Contact,Lead,Account,Opportunity,Campaign) required create as=Relation
        IsWhat boolean readonly default=0
        AccountId reference(Account) readonly as=Account
        """,
    ),
    "EventRelation": (
        "0RE", "",
        """
        EventId reference(Event) required create as=Event
        RelationId reference(Contact,Lead,Account,Opportunity,Campaign) required create as=Relation
        IsWhat boolean readonly default=0
        IsParent boolean default=1
        IsInvitee boolean default=0
        Status picklist(40)
        AccountId reference(Account) readonly as=Account
        """,
    ),
    "Campaign": (
        "701", "custom",
        """
        Name string(80) required
        Type picklist(255) values=campaign_type
        Status picklist(255) values=campaign_status default=Planned
        IsActive boolean default=0
        StartDate date
        EndDate date
        Description textarea(32000)
        ParentId reference(Campaign) as=Parent
        OwnerId reference(User) as=Owner
        NumberOfLeads int(9,0) readonly "members=m.ContactId IS NULL"
        NumberOfContacts int(9,0) readonly "members=m.ContactId IS NOT NULL"
        NumberOfResponses int(9,0) readonly "members=m.HasResponded = 1"
        External_Id__c string(64) external unique
        """,
    ),
    "CampaignMember": (
        "00v", "custom",
        """
        CampaignId reference(Campaign) required create as=Campaign
        LeadId reference(Lead) create as=Lead
        ContactId reference(Contact) create as=Contact
        LeadOrContactId reference(Contact,Lead) readonly as=LeadOrContact "sql=coalesce({t}.ContactId, {t}.LeadId)"
        Type string(40) readonly "sql=CASE WHEN {t}.ContactId IS NULL THEN 'Lead' ELSE 'Contact' END"
        Status picklist(40) values=member_status default=Sent
        HasResponded boolean readonly default=0
        FirstRespondedDate date readonly
        """,
    ),
    "CampaignMemberStatus": (
        "01Y", "",
        """
        CampaignId reference(Campaign) required create
        Label string(255) required
        HasResponded boolean default=0
        IsDefault boolean default=0
        SortOrder int(9,0)
        """,
    ),
    "User": (
        "005", "keep custom",
        f"""
        Username string(80) required
        LastName string(80) required
        FirstName string(40)
        Name string(121) readonly sql={_PERSON_NAME}
        Email email(128)
        Alias string(8)
        IsActive boolean default=1
        UserType picklist(40) readonly default=Standard
        ProfileId reference(Profile) as=Profile
        External_Id__c string(64) external unique
        """,
    ),
    "Profile": (
        "00e", "readonly tooling",
        """
        Name string(255) readonly
        UserType picklist(40) readonly default=Standard
        """,
    ),
    "Organization": (
        "00D", "readonly tooling",
        """
        Name string(80) readonly
        IsSandbox boolean readonly default=1
        OrganizationType picklist(40) readonly
        InstanceName string(5) readonly
        LanguageLocaleKey picklist(40) readonly
        DefaultCurrencyIsoCode picklist(3) readonly
        """,
    ),
    "PermissionSet": (
        "0PS", "tooling",
        """
        Name string(80) required unique
        Label string(80) required
        Description string(255)
        ProfileId reference(Profile) readonly as=Profile
        IsOwnedByProfile boolean readonly default=0
        IsCustom boolean readonly default=1
        """,
    ),
    "PermissionSetAssignment": (
        "0Pa", "tooling",
        """
        PermissionSetId reference(PermissionSet) required create as=PermissionSet
        AssigneeId reference(User) required create as=Assignee
        """,
    ),
    "FieldPermissions": (
        "01k", "tooling",
        """
        ParentId reference(PermissionSet) required create as=Parent
        SobjectType picklist(255) required create
        Field picklist(255) required create
        PermissionsRead boolean default=0
        PermissionsEdit boolean default=0
        """,
    ),
    "EntityDefinition": (
        "", "readonly tooling",
        """
        DurableId string(255) readonly
        QualifiedApiName string(255) readonly
        DeveloperName string(255) readonly
        Label string(255) readonly
        KeyPrefix string(3) readonly
        """,
    ),
    "FieldDefinition": (
        "", "readonly tooling",
        """
        DurableId string(255) readonly
        EntityDefinitionId string(255) readonly
        QualifiedApiName string(255) readonly
        DeveloperName string(255) readonly
        Label string(255) readonly
        DataType string(80) readonly
        Length int(9,0) readonly
        Precision int(9,0) readonly
        Scale int(9,0) readonly
        IsNillable boolean readonly
        IsFieldHistoryTracked boolean readonly
        Description string(1000) readonly
        """,
    ),
    "CustomField": (
        "00N", "readonly tooling",
        """
        DeveloperName string(80) readonly
        TableEnumOrId string(255) readonly
        FullName string(255) readonly
        NamespacePrefix string(40) readonly
        """,
    ),
}  # fmt: skip

_HISTORIES = {
    "AccountHistory": ("017", "Account"),
    "ContactHistory": ("03S", "Contact"),
    "LeadHistory": ("00X", "Lead"),
    "OpportunityFieldHistory": ("017", "Opportunity"),
}

_SPLIT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def label_of(name: str) -> str:
    """``NumberOfEmployees`` -> ``Number Of Employees``, ``Lead_Status__c`` -> ``Lead Status``."""
    bare = name.removesuffix("__c").replace("_", " ")
    bare = _SPLIT.sub(" ", bare)
    return bare.removesuffix(" Id") if bare != "Id" and not name.endswith("__c") else bare


def parse_field(line: str) -> Field:
    """One line of the specifications above."""
    name, kind, *flags = shlex.split(line)
    type_, _, inner = kind.rstrip(")").partition("(")
    length = precision = scale = 0
    reference_to: tuple[str, ...] = ()
    if type_ == "reference":
        reference_to = tuple(inner.split(","))
        length = 18
    elif "," in inner:
        precision, scale = (int(part) for part in inner.split(","))
    elif inner:
        length = int(inner)
    settings = dict(flag.split("=", 1) for flag in flags if "=" in flag)
    plain = {flag for flag in flags if "=" not in flag}
    default: Stored = settings.get("default")
    if default is not None and type_ in ("boolean", "int"):
        default = int(default)
    return Field(
        name,
        type_,
        label_of(name),
        length=18 if type_ == "id" else length,
        precision=precision,
        scale=scale,
        required="required" in plain,
        createable="readonly" not in plain,
        updateable=not plain & {"readonly", "create"},
        unique="unique" in plain,
        external_id="external" in plain,
        tracked="tracked" in plain,
        custom=name.endswith("__c"),
        default=default,
        values=VALUES.get(settings.get("values", ""), ()),
        restricted="restricted" in plain,
        reference_to=reference_to,
        relationship=settings.get("as"),
        expression=f"{_MEMBERS}{settings['members']})" if "members" in settings else settings.get("sql"),
    )


def _fields(*specs: str) -> dict[str, Field]:
    found = [parse_field(line) for spec in specs for line in spec.splitlines() if line.strip()]
    return {one.name: one for one in found}


def standard_objects() -> dict[str, SObject]:
    """Every object by name, as the org comes."""
    objects = {}
    for name, (prefix, flags, spec) in _SPEC.items():
        words = flags.split()
        history = next((word.removeprefix("history=") for word in words if word.startswith("history=")), None)
        readonly = "readonly" in words
        objects[name] = SObject(
            name,
            prefix,
            _SPLIT.sub(" ", name),
            _plural(_SPLIT.sub(" ", name)),
            _fields(_AUDIT, spec),
            createable=not readonly,
            updateable=not readonly,
            deletable=not readonly and "keep" not in words,
            history=None if history is None else (history, f"{name}Id"),
            custom_fields="custom" in words,
            tooling="tooling" in words,
        )
    for name, (prefix, parent) in _HISTORIES.items():
        label = _SPLIT.sub(" ", name)
        objects[name] = SObject(
            name, prefix, label, label, _fields(_HISTORY.format(parent=parent)),
            createable=False, updateable=False, deletable=False,
        )  # fmt: skip
    return objects


def _plural(label: str) -> str:
    return label[:-1] + "ies" if label.endswith("y") else label + ("es" if label.endswith("s") else "s")
