"""The page in a real Chromium: it opens, filters, obeys the keyboard, asks nothing of a network, and axe finds nothing.

LAB_PICTURE=1 makes docs/page.png again, the README's picture of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver.remote.webelement import WebElement

from lab.model import Outcome, Verdict
from lab.project import Project
from lab.report.bundle import evidence_of
from lab.report.evidence import explained
from lab.report.page.document import render
from lab.report.redact import redact
from lab.report.trials import in_order
from tests import page_runs, pictures, reporting
from tests.chromium import Browser, Keys, axe_source, browser
from tests.conftest import ROOT
from tests.page_runs import Made
from tests.report.page.test_document import hostile

pytestmark = pytest.mark.slow

TEXTS = Project(ROOT, ROOT).texts("page")
PICTURE = ROOT / "docs" / "page.png"
PICTURE_WIDTH, PICTURE_HEIGHTS = 1280, range(600, 2000)


def text(made: Made) -> str:
    return render(made.evidence, TEXTS)


@dataclass(frozen=True)
class Pages:
    rich: Path
    large: Path
    hostile: Path
    sample: Path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    folder = tmp_path_factory.mktemp("pages")
    stored = redact(explained(evidence_of(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr"), ROOT / "boxes"))
    texts = {
        "rich": text(page_runs.rich()),
        "large": text(page_runs.large()),
        "hostile": text(hostile()),
        "sample": render(stored, TEXTS),  # as `lab report` shows it
    }
    for name, html in texts.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return Pages(**{name: folder / f"{name}.html" for name in texts})


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def page(chromium: Browser, pages: Pages) -> Browser:
    """The rich run, just opened, wide and light."""
    chromium.size(1280)
    chromium.media(prefers_color_scheme="light")
    chromium.open(pages.rich.as_uri())
    return chromium


@pytest.fixture(scope="module")
def axe() -> str:
    return axe_source()


def goal(link: WebElement) -> str:
    return "#" + str(link.get_attribute("href")).partition("#")[2]


def words(page: Browser, selector: str) -> list[str]:
    return [element.text for element in page.seen(selector)]


def test_the_page_asks_a_server_for_nothing_but_itself(page: Browser, pages: Pages) -> None:
    asked: list[str] = []
    body = pages.rich.read_bytes()

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(f"http://127.0.0.1:{server.server_port}/")
        page.all(".matrix a")[5].click()
        page.one("#panel-close").click()
        page.choose("engine", "20.10.24")
        assert page.console() == []
        server.shutdown()
    assert [url for url in page.requests() if not url.startswith("data:")] == [
        f"http://127.0.0.1:{server.server_port}/"
    ]
    assert asked == ["/"]


def test_the_policy_lets_nothing_out_and_no_other_script_in(page: Browser) -> None:
    assert page.js("return fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    page.js(
        "const s = document.createElement('script'); s.textContent = 'window.injected = 1'; document.body.append(s)"
    )
    page.js("const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i)")
    page.js(
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\" onclick=\"window.injected = 1\">x</p>')"
    )
    page.js("document.querySelector('body > p:last-child').click()")
    assert page.js("return window.injected") is None
    said = " ".join(page.console())
    for directive in ("connect-src", "script-src", "img-src", "style-src"):
        assert directive in said


def test_every_cell_says_what_became_of_its_step(page: Browser) -> None:
    made = page_runs.rich()
    said = page.js(
        """return [...document.querySelectorAll('.variation')].map((panel) => ({
             title: panel.querySelector('h3').textContent,
             tables: [...panel.querySelectorAll('table')].map((table) => ({
               title: table.caption.textContent,
               cells: [...table.tBodies[0].rows].flatMap((row) => [...row.cells].slice(1).map((cell) =>
                 [row.cells[0].textContent, table.tHead.rows[0].cells[cell.cellIndex].textContent,
                  cell.querySelector('a').firstChild.textContent].map((word) => word.trim())))}))}))"""
    )
    assert [panel["title"].split() for panel in said] == [
        ["No", "change", "engine", "20.10.24"],
        ["No", "change", "engine", "20.10.24-unfixed"],
        ["Variation", "user-xattr", "engine", "20.10.24"],
        ["Variation", "user-xattr", "engine", "20.10.24-unfixed"],
    ]
    for panel in said:
        variation = "none" if panel["title"].startswith("No change") else "user-xattr"
        trials = {
            (trial.producer, trial.consumer): trial
            for trial in made.run.trials
            if trial.variation == variation and trial.engine == panel["title"].split()[-1]
        }
        assert [table["title"] for table in panel["tables"]][1:] == list(made.run.instructions)
        for number, table in enumerate(panel["tables"]):
            assert len(table["cells"]) == 4
            for producer, consumer, word in table["cells"]:
                trial = trials[producer, consumer]
                assert trial.build
                if number:
                    assert word == trial.build.steps[number - 1].outcome
                else:  # a miss that is expected is called one
                    expected = trial.verdict is Verdict.AS_EXPECTED and variation != "none"
                    assert word == ("miss" if expected else trial.verdict)


def test_filters_narrow_tables_list_and_time_line(page: Browser) -> None:
    assert page.one("#shown").text == "16 trials"
    page.choose("engine", "20.10.24-unfixed")
    assert page.one("#shown").text == "8 of 16 trials"
    assert len(page.seen(".variation")) == 2
    assert len(page.seen(".trial")) == 8
    page.choose("outcome", "missed")
    assert page.one("#shown").text == "2 of 16 trials"
    assert {word.split("\n")[0] for word in words(page, ".matrix:not(:has(caption code)) a")} == {"missed"}
    page.choose("producer", "debian12-selinux")
    assert page.one("#shown").text == "1 of 16 trials"
    assert words(page, ".matrix tbody th") == ["debian12-selinux"] * 4
    assert words(page, ".matrix thead th") == ["debian12-apparmor"] * 4
    assert len(page.all(".lanes a.off")) == 15
    page.choose("consumer", "debian12-selinux")
    assert page.one("#shown").text == "0 of 16 trials"
    assert words(page, ".nothing") == ["No trial matches these filters."]
    page.one("#filters button").click()
    page.until("return document.getElementById('shown').textContent === '16 trials'")
    assert len(page.seen(".matrix a")) == 64
    assert page.console() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_miss_is_never_green(page: Browser, theme: str) -> None:
    """Not in a table, not in the list, not in the time line, not among the counts, even where it is expected."""
    page.media(prefers_color_scheme=theme)
    colour = "return getComputedStyle(arguments[0])[arguments[1]]"
    green = page.js(colour, page.one(".legend .hit.chip"), "backgroundColor")
    made = page_runs.rich()
    for number, trial in enumerate(in_order(made.run), 1):
        missed = trial.build is not None and any(step.outcome is Outcome.RAN for step in trial.build.steps)
        whole = page.one(f".matrix:not(:has(caption code)) a[href='#t{number}']")
        chip = page.one(f".trial:has(#t{number}) > summary .chip")
        bar = page.one(f".lanes a[href='#t{number}'] rect")
        found = [page.js(colour, item, "backgroundColor") for item in (whole, chip)] + [page.js(colour, bar, "fill")]
        assert [value == green for value in found] == [not missed] * 3, (number, found)
    counts = {item.text: page.js(colour, item, "backgroundColor") == green for item in page.all(".counts li")}
    assert counts == {"6 as expected": True, "8 miss, as expected": False, "2 missed": False}


@pytest.mark.parametrize("name", ["rich", "sample", "large", "hostile"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_label_of_the_time_line_is_clipped(chromium: Browser, pages: Pages, width: int, name: str) -> None:
    chromium.size(width)
    chromium.open(getattr(pages, name).as_uri())
    measured = chromium.js(
        """return [...document.querySelectorAll('.bars svg text')].map((text) =>
             [text.textContent, text.getBBox().x + text.getBBox().width,
              text.parentElement.getBoundingClientRect().width])"""
    )
    assert [item for item in measured if item[1] > item[2]] == []
    if name in ("rich", "sample"):
        assert {"1", "trial 6"} & {item[0] for item in measured}


def test_the_filter_knows_steps_too(page: Browser) -> None:
    expected = {
        "every step hit": 6,
        "a step ran": 10,
        "a step failed": 0,
        "a step is unknown": 0,
        "not as predicted": 0,
    }
    for word, count in expected.items():
        page.choose("outcome", word)
        assert page.one("#shown").text == f"{count} of 16 trials", word


def test_the_whole_way_by_keyboard(page: Browser) -> None:
    stops = []
    for _ in range(30):
        focused = page.press(Keys.TAB)
        stops.append(focused.get_attribute("class") or focused.tag_name)
        if focused.get_attribute("href") and page.js("return !!arguments[0].closest('.matrix')", focused):
            break
    assert stops[0] == "skip"
    assert "select" in stops
    first = page.driver.switch_to.active_element
    assert first.get_attribute("aria-label") == (
        "as expected 34B: Whole trial, bytes of context, from debian12-apparmor on debian12-apparmor"
    )
    assert page.js("return arguments[0].matches(':focus-visible')", first)
    assert goal(page.press(Keys.ARROW_RIGHT)) == "#t2"
    assert goal(page.press(Keys.ARROW_DOWN)) == "#t4"
    assert goal(page.press(Keys.ARROW_DOWN)) == "#t4"
    assert goal(page.press(Keys.HOME)) == "#t3"
    assert goal(page.press(Keys.END)) == "#t4"
    assert goal(page.press(Keys.ARROW_UP)) == "#t2"
    # one Tab leads on to the next table
    following = page.press(Keys.TAB)
    assert "RUN echo foo" in (following.get_attribute("aria-label") or "")
    heading = page.press(Keys.ENTER)
    assert page.js("return document.getElementById('panel').open")
    assert heading.get_attribute("id") == "panel-title"
    assert heading.text == "debian12-apparmor → debian12-apparmor"
    inside = [page.press(Keys.TAB) for _ in range(6)]
    assert all(page.js("return !!arguments[0].closest('#panel') || arguments[0] === document.body", e) for e in inside)
    back = page.press(Keys.ESCAPE)
    assert not page.js("return document.getElementById('panel').open")
    assert back == following
    assert page.js("return document.getElementById('t1').closest('details').classList.contains('trial')")


def test_a_cell_opens_its_trial(page: Browser) -> None:
    [cell] = [cell for cell in page.all("a[href='#t6']") if "COPY bar bar" in (cell.get_attribute("aria-label") or "")]
    assert (cell.get_attribute("aria-label") or "").startswith("ran not expected")
    cell.click()
    panel = page.one("#panel")
    assert panel.is_displayed()
    said = panel.text
    assert "Trial 6 of 16" in said
    assert "debian12-apparmor>debian12-selinux:20.10.24-unfixed/copy-bust:none" in said
    assert page_runs.SENTENCE in said
    assert "Fixed in Docker 19.03.13 and 20.10." in said
    rows = page.js(
        "return [...document.querySelectorAll('#panel .file tr')].slice(1)"
        ".map((row) => [...row.cells].slice(0, 3).map((cell) => cell.innerText.trim()))"
    )
    assert [[row[0], row[1].split("\n")[0], row[2]] for row in rows] == [
        ["1", "base", f"FROM {page_runs.BASE}"],
        ["2", "hit", "RUN echo foo"],
        ["3", "ran", "COPY bar bar"],
        ["4", "ran", "RUN echo baz"],
    ]
    assert rows[2][1].split("\n")[1:] == ["expected hit"]
    assert rows[3][1].split("\n")[1:] == ["expected hit", "the step before it missed"]
    differing = page.js(
        "return [...document.querySelectorAll('#panel .sides tr.differs')]"
        ".map((row) => [...row.cells].map((cell) => cell.innerText.replace(/\\s+/g, ' ').trim()))"
    )
    assert differing == [["security.selinux", "absent", f"{reporting.LABEL}\\0", "differs hashed under R1"]]
    assert 'DOCKER_BUILDKIT=1 DOCKER_CONFIG="$D"/config docker build' in said
    assert "#6 CACHED" in said
    page.one("#panel-after").click()
    assert "Trial 7 of 16" in panel.text
    page.one("#panel-before").click()
    page.one("#panel-before").click()
    assert "Trial 5 of 16" in panel.text
    page.one("#panel a[href^='#m']").click()
    assert not panel.is_displayed()
    assert page.until("return document.activeElement.tagName") == "SUMMARY"
    assert page.console() == []


def test_next_stays_within_the_filters(page: Browser) -> None:
    page.choose("outcome", "missed")
    page.seen(".matrix a")[0].click()
    assert "Trial 1 of 2" in page.one("#panel").text
    first = page.one("#panel .name").text
    page.one("#panel-after").click()
    second = page.one("#panel .name").text
    page.one("#panel-after").click()
    assert page.one("#panel .name").text == first != second


def test_an_address_names_its_trial(chromium: Browser, pages: Pages) -> None:
    chromium.open(pages.rich.as_uri() + "#t6")
    assert chromium.one("#panel").is_displayed()
    assert chromium.one("#panel-title").text == "debian12-apparmor → debian12-selinux"
    chromium.until("return document.getElementById('panel').scrollTop === 0")
    chromium.one("#panel-close").click()
    chromium.until("return location.hash === ''")
    assert chromium.console() == []


def test_colours_follow_the_system_or_the_switch(page: Browser) -> None:
    def paper() -> str:
        return str(page.js("return getComputedStyle(document.body).backgroundColor"))

    light = paper()
    page.media(prefers_color_scheme="dark")
    dark = paper()
    assert dark != light
    page.one("#theme-light").click()
    assert paper() == light
    page.media(prefers_color_scheme="light")
    page.one("#theme-auto").send_keys(Keys.ARROW_LEFT)
    assert page.one("#theme-dark").is_selected()
    assert paper() == dark
    assert page.js("return localStorage.length + sessionStorage.length + document.cookie.length") == 0


@pytest.mark.parametrize(
    ("name", "width", "theme"),
    [*(("rich", width, theme) for width in (1280, 390) for theme in ("light", "dark")),
     ("hostile", 1280, "light"), ("hostile", 390, "dark")],
)  # fmt: skip
def test_axe_finds_no_violation(
    chromium: Browser, pages: Pages, axe: str, theme: str, width: int, name: str
) -> None:  # fmt: skip
    chromium.size(width)
    chromium.media(prefers_color_scheme=theme)
    where = {"rich": pages.rich, "hostile": pages.hostile}[name].as_uri()
    chromium.open(where)
    # what is folded or off screen is looked at as well
    chromium.js("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert chromium.violations(axe) == []
    chromium.open(where + "#t2")
    assert chromium.one("#panel").is_displayed()
    assert chromium.violations(axe) == []
    assert chromium.console() == []


@pytest.mark.parametrize("name", ["rich", "hostile", "sample"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(chromium: Browser, pages: Pages, width: int, name: str) -> None:
    chromium.size(width)
    chromium.open({"rich": pages.rich, "hostile": pages.hostile, "sample": pages.sample}[name].as_uri())
    chromium.js("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert chromium.js("return document.documentElement.scrollWidth") <= width
    chromium.js("document.querySelector('.matrix a').click()")
    assert chromium.js("const p = document.getElementById('panel'); return p.scrollWidth - p.clientWidth") <= 0


def test_without_scripts_it_is_a_document(chromium: Browser, pages: Pages) -> None:
    chromium.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.size(1280)
        chromium.open(pages.rich.as_uri())
        assert not chromium.seen("#filters, .keys, .tools")
        assert len(chromium.seen(".matrix a")) == 64
        assert not chromium.seen("#t6")
        [link] = chromium.all(".matrix:not(:has(caption code)) a[href='#t6']")
        link.click()  # the browser itself opens what an anchor lies in
        assert [body.get_attribute("id") for body in chromium.seen(".body")] == ["t6"]
        assert page_runs.SENTENCE in chromium.one("#t6").text
        assert "#6 CACHED" in chromium.one("#t6").text
    finally:
        chromium.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_printed_it_is_light_and_has_no_buttons(page: Browser) -> None:
    page.media(prefers_color_scheme="dark")
    page.js("document.querySelector('.trial').open = true")
    page.media("print", prefers_color_scheme="dark")
    assert not page.seen("button, select, .theme, nav")
    assert page.js("return getComputedStyle(document.body).colorScheme") == "light"
    assert page.seen("#t1")
    printed = page.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]
    assert len(printed) > 10_000
    page.media()


def test_nothing_moves(page: Browser) -> None:
    """There is no motion, so none must be left out for those who ask for less."""
    page.all(".matrix a")[5].click()
    assert page.js("return document.getAnimations().length") == 0
    assert page.js("return getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert "transition" not in TEXTS["page.css"] and "animation" not in TEXTS["page.css"]


def test_hostile_content_is_only_text(chromium: Browser, pages: Pages) -> None:
    made = hostile()
    chromium.size(1280)
    chromium.open(pages.hostile.as_uri())
    chromium.js("document.querySelectorAll('details').forEach((details) => (details.open = true))")
    assert chromium.console() == []
    assert chromium.js(
        "return [window.hacked, document.querySelectorAll('img, iframe, b b, style + style').length]"
    ) == [
        None,
        0,
    ]
    assert chromium.js("return document.scripts.length") == 2
    assert chromium.js("return document.title").startswith(made.run.scenario)
    shown = chromium.js("return document.body.textContent")
    for step in made.run.instructions:
        assert step.split("\x1b")[0].split("\u202e")[0] in shown
    assert not set("\x1b\x00\u202e\u2066\u2028\ufeff") & set(shown)
    assert "\\u202e" in shown
    rows = chromium.js(
        "return [...document.querySelectorAll('#t1 .file tr')].slice(1)"
        ".map((row) => row.cells[1].firstChild?.textContent)"
    )
    assert rows[1:] == [Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN]


def test_a_trial_of_500_unpacks(chromium: Browser, pages: Pages) -> None:
    chromium.size(1280)
    chromium.media(prefers_color_scheme="light")
    chromium.open(pages.large.as_uri())
    assert chromium.one("#shown").text == "500 trials"
    chromium.one("a[href='#t121']").click()
    chromium.until("return document.querySelector('#panel .commands')")
    said = chromium.one("#panel").text
    assert "docker build --progress=plain" in said
    assert "#11 preparing build cache for export done" in said
    assert "left out" not in said
    chromium.one("#panel-close").click()
    chromium.js("document.querySelector('details.box').open = true")  # what its box said is packed too
    chromium.until("return document.querySelector('details.box pre')")
    assert "Server Version: 19.03.8" in chromium.one("details.box").text
    assert chromium.console() == []


def test_the_readmes_picture(chromium: Browser, pages: Pages) -> None:
    chromium.size(PICTURE_WIDTH)
    chromium.media(prefers_color_scheme="light")
    chromium.open(pages.sample.as_uri())
    end = chromium.js("return document.getElementById('matrices').getBoundingClientRect().bottom")
    picture = chromium.picture(round(end) + 20)
    if os.environ.get("LAB_PICTURE"):
        PICTURE.write_bytes(pictures.small(picture))
    stored = PICTURE.read_bytes()
    for data in (picture, stored):
        width, height = pictures.size(data)
        assert width == PICTURE_WIDTH and height in PICTURE_HEIGHTS
    assert len(stored) < 150_000
