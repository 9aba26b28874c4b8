"""The page in a real browser, headless Chromium from Debian's packages: sort, filter, keyboard, colours, print."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from examples import environment, latency, macs, record

from vidbench.records import Failure, Measurement
from vidbench.report import write_page

BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")

pytestmark = pytest.mark.skipif(
    not (BROWSER.exists() and DRIVER.exists() and importlib.util.find_spec("selenium")),
    reason="needs selenium and Debian's packages chromium and chromium-driver",
)

ORDER = (
    "return [...document.querySelectorAll('#cases-table tbody tr')]"
    ".filter(row => !row.hidden).map(row => row.cells[0].innerText)"
)
ALERT = '<img src=x onerror="document.title=1">'


def params(value: float) -> Measurement:
    return Measurement(metric="params", value=value, unit="parameters", method="elements of all parameters")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four cases, one of a hostile name that failed."""
    records = [
        record(params(6.3e6), macs(9.31e9), latency(0.3), model="vov3d-l"),
        record(params(3.8e6), macs(4.73e9), latency(0.19)),
        record(params(34.6e6), macs(50.3e9), latency(0.51), model="slowfast-8x8-r50", frames=32),
        record(model=ALERT, failure=Failure(kind="error", message=ALERT)),
    ]
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(write_page(records, {"k1": environment()}), "utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page anew; no test may leave a line in the console."""
    browser.get("about:blank")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
    )
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []


def models(page: Any) -> list[str]:
    return page.execute_script(ORDER)


def wait(page: Any, found: Callable[[], bool]) -> None:
    """Until that is so, at most five seconds."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(page, 5, poll_frequency=0.02).until(lambda _: found())


def ask(page: Any, text: str) -> None:
    """Type into the filter and let it work."""
    page.find_element("id", "filter").send_keys(text)
    page.execute_async_script("setTimeout(arguments[0], 20)")  # comes after the filter's own


def head(page: Any, key: str) -> Any:
    return page.find_element("css selector", f"th[data-key={key}]")


def focused(page: Any) -> str:
    return page.execute_script("return document.activeElement.outerHTML.slice(0, 60)")


def test_sort_by_click(page):
    """A heading sorts upwards, then downwards; what is unknown stays last; it is told to those who listen."""
    head(page, "latency").find_element("tag name", "button").click()
    assert models(page) == ["x3d-m", "vov3d-l", "slowfast-8x8-r50", ALERT]
    assert head(page, "latency").get_attribute("aria-sort") == "ascending"
    assert page.find_element("id", "status").text == "4 cases, sorted by latency, ascending"
    head(page, "latency").find_element("tag name", "button").click()
    assert models(page) == ["slowfast-8x8-r50", "vov3d-l", "x3d-m", ALERT]
    head(page, "model").find_element("tag name", "button").click()
    assert models(page) == [ALERT, "slowfast-8x8-r50", "vov3d-l", "x3d-m"]
    assert head(page, "latency").get_attribute("aria-sort") is None


def test_keyboard_alone(page):
    """From the top: the skip link, the filter, a heading, sorted by Enter; each stop shows where it is."""
    from selenium.webdriver import ActionChains, Keys

    ActionChains(page).send_keys(Keys.TAB).perform()
    assert "Skip to the table" in focused(page)
    ActionChains(page).send_keys(Keys.ENTER).send_keys(Keys.TAB).perform()
    assert 'id="filter"' in focused(page)
    ActionChains(page).send_keys("3d").send_keys(Keys.TAB).perform()
    wait(page, lambda: models(page) == ["vov3d-l", "x3d-m"])
    for _ in range(10):
        if "<button" in focused(page):
            break
        ActionChains(page).send_keys(Keys.TAB).perform()
    outline = page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    ActionChains(page).send_keys(Keys.ENTER).perform()
    assert head(page, "model").get_attribute("aria-sort") == "ascending"
    ActionChains(page).send_keys(Keys.SPACE).perform()
    assert models(page) == ["x3d-m", "vov3d-l"]


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ("params < 10", ["vov3d-l", "x3d-m"]),
        ("params<10 gmacs >= 5", ["vov3d-l"]),
        ("frames != 16", ["slowfast-8x8-r50"]),
        ("family = X3D", ["x3d-m"]),
        ("latency > 0 and k400 > 76.2", ["vov3d-l", "slowfast-8x8-r50"]),
        ("FAILED", [ALERT]),
        ("nothing like it", []),
    ],
)
def test_filter(page, asked, left):
    """Words and conditions leave what fits all of them, and say how many."""
    ask(page, asked)
    assert models(page) == left
    assert page.find_element("id", "status").text == f"{len(left)} of 4 cases"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nonsense < 3", "no column nonsense"),
        ("params < ten", "ten is no number"),
        ("model < x", "text"),
        ("params <", "no whole"),
    ],
)
def test_wrong_filter(page, asked, said):
    """A wrong condition is named, and leaves all cases."""
    ask(page, asked)
    assert len(models(page)) == 4
    assert said in page.find_element("id", "status").text
    assert page.find_element("id", "filter").get_attribute("aria-invalid") == "true"


def test_colours(page):
    """Dark where the system is dark; the switch wins over the system, and is kept."""
    from selenium.webdriver.support.ui import Select

    def paper():
        return page.execute_script("return getComputedStyle(document.body).backgroundColor")

    assert paper() == "rgb(255, 255, 255)"
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    assert paper() == "rgb(21, 24, 28)"
    Select(page.find_element("id", "theme")).select_by_value("light")
    assert paper() == "rgb(255, 255, 255)"
    page.refresh()
    assert paper() == "rgb(255, 255, 255)"
    Select(page.find_element("id", "theme")).select_by_value("")
    assert paper() == "rgb(21, 24, 28)"


def test_many(browser, tmp_path):
    """Of very many cases the first 500 are laid out, in the order asked for, and all on demand."""
    many = [record(latency(1 / (number + 1)), batch=number + 1) for number in range(700)]
    (tmp_path / "many.html").write_text(write_page(many, {"k1": environment()}), "utf-8")
    browser.get((tmp_path / "many.html").as_uri())
    assert browser.find_element("id", "status").text == "700 cases, the first 500 shown"
    head(browser, "latency").find_element("tag name", "button").click()
    first = "return document.querySelector('#cases-table tbody tr:not([hidden])').cells[3].textContent"
    assert browser.execute_script(first) == "700"
    assert len(models(browser)) == 500
    more = browser.find_element("id", "more")
    more.click()
    assert len(models(browser)) == 700
    assert not more.is_displayed()
    assert browser.get_log("browser") == []


def test_links_open_cases(page):
    """A model's link opens its details and goes there."""
    page.find_element("link text", "x3d-m").click()
    wait(page, lambda: page.find_element("id", "case-1").get_attribute("open") == "true")
    assert "<summary" in focused(page)
    assert page.find_element("id", "case-0").get_attribute("open") is None


