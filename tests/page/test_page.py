"""The page as a person has it before them: on the screen, with the keyboard, on paper, by a screen reader."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from meridian.audit.page.rendering import render
from tests.page import audits
from tests.page.contrast import CONTRASTS
from tests.unit.audit import samples

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.page.conftest import Open, Watched

NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
SHOWN = "(one) => one.checkVisibility({contentVisibilityAuto: true}) && one.getBoundingClientRect().height > 0"
SEARCH = """(words) => new Promise((done) => {
    const began = performance.now();
    document.getElementById("search").value = words;
    document.getElementById("search").dispatchEvent(new Event("input"));
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})"""
MARKUP = """<script>alert(1)</script><img src="http://127.0.0.1:9/x" onerror="alert(2)">
<a id="lure" href="javascript:alert(3)">x</a>"""
# Goes to an address, says whether that opened a step, and closes the step again.
FOLLOW = """(hash) => new Promise((done) => {
    addEventListener("hashchange", () => setTimeout(() => {
        const step = document.activeElement, opened = step.getAttribute("aria-expanded") === "true";
        if (opened) step.click();
        step.blur();
        done(opened);
    }), {once: true});
    location.hash = hash;
})"""
# With room for other tests on the same machine: measured on a quiet one are 0.9 s and 90 ms.
OPENS_WITHIN_SECONDS, REACTS_WITHIN_MS, MOST_BYTES = 15.0, 1_000, 5_000_000
NAMELESS = re.compile(r"^\s*- (?:button|link|textbox|searchbox|combobox|checkbox)(?::|$)", re.MULTILINE)
KINDS = ("provision", "failed", "running", "failed_validation", "hostile")


@pytest.mark.parametrize("kind", KINDS)
def test_opens_in_silence(show: Open, watched: Watched, kind: str) -> None:
    """The page opens and unfolds without an error, a violation of its policy, a dialog or a request."""
    page = show(getattr(samples, kind)())
    page.click("#unfold")
    page.evaluate(NEXT_FRAME)
    assert (watched.errors, watched.dialogs, watched.requests) == ([], [], [])


def test_first_screen_of_a_failed_run_answers(show: Open) -> None:
    """What failed, in which Region, why, what to do and what is kept stand on the first screen."""
    page = show(samples.failed())
    answers = {
        ".what": "CreateStream",
        ".where": "eu-west-1",
        ".why": "Request would exceed the shard limit",
        ".do": "Start the workflow again",
        ".kept": "kept",
        "h1": "provision of orders failed",
    }
    for place, words in answers.items():
        answer = page.locator(place).first
        box = answer.bounding_box()
        assert words in answer.inner_text()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 800


def test_child_opens_with_the_mouse(show: Open) -> None:
    """A click on a step that started an execution shows that execution's own timeline, and another hides it."""
    page = show(samples.provision())
    step = page.locator("summary", has_text="AddRegion").first
    child = page.get_by_role("region", name="Timeline of add-region us-east-1")
    assert child.count() == 0
    step.click()
    assert child.get_by_text("LoadDeployment").first.is_visible()
    step.click()
    assert child.count() == 0


def test_child_opens_with_the_keyboard(show: Open) -> None:
    """Enter and the space bar fold as a click does."""
    page = show(samples.provision())
    page.locator("summary", has_text="AddRegion").first.focus()
    child = page.get_by_role("region", name="Timeline of add-region us-east-1")
    page.keyboard.press("Enter")
    assert child.is_visible()
    page.keyboard.press("Space")
    assert child.count() == 0


def test_failure_is_unfolded(show: Open) -> None:
    """The timeline is open down to the step that failed, in the child, and at no other child."""
    page = show(samples.failed())
    failed = page.get_by_role("region", name="Timeline of add-region eu-west-1")
    assert failed.get_by_role("link", name="CreateStream").is_visible()
    assert page.get_by_role("region", name="Timeline of add-region us-east-1").count() == 0


