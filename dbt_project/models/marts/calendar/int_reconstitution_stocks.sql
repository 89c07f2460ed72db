{{ config(schema='intermediate', access='private', contract={'enforced': false}, meta={'signals': ['reconstitution_candidates']}) }}
{% set p = signal_parameters('reconstitution_candidates', ['snapshot_days', 'least_price', 'least_market_cap']) -%}
{%- set no_stock = [
    'ADR', 'ADS', 'DEPOSITARY', 'WARRANTS?', 'UNITS?', 'RIGHTS?', 'PREFERRED', 'ACQUISITION', 'FUND', 'L[.]?P[.]?', 'PARTNERS',
    'ROYALTY TRUST'
] %}
-- Every US-listed stock as a statement knew it on the day nearest to the rank day, with its index and whether it is eligible as far as
-- the data say. A member without a capitalisation is a stock too: the vendor is not asked for the smallest. A symbol of neither index
-- names no security: another company can have had it before. Without the Russell 3000 fund it is unknown which stocks are in neither
-- index, and there is no statement.
with observed as (
    select distinct
        as_of,
        observed_at,
        document_id
    from {{ ref('stg_market_caps_observations') }}
),

bases as (
    select
        event,
        stage,
        max(case when is_hindsight then 1 else 0 end) = 1 as is_hindsight
    from {{ ref('int_reconstitution_snapshots') }}
    group by event, stage
    having max(case when index_name = 'Russell 3000' then 1 else 0 end) = 1
),

offered as (
    select
        bases.event,
        bases.stage,
        bases.is_hindsight,
        statements.rank_day,
        observed.as_of,
        observed.observed_at,
        observed.document_id,
        row_number() over (
            partition by bases.event, bases.stage
            order by
                abs({{ days_between('statements.rank_day', 'observed.as_of') }}),
                observed.as_of, observed.observed_at desc, observed.document_id desc
        ) as turn
    from bases
    inner join {{ ref('int_reconstitution_statements') }} as statements
        on bases.event = statements.event and bases.stage = statements.stage
    inner join observed
        on statements.said_on >= observed.as_of
        and abs({{ days_between('statements.rank_day', 'observed.as_of') }}) <= {{ p.snapshot_days | int }}
        and (bases.is_hindsight or observed.observed_at <= statements.known_by)
),

listed as (
    select
        offered.event,
        offered.stage,
        offered.is_hindsight,
        caps.ticker as symbol,
        members.security_id,
        coalesce(caps.name, members.name) as name,
        coalesce(members.index_before, 'neither') as index_before,
        caps.price,
        caps.market_cap,
        caps.price * caps.shares_outstanding as class_cap,
        offered.as_of,
        caps.first_traded,
        row_number() over (partition by offered.event, offered.stage, caps.ticker order by caps.market_cap desc) as turn
    from offered
    inner join {{ ref('stg_market_caps_observations') }} as caps
        on offered.as_of = caps.as_of and offered.observed_at = caps.observed_at and offered.document_id = caps.document_id
    left join {{ ref('int_reconstitution_members') }} as members
        on offered.event = members.event and offered.stage = members.stage and caps.ticker = members.symbol
    where offered.turn = 1
),

-- What the screener does not list is known from the fund alone.
unlisted as (
    select
        offered.event,
        offered.stage,
        offered.is_hindsight,
        members.symbol,
        members.security_id,
        members.name,
        members.index_before,
        members.price,
        cast(null as double) as market_cap,
        cast(null as double) as class_cap,
        offered.as_of,
        cast(null as date) as first_traded,
        1 as turn
    from offered
    inner join {{ ref('int_reconstitution_members') }} as members
        on offered.event = members.event and offered.stage = members.stage
    left join listed
        on members.event = listed.event and members.stage = listed.stage and members.symbol = listed.symbol
    where offered.turn = 1 and listed.symbol is null
),

stocks as (
    select *
    from listed
    union all
    select *
    from unlisted
)

select
    event,
    stage,
    is_hindsight,
    symbol,
    security_id,
    name,
    index_before,
    price,
    market_cap,
    class_cap,
    as_of,
    first_traded,
    case
        when price < cast({{ p.least_price }} as double) then 'price below {{ '%g' % p.least_price | float }} dollar'
        when market_cap < cast({{ p.least_market_cap }} as double)
            then 'market capitalisation below {{ '%g' % (p.least_market_cap | float / 1000000) }} million dollars'
        when index_before = 'neither'
            and {{ matches("' ' || upper(coalesce(name, '')) || ' '", '[ ,(](' ~ no_stock | join('|') ~ ')[ ,)]') }}
            then 'no common stock of an operating company'
    end as not_eligible
from stocks
where turn = 1
