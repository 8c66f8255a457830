"""`python tests/report_check.py REPORT AXE PICTURES`: check a report in a headless Chromium, at four widths, light and dark.

`make report-check` runs it, in an environment with selenium; AXE is the file axe.min.js of the npm package axe-core. It prints every
message of the console, every request, every player that does not play, every serious fault that axe finds, and every text that
makes the page wider than the window; exit code 1 if there are any. PICTURES is a folder for a screenshot of each view.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

VIEWS = ((360, "light"), (390, "light"), (390, "dark"), (768, "light"), (1280, "light"), (1280, "dark"))
"""Width of the window in CSS pixels, and colour scheme."""
PROGRAMS = {"chromium": "chromium", "chromedriver": "chromium-driver"}
"""Program -> package of Debian that has it."""
SERIOUS = {"serious", "critical"}
PLAYERS = """
const done = arguments[0];
async function fault(player) {
  player.muted = true;
  try { await player.play(); } catch (error) { return `${player.ariaLabel}: ${error}`; }
  for (let tries = 0; tries < 200 && !player.currentTime; tries++) await new Promise(next => setTimeout(next, 50));
  const plays = player.readyState >= 2 && player.duration > 0 && player.currentTime > 0;
  player.pause();
  return plays ? '' : `${player.ariaLabel}: state ${player.readyState}, ${player.duration} s, at ${player.currentTime} s`;
}
(async () => {
  const players = [...document.querySelectorAll('audio')], faults = [];
  for (const player of players) faults.push(await fault(player));
  done([players.length, faults.filter(each => each)]);
})();
"""
"""Play each player, muted, until it is beyond its beginning, for ten seconds at most."""
WIDE = """
const width = document.documentElement.clientWidth;
return document.documentElement.scrollWidth <= width ? [] : [...document.querySelectorAll('body *')]
  .filter(each => each.getBoundingClientRect().right > width + 1 && !each.closest('.scroll, svg'))
  .map(each => `${each.tagName} ${each.className}: ${each.textContent.slice(0, 60)}`)
  .slice(0, 5).concat([`page: ${document.documentElement.scrollWidth} of ${width}`]);
"""


def missing() -> list[str]:
    """Return what this machine lacks, with what to do."""
    return [f"{name}: install it, as by `apt-get install {package}`" for name, package in PROGRAMS.items() if shutil.which(name) is None]


def open_browser() -> webdriver.Chrome:
    """Start Chromium without a window; its logs hold messages of the console and all requests."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--autoplay-policy=no-user-gesture-required"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def show(browser: webdriver.Chrome, page: Path, width: int, scheme: str) -> None:
    """Load the page at a width in CSS pixels, in light or dark."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.resolve().as_uri())


def faults_of(browser: webdriver.Chrome, page: Path, axe: str) -> Iterator[str]:
    """Yield what is wrong with the page as it is shown now."""
    for entry in browser.get_log("browser"):
        yield f"console: {entry['message']}"
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith("data:") and url.partition("#")[0] != page.resolve().as_uri():
                yield f"request: {url}"
    yield from (f"wider than the window: {text}" for text in browser.execute_script(WIDE))
    # The policy of the page forbids scripts; those of the driver run beside it, as a debugger's do.
    browser.execute_script(axe)
    result = browser.execute_async_script("const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(done);")
    for violation in result["violations"]:
        nodes = [node["html"][:200] for node in violation["nodes"]]
        line = f"axe, {violation['impact']}: {violation['help']} ({len(nodes)}): {nodes[0]}"
        if violation["impact"] in SERIOUS:
            yield line
        else:
            print(f"note: {line}")


def picture(browser: webdriver.Chrome, path: Path) -> None:
    """Write a screenshot of the full page. Players are drawn when they are in the window, so the window is as high as the page."""
    height = browser.execute_script("return document.documentElement.scrollHeight")
    width = browser.execute_script("return document.documentElement.clientWidth")
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    time.sleep(1)
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(base64.b64decode(shot["data"]))


def main(page: Path, axe: Path, pictures: Path) -> int:
    """Check the page and print what is wrong; return 1 if anything is, 2 if this machine lacks a program."""
    if lacking := missing():
        print("\n".join(lacking))
        return 2
    pictures.mkdir(parents=True, exist_ok=True)
    faults, script = [], axe.read_text(encoding="utf-8")
    browser = open_browser()
    try:
        for width, scheme in VIEWS:
            show(browser, page, width, scheme)
            faults += [f"{width} {scheme}: {fault}" for fault in faults_of(browser, page, script)]
            picture(browser, pictures / f"report-{width}-{scheme}.png")
        browser.set_script_timeout(330)
        n_players, broken = browser.execute_async_script(PLAYERS)
    finally:
        browser.quit()
    print("\n".join([*faults, *broken]))
    print(f"{n_players} players, {len(faults) + len(broken)} faults; screenshots: {pictures}")
    return 1 if faults or broken else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4])))
