"""Write `grafana/coderouter.json`: `make dashboard`. A test fails when the file is not up to date."""

from pathlib import Path

from coderouter_dashboard.build import document
from coderouter_dashboard.rows import ROWS

DASHBOARD = Path(__file__).parents[1] / "coderouter.json"

if __name__ == "__main__":
    DASHBOARD.write_text(document(ROWS), encoding="utf-8")
