"""Chromium driven by selenium: start it, wait for the page, read and choose."""

import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")


def start(*flags: str) -> WebDriver:
    """Start a browser with flags."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, Service(DRIVER))


def ready(driver: WebDriver) -> None:
    """Wait until the page can be used."""
    WebDriverWait(driver, 60).until(
        lambda d: d.execute_script("return document.documentElement.dataset.ready")
    )


def text(driver: WebDriver, id_: str) -> str:
    """Return what an element says."""
    return str(driver.find_element(By.ID, id_).get_property("textContent"))


def choose(driver: WebDriver, id_: str, value: str) -> None:
    """Choose a value of a list."""
    Select(driver.find_element(By.ID, id_)).select_by_value(value)


def drawn(driver: WebDriver) -> int:
    """Return how many points the page says it draws."""
    return int(text(driver, "ex-count").split(" ")[0].replace(",", ""))
