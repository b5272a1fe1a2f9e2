"""The messages themselves: an issue for one subscriber, and the question whether an address is really his."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from access.benefit_model import Delivery
from spaces.newsletters.links import MailLinks

PAGE = """<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{subject}</title></head>
<body style="font-family: sans-serif; line-height: 1.5; max-width: 40em; margin: auto; padding: 1em">
{body}
<hr><p style="font-size: smaller">You get this because you subscribed to the newsletter of {creator}.
<a href="{link}">Unsubscribe</a></p>
</body></html>
"""
FOOTER = "\n\n-- \nYou get this because you subscribed to the newsletter of {creator}.\nUnsubscribe: {link}\n"
QUESTION = """Hello,

somebody, probably you, asked for the newsletter of {creator} at this address.
If it was you, follow this link within two days:

{link}

If it was not, do nothing: nothing will be sent.
"""


def issue(delivery: Delivery, html: str, sender: Address, links: MailLinks, now: datetime) -> EmailMessage:
    """Text and HTML with everything that a mailing is to carry: RFC 2369, RFC 2919 (List-Id), RFC 8058 (one click)."""
    link = links.unsubscribe(delivery.account, delivery.creator)
    message = _to(delivery.address, delivery.subject, now)
    message["From"] = Address(display_name=delivery.creator_name, addr_spec=sender.addr_spec)
    message["Message-ID"] = links.message_id(delivery.id)
    message["List-Id"] = f"<creator-{delivery.creator}.newsletter.{links.host}>"
    message["List-Unsubscribe"] = f"<{link}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(delivery.markdown + FOOTER.format(creator=delivery.creator_name, link=link))
    page = PAGE.format(
        subject=escape(delivery.subject), body=html, creator=escape(delivery.creator_name), link=escape(link)
    )
    message.add_alternative(page, subtype="html")
    return message


def question(address: str, creator: str, link: str, now: datetime) -> EmailMessage:
    message = _to(address, f"The newsletter of {creator}: is this your address?", now)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(QUESTION.format(creator=creator, link=link))
    return message


def _to(address: str, subject: str, now: datetime) -> EmailMessage:
    message = EmailMessage()
    message["To"] = Address(addr_spec=address)
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    return message
