#!/usr/bin/env python3
"""Looks at the dashboard of three real sites in headless Chromium, as people do, and keeps screenshots.

    dashboard.py --shoal .build/release/shoal --out .build/check/screens
"""
import argparse
import pathlib
import shutil

from playwright.sync_api import expect, sync_playwright

import contrast
from site_of import network


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shoal", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        raise SystemExit("chromium is not installed: .ci/packages check")
    with network(options.shoal, ("north", "river", "harbour")) as sites, sync_playwright() as playwright:
        for site in sites:
            site.run("model", "train", "--agent", "ward", "--rounds", "2")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, scheme, width, height in [
            ("light", "light", 1280, 900), ("dark", "dark", 1280, 900), ("phone", "light", 390, 844),
        ]:
            context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
            page = context.new_page()
            faults, foreign = [], []
            page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("request", lambda request: foreign.append(request.url)
                    if not request.url.startswith((sites[0].http, "data:")) else None)
            answer = page.goto(sites[0].http + "/", wait_until="domcontentloaded")
            size = len(answer.body())
            assert size <= 300 * 1024, f"the page has {size} bytes"
            look(page, name, out)
            ask(page)
            contrast.check(page, name)
            paint = page.evaluate("performance.getEntriesByType('paint')[0].startTime")
            assert paint <= 1_000, f"{name}: the first paint takes {paint} ms"
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name}: the page is {wide} pixels wider than the screen"
            assert not faults, f"{name}: {faults}"
            assert not foreign, f"{name}: something is asked of others: {foreign}"
            page.screenshot(path=out / f"{name}.png", full_page=True)
            print(f"{name}: {size >> 10} KiB, first paint after {paint:.0f} ms, {out / f'{name}.png'}")
            context.close()
        browser.close()


def look(page, name, out):
    """What must be there, what can be asked, and all of it from the keyboard."""
    body = page.locator("body")
    for site in ("north", "river", "harbour"):
        expect(body).to_contain_text(site, timeout=30_000)
    expect(body).to_contain_text("ward", timeout=30_000)
    assert page.locator("h1").count() == 1, "one heading of the first rank"
    assert page.evaluate("document.documentElement.lang") == "en"
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('input, select, button, textarea')].filter(e => e.offsetParent !== null
             && !(e.labels?.length || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')
                  || e.title || e.textContent.trim())).map(e => e.outerHTML.slice(0, 80))""")
    assert not unnamed, f"controls without a name: {unnamed}"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement ? document.activeElement.tagName : ''"))
    assert {"INPUT", "BUTTON"} <= reached, f"{name}: the keyboard reaches {reached} alone"


def ask(page):
    """Answers with their reasons, so that they are looked at as well."""
    page.fill("#query", "gout")
    page.click("#search button")
    expect(page.locator("#answers")).not_to_contain_text("Answers come", timeout=30_000)
    page.fill("#query", "")


main()
