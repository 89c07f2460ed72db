{#-
    Unbroken runs of one label. Sessions without a label (a missing close) neither start nor end a spell; the last spell is open.
    Returns the partition columns, spell_no, the label, first_session, last_session, sessions and is_open.
-#}
{% macro spells(relation, label, partition=none) -%}
    {%- set by = (partition ~ ', ') if partition else '' -%}
    {%- set over = ('partition by ' ~ partition) if partition else '' -%}
    select
        {{ by }}spell_no,
        max({{ label }}) as {{ label }},
        min(session) as first_session,
        max(session) as last_session,
        count(*) as sessions,
        spell_no = max(spell_no) over ({{ over }}) as is_open
    from (
        select
            *,
            cast(sum(case when {{ label }} = label_before then 0 else 1 end) over (
                {{ over }} order by session rows between unbounded preceding and current row
            ) as bigint) as spell_no
        from (
            select
                *,
                lag({{ label }}) over ({{ over }} order by session) as label_before
            from {{ relation }}
            where {{ label }} is not null
        ) as labelled
    ) as runs
    group by {{ by }}spell_no
{%- endmacro %}
