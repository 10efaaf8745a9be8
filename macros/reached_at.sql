{#
    When a stage is reached by a piece of evidence: at its moment, or, if it came earlier, when the stage before was.

    before: relation with `reached_at` of the stage before.
    evidence: relation with `evidence_at`.
#}
{% macro reached_at(before, evidence) -%} greatest({{ evidence }}.evidence_at, {{ before }}.reached_at) {%- endmacro %}
