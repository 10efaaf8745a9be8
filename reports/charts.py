"""Charts: a Vega-Lite specification in YAML is checked, completed and compiled to Vega when the site is built.

The page only runs Vega, so that no compiler travels with it. What a writer leaves out is filled in from the columns:
titles of axes and legends are the columns' labels, formats are those of ``labels.csv``, colours are the style sheet's
(``var(--...)``), which follow the reader's light or dark scheme because charts are drawn as SVG.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import vl_convert
from altair.utils.schemapi import validate_jsonschema
from altair.vegalite.v6.schema.core import load_schema

from reports.languages import Language, format_of, label
from reports.pagefile import Block, in_language

#: The Vega-Lite that vl-convert compiles and altair's schema describes.
VEGA_LITE = "6.4"
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

_TOP_LEVEL = {"$ref": "#/definitions/TopLevelSpec"}

#: The data set of every chart: the rows of its query or view for what is selected.
ROWS = "rows"
#: Channels that have a legend; where it stands says what it is of.
_KEYED = ("color", "fill", "stroke", "shape", "opacity", "strokeDash", "size")
#: A phone has room for two or three entries beside each other.
_LEGEND = {"title": None, "columns": {"expr": "width < 420 ? 3 : 8"}}
_COMPOSITIONS = ("layer", "hconcat", "vconcat", "concat")

_CONFIG: dict[str, Any] = {
    # The page names the drawing in its language, and the table is below: Vega would describe its parts in English.
    "aria": False,
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "mark": {"color": "var(--series-1)", "tooltip": True},
    "bar": {"cornerRadiusEnd": 1},
    "rule": {"color": "var(--ink-soft)"},
    "line": {"strokeWidth": 2},
    "point": {"filled": True, "size": 50, "opacity": 1},
    "axis": {
        "labelColor": "var(--ink-soft)",
        "titleColor": "var(--ink-soft)",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "gridColor": "var(--line-soft)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelLimit": 150,
    },
    "axisQuantitative": {"domain": False, "ticks": False, "tickCount": 5, "labelPadding": 6},
    "axisDiscrete": {"grid": False, "ticks": False, "labelPadding": 8},
    "axisTemporal": {"grid": False, "labelOverlap": True},
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": "var(--ink)",
        "labelFontSize": 12,
        "labelLimit": 260,
        "symbolType": "square",
        "offset": 8,
    },
    "header": {"labelColor": "var(--ink)", "labelFontSize": 12, "title": None},
    "range": {"category": [f"var(--series-{number})" for number in range(1, 7)]},
}


@dataclass(frozen=True)
class Chart:
    """One chart, ready for the page.

    ``description`` is for those who do not see it; ``spec`` is Vega. ``months`` are columns that the script turns into
    dates; ``measures`` are columns without which there is nothing to draw (not those of layers that filter their rows).
    """

    source: str
    title: str
    subtitle: str
    description: str
    spec: Mapping[str, Any]
    months: tuple[str, ...]
    measures: tuple[str, ...]


def build_chart(block: Block, columns: Sequence[str], language: Language) -> Chart:
    """Check and compile one chart block whose data has ``columns``.

    Raises ``PageError`` with file and line: for a field that is no column, for what Vega-Lite's schema forbids, and for
    what its compiler refuses.
    """
    given = block.yaml()
    if not isinstance(given, dict):
        raise block.place.error(f"chart {block.name}: a Vega-Lite specification is needed")
    if "data" in given:
        raise block.line_of("data").error(f"chart {block.name}: its data is the query {block.name}; leave out `data`")
    _check_fields(block, given, columns)
    spec = in_language(copy.deepcopy(given), language)
    title, subtitle = str(spec.pop("title", "")), str(spec.pop("subtitle", ""))
    if not title:
        raise block.place.error(f"chart {block.name}: it needs a `title`, {{en: ..., pt: ...}}")
    description = str(spec.pop("description", "")) or ". ".join(text for text in (title, subtitle) if text)
    for channel, encoding in _encodings(spec):
        _complete(channel, encoding, language)
    if "layer" in spec or not any(part in spec for part in _COMPOSITIONS):
        spec.setdefault("width", "container")
    spec |= {"$schema": _SCHEMA, "data": {"name": ROWS}, "description": description}
    spec.setdefault("autosize", {"type": "fit-x", "contains": "padding"})
    _validate(block, spec)
    spec["config"] = _merged(_CONFIG, spec.get("config", {}))
    try:
        compiled = vl_convert.vegalite_to_vega(spec, vl_version=VEGA_LITE)
    except ValueError as error:
        raise block.place.error(f"chart {block.name}: Vega-Lite: {error}") from error
    months = tuple(column for column in columns if format_of(column, None)[0] in ("month", "date"))
    return Chart(block.name, title, subtitle, description, _slim(compiled), months, _measures(spec, columns))


@cache
def vega_script() -> str:
    """The charts' JavaScript, one file without dependencies: Vega's runtime as ``window.vega``.

    vl-convert holds Vega's modules under paths like the one imported here; nothing is fetched.
    """
    snippet = (
        f"import {{parse, View}} from '/npm/vega@{vl_convert.get_vega_version()}/+esm';window.vega = {{parse, View}};"
    )
    return f"(() => {{{vl_convert.javascript_bundle(snippet, vl_version=VEGA_LITE)}}})();"


def _check_fields(block: Block, spec: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Every field of the data that the specification reads must be a column or made by one of its transforms."""
    made = {str(name) for transform in _transforms(spec) for name in _made(transform)}
    for field in _fields(spec):
        base = field.split(".")[0].split("[")[0]
        if base not in columns and base not in made:
            raise block.line_of(field).error(
                f"chart {block.name}: {field} is no column of {block.name}: {', '.join(columns)}"
            )


