{#- The same form for all spellings of a share class: BRK.B, BRK/B, BRK-B, 'BRK B' and BRKB become BRKB. -#}
{% macro normalised_ticker(column) -%}
    nullif(replace(replace(replace(replace(upper(trim({{ column }})), '.', ''), '/', ''), '-', ''), ' ', ''), '')
{%- endmacro %}
