{#-
    The rows of a raw table as last known at `known_at`: the latest observation of each key.
    With `snapshot`, the key identifies a whole snapshot, so that a line that disappeared is dropped. With `revisions`, a column
    counts the changes since the first observation.
-#}
{% macro last_known(raw_table, key, columns, snapshot=false, revisions=false) -%}
    {%- if snapshot -%} {{ return(last_known_snapshots(raw_table, key, columns)) }} {%- endif -%}
    select
        {{ columns | join(',\n        ') }},
        {%- if revisions %}
        cast(observations - 1 as integer) as revisions,
        {%- endif %}
        observed_at,
        document_id
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by observed_at desc, document_id desc
            ) as recency
            {%- if revisions %},
            count(*) over (partition by {{ key | join(', ') }}) as observations
            {%- endif %}
        from {{ raw_table }}
        {{ where_known() }}
    ) as known
    where recency = 1
{%- endmacro %}

{#- The latest observation is found among the documents of a snapshot, so their lines need no sorting. -#}
{% macro last_known_snapshots(raw_table, key, columns) -%}
    select
        {% for column in columns %}lines.{{ column }},
        {% endfor %}lines.observed_at,
        lines.document_id
    from {{ raw_table }} as lines
    inner join (
        select
            *,
            row_number() over (partition by {{ key | join(', ') }} order by observed_at desc, document_id desc) as recency
        from (
            select distinct {{ key | join(', ') }}, observed_at, document_id
            from {{ raw_table }}
            {{ where_known() }}
        ) as observations
    ) as newest
        on {% for column in key + ['observed_at', 'document_id'] %}lines.{{ column }} = newest.{{ column }}
        {% if not loop.last %}and {% endif %}{% endfor %}
    where newest.recency = 1
{%- endmacro %}

{#- Excludes what was observed after the `known_at` var, if it is set. -#}
{% macro where_known() -%}
    {%- if var('known_at') -%}
        where observed_at <= cast('{{ var("known_at") }}' as timestamp)
    {%- endif -%}
{%- endmacro %}