def test_first_key_leads_past_the_navigation(show: Open) -> None:
    """The first Tab reaches a link that leads to what the page is about."""
    page = show(samples.provision())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the audit"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_slash_finds_the_search(show: Open) -> None:
    """The key / leads to the search, and is a character like any other inside it."""
    page = show(samples.provision())
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("a/b")
    assert page.input_value("#search") == "a/b"


def test_search_filters(show: Open) -> None:
    """Words are looked for in names and in what is folded; outcome and Region narrow it down."""
    page = show(samples.failed())
    page.fill("#search", "createstream LIMITexceeded")
    assert _steps(page) == ["AddRegion", "CreateStream"]
    page.fill("#search", "")
    page.select_option("#outcome", "FAILED")
    assert set(_steps(page)) == {"EachRegion", "AddRegion", "ReplicaAndStream", "CreateStream"}
    page.select_option("#region", "us-east-1")
    assert _steps(page) == []
    page.fill("#search", "no such thing")
    assert page.inner_text("#found").startswith("0 of ")


def test_step_tells_all(show: Open) -> None:
    """A step opens to its attempts, its error, its cause, its input and output laid out."""
    page = show(samples.failed())
    page.select_option("#outcome", "FAILED")
    button = page.get_by_role("button", name="CreateStream")
    button.click()
    detail = page.locator("tr.detail").inner_text()
    assert button.get_attribute("aria-expanded") == "true"
    assert '"errorType": "LimitExceededException"' in detail
    assert "6 in all" in detail
    button.click()
    assert page.locator("tr.detail").count() == 0


def test_every_pointer_finds_its_step(show: Open) -> None:
    """Each link to a step, from the timeline, the graph, or the changes, opens one in the table."""
    page = show(samples.provision())
    targets = page.eval_on_selector_all('a[href^="#step-"]', "(all) => all.map((one) => one.getAttribute('href'))")
    assert len(targets) > 20
    lost = [target for target in dict.fromkeys(targets) if not page.evaluate(FOLLOW, target)]
    assert lost == []


def test_theme_follows_and_toggles(show: Open) -> None:
    """The page takes the system's colours, until a person chooses the others."""
    page = show(samples.provision(), color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Switch to light colours").click()
    light = page.evaluate(ground)
    page.get_by_role("button", name="Switch to dark colours").click()
    assert page.evaluate(ground) == dark
    assert light != dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["failed", "provision"])
def test_text_has_contrast(show: Open, kind: str, scheme: str) -> None:
    """Every text keeps the contrast that WCAG 2 asks for at level AA, in both themes."""
    page = show(getattr(samples, kind)(), color_scheme=scheme)
    page.click("#unfold")
    assert page.evaluate(CONTRASTS) == []


def test_paper_shows_what_is_folded(show: Open) -> None:
    """In print everything folded is shown, and what only a screen can do is not."""
    page = show(samples.provision())
    folded = page.locator("details:not([open]) pre, details:not([open]) .child").all()
    assert folded
    assert not any(element.evaluate(SHOWN) for element in folded)
    page.emulate_media(media="print")
    assert all(element.evaluate(SHOWN) for element in folded)
    assert not page.locator("#theme").is_visible()


def test_narrow_screen_needs_no_sideways_scrolling(show: Open) -> None:
    """On a telephone only tables and graphs scroll sideways, in their own frames."""
    page = show(samples.failed(), viewport={"width": 390, "height": 800})
    page.click("#unfold")
    assert page.evaluate("document.scrollingElement.scrollWidth") == 390


