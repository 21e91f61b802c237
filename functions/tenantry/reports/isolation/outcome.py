"""What one part of the audit came to."""

from dataclasses import dataclass, field

from tenantry.reports.isolation.findings import Finding, Unchecked


@dataclass(slots=True)
class Outcome:
    """Findings, what could not be checked, and what was tried as a tenant: how often, and whose walls."""

    attempts: int = 0
    tried: set[str] = field(default_factory=set)
    findings: set[Finding] = field(default_factory=set)
    unchecked: set[Unchecked] = field(default_factory=set)
