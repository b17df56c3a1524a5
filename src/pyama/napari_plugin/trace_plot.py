"""A line plot of one trace, drawn with Qt."""

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from pyama.napari_plugin.cell_values import CellTrace

LEFT, RIGHT, TOP, BOTTOM = 90, 12, 10, 30
"""Margins in px."""
LINE, CURSOR = QColor("#ffd24a"), QColor("#7ad7ff")


class TracePlot(QWidget):
    """Draws a trace and the time that is shown.

    Attributes:
        trace: What is drawn; None draws nothing.
        title: Name of the value.
        hours: The time that is shown; None draws no cursor.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trace: CellTrace | None = None
        self.title = ""
        self.hours: float | None = None
        self.setMinimumHeight(180)

    def sizeHint(self) -> QSize:
        """Size in px that suits the plot."""
        return QSize(360, 220)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axes, line and cursor."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().text().color()))
        area = QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)
        painter.drawRect(area)
        if self.trace is not None and np.isfinite(self.trace.values).any():
            self._draw(painter, area, self.trace)
        painter.end()

    def _draw(self, painter: QPainter, area: QRectF, trace: CellTrace) -> None:
        span = _range(trace.hours), _range(trace.values[np.isfinite(trace.values)])
        self._name_axes(painter, area, span)
        painter.setPen(QPen(LINE, 2))
        for part in _unbroken(trace):
            points = [_point(area, span, x, y) for x, y in part]
            painter.drawPolyline(QPolygonF(points))
            if len(points) == 1:
                painter.drawEllipse(points[0], 2, 2)
        if self.hours is not None and span[0][0] <= self.hours <= span[0][1]:
            painter.setPen(QPen(CURSOR, 1))
            x = _point(area, span, self.hours, span[1][0]).x()
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    def _name_axes(
        self,
        painter: QPainter,
        area: QRectF,
        span: tuple[tuple[float, float], tuple[float, float]],
    ) -> None:
        (first, last), (low, high) = span
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, y in ((high, area.top()), (low, area.bottom() - 14)):
            painter.drawText(QRectF(0, y, LEFT - 6, 14), int(right), f"{value:.4g}")
        below = QRectF(area.left(), area.bottom() + 6, area.width(), 18)
        for text, side in (
            (f"{first:.3g} h", Qt.AlignmentFlag.AlignLeft),
            (self.title, Qt.AlignmentFlag.AlignHCenter),
            (f"{last:.3g} h", Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(below, int(side), text)


def _range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _point(
    area: QRectF, span: tuple[tuple[float, float], tuple[float, float]], x: float, y: float
) -> QPointF:
    (left, right), (low, high) = span
    return QPointF(
        area.left() + area.width() * (x - left) / (right - left),
        area.bottom() - area.height() * (y - low) / (high - low),
    )


def _unbroken(trace: CellTrace) -> list[list[tuple[float, float]]]:
    """Return the parts of a trace between missing values."""
    parts: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(trace.hours.tolist(), trace.values.tolist(), strict=True):
        if np.isfinite(y):
            parts[-1].append((x, y))
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]
