"""The site in a real browser, opened from files: sort, filter, look into samples, no errors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from leaderboard_site import SmallSite, make
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromium-driver"),
]
WAIT_S = 30


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    return make(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        "--window-size=1400,1000",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield chrome
    chrome.quit()


@pytest.fixture
def page(driver: webdriver.Chrome, small: SmallSite) -> Iterator[Page]:
    opened = Page(driver, small.site)
    yield opened
    opened.check()


class Page:
    """A page of the site; everything that was logged and requested is checked at the end."""

    def __init__(self, driver: webdriver.Chrome, site: Path) -> None:
        self.driver, self.site = driver, site
        driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")

    def open(self, path: str) -> None:
        self.driver.get("about:blank")
        self.driver.get(f"{self.site.as_uri()}/{path}")

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def until(self, condition: object) -> None:
        WebDriverWait(self.driver, WAIT_S).until(lambda _: condition())  # type: ignore[operator]

    def shown(self, selector: str) -> list[WebElement]:
        return [element for element in self.all(selector) if element.is_displayed()]

    def models(self, board: str) -> list[str]:
        return [link.text for link in self.shown(f'[id^="{board}"] th.model a')]

    def check(self) -> None:
        assert self.driver.get_log("browser") == [], "the console is clean"
        base = self.site.as_uri() + "/"
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                assert address.startswith((base, "data:", "about:")), address


def test_columns_sort_up_and_down(page: Page) -> None:
    page.open("index.html")
    board = "sat--circular--"
    first = page.models(board)
    assert first[0] == "Small LLaVA + SAT"
    assert first[-1] == "Nasty"
    header = page.one(f'[id^="{board}"] thead th:nth-child(3)')
    button = header.find_element(By.CSS_SELECTOR, "[role=button]")
    assert button.accessible_name.endswith(": Activate to sort")
    header.click()
    page.until(lambda: header.get_attribute("aria-sort") == "descending")
    assert page.models(board)[0] == "Small LLaVA + SAT"
    button.send_keys(Keys.ENTER)
    page.until(lambda: header.get_attribute("aria-sort") == "ascending")
    assert page.models(board) == first[::-1]


def test_filters_narrow_the_boards_and_the_address_keeps_them(page: Page) -> None:
    page.open("index.html")
    every = len(page.shown("tbody th.model"))
    Select(page.one("#f-access")).select_by_visible_text("proprietary")
    page.until(lambda: len(page.shown("tbody th.model")) < every)
    assert {row.get_attribute("data-access") for row in page.shown("tbody tr")} == {"proprietary"}
    page.one('button[data-benchmark="cv_bench"]').click()
    assert [s.get_attribute("data-benchmark") for s in page.shown("section.benchmark")] == [
        "cv_bench"
    ]
    page.one("#f-search").send_keys("gpt-4o")
    page.until(lambda: all("GPT-4o" in name.text for name in page.shown("tbody th.model a")))
    address = page.driver.current_url
    assert "benchmark=cv_bench" in address
    assert "search=gpt-4o" in address
    names = [name.text for name in page.shown("tbody th.model a")]
    page.driver.get("about:blank")
    page.driver.get(address)
    page.until(lambda: page.shown("tbody th.model a"))
    assert [name.text for name in page.shown("tbody th.model a")] == names
    page.one("#f-reset").click()
    page.until(lambda: len(page.shown("tbody th.model")) == every)


def test_size_provenance_and_protocol_filter(page: Page) -> None:
    page.open("index.html")
    Select(page.one("#f-size")).select_by_value("4-10")
    page.until(lambda: sizes_of(page) and all(4 <= size < 10 for size in sizes_of(page)))
    Select(page.one("#f-badge")).select_by_visible_text("reproduced")
    page.until(lambda: [n.text for n in page.shown("tbody th.model a")] == ["Small LLaVA"])
    Select(page.one("#f-protocol")).select_by_visible_text("circular_blind")
    page.until(lambda: page.one("#f-none").is_displayed())


def sizes_of(page: Page) -> set[float]:
    return {float(row.get_attribute("data-size") or "nan") for row in page.shown("tbody tr")}


def test_samples_load_shard_by_shard_with_pictures(page: Page) -> None:
    page.open("models/small-llava-sat.html")
    assert "questions/" not in scripts(page), "nothing is loaded before it is looked at"
    drill = page.one(".drill")
    page.driver.execute_script("arguments[0].scrollIntoView()", drill)
    page.until(lambda: drill.find_elements(By.CSS_SELECTOR, ".sample"))
    assert len(drill.find_elements(By.CSS_SELECTOR, ".sample")) == 12
    shards = [path for path in scripts(page).split() if "/questions/" in path]
    assert shards
    assert all(path.endswith("/0.js") for path in shards), "only the first shard of each"
    drill.find_element(By.CSS_SELECTOR, ".d-more").click()
    page.until(lambda: len(drill.find_elements(By.CSS_SELECTOR, ".sample")) == 24)
    image = drill.find_element(By.CSS_SELECTOR, ".sample img")
    page.until(lambda: page.driver.execute_script("return arguments[0].naturalWidth", image) == 48)
    Select(drill.find_element(By.CSS_SELECTOR, ".d-verdict")).select_by_value("0")
    page.until(lambda: not drill.find_elements(By.CSS_SELECTOR, ".sample.right"))
    wrong = drill.find_elements(By.CSS_SELECTOR, ".sample.wrong")
    assert wrong
    assert all("wrong" in card.text for card in wrong)


def scripts(page: Page) -> str:
    return " ".join(script.get_attribute("src") or "" for script in page.all("script"))


def test_a_sample_has_an_address_of_its_own(page: Page) -> None:
    page.open("models/small-llava-sat.html")
    drill = page.all(".drill")[1]
    address = f"{drill.get_attribute('data-id')}/500"
    page.open(f"models/small-llava-sat.html#{address}")
    page.until(lambda: page.all(".drill")[1].find_elements(By.CSS_SELECTOR, ".sample"))
    (card,) = page.all(".drill")[1].find_elements(By.CSS_SELECTOR, ".sample")
    assert card.get_attribute("id") == address
    assert "/1.js" in scripts(page)


def test_replies_never_run(page: Page) -> None:
    page.open("models/nasty.html")
    drill = page.one(".drill")
    page.driver.execute_script("arguments[0].scrollIntoView()", drill)
    page.until(lambda: drill.find_elements(By.CSS_SELECTOR, ".sample"))
    said = drill.find_element(By.CSS_SELECTOR, ".said").text
    assert said.startswith("<img src=x onerror=")
    assert "not read, counted as wrong" in drill.text
    assert "owned" not in page.driver.title


def test_a_comparison_shows_the_questions_that_differ(page: Page, small: SmallSite) -> None:
    path = next((small.site / "compare").glob("*--small-llava--small-llava-sat.html"))
    page.open(f"compare/{path.name}")
    assert "Small LLaVA + SAT is better:" in page.one("main").text
    drill = page.one(".drill")
    page.driver.execute_script("arguments[0].scrollIntoView()", drill)
    page.until(lambda: drill.find_elements(By.CSS_SELECTOR, ".sample"))
    for card in drill.find_elements(By.CSS_SELECTOR, ".sample"):
        verdicts = [v.text for v in card.find_elements(By.CSS_SELECTOR, ".reply .small span")]
        assert sorted(verdicts) == ["right", "wrong"]


def test_dark_and_light(page: Page) -> None:
    page.open("index.html")

    def background() -> str:
        return str(
            page.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        )

    light = background()
    page.one("#theme").click()
    assert background() != light
    page.open("models/gpt-4o.html")
    assert background() != light, "the choice is kept"
    page.one("#theme").click()
    assert background() == light


def test_a_phone_shows_it_without_scrolling_sideways(page: Page, small: SmallSite) -> None:
    compared = next((small.site / "compare").iterdir()).name
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        for path in ("index.html", "models/small-llava-sat.html", f"compare/{compared}"):
            page.open(path)
            width = page.driver.execute_script("return document.documentElement.scrollWidth")
            assert width <= 390, path
            for box in page.shown(".scroll"):
                first = box.find_element(By.CSS_SELECTOR, "tbody th")
                page.driver.execute_script("arguments[0].scrollLeft = 9999", box)
                assert 0 <= first.rect["x"] < 60, "the name of a line stays in sight"
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_replies_stay_in_their_boxes(page: Page) -> None:
    page.open("models/nasty.html")
    page.driver.execute_script("arguments[0].scrollIntoView()", page.one(".drill"))
    page.until(lambda: page.shown(".drill .sample"))
    card = page.shown(".drill .sample")[0]
    for box in (card, card.find_element(By.CSS_SELECTOR, ".reply")):
        inner, outer = (
            page.driver.execute_script(f"return arguments[0].{name}", box)
            for name in ("scrollWidth", "clientWidth")
        )
        assert inner <= outer
    assert page.driver.execute_script(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )


def test_the_keyboard_reaches_the_filters_first(page: Page) -> None:
    page.open("index.html")
    reached = []
    body = page.one("body")
    for _ in range(4):
        page.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(page.driver.switch_to.active_element)
    assert body not in reached
    assert reached[0].get_attribute("class") == "skip"
    assert any(element.get_attribute("data-benchmark") == "" for element in reached)


def test_a_place_on_the_page_keeps_the_filters(page: Page) -> None:
    page.open("index.html#access=proprietary")
    page.until(lambda: {r.get_attribute("data-access") for r in page.shown("tbody tr")} == {
        "proprietary"
    })  # fmt: skip
    page.driver.execute_script("document.querySelector('a[href=\"#how\"]').click()")
    page.until(lambda: page.driver.current_url.endswith("#how"))
    assert {r.get_attribute("data-access") for r in page.shown("tbody tr")} == {"proprietary"}
    assert Select(page.one("#f-access")).first_selected_option.text == "proprietary"


def test_the_keyboard_alone_filters_sorts_and_opens_a_model(page: Page) -> None:
    page.open("index.html")
    page.one("#f-search").send_keys("small llava")
    page.until(lambda: len(page.shown("tbody th.model")) == 3)
    sorter = page.one('[id^="sat--circular--"] thead th:nth-child(2) [role=button]')
    assert sorter.get_attribute("tabindex") == "0"
    sorter.send_keys(Keys.ENTER)
    header = page.one('[id^="sat--circular--"] thead th:nth-child(2)')
    page.until(lambda: header.get_attribute("aria-sort") == "ascending")
    assert page.models("sat--circular--") == ["Small LLaVA", "Small LLaVA + SAT"]
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert page.driver.execute_script(outline) == "solid", "what has the focus is outlined"
    link = page.shown("tbody th.model a")[0]
    link.send_keys(Keys.ENTER)
    page.until(lambda: page.driver.current_url.endswith("models/small-llava.html"))


def test_tables_name_their_columns_and_lines(page: Page, small: SmallSite) -> None:
    compared = next((small.site / "compare").iterdir()).name
    for path in ("index.html", "models/small-llava-sat.html", f"compare/{compared}"):
        page.open(path)
        assert page.all("table.figures")
        for cell in page.all("thead th"):
            assert cell.get_attribute("scope") == "col"
            assert (cell.get_property("textContent") or "").strip()
        rows = len(page.all("tbody tr"))
        assert len(page.all("tbody tr > th[scope=row]")) == rows


def test_several_orders_of_a_question_are_told_apart(page: Page) -> None:
    page.open("models/small-llava-sat.html")
    drill = page.one(".drill")
    page.driver.execute_script("arguments[0].scrollIntoView()", drill)
    page.until(lambda: len(drill.find_elements(By.CSS_SELECTOR, ".sample")) == 12)
    heads = [h.text for h in drill.find_elements(By.CSS_SELECTOR, ".sample header")]
    first = heads[0].split()[0]
    own = [head for head in heads if head.startswith(f"{first} ") or head.split()[0] == first]
    assert len(own) > 1
    for number, head in enumerate(own, 1):
        assert f"option order {number} of {len(own)}" in head


def test_charts_and_controls_have_names_for_screen_readers(page: Page) -> None:
    page.open("index.html")
    for element in page.all("button, select, input"):
        named = element.accessible_name
        assert named, element.get_attribute("outerHTML")
    page.until(lambda: page.all("figure svg"))
    for chart in page.all("figure svg"):
        assert chart.find_elements(By.CSS_SELECTOR, "[aria-label]")


def test_first_paint_is_quick(page: Page) -> None:
    page.open("index.html")
    page.until(lambda: page.all("th[aria-sort], th .dt-column-order"))
    paint_ms = page.driver.execute_script(
        "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    )
    assert paint_ms is not None
    assert paint_ms < 1000
