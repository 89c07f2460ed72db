{#-
    A fixed draw in [0, 1) for two small integers: the same on every engine and in every run, unlike random().
    Two rounds of squaring and a Lehmer step (multiplier 48271), modulo the prime 2^31 - 1; every product stays below 2^63.
-#}
{% macro pseudo_random(first, second) -%}
    {%- set prime = 2147483647 -%}
    {%- set mixed = '((cast(' ~ first ~ ' as bigint) * 1103515245 + cast(' ~ second ~ ' as bigint) * 69621 + 12345) % ' ~ prime ~ ')' -%}
    {%- set squared = '((' ~ mixed ~ ' * ' ~ mixed ~ ' + ' ~ second ~ ' * 16807) % ' ~ prime ~ ')' -%}
    {%- set stepped = '((' ~ squared ~ ' * 48271 + ' ~ first ~ ') % ' ~ prime ~ ')' -%}
    (cast((({{ stepped }} * {{ stepped }}) % {{ prime }}) as double) / {{ prime }})
{%- endmacro %}
