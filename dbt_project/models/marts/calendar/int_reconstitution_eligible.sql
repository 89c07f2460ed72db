{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['large_companies', 'all_companies']) -%}
-- The company of each stock, and whether it can be taken. Who is larger than half of the Russell 2000, traded before the last event and
-- is in neither index was not taken then: it is foreign, or no operating company. The vendor does not say which.
with classes as (
    {{ share_classes(ref('int_reconstitution_stocks')) }}
),

last_events as (
    select
        statements.event,
        statements.stage,
        max(earlier.rank_day) as rank_day
    from {{ ref('int_reconstitution_statements') }} as statements
    inner join {{ ref('reconstitutions') }} as earlier on statements.said_on > earlier.effective
    group by statements.event, statements.stage
),

small as (
    select
        event,
        stage,
        market_cap,
        row_number() over (partition by event, stage order by market_cap desc, symbol) as small_rank
    from {{ ref('int_reconstitution_stocks') }}
    where index_before = 'Russell 2000' and market_cap is not null
),

halves as (
    select
        event,
        stage,
        min(market_cap) as market_cap
    from small
    where small_rank <= {{ ((p.all_companies | float - p.large_companies | float) / 2) | int }}
    group by event, stage
)

select
    stocks.event,
    stocks.stage,
    stocks.is_hindsight,
    stocks.symbol,
    stocks.security_id,
    stocks.name,
    stocks.index_before,
    stocks.price,
    stocks.market_cap,
    stocks.class_cap,
    coalesce(
        stocks.not_eligible,
        case
            when stocks.index_before = 'neither' and stocks.first_traded < last_events.rank_day
                and stocks.market_cap > halves.market_cap
                then 'not taken at the last event'
        end
    ) as not_eligible,
    least(stocks.symbol, coalesce(classes.other_symbol, stocks.symbol)) as company
from {{ ref('int_reconstitution_stocks') }} as stocks
left join classes
    on stocks.event = classes.event and stocks.stage = classes.stage and stocks.symbol = classes.symbol
left join last_events on stocks.event = last_events.event and stocks.stage = last_events.stage
left join halves on stocks.event = halves.event and stocks.stage = halves.stage
