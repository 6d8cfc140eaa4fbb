"""The marker of tests that need a browser."""


def pytest_configure(config):
    config.addinivalue_line("markers", "browser: needs Chromium, its driver, and selenium")
