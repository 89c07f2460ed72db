{#-
    A double rounded half up to some decimal places, by the same arithmetic on every engine: their own round() decides ties in
    different ways. NULL stays NULL.
-#}
{% macro rounded(expression, digits) -%}
    {%- set scale = '1e' ~ digits -%}
    (cast(floor(({{ expression }}) * {{ scale }} + 0.5e0) as double) / {{ scale }})
{%- endmacro %}

{#- A double as text with at most so many decimal places, without trailing zeros: 22514881, 0.25. Engines write doubles differently. -#}
{% macro number_text(expression, digits) -%}
    {%- set decimal = 'cast(' ~ rounded(expression, digits) ~ ' as decimal(38, ' ~ [digits, 1] | max ~ '))' -%}
    trim(trailing '.' from trim(trailing '0' from {{ text(decimal) }}))
{%- endmacro %}

{#- A double as the nearest whole number, for exact sums: sums of doubles depend on the order of the rows. -#}
{% macro nearest_whole(expression) -%}
    cast(floor({{ expression }} + 0.5e0) as bigint)
{%- endmacro %}