def test_hostile_names(page):
    """A name that would be an element is text, and has run nothing."""
    assert page.title == "vidbench report"
    assert page.find_elements("tag name", "img") == []
    assert ALERT in page.find_element("id", "cases-table").text


def test_narrow(page):
    """On a phone nothing but tables and pictures, which scroll by themselves, is wider than the window."""
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    widths = page.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert widths[0] <= widths[1] == 390


def test_names_inside_pictures(browser, tmp_path):
    """No words of a picture are cut off at its edge."""
    parts = {"weights": 2**20, "inputs": 2**20, "activations": 2**21}
    memory = Measurement(metric="predicted_memory", value=2.0**22, unit="bytes", method="lifetimes", details=parts)
    nets = ("slowfast-8x8-r50", "mine.nets:" + "WIDE" * 12, "x3d-m", "vov3d-l", "x3d-s")
    many = [
        record(macs(), memory, latency(0.01 * at), params(1e8), model=net, frames=at, size=size)
        for net in nets
        for at in (8, 16, 32)
        for size in (160, 224)
    ]
    (tmp_path / "wide.html").write_text(write_page(many, {"k1": environment()}), "utf-8")
    browser.get((tmp_path / "wide.html").as_uri())
    out = browser.execute_script(
        "return [...document.querySelectorAll('svg[role=img] text')].filter(t => { const a = t.getBoundingClientRect(),"
        " b = t.ownerSVGElement.getBoundingClientRect(); return a.left < b.left - 1 || a.right > b.right + 1 ||"
        " a.bottom > b.bottom + 1 }).map(t => t.textContent)"
    )
    assert len(browser.find_elements("css selector", "svg[role=img]")) == 3
    assert out == []


def test_print(page):
    """On paper all is dark on white, and the details are open."""
    pdf = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(pdf["data"]) > 20_000
    assert page.find_element("id", "case-0").get_attribute("open") is None
