"""The rows of the dashboard, most important first."""

from coderouter_dashboard.rows.cost import COST
from coderouter_dashboard.rows.exporter import EXPORTER
from coderouter_dashboard.rows.latency import LATENCY
from coderouter_dashboard.rows.providers import PROVIDERS
from coderouter_dashboard.rows.quality import QUALITY
from coderouter_dashboard.rows.servers import SERVERS
from coderouter_dashboard.rows.summary import SUMMARY
from coderouter_dashboard.rows.traffic import TRAFFIC

ROWS = (SUMMARY, TRAFFIC, PROVIDERS, LATENCY, COST, QUALITY, SERVERS, EXPORTER)
