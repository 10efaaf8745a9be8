"""The words and numbers behind a match weight, as SQL over Splink's parts."""

from __future__ import annotations

from identity.spec import Comparison, Level, Otherwise, Spec, placeholders
from identity.trained import Trained

#: From this many bits on, the rarity of a value is said in words.
_TELLING_BITS = 1.0


def weights_sql(spec: Spec) -> str:
    """JSON text: comparison -> level, weight (rarity included) and, where rarity has a part in it, that part."""
    parts = ["'\"prior\":' || to_json(cast(scored.prior as decimal(9, 4)))::varchar"]
    for comparison in spec.comparisons:
        weight, rarity = _weights(comparison)
        part = (
            f'\'"{comparison.name}":{{"level":\' || to_json({_by_level(comparison, _level_name)})::varchar '
            f"|| ',\"weight\":' || cast(cast({weight} as decimal(9, 4)) as varchar)"
        )
        if rarity is not None:
            part += (
                f" || case when {rarity} <> 0 then ',\"term_frequency\":' "
                f"|| cast(cast({rarity} as decimal(9, 4)) as varchar) else '' end"
            )
        parts.append(f"case when scored.gamma_{comparison.name} >= 0 then {part} || '}}' end")
    return "'{' || concat_ws(',', " + ", ".join(parts) + ") || '}'"


def explanation_sql(spec: Spec, trained: Trained) -> str:
    """One sentence: every piece of evidence with its weight, the odds at the start, the result."""
    parts = []
    for comparison in spec.comparisons:
        weight, rarity = _weights(comparison)
        told = ""
        if rarity is not None:
            told = (
                f"case when {rarity} >= {_TELLING_BITS} then 'rare: ' "
                f"when {rarity} <= -{_TELLING_BITS} then 'common: ' else '' end || "
            )
        parts.append(
            f"case when scored.gamma_{comparison.name} >= 0 then {_by_level(comparison, _says)} "
            f"|| ' (' || {told}printf('%+.1f', {weight}) || ')' end"
        )
    evidence = "concat_ws(', ', " + ", ".join(parts) + ")"
    return (
        f"upper(left({evidence}, 1)) || substr({evidence}, 2) || "
        f"'; from {trained.prior_weight:+.1f} for any two records: weight ' || printf('%.1f', scored.match_weight) || "
        "', ' || printf('%.2f', floor(10000 * scored.match_probability) / 100) || ' %'"
    )


def _weights(comparison: Comparison) -> tuple[str, str | None]:
    name = f"scored.mw_{comparison.name}"
    if any(level.term_frequency is not None for level in comparison.levels):
        rarity = f"scored.mw_tf_adj_{comparison.name}"
        return f"({name} + {rarity})", rarity
    return name, None


def _by_level(comparison: Comparison, words: object) -> str:
    cases = []
    count = len(comparison.levels)
    for position, level in enumerate(comparison.all_levels):
        assert callable(words)
        cases.append(f"when scored.gamma_{comparison.name} = {count - position} then {words(level)}")
    return f"case {' '.join(cases)} end"


def _level_name(level: Level | Otherwise) -> str:
    return _literal(level.name)


def _says(level: Level | Otherwise) -> str:
    """The words of a level with the values of the two records put in."""
    text = level.says
    pieces: list[str] = []
    for column, side, style in placeholders(text):
        marker = "{" + column + (f"_{side}" if side else "") + (f":{style}" if style else "") + "}"
        before, _, text = text.partition(marker)
        pieces.append(_literal(before))
        pieces.append(_value(column, side, style))
    pieces.append(_literal(text))
    return " || ".join(pieces)


def _value(column: str, side: str, style: str) -> str:
    def shown(table: str) -> str:
        value = f"cast({table}.{column} as varchar)"
        if style == "name":
            words = f"string_split({value}, ' ')"
            value = f"array_to_string(list_transform({words}, lambda w: upper(left(w, 1)) || substr(w, 2)), ' ')"
        return f"coalesce({value}, '(none)')"

    if side:
        return shown("record_" + side)
    left, right = shown("record_l"), shown("record_r")
    return f"case when {left} = {right} then {left} else {left} || ' / ' || {right} end"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
