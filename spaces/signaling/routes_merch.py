"""Addresses of merchandise discounts."""

from __future__ import annotations

from spaces.signaling import rest_merch
from spaces.signaling import schemas_merch as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.pages_of_lists import BEFORE

CREATOR = "/v1/creators/{handle}"
DISCOUNT = CREATOR + "/tiers/{tier}/discount"

MERCH = [
    Route(
        method="PUT", path=DISCOUNT, handler=rest_merch.offer, summary="What a tier takes off at the shop, from now on",
        tag="merchandise", sign_in=True, body=schemas.NewDiscount, answer=schemas.DiscountView, problems=(403, 404),
    ),
    Route(
        method="DELETE", path=DISCOUNT, handler=rest_merch.end_offer, summary="No more codes; those that are out stay good",
        tag="merchandise", sign_in=True, status=204, problems=(403, 404),
    ),
    Route(
        method="GET", path=f"{CREATOR}/discounts", handler=rest_merch.list_discounts, summary="What the tiers take off",
        tag="merchandise", answer=schemas.DiscountsView, problems=(404,),
    ),
    Route(
        method="POST", path=f"{CREATOR}/merch-codes", handler=rest_merch.issue, tag="merchandise", sign_in=True,
        summary="My code for the shop: the one that is out, or a new one", answer=schemas.CodeView, status=201,
        problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/me/merch-codes", handler=rest_merch.list_mine, summary="My codes", tag="merchandise",
        sign_in=True, answer=schemas.CodesView,
    ),
    Route(
        method="GET", path=f"{CREATOR}/merch-codes", handler=rest_merch.list_codes, tag="merchandise", sign_in=True,
        summary="Who has codes, and what for they were used (finance)", answer=schemas.SoldCodesView,
        problems=(403, 404), query=(BEFORE,),
    ),
    Route(
        method="GET", path=f"{CREATOR}/merch-codes.csv", handler=rest_merch.export_codes, tag="merchandise",
        summary="The codes that are good now, for shops that take lists (finance)", sign_in=True, produces="text/csv",
        problems=(403, 404),
    ),
    Route(
        method="DELETE", path=f"{CREATOR}/merch-codes/{{code}}", handler=rest_merch.revoke_code, tag="merchandise",
        summary="Revoke a code (finance)", sign_in=True, status=204, problems=(403, 404, 409),
    ),
    Route(
        method="POST", path=f"{CREATOR}/keys", handler=rest_merch.add_key, tag="merchandise", sign_in=True,
        summary="A key for a shop; its token is shown this once", body=schemas.NewCreatorKey,
        answer=schemas.CreatorKeyView, status=201, problems=(403, 404, 409),
    ),
    Route(
        method="GET", path=f"{CREATOR}/keys", handler=rest_merch.list_keys, summary="Keys of shops", tag="merchandise",
        sign_in=True, answer=schemas.CreatorKeysView, problems=(403, 404),
    ),
    Route(
        method="DELETE", path=f"{CREATOR}/keys/{{key}}", handler=rest_merch.revoke_key, summary="Revoke a key",
        tag="merchandise", sign_in=True, status=204, problems=(403, 404),
    ),
    Route(
        method="POST", path="/v1/merch/verify", handler=rest_merch.verify, tag="merchandise", own_token=True,
        summary="Is this code good now? For shops: the token is a creator's key", body=schemas.CodeToVerify,
        answer=schemas.VerdictView, problems=(404,),
    ),
    Route(
        method="POST", path="/v1/merch/redeem", handler=rest_merch.redeem, tag="merchandise", own_token=True,
        summary="Use a code up for an order; asked again for the same order, it answers the same",
        body=schemas.CodeToRedeem, answer=schemas.VerdictView, problems=(404, 409),
    ),
]  # fmt: skip
