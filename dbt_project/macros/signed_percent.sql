{#- A fraction as a signed percentage: +8.9 %. -#}
{% macro signed_percent(fraction, digits=1) -%}
    (case when {{ rounded('100 * ' ~ fraction, digits) }} > 0 then '+' else '' end || {{ percent(fraction, digits) }})
{%- endmacro %}

{#- A fraction as a percentage without a plus sign: 17 %. -#}
{% macro percent(fraction, digits=1) -%}
    ({{ text('cast(' ~ rounded('100 * ' ~ fraction, digits) ~ ' as decimal(9, ' ~ digits ~ '))') }} || ' %')
{%- endmacro %}
