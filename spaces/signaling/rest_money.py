"""The books over HTTP: payments, refunds, balances, payouts, statements; and the clock of test money."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from access import books, statements
from access.errors import AccessError
from access.money_model import Payment, Payout
from spaces.signaling import schemas_money as schemas
from spaces.signaling.endpoint import Answer, Call
from spaces.signaling.operator_right import need_operator
from spaces.signaling.pages_of_lists import next_page, read_before
from spaces.signaling.rest_creators import creator_named, read_id
from spaces.signaling.rest_subscriptions import own_path
from spaces.signaling.views import account_view, refunds_asked


async def list_payments(call: Call) -> schemas.PaymentsView:
    creator, before = await creator_named(call), read_before(call)
    found = await call.services.access.books.payments(call.me, creator, before=before)
    return schemas.PaymentsView(payments=await _payments(call, found), next=next_page(found, books.LISTED_MAX))


async def list_own_payments(call: Call) -> schemas.PaymentsView:
    found = await call.services.access.books.own_payments(call.me, before=read_before(call))
    return schemas.PaymentsView(payments=await _payments(call, found), next=next_page(found, books.LISTED_MAX))


async def refund(call: Call) -> schemas.PaymentView:
    body: schemas.NewRefund = call.body
    number = read_id(call.match("payment"), "payment")
    creator = await creator_named(call)
    paid = await call.services.access.books.refund(
        call.me, creator, number, amount_minor=body.amount_minor, reason=body.reason, key=call.key
    )
    call.services.rights.nudge()
    return (await _payments(call, [paid]))[0]


async def look_up(call: Call) -> schemas.FoundPaymentView:
    await need_operator(call.services, call.me)
    found, left = await call.services.access.books.look_up(read_id(call.match("payment"), "payment"))
    creators = await call.services.access.accounts([found.creator])
    return schemas.FoundPaymentView(
        id=str(found.id),
        creator=account_view(creators[found.creator], call.me),
        purchase=found.purchase,
        currency=found.currency,
        gross_minor=found.gross_minor,
        left_minor=left,
        paid_at=found.paid_at,
        test_money=found.provider == "test",
    )


async def list_balances(call: Call) -> schemas.BalancesView:
    found = await call.services.access.books.balances(call.me, await creator_named(call))
    return schemas.BalancesView(balances=[schemas.BalanceView(**asdict(balance)) for balance in found])


async def pay_out(call: Call) -> Answer:
    body: schemas.NewPayout = call.body
    creator = await creator_named(call)
    made = await call.services.access.books.pay_out(
        call.me, creator, currency=body.currency, amount_minor=body.amount_minor, key=call.key
    )
    return Answer(_payout(made), 201)


async def list_payouts(call: Call) -> schemas.PayoutsView:
    creator, before = await creator_named(call), read_before(call)
    found = await call.services.access.books.payouts(call.me, creator, before=before)
    return schemas.PayoutsView(payouts=[_payout(payout) for payout in found], next=next_page(found, books.LISTED_MAX))


async def connect_account(call: Call) -> schemas.OnboardingView:
    body: schemas.NewPayoutAccount = call.body
    begun = await call.services.access.payout_accounts.connect(
        call.me, await creator_named(call), country=body.country, return_path=own_path(body.return_path)
    )
    return schemas.OnboardingView(url=begun.url)


async def get_account(call: Call) -> schemas.PayoutAccountView:
    found = await call.services.access.payout_accounts.get(call.me, await creator_named(call))
    return schemas.PayoutAccountView(**asdict(found))


async def get_statement(call: Call) -> schemas.StatementView | web.Response:
    """JSON, or CSV for `Accept: text/csv` or an address that ends in `.csv`."""
    month = call.match("month")
    as_csv = month.endswith(".csv") or call.request.headers.get("Accept", "").startswith("text/csv")
    month = month.removesuffix(".csv")
    lines = await call.services.access.books.statement(call.me, await creator_named(call), month)
    if not as_csv:
        return schemas.StatementView(month=month, lines=[schemas.StatementLineView(**asdict(line)) for line in lines])
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="statement-{month}.csv"',
    }
    return web.Response(text=statements.as_csv(lines), content_type="text/csv", charset="utf-8", headers=headers)


async def get_clock(call: Call) -> schemas.ClockView:
    clock = call.services.access.clock
    return schemas.ClockView(now=call.services.access.now(), may_forward=clock is not None and clock.may_forward)


async def forward_clock(call: Call) -> schemas.ClockView:
    """What is due meanwhile is done before the answer."""
    body: schemas.Forward = call.body
    access = call.services.access
    if access.clock is None:
        raise AccessError(403, "no_test_clock", "This server's clock is the real one.")
    await access.clock.forward(call.me, body.forward_seconds, access.desk.keep_time)
    call.services.rights.nudge()
    return await get_clock(call)


async def _payments(call: Call, found: list[Payment]) -> list[schemas.PaymentView]:
    accounts = await call.services.access.accounts({account for p in found for account in (p.account, p.creator)})
    return [
        schemas.PaymentView(
            id=str(payment.id),
            account=account_view(accounts[payment.account], call.me),
            creator=account_view(accounts[payment.creator], call.me),
            purchase=payment.purchase,
            currency=payment.currency,
            gross_minor=payment.gross_minor,
            tax_minor=payment.tax_minor,
            fee_minor=payment.fee_minor,
            refunded_minor=payment.refunded_minor,
            refunds_asked=refunds_asked(payment.refunds_asked),
            paid_at=payment.paid_at,
            test_money=payment.provider == "test",
        )
        for payment in found
    ]


def _payout(payout: Payout) -> schemas.PayoutView:
    return schemas.PayoutView(
        id=str(payout.id),
        currency=payout.currency,
        amount_minor=payout.amount_minor,
        state=payout.state,  # type: ignore[arg-type]
        returned_minor=payout.returned_minor,
        reason=payout.reason,
        held=payout.held,  # type: ignore[arg-type]
        created_at=payout.created_at,
        changed_at=payout.changed_at,
        test_money=payout.provider == "test",
    )
