"""How the page is served: from its own files only, small, and below any path prefix."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coderouter_exporter.http.dashboard import FOLDER
from dashboard.conftest import address
from support.browser.chromium import Watched
from support.exporter.process import Exporter
from support.processes import free_port, running
from support.programs import program

BYTES_MAX = 130_000

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location /ops/router/ {{ proxy_pass http://127.0.0.1:{exporter}/; }}
  }}
}}
"""


@contextmanager
def behind_nginx(folder: Path, exporter: Exporter) -> Iterator[str]:
    """Serve the exporter below a path of another server; yield that path's URL."""
    port = free_port()
    path = folder / "nginx.conf"
    path.write_text(NGINX.format(folder=folder, port=port, exporter=exporter.port))
    with running(program("nginx"), "-p", folder, "-c", path) as nginx:
        nginx.wait_for_port(port)
        yield f"http://127.0.0.1:{port}/ops/router"


def test_it_works_below_a_path_of_another_server(
    tmp_path: Path, with_history: Exporter, page: Watched
) -> None:
    with behind_nginx(tmp_path, with_history) as url:
        for path in ("/dashboard", "/dashboard/"):
            page.open(url + path)
            assert page.page.url == f"{url}/dashboard"
            assert page.text("#connection") in ("Live", "Proxy gone"), "its history ended some time ago"
        assert all(requested.startswith(url) for requested in page.requested)
        page.page.goto(f"{url}/")
        page.page.click("text=/dashboard")
        page.page.wait_for_selector("#main:not(.loading)")


def test_all_files_together_are_small(with_history: Exporter, page: Watched) -> None:
    page.open(address(with_history))
    requested = {url.rpartition("/")[2] for url in page.requested}
    assert {path.name for path in FOLDER.iterdir()} - requested == {"index.html", "landing.css"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < BYTES_MAX


def test_only_its_own_files_may_be_loaded(exporter: Exporter) -> None:
    for path in ("/dashboard", "/dashboard/main.js"):
        response, _ = exporter.get(path)
        assert response.status == 200
        policy = response.getheader("Content-Security-Policy", "")
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert response.getheader("X-Content-Type-Options") == "nosniff"


def test_a_file_that_has_not_changed_is_not_sent_again(exporter: Exporter) -> None:
    response, _ = exporter.get("/dashboard/charts.css")
    for known in (response.getheader("ETag", ""), "*"):
        again, body = exporter.get("/dashboard/charts.css", If_None_Match=known)
        assert (again.status, body) == (304, b"")


def test_nothing_else_is_served(exporter: Exporter) -> None:
    for path in ("/dashboard/nothing.js", "/dashboard/../app.py", "/dashboard/%2e%2e%2fapp.py"):
        assert exporter.get(path)[0].status == 404


def test_an_unknown_number_of_hours_is_refused_with_the_known_ones(exporter: Exporter) -> None:
    response, body = exporter.get("/metrics.json?hours=7")
    assert (response.status, body) == (400, b"hours=7 is not one of 1, 6, 24\n")


def test_the_report_has_all_keys_of_coderouter_1_7(exporter: Exporter) -> None:
    _, body = exporter.get("/metrics.json")
    old = {"uptime_s", "started_at", "startup", "counters", "providers", "recent", "config"}
    assert json.loads(body).keys() >= old
