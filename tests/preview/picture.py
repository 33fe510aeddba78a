"""Draws the panels where Grafana places them."""

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from preview.answers import Answer
from preview.drawings import INK, LINE, SHEET, Panel, draw_into

BACKGROUND = "#111217"
WIDTH_IN, UNIT_IN, DPI = 19.0, 0.27, 72
COLUMNS, GAP_IN = 24, 0.06
PALETTE = 160
MARGINS_IN = {
    "stat": (0.02, 0.02, 0.02, 0.3),
    "table": (0.1, 0.1, 0.1, 0.35),
    "heatmap": (0.55, 0.3, 0.15, 0.3),
}


def draw(answers: list[tuple[Panel, Answer | None]], path: Path) -> None:
    """Write the picture; a panel without an answer is a row title."""
    height_in = max(_bottom(panel) for panel, _ in answers) * UNIT_IN
    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, facecolor=BACKGROUND)
    for panel, answer in answers:
        place = panel["gridPos"]
        left, width = place["x"] * WIDTH_IN / COLUMNS, place["w"] * WIDTH_IN / COLUMNS
        bottom, high = height_in - _bottom(panel) * UNIT_IN, place["h"] * UNIT_IN
        if answer is None:
            figure.text(
                (left + 0.1) / WIDTH_IN,
                (bottom + 0.06) / height_in,
                panel["title"],
                color=INK,
                size=12,
                weight="bold",
            )
            continue
        box = (left + GAP_IN, bottom + GAP_IN, width - 2 * GAP_IN, high - 2 * GAP_IN)
        _sheet(figure, panel, answer, box, height_in)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """Write it with few colours: the file is a third as large, and looks the same."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png", facecolor=BACKGROUND)
    with Image.open(raw) as image:
        image.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE).save(path, optimize=True)


def _bottom(panel: Panel) -> float:
    return float(panel["gridPos"]["y"] + panel["gridPos"]["h"])


def _sheet(
    figure: Figure, panel: Panel, answer: Answer, box: tuple[float, float, float, float], height_in: float
) -> None:
    left, bottom, width, high = box
    sheet = figure.add_axes(
        (left / WIDTH_IN, bottom / height_in, width / WIDTH_IN, high / height_in), facecolor=SHEET
    )
    sheet.set_xticks([])
    sheet.set_yticks([])
    sheet.spines[:].set_color(LINE)
    sheet.text(
        0.1 / width,
        1 - 0.2 / high,
        panel["title"],
        color=INK,
        size=8.5,
        weight="bold",
        transform=sheet.transAxes,
    )
    west, south, east, north = MARGINS_IN.get(panel["type"], (0.55, 0.5, 0.15, 0.3))
    axes = figure.add_axes(
        (
            (left + west) / WIDTH_IN,
            (bottom + south) / height_in,
            (width - west - east) / WIDTH_IN,
            (high - south - north) / height_in,
        ),
        facecolor=SHEET,
    )
    draw_into(axes, panel, answer)
