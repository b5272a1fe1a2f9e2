"""Addresses of gifts."""

from __future__ import annotations

from spaces.signaling import rest_gifts
from spaces.signaling import schemas_gifts as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.pages_of_lists import BEFORE

GIFTS = [
    Route(
        method="POST", path="/v1/creators/{handle}/gifts", handler=rest_gifts.buy, tag="gifts", sign_in=True,
        summary="Give a tier to somebody; the answer says where to pay", body=schemas.NewGift, answer=schemas.GiftView,
        status=201, costs_money=True, problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/gifts", handler=rest_gifts.list_of_creator, tag="gifts", sign_in=True,
        summary="Gifts of the creator's tiers (the creator)", answer=schemas.GiftsView, problems=(403, 404),
        query=(BEFORE,),
    ),
    Route(
        method="GET", path="/v1/me/gifts", handler=rest_gifts.list_mine, tag="gifts", sign_in=True,
        summary="What I give and what I am given", answer=schemas.GiftsView, problems=(404,), query=(BEFORE,),
    ),
    Route(
        method="POST", path="/v1/gifts/{gift}/link", handler=rest_gifts.make_link, tag="gifts", sign_in=True,
        summary="A link that redeems it once, instead of the one before", answer=schemas.GiftLinkView, status=201,
        problems=(404, 409),
    ),
    Route(
        method="POST", path="/v1/gifts/{gift}/redemption", handler=rest_gifts.redeem_own, tag="gifts", sign_in=True,
        summary="Take a gift that is for me", answer=schemas.GiftView, costs_money=True, problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/gifts/{gift}/refund", handler=rest_gifts.refund, tag="gifts", sign_in=True,
        summary="Have it paid back: the giver while it is not redeemed, the creator at any time",
        answer=schemas.GiftView, costs_money=True, problems=(404, 409),
    ),
    Route(
        method="POST", path="/v1/gift-links/look", handler=rest_gifts.look, tag="gifts",
        summary="What a link gives", body=schemas.GiftCode, answer=schemas.GiftView, problems=(404, 409, 410),
    ),
    Route(
        method="POST", path="/v1/gift-links/redemption", handler=rest_gifts.redeem_code, tag="gifts", sign_in=True,
        summary="Redeem a link", body=schemas.GiftCode, answer=schemas.GiftView, costs_money=True,
        problems=(403, 404, 409, 410),
    ),
]  # fmt: skip
