"""The widget in which a trained agent plays, as a person uses it."""
import time

import pytest
from seat import step_in
from test_first_screen import busy_factor

BAR = 5  # seconds from opening the notebook to the first picture, on two cores that have nothing else to do


@pytest.mark.alone
def test_a_trained_agent_plays_soon_after_the_notebook_was_opened(sit_down, screenshots):
    seat = sit_down("08", from_list=True)
    player = seat.find("GamePlayer()")
    seat.editor(player).click()
    seat.menu("Run", "Run All Above Selected Cell")
    seat.run(player)
    cell = seat.cell(player)
    cell.get_by_role("button", name="Play").click()
    picture = cell.locator("img.widget-image")
    picture.wait_for()
    seat.wait_until(lambda: picture.evaluate("one => one.naturalWidth") > 600, "the picture has loaded")
    seconds, factor = time.time() - seat.began, busy_factor()
    print(f"{seconds:.1f} s from opening the notebook to the first picture; the bar is {BAR} s, times {factor:.1f}")

    first = picture.get_attribute("src")
    seat.wait_until(lambda: picture.get_attribute("src") != first, "the picture moves")
    words = cell.locator(".widget-html-content").last
    seat.wait_until(lambda: step_in(words.inner_text()) > 20, "a second of the game was shown")
    assert all(name in words.inner_text() for name in ("NOOP", "LEFTFIRE"))
    screenshots.mkdir(parents=True, exist_ok=True)
    cell.screenshot(path=str(screenshots / "player.png"))

    cell.locator(".widget-play button").first.click()  # pause
    seat.page.wait_for_timeout(1_500)  # milliseconds, until what was under way has been drawn
    stands = step_in(words.inner_text())
    cell.locator(".widget-slider .noUi-handle").focus()
    seat.page.keyboard.press("ArrowLeft")
    seat.wait_until(lambda: step_in(words.inner_text()) == stands - 1, "the slider goes a step back")

    cell.get_by_label("Seed").fill("2")
    cell.get_by_role("button", name="Play").click()
    seat.wait_until(lambda: step_in(words.inner_text()) < stands - 1, "another game begins")
    assert seat.trouble() == []
    width = cell.evaluate("one => one.scrollWidth - one.clientWidth")
    assert width <= 0, f"the widget is {width} pixels wider than the page"
    assert seconds < BAR * factor
