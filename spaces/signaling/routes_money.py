"""Addresses of offers, subscriptions' lives and the books."""

from __future__ import annotations

from spaces.signaling import answers, rest_money, rest_offers, rest_subscriptions
from spaces.signaling import schemas_money as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.pages_of_lists import BEFORE

OFFERS = [
    Route(
        method="GET", path="/v1/creators/{handle}/members", handler=rest_offers.list_members, tag="creators",
        summary="Who acts for the creator (its members)", sign_in=True, answer=schemas.MembersView, problems=(403, 404),
    ),
    Route(
        method="PUT", path="/v1/creators/{handle}/members/{account}", handler=rest_offers.set_role, tag="creators",
        summary="Add a member or change a role (owners)", sign_in=True, body=schemas.NewRole,
        answer=schemas.MembersView, problems=(403, 404, 409),
    ),
    Route(
        method="DELETE", path="/v1/creators/{handle}/members/{account}", handler=rest_offers.remove_member,
        summary="Remove a member, or oneself", tag="creators", sign_in=True, status=204, problems=(403, 404, 409),
    ),
    *(
        Route(
            method="POST", path=f"/v1/tiers/{{tier}}/{name}", handler=handler, summary=summary, tag="creators",
            sign_in=True, answer=answers.TierView, problems=(403, 404, 409),
        )
        for name, handler, summary in (
            ("publish", rest_offers.publish_tier, "Put a draft on sale"),
            ("archive", rest_offers.archive_tier, "Take it off sale; who has it keeps it"),
        )
    ),
    Route(
        method="POST", path="/v1/tiers/{tier}/prices", handler=rest_offers.add_price, tag="creators", sign_in=True,
        summary="A price for a currency and interval, in place of the one before", body=schemas.NewTierPrice,
        answer=answers.TierView, status=201, problems=(403, 404, 409),
    ),
    Route(
        method="PUT", path="/v1/tiers/{tier}/benefits", handler=rest_offers.set_benefits, tag="creators", sign_in=True,
        summary="What it gives from now on", body=schemas.TierBenefits, answer=answers.TierView,
        problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/creators/{handle}/coupons", handler=rest_offers.create_coupon, tag="creators",
        summary="Make a coupon", sign_in=True, body=schemas.NewCoupon, answer=schemas.CouponView, status=201,
        problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/coupons", handler=rest_offers.list_coupons, tag="creators",
        summary="The creator's coupons", sign_in=True, answer=schemas.CouponsView, problems=(403, 404),
    ),
    Route(
        method="DELETE", path="/v1/creators/{handle}/coupons/{code}", handler=rest_offers.archive_coupon,
        summary="Redeem it no more", tag="creators", sign_in=True, answer=schemas.CouponView, problems=(403, 404),
    ),
]  # fmt: skip

SUBSCRIPTIONS = [
    Route(
        method="POST", path="/v1/subscriptions/{subscription}/change", handler=rest_subscriptions.change,
        summary="To a higher tier at once, to a lower one at the end of the period", tag="subscriptions", sign_in=True,
        body=schemas.SubscriptionChange, answer=answers.SubscriptionView, problems=(402, 404, 409), costs_money=True,
    ),
    *(
        Route(
            method="POST", path=f"/v1/subscriptions/{{subscription}}/{name}", handler=handler, summary=summary,
            tag="subscriptions", sign_in=True, answer=answers.SubscriptionView, problems=(404, 409), costs_money=True,
        )
        for name, handler, summary in (
            ("resume", rest_subscriptions.resume, "Take back a cancellation at the end of the period, or a pause"),
            ("pause", rest_subscriptions.pause, "No payment and no right after this period, until resumed"),
        )
    ),
    Route(
        method="POST", path="/v1/subscriptions/{subscription}/payment", handler=rest_subscriptions.choose_payment,
        summary="Test money: what becomes of its charges from now on", tag="subscriptions", sign_in=True,
        body=schemas.TestPayment, answer=answers.SubscriptionView, problems=(404, 409), costs_money=True,
    ),
    Route(
        method="GET", path="/v1/subscriptions/{subscription}/portal", handler=rest_subscriptions.portal,
        summary="Where the means of payment is changed", tag="subscriptions", sign_in=True, answer=schemas.PortalView,
        problems=(404, 409),
    ),
]  # fmt: skip

BOOKS = [
    Route(
        method="GET", path="/v1/me/payments", handler=rest_money.list_own_payments, summary="What I have paid",
        tag="books", sign_in=True, answer=schemas.PaymentsView, problems=(404,), query=(BEFORE,),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/payments", handler=rest_money.list_payments, tag="books",
        summary="What was paid to the creator (owner and finance)", sign_in=True, answer=schemas.PaymentsView,
        problems=(403, 404), query=(BEFORE,),
    ),
    Route(
        method="POST", path="/v1/creators/{handle}/payments/{payment}/refund", handler=rest_money.refund, tag="books",
        summary="Pay back, whole or in part (owner and finance, operators)", sign_in=True, body=schemas.NewRefund,
        body_optional=True, answer=schemas.PaymentView, problems=(403, 404, 409), costs_money=True,
    ),
    Route(
        method="GET", path="/v1/operator/payments/{payment}", handler=rest_money.look_up, tag="operators", sign_in=True,
        summary="A payment by the number on its receipt (operators)", answer=schemas.FoundPaymentView,
        problems=(403, 404),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/balance", handler=rest_money.list_balances, tag="books",
        summary="What is owed to the creator, by currency", sign_in=True, answer=schemas.BalancesView,
        problems=(403, 404),
    ),
    Route(
        method="POST", path="/v1/creators/{handle}/payouts", handler=rest_money.pay_out, tag="books", sign_in=True,
        summary="Pay out what is available", body=schemas.NewPayout, answer=schemas.PayoutView, status=201,
        problems=(403, 404, 409), costs_money=True,
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/payouts", handler=rest_money.list_payouts, tag="books", sign_in=True,
        summary="Payouts and what became of them", answer=schemas.PayoutsView, problems=(403, 404),
        query=(BEFORE,),
    ),
    Route(
        method="POST", path="/v1/creators/{handle}/payout-account", handler=rest_money.connect_account, tag="books",
        summary="Connect an account to be paid out to: a page of the payment provider's", sign_in=True,
        body=schemas.NewPayoutAccount, body_optional=True, answer=schemas.OnboardingView, problems=(403, 404, 409),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/payout-account", handler=rest_money.get_account, tag="books",
        summary="Whether there is one and may be paid to", sign_in=True, answer=schemas.PayoutAccountView,
        problems=(403, 404),
    ),
    Route(
        method="GET", path="/v1/creators/{handle}/statements/{month}", handler=rest_money.get_statement, tag="books",
        summary="A month, as `2026-03`; CSV as `2026-03.csv`", sign_in=True, answer=schemas.StatementView,
        also_produces=("text/csv",), problems=(403, 404, 422),
    ),
    Route(
        method="GET", path="/v1/test-clock", handler=rest_money.get_clock, summary="The time that money goes by",
        tag="books", answer=schemas.ClockView,
    ),
    Route(
        method="POST", path="/v1/test-clock", handler=rest_money.forward_clock, tag="books", sign_in=True,
        summary="Put it forward: with test money, where the operator allows it", body=schemas.Forward,
        answer=schemas.ClockView, problems=(403, 409),
    ),
]  # fmt: skip

MONEY = [*OFFERS, *SUBSCRIPTIONS, *BOOKS]
