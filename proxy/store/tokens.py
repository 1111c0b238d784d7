"""Secrets that show by their own form, whatever key they stand under: issued tokens, keys, signed addresses. Pure.

The forms are those that their issuers publish so that scanners find them.
"""

from __future__ import annotations

import re

_ISSUED = (
    r"gh[opsur]_[A-Za-z0-9]{20,255}",
    r"github_pat_\w{20,255}",
    r"gl(?:pat|dt|ptt|rt|soat)-[\w-]{16,255}",
    r"sk-[\w-]{16,255}",
    r"[rsp]k_(?:live|test)_[A-Za-z0-9]{10,255}",
    r"xox[a-z]-[\w-]{10,255}",
    r"xapp-[\w-]{10,255}",
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    r"AIza[\w-]{35}",
    r"ya29\.[\w-]{20,4000}",
    r"npm_[A-Za-z0-9]{30,255}",
    r"pypi-[\w-]{16,4000}",
    r"hf_[A-Za-z0-9]{20,255}",
    r"dop_v1_[a-f0-9]{32,255}",
    r"mend_[\w-]{43}",
    r"SG\.[\w-]{16,255}\.[\w-]{16,255}",
    r"eyJ[\w-]{6,8000}\.[\w-]{6,8000}\.[\w-]{0,4000}",
)
_TOKEN = re.compile(rf"(?<![\w-])(?:{'|'.join(_ISSUED)})(?![\w-])")
MARKS = (
    *("gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "gldt-", "glptt-", "glrt-", "glsoat-", "sk-"),
    *("k_live_", "k_test_", "xox", "xapp-", "akia", "asia", "aiza", "ya29.", "npm_", "pypi-", "hf_", "dop_v1_", "sg."),
    *("eyj", "mend_"),
)
"""One of these stands in every text with an issued token; looking for them first is quick."""
_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY-----.*?(?:-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY-----|\Z)", re.DOTALL
)
_SIGNED = re.compile(
    r"((?:[?&;]|&amp;)(?:sig|signature|key|x-(?:amz|goog)-(?:signature|credential|security-token))=)[^\s&#\"'<>\\]+",
    re.IGNORECASE,
)


def without_tokens(text: str, instead: str) -> str:
    """The same text with `instead` for every private key, issued token, and parameter that signs an address."""
    lower = text.lower()
    if "private key-----" in lower:
        text = _PEM.sub(instead, text)
    if "=" in text and ("?" in text or "&" in text):
        text = _SIGNED.sub(rf"\g<1>{instead}", text)
    if any(mark in lower for mark in MARKS):
        text = _TOKEN.sub(instead, text)
    return text
