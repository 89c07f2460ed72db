{#- The targets of the scorecard: the name in the tables and the column of int_forward_returns. -#}
{% macro scorecard_targets() -%}
    {{ return({'SPY': 'spy', 'IWM': 'iwm', 'QQQ': 'qqq', 'IWM - SPY': 'iwm_minus_spy'}) }}
{%- endmacro %}
