{#- The asset class of a holdings line, from its labels, exchange and name. -#}
{% macro holdings_class(asset_class_label, labelled_class, ticker, exchange, name) -%}
    case
        -- State Street gives no asset class, and no ticker for cash only.
        when {{ asset_class_label }} is null and {{ ticker }} is null then 'cash'
        when {{ asset_class_label }} is null then 'equity'
        -- An unknown label counts as equity: its missing sector then shows in the coverage, where 'other' would hide it.
        when {{ labelled_class }} <> 'equity' then {{ labelled_class }}
        -- Issuers list rights, warrants and escrows as equity.
        when {{ exchange }} like 'NO MARKET%' then 'other'
        when {{ matches('upper(' ~ name ~ ')', '( |-)(CVR|RIGHTS?|WARRANTS?|ESCROW)( |$)|^ESC ') }} then 'other'
        else 'equity'
    end
{%- endmacro %}
