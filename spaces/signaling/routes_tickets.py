"""Addresses of tickets."""

from __future__ import annotations

from spaces.signaling import rest_tickets
from spaces.signaling import schemas_tickets as schemas
from spaces.signaling.endpoint import Route
from spaces.signaling.pages_of_lists import BEFORE

TICKETS = [
    Route(
        method="PUT", path="/v1/spaces/{space}/ticket-offer", handler=rest_tickets.set_offer, tag="tickets", sign_in=True,
        summary="Offer tickets, or change the offer", body=schemas.NewTicketOffer, answer=schemas.TicketOfferView,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path="/v1/spaces/{space}/ticket-offer", handler=rest_tickets.get_offer, tag="tickets",
        summary="What a ticket costs, and how many are left", answer=schemas.TicketOfferView, problems=(404,),
    ),
    Route(
        method="POST", path="/v1/spaces/{space}/tickets", handler=rest_tickets.buy, tag="tickets", sign_in=True,
        summary="Reserve a seat; the answer says where to pay", answer=schemas.TicketView, status=201, costs_money=True,
        problems=(403, 404, 409, 410),
    ),
    Route(
        method="GET", path="/v1/spaces/{space}/tickets", handler=rest_tickets.list_of_space, tag="tickets", sign_in=True,
        summary="Tickets sold (the creator)", answer=schemas.TicketsView, problems=(403, 404), query=(BEFORE,),
    ),
    Route(
        method="GET", path="/v1/me/tickets", handler=rest_tickets.list_mine, tag="tickets", sign_in=True,
        summary="My tickets", answer=schemas.TicketsView, problems=(404,), query=(BEFORE,),
    ),
    Route(
        method="POST", path="/v1/tickets/{ticket}/transfer", handler=rest_tickets.transfer, tag="tickets", sign_in=True,
        summary="Give an unused ticket to another account", body=schemas.TicketTransfer, answer=schemas.TicketView,
        problems=(403, 404, 409),
    ),
    Route(
        method="POST", path="/v1/tickets/{ticket}/cancel", handler=rest_tickets.give_up, tag="tickets", sign_in=True,
        summary="Give a reservation up", answer=schemas.TicketView, problems=(404, 409), costs_money=True,
    ),
    Route(
        method="POST", path="/v1/tickets/{ticket}/refund", handler=rest_tickets.refund, tag="tickets", sign_in=True,
        summary="Pay it back (the creator)", answer=schemas.TicketView, problems=(404, 409), costs_money=True,
    ),
]  # fmt: skip
