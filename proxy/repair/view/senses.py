"""Words of tool and argument names that say the same: `fetch` and `get`, `folder` and `directory`. Pure data.

Words stand without their plural endings, as they are compared.
Only words that mean the same wherever an API uses them; those that mean it now and then are left out.
"""

from __future__ import annotations

from functools import lru_cache

_GROUPS = tuple(
    frozenset(group.split("/"))
    for group in """
    get/fetch/retrieve/obtain find/search/lookup/locate show/display/view create/make add/append/insert
    delete/remove/erase send/dispatch/transmit post/publish update/modify/edit/change book/reserve place/submit
    start/launch/begin stop/halt/end/terminate check/inspect/verify/validate/examine calculate/compute convert/transform
    estimate/approximate fill/refill/refuel cancel/revoke buy/purchase register/enroll/signup login/signin/logon
    logout/signout/logoff message/msg folder/directory/dir file/document/doc symbol/ticker amount/quantity/qty
    number/num maximum/max minimum/min average/avg/mean title/heading/headline text/content/body description/desc/detail
    city/town source/src destination/dest/dst category/cat/class/kind/type cost/price/fare query/q/term
    id/identifier/uid url/uri/link email/mail phone/telephone picture/image/photo/img car/vehicle/automobile
    language/lang temperature/temp password/pwd/passwd zip/zipcode/postcode timezone/tz repository/repo
    organization/organisation/org configuration/config/cfg environment/env version/ver latitude/lat longitude/lon/lng
    reservation/booking receiver/recipient information/info command/cmd reference/ref address/addr parameter/param
    argument/arg
    """.split()
)


def same_sense(left: str, right: str) -> bool:
    """Tell whether two words say the same in the name of a tool or an argument."""
    return left == right or not _senses(left).isdisjoint(_senses(right))


@lru_cache(maxsize=4096)
def _senses(word: str) -> frozenset[int]:
    """The numbers of the groups that a word belongs to; none for most words."""
    return frozenset(number for number, group in enumerate(_GROUPS) if word in group)
