"""The open findings of a source as DefectDojo's "Generic Findings Import", replaced as a whole.

Source: https://docs.defectdojo.com/supported_tools/parsers/generic_findings_import/ and ``POST /api/v2/reimport-scan/``.
"""

import uuid
from collections.abc import Sequence

import msgspec

from leadline.api.provider.wire import FindingRow
from leadline.outputs.text.plain import plain
from leadline.scans.submitting.sending import Call

_SEVERITIES = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low", "unknown": "Info"}
_TITLE = 500


def reimport_call(base: str, token: str, source: str, rows: Sequence[FindingRow]) -> Call:
    """One request for all of ``source``: what is not among ``rows`` any more is closed there."""
    fields = {
        "scan_type": "Generic Findings Import",
        "product_type_name": "Kubernetes",
        "product_name": source,
        "engagement_name": "Leadline",
        "test_title": "Leadline",
        "auto_create_context": "true",
        "close_old_findings": "true",
        "active": "true",
        "verified": "false",
        "minimum_severity": "Info",
    }
    boundary = uuid.uuid4().hex
    content = msgspec.json.encode({"findings": [_finding(row) for row in rows]})
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="leadline.json"\r\n'
        "Content-Type: application/json\r\n\r\n"
    )
    body = b"".join((*parts, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
    headers = {
        "Authorization": f"Token {token}",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    return Call("POST", f"{base}/api/v2/reimport-scan/", headers, body)


def _finding(row: FindingRow) -> dict[str, object]:
    where = plain(f"{row.namespace or '-'}/{row.kind}/{row.name}", 1_000)
    file = {"file_path": plain(row.file, 4_000)} if row.file else {}
    return {
        "title": plain(f"{row.control}: {where}", _TITLE),
        "severity": _SEVERITIES.get(row.severity, "Info"),
        "description": f"{plain(row.control, 300)} fails on {where}"
        + (f" at {plain(row.path, 1_000)}" if row.path else ""),
        "date": row.first_received[:10],
        "unique_id_from_tool": f"{row.fingerprint}-{row.ordinal}",
        "vuln_id_from_tool": plain(row.control, 300),
        "component_name": where[:500],
        "active": not row.accepted,
        "risk_accepted": bool(row.accepted),
        "static_finding": True,
        "dynamic_finding": False,
        **file,
    }
