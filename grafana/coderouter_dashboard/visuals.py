"""The Grafana visualization of each kind of panel."""

from collections.abc import Callable

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale

from coderouter_dashboard.panel import BAD, GOOD, WARNING, Kind, Panel, Query

Visual = bargauge.Panel | heatmap.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel

NEWEST = common.ReduceDataOptions().calcs(["lastNotNull"])
LEGEND = (
    common.VizLegendOptions()
    .display_mode(options.LegendDisplayMode.LIST)
    .placement(options.LegendPlacement.BOTTOM)
    .show_legend(True)
)


def _stat(panel: Panel) -> Visual:
    return (
        stat.Panel()
        .reduce_options(NEWEST)
        .color_mode(options.BigValueColorMode.VALUE)
        .graph_mode(options.BigValueGraphMode.NONE if panel.states else options.BigValueGraphMode.AREA)
        .thresholds(_thresholds(panel))
        .mappings(_states(panel))
    )


def _lines(panel: Panel) -> timeseries.Panel:
    lines = (
        timeseries.Panel()
        .draw_style(options.GraphDrawStyle.LINE)
        .fill_opacity(10)
        .show_points(options.VisibilityMode.AUTO)
        .span_nulls(False)
        .min(0)
        .legend(LEGEND)
        .tooltip(
            common.VizTooltipOptions()
            .mode(options.TooltipDisplayMode.MULTI)
            .sort(options.SortOrder.DESCENDING)
        )
    )
    for name, colour in panel.colours.items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        lines = lines.override_by_name(name, [model.DynamicConfigValue(id_val="color", value=fixed)])
    return lines


def _stack(panel: Panel) -> Visual:
    return (
        _lines(panel)
        .fill_opacity(60)
        .line_width(0)
        .stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    )


def _bars(panel: Panel) -> Visual:
    """Return bars two minutes apart: `$__rate_interval` is hardly longer, so that they hardly overlap."""
    return (
        _lines(panel).draw_style(options.GraphDrawStyle.BARS).fill_opacity(80).line_width(0).interval("120s")
    )


def _gauge(panel: Panel) -> Visual:
    gauge = (
        bargauge.Panel()
        .reduce_options(NEWEST)
        .orientation(options.VizOrientation.HORIZONTAL)
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .thresholds(_thresholds(panel))
        .min(0)
    )
    return gauge if panel.most is None else gauge.max(panel.most)


def _heatmap(panel: Panel) -> Visual:
    return (
        heatmap.Panel()
        .calculate(False)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Blues")
            .scale(HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .reverse(False)
            .steps(64)
        )
        .y_axis(heatmap.YAxisConfig().unit(panel.unit).axis_placement(options.AxisPlacement.LEFT))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
    )


def _timeline(panel: Panel) -> Visual:
    return (
        statetimeline.Panel()
        .mappings(_states(panel))
        .merge_values(True)
        .show_value(options.VisibilityMode.NEVER)
        .row_height(0.7)
        .color_scheme(FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .legend(LEGEND)
    )


def _table(panel: Panel) -> Visual:
    """Return a table with a line for each set of labels and a column for each query."""
    columns = {f"Value #{letter}": query.legend for letter, query in panel.lettered}
    visual = (
        table.Panel()
        .mappings(_states(panel))
        .with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": columns},
            )
        )
    )
    for query in panel.queries:
        visual = visual.override_by_name(query.legend, _column(query))
    return visual


def _column(query: Query) -> list[model.DynamicConfigValue]:
    return [model.DynamicConfigValue(id_val="unit", value=query.unit)] if query.unit else []


def _thresholds(panel: Panel) -> ThresholdsConfig:
    steps = [model.Threshold(color=GOOD, value=None)]
    steps += [
        model.Threshold(color=colour, value=value)
        for colour, value in ((WARNING, panel.warn_at), (BAD, panel.bad_at))
        if value is not None
    ]
    return ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def _states(panel: Panel) -> list[model.ValueMapping]:
    if not panel.states:
        return []
    shown = {
        str(state.value): model.ValueMappingResult(text=state.text, color=state.colour, index=index)
        for index, state in enumerate(panel.states)
    }
    return [model.ValueMap(options=shown)]


VISUALS: dict[Kind, Callable[[Panel], Visual]] = {
    Kind.STAT: _stat,
    Kind.LINES: _lines,
    Kind.STACK: _stack,
    Kind.BARS: _bars,
    Kind.GAUGE: _gauge,
    Kind.HEATMAP: _heatmap,
    Kind.TIMELINE: _timeline,
    Kind.TABLE: _table,
}
