"""Forty kinds of credentials, made up letter by letter so that no scanner takes this file for a leak of its own."""

import base64
import random
import string

_HEX = "0123456789abcdef"
_WORD = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + "234567"


def _of(alphabet: str, length: int, seed: str) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))


def _word(length: int, seed: str) -> str:
    return _of(_WORD, length, seed)


def _json_web_token() -> str:
    parts = ('{"alg":"HS256"}', '{"sub":"1234567890","name":"x"}')
    encoded = (base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    return f"{'.'.join(encoded)}.{_word(43, 'jwt')}"


BY_FORM = {
    "AWS access key": "AKIA" + _of(_UPPER, 16, "aws"),
    "AWS session key": "ASIA" + _of(_UPPER, 16, "sts"),
    "GitHub token": "ghp_" + _word(36, "ghp"),
    "GitHub app token": "ghs_" + _word(36, "ghs"),
    "GitHub fine-grained token": "github_pat_" + _word(82, "pat"),
    "GitLab token": "glpat-" + _word(20, "gl"),
    "Slack token": "xoxb-" + _of("0123456789", 12, "x1") + "-" + _word(24, "x2"),
    "Slack webhook": f"https://hooks.slack.com/services/T{_of(_UPPER, 8, 'T')}/B{_of(_UPPER, 8, 'B')}/{_word(24, 'h')}",
    "Discord webhook": f"https://discord.com/api/webhooks/{_of('0123456789', 18, 'd')}/{_word(68, 'dw')}",
    "Google API key": "AIza" + _word(35, "gk"),
    "Google client secret": "GOCSPX-" + _word(28, "gcs"),
    "Stripe key": "sk_live_" + _word(24, "st"),
    "OpenAI key": "sk-proj-" + _word(48, "oa"),
    "Anthropic key": "sk-ant-api03-" + _word(80, "an"),
    "Hugging Face token": "hf_" + _of(string.ascii_letters, 34, "hf"),
    "SendGrid key": f"SG.{_word(22, 's1')}.{_word(43, 's2')}",
    "Twilio key": "SK" + _of(_HEX, 32, "tw"),
    "Mailgun key": "key-" + _of(_HEX, 32, "mg"),
    "DigitalOcean token": "dop_v1_" + _of(_HEX, 64, "do"),
    "Docker Hub token": "dckr_pat_" + _word(27, "dh"),
    "npm token": "npm_" + _word(36, "npm"),
    "PyPI token": "pypi-AgE" + _word(60, "pypi"),
    "RubyGems token": "rubygems_" + _of(_HEX, 48, "gem"),
    "Terraform token": f"{_word(14, 't1')}.atlasv1.{_word(64, 't2')}",
    "Vault token": "hvs." + _word(40, "hv"),
    "Databricks token": "dapi" + _of(_HEX, 32, "db"),
    "Grafana token": f"glsa_{_word(32, 'g1')}_{_of(_HEX, 8, 'g2')}",
    "New Relic key": "NRAK-" + _of(string.ascii_uppercase, 27, "nr"),
    "Postman key": f"PMAK-{_of(_HEX, 24, 'p1')}-{_of(_HEX, 34, 'p2')}",
    "Linear key": "lin_api_" + _word(40, "li"),
    "Shopify token": "shpat_" + _of(_HEX, 32, "sh"),
    "Square token": "sq0atp-" + _word(22, "sq"),
    "age key": "AGE-SECRET-KEY-1" + _of(string.ascii_uppercase + string.digits, 58, "age"),
    "Azure account key": "AccountKey=" + _word(86, "az") + "==",
    "JSON web token": _json_web_token(),
    "Telegram token": f"{_of('123456789', 10, 'tg')}:AA{_word(33, 'tgw')}",
}
"""Recognised wherever they stand."""
BY_PLACE = {
    "password": "Tr0ub4dor3xQz",
    "AWS secret key": _word(40, "awssecret"),
    "Basic credentials": base64.b64encode(b"admin:" + _word(14, "basic").encode()).decode(),
    "password with signs": "p#w0rD'x\"9/z",
}
"""Recognised where something says what they are, and then hidden everywhere."""
ALL = BY_FORM | BY_PLACE
