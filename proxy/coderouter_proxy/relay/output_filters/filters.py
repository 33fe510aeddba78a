"""The filters by their names in providers.yaml."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.relay.output_filters.byte_fallback import RepairByteFallback
from coderouter_proxy.relay.output_filters.filter import Filter
from coderouter_proxy.relay.output_filters.stop_markers import StripStopMarkers
from coderouter_proxy.relay.output_filters.thinking import StripThinking
from coderouter_proxy.relay.output_filters.tool_call_xml import StripToolCallXml

FILTERS: Final[Mapping[OutputFilter, Callable[[], Filter]]] = {
    "repair_byte_fallback": RepairByteFallback,
    "strip_thinking": StripThinking,
    "strip_tool_call_xml": StripToolCallXml,
    "strip_stop_markers": StripStopMarkers,
}
"""In the order in which they run: stop markers delimit thinking, so they are removed last."""


def in_order(names: Iterable[OutputFilter]) -> list[OutputFilter]:
    given = frozenset(names)
    return [name for name in FILTERS if name in given]
