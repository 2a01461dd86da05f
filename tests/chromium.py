"""Chromium without a window, driven by Selenium, and axe-core from npm: the page as readers and their tools see it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from lab.project import cache_folder
from tests.conftest import HANGS

AXE = "4.14.1"
AXE_SUM = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="  # sha512
HEIGHT = 900


def program(name: str) -> str:
    """The program's path; without it a test is skipped, but never where CI=true."""
    found = shutil.which(name)
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing: `make tools` installs it")
    pytest.skip(f"{name} is missing: `make tools` installs it")


def axe_source() -> str:
    """The text of axe.min.js, packed by npm once into the cache and held against its sum every time."""
    folder = cache_folder() / "axe-core"
    archive = folder / f"axe-core-{AXE}.tgz"
    if not archive.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        words = [program("npm"), "pack", "--silent", f"axe-core@{AXE}", "--pack-destination", str(folder)]
        subprocess.run(words, check=True, timeout=300)
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert found == AXE_SUM, f"{archive} is not the pinned one"
    with tarfile.open(archive) as tar:
        file = tar.extractfile("package/axe.min.js")
        assert file
        return file.read().decode()


class Browser:
    """One Chromium; what it says on its console and asks of the network is kept."""

    def __init__(self, profile: Path) -> None:
        options = Options()
        options.binary_location = program("chromium")
        # a container has neither the rights for Chromium's sandbox nor a large /dev/shm
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(word)
        options.add_argument(f"--user-data-dir={profile}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(program("chromedriver")))
        self.driver.set_script_timeout(HANGS)
        self.driver.set_page_load_timeout(HANGS)
        self.size(1280)

    def size(self, width: int, height: int = HEIGHT) -> None:
        """Set the window's inner size in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def media(self, kind: str = "", **features: str) -> None:
        """Emulate a medium (`print`) and preferences, `prefers_color_scheme="dark"`."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": wanted})

    def open(self, where: str) -> None:
        """Load the address as if for the first time; earlier console messages and requests are forgotten."""
        self.driver.get("about:blank")
        self.console()
        self.requests()
        self.driver.get(where)

    def console(self) -> list[str]:
        """Everything on the console since it was asked last."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """Every address asked for since it was asked last, as the browser's own network log has it."""
        said = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [item["params"]["request"]["url"] for item in said if item["method"] == "Network.requestWillBeSent"]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call]

    def js(self, script: str, *values: Any) -> Any:
        """The value of a function body."""
        return self.driver.execute_script(script, *values)

    def all(self, selector: str) -> list[WebElement]:
        """Every element of a selector."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first element of a selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def seen(self, selector: str) -> list[WebElement]:
        """Elements that are displayed."""
        return [element for element in self.all(selector) if element.is_displayed()]

    def press(self, *keys: str) -> WebElement:
        """Press keys where the focus is; the element that then has it."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)
        return self.driver.switch_to.active_element

    def choose(self, name: str, word: str) -> None:
        """Choose in a filter by its visible words."""
        Select(self.one(f"#filters [name={name}]")).select_by_visible_text(word)

    def until(self, script: str) -> Any:
        """Wait until a function body gives something true."""
        return WebDriverWait(self.driver, HANGS).until(lambda _: self.js(script))

    def violations(self, axe: str) -> list[str]:
        """What axe finds wrong, best practices included: rule, what it is, where."""
        self.js(axe)
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document).then((r) => done(r.violations), (e) => done([{id: String(e)}]))"
        )
        return [
            f"{item['id']}: {item.get('help')}: {[node['target'] for node in item.get('nodes', [])][:5]}"
            for item in found
        ]

    def picture(self, height: int | None = None) -> bytes:
        """A PNG of the window, or of the page's first `height` pixels."""
        options: dict[str, Any] = {"format": "png", "optimizeForSpeed": False}
        if height:
            width = self.js("return innerWidth")
            options |= {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
            }
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A Chromium that is gone afterwards."""
    running = Browser(profile)
    try:
        yield running
    finally:
        running.driver.quit()


__all__ = ["Browser", "Keys", "axe_source", "browser", "program"]
