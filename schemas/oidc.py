"""How tokens of an outer identity provider are taken: part of the configuration."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.access import Grants

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a private key; those by a shared secret are not among them."""


class Oidc(BaseModel):
    """Tokens (JWT) of an identity provider, for clients that log in there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(
        default="",
        examples=["https://login.example.com"],
        description="Its name, as its tokens have it; empty: none.",
    )
    audience: str = Field(
        default="", examples=["https://mend.example.com"], description="What its tokens must be meant for."
    )
    jwks_url: str = Field(
        default="",
        examples=["https://login.example.com/keys"],
        description="Where its keys are; empty: as its discovery document says.",
    )
    algorithms: list[Algorithm] = Field(
        default=["RS256", "ES256"], min_length=1, examples=[["EdDSA"]], description="Signatures that are accepted."
    )
    resource: str = Field(
        default="",
        examples=["https://mend.example.com"],
        description="Our own address as clients reach it, without a path; empty: as the request came.",
    )
    tenant_claim: str = Field(
        default="sub", min_length=1, examples=["email"], description="The claim that tells tenants apart."
    )
    grants_claim: str = Field(
        default="groups", min_length=1, examples=["roles"], description="The claim whose values are given grants."
    )
    grants: dict[str, Grants] = {}

    @model_validator(mode="after")
    def _whom_it_lets_in(self) -> Self:
        if self.issuer and not (self.audience and self.grants):
            raise ValueError(
                "issuer needs audience (what its tokens are meant for) and at least one table "
                'http.oidc.grants.VALUE (what a value of grants_claim may reach; VALUE "*" is everybody else)'
            )
        for key in ("issuer", "jwks_url", "resource"):
            address = getattr(self, key)
            if address and not re.match(r"https://[^/]|http://(127\.0\.0\.1|localhost|\[::1\])(:\d|/|$)", address):
                raise ValueError(f"{key} must be an https address (http on this machine alone)")
        return self
