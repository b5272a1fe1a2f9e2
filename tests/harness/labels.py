"""What a page tells those who do not see it: every control has a name, and the keyboard reaches all of them."""

from __future__ import annotations

from playwright.async_api import Page

NAMELESS = """
() => {
  const labels = (control) => [...(control.labels ?? [])].map((one) => one.textContent).join("");
  const name = (control) => control.getAttribute("aria-label") || labels(control) || control.textContent;
  return [...document.querySelectorAll("a, button, input, select, textarea")]
    .filter((control) => control.checkVisibility() && !name(control).trim())
    .map((control) => control.outerHTML.slice(0, 120));
}
"""
FOCUSABLE = """
() => [...document.querySelectorAll("main a[href], main button, main input, main select, main textarea")]
  .filter((control) => control.checkVisibility()).length
"""
HERE = """
() => document.querySelector("main").contains(document.activeElement) ? document.activeElement.outerHTML : null
"""


async def nameless(page: Page) -> list[str]:
    """Controls that have no name."""
    return list(await page.evaluate(NAMELESS))


async def reached_by_tab(page: Page) -> tuple[int, int]:
    """How many of the controls the Tab key comes to, from the page's head on; and how many there are."""
    wanted = int(await page.evaluate(FOCUSABLE))
    await page.locator("a.brand").focus()
    seen: set[str] = set()
    for _ in range(wanted + 5):
        await page.keyboard.press("Tab")
        here = await page.evaluate(HERE)
        if here is not None:
            seen.add(str(here))
    return len(seen), wanted
