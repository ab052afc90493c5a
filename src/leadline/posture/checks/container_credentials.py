"""Credentials in the environment and on the command line of a container."""

from leadline.model.control import Remove, Review, Violations
from leadline.posture.checks.credentials import CredentialRules
from leadline.posture.subject import Container

SENSITIVE_KEY_NAMES: tuple[str, ...] = (
    "aws_secret_access_key",
    "azure_batchai_storage_key",
    "azure_batch_key",
    "secret",
    "key",
    "password",
    "pwd",
    "token",
    "jwt",
    "bearer",
    "credential",
)


SENSITIVE_VALUES: tuple[str, ...] = (
    r"BEGIN \w+ PRIVATE KEY",
    "PRIVATE KEY-----",
    "eyJhbGciO",
    "AKIA[0-9A-Z]{16}",
    "ghp_[0-9A-Za-z]{36}",
    r"AIza[0-9A-Za-z\-_]{35}",
    "xox[baprs]-[0-9A-Za-z]{10,48}",
)


def credentials_of(container: Container, rules: CredentialRules) -> Violations:
    """Environment variables and arguments that hold a credential in plain text; a reference to a Secret holds none."""
    yield from container.once(rules, lambda: tuple(_credentials_of(container, rules)))


def _credentials_of(container: Container, rules: CredentialRules) -> Violations:
    resource = container.workload.resource
    for i, variable in container.env:
        value = variable.get("value")
        if isinstance(value, str) and value and rules.is_credential(str(variable.get("name", "")), value):
            yield Remove(f"{container.path}env[{i}]", on=resource.id)
    said = ""
    for path, word in container.command_line:
        flag, equals, value = word.partition("=")
        is_flag = word.startswith("-")
        name, value = (flag, value) if is_flag and equals else ("" if is_flag else said, word)
        if rules.is_credential(name, value):
            yield Review(f"{container.path}{path}", on=resource.id)
        said = word if is_flag and not equals else ""
