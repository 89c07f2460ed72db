{#-
    Tables of whole snapshots of funds grow by snapshot (incremental, append): first those are forgotten that are not, or no
    longer, what they would be today, then those that are missing are added. What no document changed is not written again.
-#}

{#-
    Deletes the snapshots that sum up otherwise than in `today`, a relation with the same columns, or are not there.
    `sum` is an SQL aggregate over the columns that decide about a snapshot.
-#}
{% macro forget_changed_snapshots(today, sum) -%}
    {%- if is_incremental() -%}
        delete from {{ this }} as kept
        using (
            select fund, as_of, {{ sum }} from {{ this }} group by fund, as_of
            except
            select fund, as_of, {{ sum }} from {{ today }} group by fund, as_of
        ) as changed
        where kept.fund = changed.fund and kept.as_of = changed.as_of
    {%- endif -%}
{%- endmacro %}

{#- A condition on the rows of a relation that are read: their snapshot is in `snapshots`, but not in the table yet. -#}
{% macro is_missing(relation, snapshots) -%}
    {%- if is_incremental() -%}
        ({{ relation }}.fund, {{ relation }}.as_of) in (
            select fund, as_of from {{ snapshots }}
            except
            select fund, as_of from {{ this }}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
