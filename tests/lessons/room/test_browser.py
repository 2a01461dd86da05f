"""A room in real Chromiums: one projector and two students, each a browser of its own, with a stand-in for the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from lab.lessons.room.room import Action
from lab.model import Begun, Filled, Outcome, Verdict
from tests.chromium import Browser, Keys, axe_source, browser
from tests.lessons.room.conftest import Place, key, planned

pytestmark = pytest.mark.slow

PHONE, PROJECTOR = (390, 844), (1280, 800)
HIT, RAN = Outcome.HIT, Outcome.RAN


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, Browser, Browser]]:
    profiles: list[Path] = [tmp_path_factory.mktemp(name) for name in ("projector", "anna", "ben")]
    with browser(profiles[0]) as projector, browser(profiles[1]) as anna, browser(profiles[2]) as ben:
        projector.size(*PROJECTOR)
        anna.size(*PHONE)
        ben.size(*PHONE)
        yield projector, anna, ben


def stage(page: Browser, word: str) -> None:
    page.until(f"return document.body.dataset.stage === '{word}'")


def says(page: Browser, selector: str, text: str) -> None:
    page.until(f"return document.querySelector('{selector}').innerText.includes('{text}')")


def button(page: Browser, name: str) -> None:
    (found,) = [item for item in page.seen("button") if item.text == name]
    found.click()


def join(page: Browser, place: Place) -> None:
    page.open(place.served.urls[0])
    page.one("#code").send_keys(place.served.site.doors.shown_code.lower(), Keys.ENTER)
    says(page, "main", "You have joined")


def start(place: Place, pages: tuple[Browser, Browser, Browser]) -> None:
    """The teacher and two students open their pages."""
    projector, anna, ben = pages
    projector.open(place.served.teacher)
    stage(projector, "join")
    join(anna, place)
    join(ben, place)
    says(projector, ".invite", "2 have joined")


def run(place: Place) -> None:
    """The run of the lesson as an engine makes it, up to its end."""
    keys = [key(name) for name in ("none", "comment", "last-run", "first-run")]
    outcomes = [(HIT, HIT, HIT), (HIT, HIT, HIT), (HIT, HIT, RAN), (RAN, RAN, RAN)]
    place.room.take(planned(*keys))
    for item, found in zip(keys, outcomes, strict=True):
        place.room.take(Begun(item))
        place.room.take(Filled(item, found, Verdict.AS_EXPECTED, 1, 1.0))
    place.room.finish("all-steps")


def fits(page: Browser) -> bool:
    return bool(page.js("return document.documentElement.scrollWidth <= innerWidth"))


def test_a_lesson_from_the_code_to_the_reveal(place: Place, browsers: tuple[Browser, Browser, Browser]) -> None:
    projector, anna, ben = browsers
    start(place, browsers)
    assert place.served.site.doors.token not in projector.driver.current_url
    assert anna.driver.get_cookies()[0]["httpOnly"]
    button(projector, "Ask the question")
    stage(projector, "predict")
    for student in (anna, ben):
        stage(student, "predict")
        assert len(student.seen("#choices button")) == 4
    anna.one("#choices [value=no-step]").click()
    ben.one("#choices [value=no-step]").click()
    says(anna, "#said", "Kept")
    says(projector, "main", "2 of 2 have predicted")
    assert not projector.seen(".bars")
    ben.one("#choices [value=all-steps]").click()
    says(ben, "#choices [value=all-steps]", "yours")
    button(projector, "Close the predictions")
    stage(projector, "closed")
    numbers = [item.text for item in projector.seen(".bars .number")]
    assert numbers == ["1", "0", "0", "1"]
    assert not projector.seen(".bars .right")
    button(projector, "Start the run")
    stage(anna, "run")
    place.room.take(planned(key("none"), key("comment")))
    place.room.take(Begun(key("none")))
    says(projector, "#table", "… runs")
    place.room.take(Filled(key("none"), (HIT, HIT, HIT), Verdict.AS_EXPECTED, 1, 1.0))
    says(projector, "#table", "✓ hit")
    run(place)
    says(projector, "#table", "4 of 4 trials")
    assert not projector.seen(".bars .right")
    button(projector, "Show the reveal")
    stage(projector, "reveal")
    (right,) = projector.seen(".bars .right")
    assert right.text == "✓ shown by the run"
    assert right.find_element(By.XPATH, "..").get_attribute("data-choice") == "all-steps"
    says(projector, "#reveal", "A comment changes no key")
    says(projector, "#why", "BuildKit computes a key")
    says(ben, "#said", "The run shows what you predicted.")
    says(anna, "#said", "The run shows another answer than yours.")
    for page in browsers:
        assert page.console() == []
        assert all(url.startswith((place.served.urls[0], "about:")) for url in page.requests())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_stage_is_accessible_and_fits(
    scheme: str, place: Place, browsers: tuple[Browser, Browser, Browser]
) -> None:
    axe = axe_source()
    projector, anna, ben = browsers
    for page in browsers:
        page.media(prefers_color_scheme=scheme)
    ben.open(place.served.urls[0])
    assert ben.violations(axe) == []
    start(place, browsers)

    def check(word: str) -> None:
        for page in (projector, anna):
            stage(page, word)
            assert page.violations(axe) == [], word
            assert fits(page), word

    check("join")
    place.room.act(Action.OPEN)
    stage(anna, "predict")
    anna.one("#choices [value=no-step]").click()
    says(anna, "#said", "Kept")
    check("predict")
    place.room.act(Action.START)
    check("run")
    run(place)
    check("ran")
    place.room.act(Action.REVEAL)
    says(projector, "#why", "BuildKit")
    check("reveal")


def test_the_pages_work_from_the_keyboard(place: Place, browsers: tuple[Browser, Browser, Browser]) -> None:
    projector, anna, _ = browsers
    start(place, browsers)
    assert projector.press(Keys.TAB).text == "Ask the question"
    projector.press(Keys.ENTER)
    stage(anna, "predict")
    anna.press(Keys.TAB)
    focused = anna.press(Keys.TAB)
    assert focused.get_attribute("value") == "first-only"
    anna.press(Keys.SPACE)
    says(anna, "#said", "Kept")
    assert anna.driver.switch_to.active_element == focused
    projector.press(Keys.ENTER)  # the focus is on the button of the next step
    stage(projector, "run")


def test_a_page_that_was_cut_off_gets_the_whole_state_again(
    place: Place, browsers: tuple[Browser, Browser, Browser]
) -> None:
    projector, anna, _ = browsers
    start(place, browsers)
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    anna.driver.execute_cdp_cmd("Network.enable", {})
    anna.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **conditions})
    place.room.act(Action.OPEN)
    stage(projector, "predict")
    anna.one("body").click()
    place.room.act(Action.START)
    run(place)
    place.room.act(Action.REVEAL)
    anna.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **conditions})
    stage(anna, "reveal")
    says(anna, "#choices .is-right", "the run shows this")


def test_the_end_of_the_lesson_is_told_and_a_failed_run_too(
    place: Place, browsers: tuple[Browser, Browser, Browser]
) -> None:
    projector, anna, _ = browsers
    start(place, browsers)
    place.room.act(Action.OPEN)
    place.room.act(Action.START)
    place.room.fail("The run was not made.")
    says(projector, "#problem", "The run was not made.")
    assert "Start the run" in [item.text for item in projector.seen("button")]
    place.served.site.feed.end()
    says(anna, "#link", "The lesson has ended.")
