"""What GitLab asks of the reports that it reads, as far as ours use it.

The facts are those of versions 15.0 to 15.2 of its schemas for security reports
(https://gitlab.com/gitlab-org/security-products/security-report-schemas) and of its page on code quality
(https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format): every field that they require, and type, length,
pattern and choice of every field that we write. Fields that they do not know are refused here, though GitLab passes over them.
GitLab's own files are in no package; where they have changed, this has not.
"""

from typing import Any

from jsonschema import Draft202012Validator

_URL = {"type": "string", "pattern": "^(https?|ftp)://.+"}
_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}


def _text(least: int = 1, most: int | None = None) -> dict[str, Any]:
    return {"type": "string", "minLength": least, **({"maxLength": most} if most else {})}


def _record(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [*required],
        "additionalProperties": False,
        "properties": {**required, **optional},
    }


def _list(items: dict[str, Any], least: int = 0) -> dict[str, Any]:
    return {"type": "array", "minItems": least, "items": items}


_PRODUCER = _record(
    {"id": _text(), "name": _text(), "version": _text(), "vendor": _record({"name": _text()})}, url=_URL
)
_IDENTIFIER = _record({"type": _text(), "name": _text(), "value": _text()}, url=_URL)
_TRACKED = {"file": _text(0), "start_line": {"type": "number"}, "end_line": {"type": "number"}}
_SIGNATURE = _record({"algorithm": _text(0), "value": _text(0)})
_DETAIL = _record({"name": _text(), "type": {"const": "text"}, "value": _text(0)})


def _security_report(kind: str, location: dict[str, Any]) -> Draft202012Validator:
    scan = _record(
        {
            "analyzer": _PRODUCER,
            "scanner": _PRODUCER,
            "start_time": _MOMENT,
            "end_time": _MOMENT,
            "status": {"enum": ["success", "failure"]},
            "type": {"const": kind},
        },
        messages=_list(_record({"level": {"enum": ["info", "warn", "fatal"]}, "value": _text()})),
    )
    vulnerability = _record(
        {"id": _text(), "identifiers": _list(_IDENTIFIER, 1), "location": location},
        category=_text(),
        name=_text(0, 255),
        description=_text(0, 1_048_576),
        severity={"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
        solution=_text(0, 7_000),
        links=_list(_record({"url": _URL}, name=_text(0))),
        details={"type": "object", "additionalProperties": _DETAIL},
        tracking=_record(
            {"items": _list(_record({"signatures": _list(_SIGNATURE, 1)}, **_TRACKED))},
            type={"const": "source"},
        ),
    )
    version = {"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"}
    document = _record(
        {"scan": scan, "version": version, "vulnerabilities": _list(vulnerability)},
        remediations=_list({"type": "object", "required": ["fixes", "summary", "diff"]}),
    )
    return Draft202012Validator(document)


SAST = _security_report(
    "sast", _record({"file": _text()}, start_line={"type": "number"}, end_line={"type": "number"})
)
CONTAINER_SCANNING = _security_report(
    "container_scanning",
    _record(
        {
            "dependency": _record({"package": _record({"name": _text(0)}), "version": _text(0)}),
            "operating_system": _text(),
            "image": _text(),
        }
    ),
)
CODE_QUALITY = Draft202012Validator(
    _list(
        _record(
            {
                "description": _text(),
                "check_name": _text(),
                "fingerprint": _text(),
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                # A path that begins with ./ is not found in the repository.
                "location": _record(
                    {
                        "path": {"type": "string", "pattern": r"^(?!\./)."},
                        "lines": _record({"begin": {"type": "integer", "minimum": 1}}),
                    }
                ),
            }
        )
    )
)
