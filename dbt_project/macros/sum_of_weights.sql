{#- The sum of the weights of an exponential mean over the values that there are: `value_no` of them, at most `longest`. -#}
{% macro sum_of_weights(alpha, longest) -%}
    ((1 - power(1 - cast({{ alpha }} as double), least(value_no, {{ longest | int }}))) / cast({{ alpha }} as double))
{%- endmacro %}
