{{ config(meta={'signals': ['scorecard']}) }}
{% set p = signal_parameters('scorecard', ['significance']) -%}
with rows_of_families as (
    select family, verdict, p_value from {{ ref('scorecard') }}
    union all
    select family, verdict, p_value from {{ ref('long_run_scorecard') }}
),

with_total as (
    select family, verdict, p_value from rows_of_families
    union all
    select 'total', verdict, p_value from rows_of_families
)

select
    family,
    cast(count(p_value) as integer) as tested,
    cast(count(p_value) as double) * {{ p.significance }} as by_chance,
    cast(count(case when p_value <= {{ p.significance }} then 1 end) as integer) as found,
    cast(count(case when verdict in ('supported', 'contradicted', 'significant') then 1 end) as integer) as surviving,
    cast(count(case when verdict = 'supported' then 1 end) as integer) as supported,
    cast(count(case when verdict = 'contradicted' then 1 end) as integer) as contradicted,
    cast(count(case when verdict = 'bounded' then 1 end) as integer) as bounded,
    cast(count(case when verdict = 'undecided' and p_value is not null then 1 end) as integer) as undecided,
    {{ params_id() }} as params_id
from with_total
group by family
