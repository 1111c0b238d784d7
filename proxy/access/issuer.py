"""Tokens (JWT) of an identity provider: who they are of, and what that may reach.

Checked are signature, algorithm, issuer, audience, expiry and not-before (PyJWT). A token that was found good is not
checked again for a minute.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import structlog

from proxy.access.keys import Keys, KeysError
from proxy.access.verdict import Refused
from schemas.access import Grants, Tenant
from schemas.oidc import Oidc

if TYPE_CHECKING:
    import jwt

log = structlog.get_logger("access")

LEEWAY = 30
"""Seconds by which two clocks may differ."""
GOOD_FOR = 60.0
"""Seconds until a token that was found good is checked again."""
REMEMBERED = 4096
"""Good tokens that are remembered."""
LONGEST_NAME = 200
"""Characters of the claim that names a tenant."""
EVERYBODY = "*"
"""The grants of those whom no other grants are for."""


class Issuer:
    """One provider as it is configured; its keys are fetched when they are first needed, or before."""

    def __init__(self, settings: Oidc) -> None:
        self.settings = settings
        self.keys = Keys(settings.issuer, settings.jwks_url)
        self._good: OrderedDict[str, tuple[Tenant, float]] = OrderedDict()
        self._round = 0

    async def judged(self, token: str, digest: str) -> Tenant | Refused:
        """The tenant of a token, or why there is none."""
        known = self._known(digest)
        if known is not None:
            return known
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in self.settings.algorithms:
                raise jwt.InvalidAlgorithmError("its signature is of a kind that http.oidc.algorithms does not name")
            key = await self.keys.of(header.get("kid"))
            if key is None:
                return Refused(401, "The token is signed with a key that its issuer does not publish")
            claims = self._claims(token, key)
        except KeysError as error:
            return Refused(503, f"Nobody new is let in: the keys of the identity provider cannot be had ({error})")
        except jwt.PyJWTError as error:
            return Refused(401, f"The token is not valid: {error}")
        tenant = self._tenant(claims)
        if isinstance(tenant, Tenant):
            self._remember(digest, tenant)
        return tenant

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        """What a token says; raises `PyJWTError` where it may not be believed."""
        import jwt

        wanted = self.settings
        return jwt.decode(
            token, key, algorithms=list(wanted.algorithms), audience=wanted.audience, issuer=wanted.issuer,
            leeway=LEEWAY, options={"require": ["exp", "iss", "aud", wanted.tenant_claim]},
        )  # fmt: skip

    def _tenant(self, claims: dict[str, Any]) -> Tenant | Refused:
        name = claims[self.settings.tenant_claim]
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            return Refused(401, f"The token's claim {self.settings.tenant_claim} names nobody")
        grants = self._grants(claims.get(self.settings.grants_claim))
        if grants is None:
            return Refused(403, f"Nothing is granted to this account (its claim {self.settings.grants_claim})")
        return Tenant(f"oidc:{name}", grants, float(claims["exp"]) + LEEWAY)

    def _grants(self, given: Any) -> Grants | None:
        """The first configured grants that the claim holds the value of: a text, or a list of texts."""
        held: list[Any] = [*given] if isinstance(given, list) else [given]
        fit = (grants for value, grants in self.settings.grants.items() if value != EVERYBODY and value in held)
        return next(fit, self.settings.grants.get(EVERYBODY))

    def _known(self, digest: str) -> Tenant | None:
        if self._round != self.keys.round:
            self._good.clear()
            self._round = self.keys.round
        found = self._good.get(digest)
        now = time.time()
        if found is None or now >= found[1] or now >= (found[0].expires or now):
            return None
        return found[0]

    def _remember(self, digest: str, tenant: Tenant) -> None:
        self._good[digest] = tenant, time.time() + GOOD_FOR
        self._good.move_to_end(digest)
        while len(self._good) > REMEMBERED:
            self._good.popitem(last=False)
