"""What can go wrong between the parts. Messages are meant for the person who runs the thing."""

from __future__ import annotations


class OrchestrationError(Exception):
    """Base of every error this package raises on purpose."""


class ProjectNotParsed(OrchestrationError):
    """The dbt project does not parse; the message is dbt's own, with file and line."""


class BuildFailed(OrchestrationError):
    """A dbt build ended with failed models or tests; names them and says where the published snapshot stands."""


class RulesRefused(OrchestrationError):
    """A seed breaks its rules: file, row, field, problem, what to do. Nothing was built."""


class NothingToPublish(OrchestrationError):
    """There is no warehouse, or it holds no marts yet."""


class PlanRefused(OrchestrationError):
    """A plan cannot be applied: there is none, or a guard holds it back."""


class AlertNotSent(OrchestrationError):
    """A webhook or a mail server did not take an alert; it is tried again at the next look."""


class RunFailed(OrchestrationError):
    """A Dagster run failed; the message is that of the first step that failed."""


class ReplayRefused(OrchestrationError):
    """A past day or changed rules cannot be computed: no warehouse, a moment it knows nothing of, or it is in use."""
