"""The validation report: what is wrong with a prediction file, for people and for programs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Severity = Literal["error", "warning"]

ROWS_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One observation on a prediction file.

    Attributes
    ----------
    code
        Stable machine-readable name, such as ``duplicate_id``.
    severity
        ``"error"`` refuses the file, ``"warning"`` informs.
    message
        Text for people; says what to do next and never contains a truth value.
    column
        Column concerned, None where the whole file is meant.
    rows
        First five offending places: 1-based line numbers of a text file (the header is line 1),
        1-based row numbers of Parquet and ``.npy``.
    count
        How many places offend in all; 0 where counting makes no sense.

    """

    code: str
    severity: Severity
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    count: int = 0

    def as_json(self) -> dict[str, Any]:
        """The finding as a plain dict that ``json`` can write."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "column": self.column,
            "rows": list(self.rows),
            "count": self.count,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(
            value["code"],
            value["severity"],
            value["message"],
            value["column"],
            tuple(value["rows"]),
            value["count"],
        )


@dataclass(frozen=True)
class Report:
    """All findings on one file, errors first."""

    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Self:
        """A report with errors before warnings, otherwise in the order given."""
        return cls(tuple(sorted(findings, key=lambda finding: finding.severity != "error")))

    @property
    def ok(self) -> bool:
        """Whether the file is accepted: warnings do not refuse it."""
        return all(finding.severity != "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """``{"ok": bool, "findings": [...]}``."""
        return {"ok": self.ok, "findings": [finding.as_json() for finding in self.findings]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(tuple(Finding.from_json(finding) for finding in value["findings"]))


class InputRefusedError(ValueError):
    """A prediction (file or arrays) cannot be scored; `findings` say why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(" ".join(finding.message for finding in findings))
        self.findings = findings
