{#-
    The rows of a raw table as they were last known at `known_at`: of each key the newest observation.
    A `snapshot` key keeps whole snapshots together, so that a line that disappeared does not live on.
-#}
{% macro last_known(raw_table, key, columns, snapshot=false) -%}
    select
        {{ columns | join(',\n        ') }},
        observed_at,
        document_id
    from (
        select
            *,
            {{ 'dense_rank' if snapshot else 'row_number' }}() over (
                partition by {{ key | join(', ') }}
                order by observed_at desc, document_id desc
            ) as recency
        from {{ raw_table }}
        {{ where_known() }}
    ) as observations
    where recency = 1
{%- endmacro %}

{#- Leaves out what was observed after the `known_at` var, where one is given. -#}
{% macro where_known() -%}
    {%- if var('known_at') -%}
        where observed_at <= cast('{{ var("known_at") }}' as timestamp)
    {%- endif -%}
{%- endmacro %}