@pytest.mark.parametrize("kind", ["provision", "failed"])
def test_screen_reader_finds_its_way(show: Open, kind: str) -> None:
    """Landmarks, one first heading and no level left out, a name on all that acts, a caption on every table."""
    page = show(getattr(samples, kind)())
    page.click("#unfold")
    tree = page.locator("body").aria_snapshot()
    assert {"banner", "navigation", "main", "contentinfo", "search"} <= set(
        re.findall(r"^\s*- (\w+)", tree, re.MULTILINE)
    )
    assert NAMELESS.findall(tree) == []
    levels = page.eval_on_selector_all("h1, h2, h3, h4", "(all) => all.map((one) => Number(one.tagName[1]))")
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.eval_on_selector_all("table", "(all) => all.every((one) => one.caption && one.caption.textContent)")
    ids = page.eval_on_selector_all("[id]", "(all) => all.map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_timeline_is_told_in_words(show: Open) -> None:
    """Each line of the timeline says its outcome, its times, its retries and whether it lies on the critical path."""
    page = show(samples.failed())
    child = page.get_by_role("region", name="Timeline of add-region eu-west-1")
    line = child.locator(".line", has_text="CreateStream").inner_text()
    assert re.search(r"Failed, began at 0:2\d\.\d, took .*, 5 retries, on the critical path", line)


def test_latencies_are_a_table(show: Open) -> None:
    """Each cell of the heat map is reached by its row's and its column's Region, and its shade by its number."""
    page = show(samples.provision())
    table = page.get_by_role("table", name="Put, in milliseconds")
    row = table.get_by_role("row", name="us-east-1").last
    assert row.get_by_role("cell").all_inner_texts()[1:] == ["550", "700"]
    shades = [cell.get_attribute("class") for cell in row.get_by_role("cell").all()]
    assert shades[1] != shades[2]


def test_no_remnant_of_an_escape_is_shown(show: Open) -> None:
    """What a terminal would act on stands nowhere in the page, whatever is unfolded, but in inputs and outputs."""
    page = show(samples.hostile())
    page.click("#unfold")
    for button in page.locator("table.steps button").all():
        button.click()
    page.eval_on_selector_all("pre", "(all) => all.forEach((one) => one.remove())")
    text = page.locator("main").text_content() or ""
    assert "onerror" in text
    assert "[31m" not in text
    assert "\x1b" not in text


def test_graph_shows_where_it_failed(show: Open) -> None:
    """However high and wide the graphs are, the state that failed deepest is in sight in their frame."""
    page = show(samples.failed(), viewport={"width": 390, "height": 800})
    culprit = page.locator(".graphs figure", has_text="add-region eu-west-1").locator(".culprit").bounding_box()
    frame = page.locator(".graphs").bounding_box()
    assert culprit is not None
    assert frame is not None
    assert frame["x"] <= culprit["x"]
    assert culprit["x"] + culprit["width"] <= frame["x"] + frame["width"]
    assert frame["y"] <= culprit["y"]
    assert culprit["y"] + culprit["height"] <= frame["y"] + frame["height"]
    assert page.evaluate("scrollY") == 0


def test_graphs_stand_below_each_other_on_a_telephone(show: Open) -> None:
    """At 390 pixels no graph stands beside another; where there is room, they do."""
    places = "(all) => all.map((one) => Math.round(one.getBoundingClientRect().left))"
    page = show(samples.failed(), viewport={"width": 390, "height": 800})
    assert len(set(page.eval_on_selector_all(".graphs figure", places))) == 1
    page.set_viewport_size({"width": 1280, "height": 800})
    assert len(set(page.eval_on_selector_all(".graphs figure", places))) == 3


def test_narrow_graph_is_in_the_middle(show: Open) -> None:
    """A single graph has as much room on its left as on its right."""
    page = show(samples.hostile())
    figure, frame = page.locator(".graphs figure").bounding_box(), page.locator(".graphs").bounding_box()
    assert figure is not None
    assert frame is not None
    left, right = figure["x"] - frame["x"], frame["x"] + frame["width"] - figure["x"] - figure["width"]
    assert abs(left - right) < 2


def test_paper_has_every_step(show: Open) -> None:
    """Printing writes the whole table of steps, up to a thousand rows, and says how many are left out."""
    page = show(audits.wide())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # page.pdf() sends it too, and takes seconds
    assert page.locator("table.steps tbody tr").count() == 1_000
    page.emulate_media(media="print")
    assert re.fullmatch(r"[\d,]+ more steps are in the file, and not printed\.", page.inner_text("#unprinted"))
    page.emulate_media(media="screen")
    assert not page.locator("#unprinted").is_visible()


def test_latencies_of_all_regions_can_be_read(show: Open) -> None:
    """With 34 Regions each latency still has room in its cell, and its Region's name beside it on one line."""
    page = show(audits.everywhere())
    cells = page.locator(".heat tbody td, .heat tbody th")
    assert cells.count() == 34 * 35
    assert cells.evaluate_all("(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length") == 0
    assert cells.evaluate_all("(all) => Math.max(...all.map((one) => one.offsetHeight))") < 40


def test_paper_is_wide_enough(show: Open) -> None:
    """On A4 with its margins, 688 pixels, nothing of a failed run is cut off at the side."""
    page = show(samples.failed(), viewport={"width": 688, "height": 900})
    page.emulate_media(media="print")
    assert page.evaluate("document.scrollingElement.scrollWidth") == 688


def test_hostile_texts_are_only_texts(show: Open, watched: Watched) -> None:
    """Whatever an execution's texts try, opened, searched for and unfolded, they make no element and run nothing."""
    page = show(samples.hostile())
    page.click("#unfold")
    page.fill("#search", "<script>alert")
    for button in page.locator("table.steps button").all():
        button.click()
    page.evaluate(NEXT_FRAME)
    assert page.locator("tr.detail").count() == 2
    assert page.locator("main img, main script, iframe, object, embed, base, form").count() == 0
    assert page.locator("script").count() == 2
    addresses = page.eval_on_selector_all("[href]", "(all) => all.map((one) => one.getAttribute('href'))")
    assert all(address.startswith(("#", "https://", "data:,")) for address in addresses)
    handlers = (
        "(all) => all.flatMap((one) => [...one.attributes]).filter((one) => /^on|^style$/i.test(one.name)).length"
    )
    assert page.eval_on_selector_all("*", handlers) == 0
    assert (watched.errors, watched.dialogs, watched.requests) == ([], [], [])


def test_policy_stops_what_got_in(show: Open, watched: Watched) -> None:
    """Even if a text had become markup, the page's policy would let it run and load nothing."""
    page = show(render(samples.provision()).replace("</main>", f"{MARKUP}</main>"))
    page.locator("#lure").click()
    page.evaluate(NEXT_FRAME)
    assert watched.dialogs == []
    assert watched.failures == ["csp"]
    assert len(watched.errors) >= 3
    assert page.locator("table.steps tbody tr").count() > 10


def test_markup_from_a_string_is_refused(show: Open) -> None:
    """The browser itself holds the script to writing text: assigning markup raises (Trusted Types)."""
    page = show(samples.provision())
    assert "TrustedHTML" in page.evaluate(
        "() => { try { document.body.innerHTML = 'x' } catch (e) { return e.message } }"
    )


@pytest.mark.parametrize("make", [audits.wide, audits.long])
def test_largest_history_stays_usable(show: Open, watched: Watched, make: Any) -> None:
    """A page of 25,000 events opens in seconds, answers a search at once, and is a few megabytes."""
    html = render(make())
    began = time.monotonic()
    page = show(html)
    page.evaluate(NEXT_FRAME)
    assert time.monotonic() - began < OPENS_WITHIN_SECONDS
    assert len(html.encode()) < MOST_BYTES
    assert min(page.evaluate(SEARCH, words) for words in ("a", "e")) < REACTS_WITHIN_MS
    assert page.locator("table.steps tbody tr").count() == 100
    page.click("#more")
    assert page.locator("table.steps tbody tr").count() == 200
    assert watched.errors == []


def test_failure_among_thousands_is_seen(show: Open) -> None:
    """Of 1,560 items the timeline leaves the uninteresting out, never the one that failed; the search finds it."""
    page = show(audits.wide())
    page.click("#unfold")
    assert page.locator(".timeline .line", has_text=f"item {audits.ITEMS // 2} ").count() == 1
    assert "more lines" in page.locator(".timeline li.note").inner_text()
    page.fill("#search", "needle")
    assert _steps(page) == ["ReadItem"]


def _steps(page: Page) -> list[str]:
    return page.locator("table.steps tbody th button").all_inner_texts()
