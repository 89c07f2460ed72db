{#- A normalised identifier, NULL where the format is not valid: issuers write '-', 'CASH_USD' or zeros for a missing one. -#}
{% macro security_number(column, pattern) -%}
    case
        when {{ matches('upper(trim(' ~ column ~ '))', '^' ~ pattern ~ '$') }}
            and not {{ matches('trim(' ~ column ~ ')', '^(0+|9+)$') }}
        then upper(trim({{ column }}))
    end
{%- endmacro %}

{% macro cusip_number(column) -%} {{ return(security_number(column, '[0-9A-Z]{8}[0-9]')) }} {%- endmacro %}
{% macro isin_number(column) -%} {{ return(security_number(column, '[A-Z]{2}[0-9A-Z]{9}[0-9]')) }} {%- endmacro %}
{% macro sedol_number(column) -%} {{ return(security_number(column, '[0-9BCDFGHJKLMNPQRSTVWXYZ]{6}[0-9]')) }} {%- endmacro %}
