"""Amounts of money: integers in the currency's minor unit, whose size is the ISO 4217 exponent."""

from __future__ import annotations

from access.fields import bad_field

CODES_BY_EXPONENT = {
    0: "CLP DJF GNF JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: "AED ALL AMD AUD AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CHF CNY COP CRC CZK DKK DOP DZD EGP ETB "
    "EUR FJD GBP GEL GTQ GYD HKD HNL HUF IDR ILS INR JMD KES KGS KHR KZT LAK LBP LKR MAD MDL MKD MNT MOP MUR MVR MWK "
    "MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD SAR SEK SGD THB TRY TTD TWD TZS UAH USD "
    "UYU UZS YER ZAR ZMW",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
EXPONENTS = {code: exponent for exponent, codes in CODES_BY_EXPONENT.items() for code in codes.split()}
"""Digits after the decimal point, by ISO 4217 code."""

AMOUNT_MINOR_MAX = 99_999_999
"""Stripe's largest charge has eight digits."""


def code_of(currency: str) -> str:
    """Its ISO 4217 code. Raises AccessError 422."""
    code = currency.upper()
    if code not in EXPONENTS:
        raise bad_field("currency", "an ISO 4217 code of a currency in use")
    return code


def price(amount_minor: int, currency: str) -> tuple[int, str]:
    """A price that can be asked: more than nothing, in a currency that we know. Raises AccessError 422."""
    code = code_of(currency)
    if not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        raise bad_field("amount_minor", f"1 to {AMOUNT_MINOR_MAX}, in the currency's minor unit")
    return amount_minor, code
