{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['guide_claims']}) }}
{% set p = signal_parameters('guide_claims', ['decade_months']) -%}
-- Total returns of IWM and SPY from the last close of a month to the last close of the month decade_months later.
with month_ends as (
    select
        session,
        cast({{ dbt.date_trunc('month', 'session') }} as date) as month_start,
        iwm_index,
        spy_index,
        row_number() over (partition by cast({{ dbt.date_trunc('month', 'session') }} as date) order by session desc) as recency
    from {{ ref('int_iwm_and_spy') }}
)

select
    first_month.session as first_session,
    last_month.session as last_session,
    last_month.iwm_index / first_month.iwm_index - 1 as iwm_return,
    last_month.spy_index / first_month.spy_index - 1 as spy_return
from month_ends as first_month
inner join month_ends as last_month
    on cast({{ dbt.dateadd('month', p.decade_months | int, 'first_month.month_start') }} as date) = last_month.month_start
where first_month.recency = 1 and last_month.recency = 1