def _transforms(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield from (item for item in node.get("transform", []) if isinstance(item, dict))
        for value in node.values():
            yield from _transforms(value)
    elif isinstance(node, list):
        for value in node:
            yield from _transforms(value)


def _made(transform: Any) -> Iterator[str]:
    """Names that a transform gives to what it makes; folds without `as` make key and value."""
    if isinstance(transform, dict):
        if "fold" in transform and "as" not in transform:
            yield from ("key", "value")
        for key, value in transform.items():
            if key == "as":
                yield from value if isinstance(value, list) else [value]
            else:
                yield from _made(value)
    elif isinstance(transform, list):
        for item in transform:
            yield from _made(item)


def _fields(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "field" and isinstance(value, str):
                yield value
            elif key in ("groupby", "fold") and isinstance(value, list):
                yield from (item for item in value if isinstance(item, str))
            else:
                yield from _fields(value)
    elif isinstance(node, list):
        for value in node:
            yield from _fields(value)


def _encodings(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for channel, encoding in spec.get("encoding", {}).items():
        if isinstance(encoding, dict):
            yield channel, encoding
        elif isinstance(encoding, list):
            yield from ((channel, item) for item in encoding if isinstance(item, dict))
    for part in _COMPOSITIONS:
        for child in spec.get(part, []):
            yield from _encodings(child)
    if isinstance(spec.get("spec"), dict):
        yield from _encodings(spec["spec"])


def _measures(spec: dict[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    """What the chart needs a value of. A layer with a transform of its own picks its rows, and may pick none."""
    layers = [layer for layer in spec.get("layer", []) if "transform" not in layer]
    needed = {**spec, "layer": layers} if "layer" in spec else spec
    found = (
        str(encoding.get("field"))
        for channel, encoding in _encodings(needed)
        if channel in ("x", "y") and encoding.get("type") == "quantitative"
    )
    return tuple(dict.fromkeys(field for field in found if field in columns))


def _complete(channel: str, encoding: dict[str, Any], language: Language) -> None:
    """Fill in what the column says: title, and the format of its axis or tooltip."""
    column = encoding.get("field")
    if not isinstance(column, str) or channel in ("xOffset", "yOffset", "x2", "y2", "detail", "order", "key"):
        return
    encoding.setdefault("title", label(column, language))
    if channel in _KEYED and encoding.get("legend", {}) is not None:
        encoding["legend"] = _LEGEND | encoding.get("legend", {})
    kind, decimals = format_of(column, None)
    if channel == "tooltip" and kind != "text":
        encoding.setdefault("format", _d3_format(kind, decimals))
        if kind in ("month", "date"):
            encoding.setdefault("formatType", "time")
    elif channel in ("x", "y") and encoding.get("axis", {}) is not None:
        axis = encoding.setdefault("axis", {})
        if kind in ("month", "date") and encoding.get("type") == "temporal":
            axis.setdefault("format", "%b %Y")
        elif encoding.get("type") == "quantitative" and kind != "text" and "labelExpr" not in axis:
            if kind == "percent":
                axis.setdefault("labelExpr", "format(datum.value, ',~f') + '%'")
            else:
                axis.setdefault("format", {"money": "$,.0f", "share": ".0%"}.get(kind, ",~f"))


def _d3_format(kind: str, decimals: int) -> str:
    match kind:
        case "money":
            return f"$,.{decimals}f"
        case "share":
            return f",.{decimals}%"
        case "month":
            return "%b %Y"
        case "date":
            return "%x"
        case _:
            return f",.{decimals}f"


def _validate(block: Block, spec: Mapping[str, Any]) -> None:
    error: Any = validate_jsonschema(dict(spec), _TOP_LEVEL, rootschema=_schema(), raise_error=False)
    if error is None:
        return
    where = ".".join(str(part) for part in error.absolute_path)
    named = next((str(part) for part in reversed(error.absolute_path) if isinstance(part, str)), block.name)
    raise block.line_of(named).error(
        f"chart {block.name}: not Vega-Lite{f' at {where}' if where else ''}: {error.message.splitlines()[0]}"
    )


@cache
def _schema() -> dict[str, Any]:
    return dict(load_schema())


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``own`` over it, section by section."""
    merged = dict(base)
    for key, value in own.items():
        known = merged.get(key)
        merged[key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _slim(compiled: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in compiled.items() if key not in ("$schema", "background")}
