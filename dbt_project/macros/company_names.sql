{#-
    The distinctive words of a company's name, separated by single spaces: issuers write the rest in many ways (CO, INC, PLC,
    CLASS A), and it changes with a company's domicile or legal form. Spaces are doubled so that each word has one on both sides.
-#}
{% macro name_words(name) -%}
    {%- set plain = "replace(replace(upper(" ~ name ~ "), '.', ''), '''', '')" -%}
    {%- set spaced = "'  ' || replace(" ~ replace_all(plain, '[^A-Z0-9]+', ' ') ~ ", ' ', '  ') || '  '" -%}
    {%- set idle = [
        'THE', 'AND', 'OF', 'A', 'B', 'C', 'CL', 'CLA', 'CLAS', 'CLASS', 'SER', 'SERIES', 'COM', 'COMMON', 'STOCK', 'SHS', 'SHARES', 'ORD',
        'CO', 'COS', 'COMPANY', 'CORP', 'CORPORATION', 'INC', 'INCORPORATED', 'LTD', 'LIMITED', 'LLC', 'LP', 'PLC', 'NV', 'SA', 'SE', 'AG',
        'HOLDING', 'HOLDINGS', 'HLDG', 'HLDGS', 'GROUP', 'GRP', 'GP', 'REIT', 'TRUST'
    ] -%}
    trim({{ replace_all(replace_all(spaced, ' (' ~ idle | join('|') ~ ') ', ' '), ' +', ' ') }})
{%- endmacro %}

{#- Whether two names can belong to one company: the first words agree, and so do the second ones where both names have one. -#}
{% macro names_agree(one, other) -%}
    (
        {{ one }}.first_word = {{ other }}.first_word
        and (
            {{ one }}.second_word = {{ other }}.second_word
            or {{ one }}.second_word is null
            or {{ other }}.second_word is null
        )
    )
{%- endmacro %}
